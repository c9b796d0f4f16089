// The inside of an update: arrows for gradient, momentum and step, an ellipse for the second moment.

function quantitiesAt(scene, k, t) {
  const { race } = scene;
  if (t < 1 || !race.paths[k] || race.updates[k][2 * t] !== race.updates[k][2 * t]) return null;
  const at = values => (values ? [values[2 * t], values[2 * t + 1]] : null);
  return {
    gradient: at(race.gradients[k]),
    momentum: at(race.momenta[k]),
    second: at(race.seconds[k]),
    update: at(race.updates[k]),
  };
}

// The largest size of a quantity over the whole race, to which its arrows are relative.
function largest(values, root) {
  let most = 0;
  for (let i = 0; i < values.length; i += 2) {
    const size = root ? Math.sqrt(Math.hypot(values[i], values[i + 1])) : Math.hypot(values[i], values[i + 1]);
    if (size > most && size < Infinity) most = size;
  }
  return most || 1;
}

function compressed([x, y], most, length) {
  const size = Math.hypot(x, y);
  if (!(size > 0)) return [0, 0];
  const shrunk = length * Math.min(1, (size / most) ** slalom.constants.compression);
  return [(x / size) * shrunk, (y / size) * shrunk];
}

// The arrows [name, dx, dy, colour] in units of the plane's directions, y upwards; downhill where the gradient is.
function arrowsOf(scene, k, t, radius) {
  const { race, styles } = scene;
  const now = quantitiesAt(scene, k, t);
  if (!now) return null;
  const negative = ([x, y]) => [-x, -y];
  const arrows = [["gradient", compressed(negative(now.gradient), largest(race.gradients[k]), radius), theme.quiet]];
  if (now.momentum) {
    arrows.push(["momentum", compressed(negative(now.momentum), largest(race.momenta[k]), radius), facts.momentum]);
  }
  arrows.push(["update", compressed(now.update, largest(race.updates[k]), radius), styles[k].colour]);
  let ellipse = null;
  if (now.second) {
    const roots = now.second.map(value => Math.sqrt(Math.max(value, 0)));
    ellipse = compressed(roots, largest(race.seconds[k], true), 0.85 * radius);
  }
  return { arrows, ellipse, now };
}

function drawArrow(pen, x, y, dx, dy, colour, width) {
  const length = Math.hypot(dx, dy);
  if (length < 1) return;
  const ux = dx / length, uy = dy / length, head = Math.min(9, length * 0.5);
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x + dx - ux * head * 0.7, y + dy - uy * head * 0.7);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(x + dx, y + dy);
  pen.lineTo(x + dx - ux * head - uy * head * 0.45, y + dy - uy * head + ux * head * 0.45);
  pen.lineTo(x + dx - ux * head + uy * head * 0.45, y + dy - uy * head - ux * head * 0.45);
  pen.closePath();
  pen.fill();
}

function drawParts(pen, x, y, inside, widths) {
  if (inside.ellipse) {
    pen.strokeStyle = theme.quiet;
    pen.lineWidth = 1.2;
    pen.setLineDash([3, 3]);
    pen.beginPath();
    pen.ellipse(x, y, Math.max(1, inside.ellipse[0]), Math.max(1, inside.ellipse[1]), 0, 0, 2 * Math.PI);
    pen.stroke();
    pen.setLineDash([]);
  }
  for (const [name, [dx, dy], colour] of inside.arrows) drawArrow(pen, x, y, dx, -dy, colour, widths[name]);
}

const WIDTHS = { gradient: 2, momentum: 2, update: 3 };

// At the head of the optimizer looked into, in the plane: the step that it makes next.
function drawInsideAt(pen, frame, scene) {
  const { state, race } = scene;
  const t = state.at + 1, path = race.paths[state.focus];
  const inside = arrowsOf(scene, state.focus, t, 52);
  if (!inside) return;
  const x = frame.px(path[2 * state.at]), y = frame.py(path[2 * state.at + 1]);
  if (isInTile(frame.tile, x, y)) drawParts(pen, x, y, inside, WIDTHS);
}

function drawDial(pen, width, height, scene, t) {
  blank(pen, width, height);
  const x = width / 2, y = height / 2, radius = Math.min(width, height) / 2 - 4;
  if (radius < 8) return arrowsOf(scene, scene.state.focus, t, 8); // not laid out yet
  pen.strokeStyle = theme.line;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.moveTo(x - radius, y);
  pen.lineTo(x + radius, y);
  pen.moveTo(x, y - radius);
  pen.lineTo(x, y + radius);
  pen.stroke();
  const inside = arrowsOf(scene, scene.state.focus, t, radius - 4);
  if (inside) drawParts(pen, x, y, inside, WIDTHS);
  return inside;
}

// The table beside the dial: what each arrow is, and its numbers.
function showParts(body, scene, inside) {
  if (!inside) return body.replaceChildren();
  const { state, styles } = scene;
  const { gradient, momentum, second, update } = inside.now;
  const rows = [["−gradient", theme.quiet, gradient.map(value => -value)]];
  if (momentum) rows.push(["−momentum", facts.momentum, momentum.map(value => -value)]);
  rows.push(["step", styles[state.focus].colour, update]);
  if (second) rows.push(["√second moment", "", second.map(value => Math.sqrt(value))]);
  body.replaceChildren(...rows.map(([name, colour, [x, y]]) => {
    const mark = el("i");
    if (colour) mark.style.background = colour;
    else mark.style.border = `1px dashed ${theme.quiet}`;
    return el("tr", {}, el("th", { scope: "row" }, mark, name), el("td", {}, `${brief(x)}, ${brief(y)}`));
  }));
}

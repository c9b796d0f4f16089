// The race on its landscape: paths on a map, everybody at the same step, the loss in lock-step, the inside of the update.
const TAIL = 14, LOSS_LEFT = 46, LOSS_RIGHT = 10;

function drawRace(figure, spec) {
  const box = figure.querySelector(".plot");
  const map = make("canvas", { role: "img", "aria-label": figure.dataset.label });
  const loss = make("canvas", { class: "handle", role: "img", "aria-label": "Loss over steps, with a mark at the step shown" });
  const side = make("div", { class: "side" }, make("div", {}, make("p", { class: "y-title" }, spec.loss.title), loss));
  const view = { spec, map, loss, frame: spec.steps.length - 1, playing: false, terrain: null, hidden: new Set() };
  view.legend = legendOf(figure.dataset.scope || figure.id, spec.runners, () => view.paint && view.paint());
  view.dials = dialsOf(spec);
  if (view.dials) side.append(make("div", {}, make("p", { class: "quiet" }, spec.dialsMean), view.dials.box));
  const wide = spec.profile || (spec.frame[1] - spec.frame[0]) / (spec.frame[3] - spec.frame[2]) > 1.8;
  const stage = make("div", { class: "stage" }, map);
  view.words = make("p", { class: "told", id: `${figure.id}-words` });
  map.setAttribute("aria-describedby", view.words.id);
  box.append(make("div", { class: wide ? "viewer below" : "viewer" }, make("div", {}, stage, playerOf(view)), side), view.legend.box, view.words);
  prepareReading(view, stage);
  keepDrawn(box, () => { view.terrain = null; paintRace(view); });
  view.paint = () => paintRace(view);
  view.legend.update();
}

function playerOf(view) {
  const { spec } = view, last = spec.steps.length - 1;
  view.slider = make("input", { type: "range", min: 0, max: last, value: last, "aria-label": "Step shown", oninput: () => {
    stop(view);
    go(view, Number(view.slider.value));
  } });
  view.clock = make("span", { class: "clock" });
  view.play = make("button", { type: "button", onclick: () => (view.playing ? stop(view) : play(view)) }, "▶ play");
  const step = (by, label, sign) => make("button", { type: "button", "aria-label": label, onclick: () => {
    stop(view);
    go(view, view.frame + by);
  } }, sign);
  const speed = make("select", { "aria-label": "Speed" }, ...[0.5, 1, 2, 4].map((times) =>
    make("option", { value: times, selected: times === 1 }, `×${times}`)));
  view.speed = () => Number(speed.value);
  tellClock(view);
  return make("div", { class: "player" }, view.play, step(-1, "One picture back", "◀"), step(1, "One picture on", "▶"), view.slider, view.clock, speed);
}

function go(view, frame) {
  view.frame = Math.min(Math.max(0, frame), view.spec.steps.length - 1);
  view.slider.value = view.frame;
  tellClock(view);
  paintRace(view);
}

function tellClock(view) {
  view.clock.textContent = view.spec.clocks[view.frame];
  view.slider.setAttribute("aria-valuetext", view.spec.clocks[view.frame]);
}

function play(view) {
  if (view.frame >= view.spec.steps.length - 1) go(view, 0);
  view.playing = true;
  view.play.textContent = "❚❚ pause";
  let before = null, spent = 0;
  const tick = (now) => {
    if (!view.playing) return;
    spent += before == null ? 0 : now - before;
    before = now;
    const each = 1000 / (view.spec.perSecond * view.speed()), whole = Math.floor(spent / each);
    if (whole) { spent -= whole * each; go(view, view.frame + whole); }
    if (view.frame >= view.spec.steps.length - 1) stop(view);
    else requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

function stop(view) {
  view.playing = false;
  view.play.textContent = "▶ play";
}

// -- drawing ----------------------------------------------------------------------------------------------------------

function prepared(canvas, height) {
  const scale = devicePixelRatio || 1, width = canvas.clientWidth || 300;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.height = `${height}px`;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return [pen, width, height];
}

const shownIn = (view) =>
  view.spec.runners.map((runner, k) => [runner, k]).filter(([runner]) => !view.legend.hidden.has(runner.name));

function paintRace(view) {
  const { spec, map } = view, [left, right, bottom, top] = spec.frame;
  const ratio = spec.profile ? 1.7 : (right - left) / (top - bottom);
  const [pen, width, height] = prepared(map, Math.min((map.clientWidth || 300) / ratio, 620));
  // Circles stay circles: one scale for both directions, unless the vertical one is a value.
  const sx = spec.profile ? width / (right - left) : Math.min(width / (right - left), height / (top - bottom));
  const sy = spec.profile ? height / (top - bottom) : sx;
  const x0 = (width - sx * (right - left)) / 2, y0 = (height - sy * (top - bottom)) / 2;
  const at = (x, y) => [x0 + (x - left) * sx, height - y0 - (y - bottom) * sy];
  if (spec.terrain) {
    if (!view.terrain || view.terrain.theme !== isDark()) view.terrain = terrainOf(spec.terrain);
    const [x, y] = at(left, top);
    pen.drawImage(view.terrain.image, x, y, sx * (right - left), sy * (top - bottom));
  } else { pen.fillStyle = cssColour("--panel"); pen.fillRect(0, 0, width, height); }
  if (spec.profile) line(pen, spec.profile[0], spec.profile[1], at, cssColour("--quiet"), 1.5, []);
  const shown = shownIn(view);
  view.at = at;
  view.words.textContent = pictureInWords(view);
  shown.forEach(([runner]) => {
    pen.globalAlpha = 0.38;
    line(pen, runner.path[0], runner.path[1], at, inkOf(runner.style), 1.4, runner.style.dashes);
    pen.globalAlpha = 1;
  });
  spec.starts.forEach(([x, y]) => ring(pen, at(x, y), 5, null, cssColour("--ink")));
  spec.minima.forEach(([x, y]) => star(pen, at(x, y), 8, cssColour("--ink")));
  shown.forEach(([runner, k]) => head(pen, view, runner, k, at));
  paintLoss(view, shown);
  if (view.dials) view.dials.paint(view.frame, view.legend.hidden);
}

function head(pen, view, runner, k, at) {
  const { trail } = runner, now = view.spec.steps[view.frame], from = view.spec.steps[Math.max(0, view.frame - TAIL)];
  const inside = [...trail.step.keys()].filter((j) => trail.step[j] >= from && trail.step[j] <= now);
  const ink = inkOf(runner.style);
  for (let j = 1; j < inside.length; j += 1) {
    const [a, b] = [inside[j - 1], inside[j]];
    if (trail.x[a] == null || trail.x[b] == null) continue;
    pen.globalAlpha = j / inside.length;
    line(pen, [trail.x[a], trail.x[b]], [trail.y[a], trail.y[b]], at, ink, 3.4, []);
  }
  pen.globalAlpha = 1;
  const [x, y] = view.spec.heads[view.frame][k];
  if (x != null && y != null) ring(pen, at(x, y), 6, ink, cssColour("--paper"));
}

function line(pen, xs, ys, at, ink, width, dashes) {
  pen.strokeStyle = ink;
  pen.lineWidth = width;
  pen.lineJoin = "round";
  pen.setLineDash(dashes.map((length) => length * width * 1.4));
  pen.beginPath();
  let up = true;
  xs.forEach((x, k) => {
    if (x == null || ys[k] == null) { up = true; return; }
    pen[up ? "moveTo" : "lineTo"](...at(x, ys[k]));
    up = false;
  });
  pen.stroke();
  pen.setLineDash([]);
}

function ring(pen, [x, y], radius, fill, stroke) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  if (fill) { pen.fillStyle = fill; pen.fill(); }
  pen.strokeStyle = stroke;
  pen.lineWidth = 2;
  pen.stroke();
}

function star(pen, [x, y], radius, fill) {
  pen.beginPath();
  for (let k = 0; k < 10; k += 1) {
    const far = k % 2 ? radius * 0.42 : radius, angle = (Math.PI * k) / 5 - Math.PI / 2;
    pen[k ? "lineTo" : "moveTo"](x + far * Math.cos(angle), y + far * Math.sin(angle));
  }
  pen.closePath();
  pen.fillStyle = fill;
  pen.fill();
}

// Shades and contour lines, once per theme: heights are logarithms of f above the minimum, from 0 to 1.
function terrainOf(terrain) {
  const bytes = Uint8Array.from(atob(terrain.heights), (letter) => letter.charCodeAt(0)), { w, h } = terrain;
  const heights = Array.from(new Uint16Array(bytes.buffer), (value) => value / 65535), scale = Math.max(2, Math.ceil(900 / w));
  const small = make("canvas", { width: w, height: h }), image = make("canvas", { width: w * scale, height: h * scale });
  const pixels = small.getContext("2d").createImageData(w, h), low = isDark() ? [30, 32, 36] : [252, 252, 253];
  const high = isDark() ? [58, 63, 72] : [222, 227, 234];
  heights.forEach((value, k) => {
    const at = 4 * ((h - 1 - Math.floor(k / w)) * w + (k % w));
    for (let c = 0; c < 3; c += 1) pixels.data[at + c] = low[c] + (high[c] - low[c]) * value;
    pixels.data[at + 3] = 255;
  });
  small.getContext("2d").putImageData(pixels, 0, 0);
  const pen = image.getContext("2d");
  pen.drawImage(small, 0, 0, image.width, image.height);
  pen.setTransform(image.width / w, 0, 0, -image.height / h, 0, image.height);
  pen.strokeStyle = isDark() ? "#8a919d66" : "#7a828e59";
  pen.lineWidth = 0.9 * (w / image.width) * 1.6;
  const thresholds = Array.from({ length: terrain.levels - 1 }, (_, k) => (k + 0.5) / (terrain.levels - 1));
  for (const shape of d3.contours().size([w, h]).thresholds(thresholds)(heights)) {
    pen.beginPath();
    shape.coordinates.flat().forEach((ringOfPoints) => outline(pen, ringOfPoints, w, h));
    pen.stroke();
  }
  return { image, theme: isDark() };
}

// d3 closes its contours along the picture's edge, which is no contour.
function outline(pen, points, w, h) {
  const edge = ([x, y]) => x <= 0.5 || y <= 0.5 || x >= w - 0.5 || y >= h - 0.5;
  points.forEach((point, k) => {
    const apart = !k || (edge(point) && edge(points[k - 1]));
    pen[apart ? "moveTo" : "lineTo"](...point);
  });
}

// -- the loss beside it -----------------------------------------------------------------------------------------------

function paintLoss(view, shown) {
  const { loss } = view.spec, [pen, width, height] = prepared(view.loss, 190), left = LOSS_LEFT, foot = height - 24;
  const share = (y) => Math.min(Math.max(loss.y.log && !(y > 0) ? -1 : placeOn(loss.y, y), -1), 2); // far beyond the axis: a 0, a divergence
  const at = (x, y) => [left + placeOn(loss.x, x) * (width - left - LOSS_RIGHT), foot - share(y) * (foot - 8)];
  pen.font = "11.5px system-ui, sans-serif";
  pen.fillStyle = cssColour("--quiet");
  pen.strokeStyle = cssColour("--line");
  pen.lineWidth = 1;
  const tick = (a, b) => { pen.beginPath(); pen.moveTo(...a); pen.lineTo(...b); pen.stroke(); };
  pen.textAlign = "right";
  loss.y.ticks.forEach(([value, told]) => {
    const [, y] = at(loss.x.low, value);
    tick([left, y], [width - LOSS_RIGHT, y]);
    pen.fillText(told, left - 5, y + 4);
  });
  pen.textAlign = "center";
  loss.x.ticks.forEach(([value, told]) => { const [x] = at(value, loss.y.low); tick([x, 8], [x, foot]); pen.fillText(told, x, foot + 16); });
  pen.save();
  pen.beginPath();
  pen.rect(left, 4, width - left - 8, foot - 2);
  pen.clip();
  shown.forEach(([runner, k]) => line(pen, loss.lines[k][0], loss.lines[k][1], at, inkOf(runner.style), 1.8, runner.style.dashes));
  pen.restore();
  shown.forEach(([runner, k]) => {
    const [x, y] = view.spec.cursors[view.frame][k];
    if (x != null && y != null) ring(pen, at(x, y), 4.5, inkOf(runner.style), cssColour("--paper"));
  });
}

// -- the inside of the update -----------------------------------------------------------------------------------------

function dialsOf(spec) {
  if (!spec.dials.length) return null;
  const dials = spec.dials.map((dial) => {
    const canvas = make("canvas", { width: 220, height: 220, role: "img", "aria-label": `Inside of ${dial.name}` });
    return { dial, canvas, node: make("div", { class: "dial" }, canvas, dial.name) };
  });
  const box = make("div", { class: "dials" }, ...dials.map((one) => one.node));
  return { box, paint(frame, hidden) {
    for (const { dial, canvas, node } of dials) {
      node.hidden = hidden.has(dial.name);
      if (!node.hidden) paintDial(canvas, dial, frame);
    }
  } };
}

function paintDial(canvas, dial, frame) {
  const pen = canvas.getContext("2d"), middle = 110, radius = 96;
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.clearRect(0, 0, 220, 220);
  pen.lineWidth = 2;
  ring(pen, [middle, middle], radius, null, cssColour("--line"));
  if (dial.spread) {
    const [a, b] = dial.spread[frame];
    pen.strokeStyle = cssColour("--quiet");
    pen.setLineDash([6, 5]);
    pen.beginPath();
    pen.ellipse(middle, middle, Math.max(1, a * radius), Math.max(1, b * radius), 0, 0, 7);
    pen.stroke();
    pen.setLineDash([]);
  }
  const ink = inkOf(dial.style), orange = isDark() ? "#f0a830" : "#b86e00";
  arrow(pen, dial.downhill[frame], middle, radius, cssColour("--quiet"), 4);
  if (dial.momentum) arrow(pen, dial.momentum[frame], middle, radius, orange, 4);
  arrow(pen, dial.update[frame], middle, radius, ink, 6);
}

function arrow(pen, [x, y], middle, radius, ink, width) {
  const size = Math.hypot(x, y);
  if (!(size > 0.01)) return;
  const tip = [middle + x * radius, middle - y * radius], [ux, uy] = [x / size, -y / size], long = 3.2 * width;
  pen.strokeStyle = pen.fillStyle = ink;
  pen.lineWidth = width;
  pen.beginPath();
  pen.moveTo(middle, middle);
  pen.lineTo(tip[0] - ux * long * 0.7, tip[1] - uy * long * 0.7);
  pen.stroke();
  pen.beginPath();
  pen.moveTo(...tip);
  pen.lineTo(tip[0] - ux * long - uy * width * 1.4, tip[1] - uy * long + ux * width * 1.4);
  pen.lineTo(tip[0] - ux * long + uy * width * 1.4, tip[1] - uy * long - ux * width * 1.4);
  pen.fill();
}

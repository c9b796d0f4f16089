// What a surface stands on: the base with the numbers of x and y at its nearer edges, and a scale of the loss.

function drawBase(pen, [left, right, bottom, top], project) {
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
  pen.strokeStyle = theme.faint;
  pen.lineWidth = 1;
  pen.beginPath();
  corners.forEach(([u, v], k) => {
    const [x, y] = project(u, v, FLOOR);
    pen[k ? "lineTo" : "moveTo"](x, y);
  });
  pen.closePath();
  pen.stroke();
  pen.font = FONT.replace("12px", "11px");
  pen.textBaseline = "middle";
  pen.fillStyle = theme.quiet;
  const depth = (u, v) => project(u, v, FLOOR)[2];
  const front = depth(0.5, 0) < depth(0.5, 1) ? 0 : 1, side = depth(0, 0.5) < depth(1, 0.5) ? 0 : 1;
  drawEdge(pen, "x", [left, right], at => project(at, front, FLOOR), project(0.5, 0.5, FLOOR));
  drawEdge(pen, "y", [bottom, top], at => project(side, at, FLOOR), project(0.5, 0.5, FLOOR));
  drawLossScale(pen, project);
}

// Numbers along one edge, outside of it.
function drawEdge(pen, name, [low, high], at, middle) {
  const begin = at(0), end = at(1), length = Math.hypot(end[0] - begin[0], end[1] - begin[1]);
  if (length < 60) return;
  let [nx, ny] = [(end[1] - begin[1]) / length, -(end[0] - begin[0]) / length];
  const centre = at(0.5);
  if (nx * (centre[0] - middle[0]) + ny * (centre[1] - middle[1]) < 0) [nx, ny] = [-nx, -ny];
  pen.textAlign = nx > 0.5 ? "left" : nx < -0.5 ? "right" : "center";
  pen.beginPath();
  for (const tick of ticksOf(low, high, length / 60)) {
    const [x, y] = at((tick - low) / (high - low));
    pen.moveTo(x, y);
    pen.lineTo(x + 4 * nx, y + 4 * ny);
    pen.fillText(brief(tick, 4), x + 12 * nx, y + 12 * ny);
  }
  pen.stroke();
  pen.fillText(name, centre[0] + 30 * nx, centre[1] + 30 * ny);
}

// At the corner that stands farthest to the left: which height is which loss.
function drawLossScale(pen, project) {
  const [u, v] = [[0, 0], [1, 0], [1, 1], [0, 1]].reduce((a, b) => (project(...b, 0)[0] < project(...a, 0)[0] ? b : a));
  const [x, floor] = project(u, v, FLOOR), [, ceiling] = project(u, v, 1);
  if (floor - ceiling < 50) return;
  pen.textAlign = "right";
  pen.beginPath();
  pen.moveTo(x, floor);
  pen.lineTo(x, ceiling);
  let last = Infinity;
  for (const value of lossTicks()) {
    const [, y] = project(u, v, surface.lift(value));
    if (last - y < 16) continue;
    last = y;
    pen.moveTo(x, y);
    pen.lineTo(x - 4, y);
    pen.fillText(brief(value, 4), x - 7, y);
  }
  pen.stroke();
  pen.fillText("loss", x - 7, ceiling - 14);
}

// The lowest value, and round ones above it up to the highest.
function lossTicks() {
  const { low, high } = surface, ticks = [low];
  for (let size = 10 ** Math.floor(Math.log10(Math.max((high - low) * 1e-4, 1e-300))); size <= 10 * (high - low); size *= 10) {
    for (const tick of [low < 0 ? low + size : size]) if (tick > low && tick <= high) ticks.push(tick);
  }
  return ticks;
}

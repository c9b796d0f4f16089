// The function as a surface in three dimensions, the paths lying on it: painter's algorithm, far cells first.

const GRID = 56;
const surface = { key: "", heights: null };

// Heights on a grid over the box; the logarithm keeps both the walls and the floor of a valley in sight.
function heightsOf(course, box) {
  const key = `${course.name} ${box}`;
  if (surface.key === key) return surface;
  const [left, right, bottom, top] = box;
  const values = new Float64Array((GRID + 1) ** 2);
  for (let j = 0; j <= GRID; j++) {
    for (let i = 0; i <= GRID; i++) {
      values[j * (GRID + 1) + i] = course.f(left + (right - left) * i / GRID, bottom + (top - bottom) * j / GRID);
    }
  }
  const finite = values.filter(Number.isFinite).sort();
  const low = finite.length ? finite[0] : 0, high = finite.length ? finite[finite.length - 1] : 1;
  const middle = finite.length ? finite[Math.floor(0.3 * finite.length)] - low : 1;
  const unit = Math.max(middle, (high - low) * 1e-4) || 1;
  const span = Math.log1p((high - low) / unit) || 1;
  surface.lift = value => (Number.isFinite(value) ? Math.max(-0.02, Math.log1p(Math.max(value - low, 0) / unit) / span) : 1);
  surface.heights = Float64Array.from(values, surface.lift);
  surface.key = key;
  return surface;
}

function projectionOf(width, height, turn) {
  const [around, above] = turn;
  const c = Math.cos(around), s = Math.sin(around), ca = Math.cos(above), sa = Math.sin(above);
  const size = 0.5 * Math.min(width, height * 1.25);
  return (u, v, h) => {
    const x = u - 0.5, y = v - 0.5, z = 0.55 * (h - 0.35);
    const right = c * x + s * y, back = -s * x + c * y;
    return [width / 2 + size * 1.15 * right, height * 0.54 - size * 1.15 * (back * sa + z * ca), back * ca - z * sa];
  };
}

function drawSurface(pen, width, height, scene) {
  const { state, course } = scene;
  const tile = { x: 0, y: 0, width, height };
  const box = boxOfSurface(state, course);
  const { heights } = heightsOf(course, box);
  const project = projectionOf(width, height, state.turn);
  blank(pen, width, height);
  plane.tiles = [{ ...tile, frame: frameOf(box, tile), runners: [] }];
  drawCells(pen, heights, project);
  drawOnSurface(pen, scene, box, project);
}

function boxOfSurface(state, course) {
  return state.box || domainBox(course);
}

function drawCells(pen, heights, project) {
  const corners = [];
  for (let j = 0; j <= GRID; j++) {
    for (let i = 0; i <= GRID; i++) corners.push(project(i / GRID, j / GRID, heights[j * (GRID + 1) + i]));
  }
  const cells = [];
  for (let j = 0; j < GRID; j++) {
    for (let i = 0; i < GRID; i++) {
      const a = j * (GRID + 1) + i, d = a + GRID + 1;
      cells.push([a, corners[a][2] + corners[a + 1][2] + corners[d][2] + corners[d + 1][2]]);
    }
  }
  cells.sort((p, q) => q[1] - p[1]);
  const low = theme.dark ? [40, 52, 68] : [214, 224, 236], high = theme.dark ? [120, 140, 166] : [252, 253, 255];
  pen.lineWidth = 0.5;
  for (const [a] of cells) {
    const ring = [a, a + 1, a + GRID + 2, a + GRID + 1];
    const height = (heights[ring[0]] + heights[ring[1]] + heights[ring[2]] + heights[ring[3]]) / 4;
    const slope = heights[ring[1]] - heights[ring[0]] + 0.6 * (heights[ring[3]] - heights[ring[0]]);
    const light = Math.max(0.78, Math.min(1.06, 1 - 2.2 * slope));
    const shade = low.map((from, c) => Math.round(Math.min(255, (from + (high[c] - from) * height) * light)));
    pen.fillStyle = `rgb(${shade})`;
    pen.strokeStyle = theme.contour;
    pen.beginPath();
    ring.forEach((corner, k) => pen[k ? "lineTo" : "moveTo"](corners[corner][0], corners[corner][1]));
    pen.closePath();
    pen.fill();
    pen.stroke();
  }
}

function drawOnSurface(pen, { state, course, race, styles, shown }, box, project) {
  const [left, right, bottom, top] = box;
  const place = (x, y) => {
    const u = (x - left) / (right - left), v = (y - bottom) / (top - bottom);
    if (!(u >= 0 && u <= 1 && v >= 0 && v <= 1)) return null;
    return project(u, v, surface.lift(course.f(x, y)) + 0.012);
  };
  pen.lineJoin = "round";
  for (const k of shown) {
    const last = lastStep(race, k, state.at), path = race.paths[k];
    pen.strokeStyle = styles[k].colour;
    pen.lineWidth = k === state.focus ? 2.6 : 2;
    pen.setLineDash(styles[k].dashes.map(dash => dash * 2));
    pen.beginPath();
    let from = null;
    for (let step = 0; step <= last; step++) {
      const to = place(path[2 * step], path[2 * step + 1]);
      if (to && from && Math.abs(to[0] - from[0]) + Math.abs(to[1] - from[1]) < NEAR && step < last) continue;
      if (to) pen[from ? "lineTo" : "moveTo"](to[0], to[1]);
      from = to;
    }
    pen.stroke();
    pen.setLineDash([]);
    if (from) mark(pen, from, 5, styles[k].colour);
  }
  for (const { point } of course.minima) {
    const at = place(point[0], point[1]);
    if (at) mark(pen, at, 4, theme.ink);
  }
  const start = place(state.start[0], state.start[1]);
  if (start) {
    pen.strokeStyle = theme.ink;
    pen.lineWidth = 2.4;
    pen.beginPath();
    pen.arc(start[0], start[1], 8, 0, 2 * Math.PI);
    pen.stroke();
  }
}

function mark(pen, [x, y], radius, colour) {
  pen.fillStyle = colour;
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 1.2;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
}

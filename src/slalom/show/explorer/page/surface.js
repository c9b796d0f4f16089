// The function as a surface in three dimensions, the paths lying on it: far cells first, and each stretch of a path with
// the cells around it, so that what stands before it covers it. What is covered shows through faintly.

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
  Object.assign(surface, { low, high });
  surface.lift = value => (Number.isFinite(value) ? Math.max(-0.02, Math.log1p(Math.max(value - low, 0) / unit) / span) : 1);
  surface.heights = Float64Array.from(values, surface.lift);
  surface.key = key;
  return surface;
}

const TALL = 0.55; // of the sides of the base
const FLOOR = -0.12;

// From (u, v) of the base and the height, 0 to 1 each, to pixels and depth.
function projectionOf(width, height, turn) {
  const [around, above] = turn;
  const c = Math.cos(around), s = Math.sin(around), ca = Math.cos(above), sa = Math.sin(above);
  const size = Math.min((width - 96) / Math.SQRT2, (height - 40) / (Math.SQRT2 * sa + TALL * (1 - FLOOR) * ca));
  return (u, v, h) => {
    const x = u - 0.5, y = v - 0.5, z = TALL * (h - 0.5 * (1 + FLOOR));
    const right = c * x + s * y, back = -s * x + c * y;
    return [width / 2 + size * right, height / 2 - size * (back * sa + z * ca), back * ca - z * sa];
  };
}

function drawSurface(pen, width, height, scene) {
  const { state, course } = scene;
  const tile = { x: 0, y: 0, width, height };
  const box = boxOfSurface(state, course);
  heightsOf(course, box);
  const project = projectionOf(width, height, state.turn);
  blank(pen, width, height);
  plane.tiles = [{ ...tile, frame: frameOf(box, tile), runners: [] }];
  pen.lineJoin = "round";
  drawBase(pen, box, project);
  const ribbons = scene.shown.map(k => ribbonOf(scene.race.paths[k], box, lastStep(scene.race, k, state.at), project));
  drawCells(pen, project, ribbons, scene);
  drawMarks(pen, tile, scene, box, project, ribbons);
}

function boxOfSurface(state, course) {
  return state.box || domainBox(course);
}

// The height of the drawn surface: between the corners of its cells, not of the function, or paths would sink into it.
function heightAt(u, v) {
  const { heights } = surface, i = Math.min(GRID - 1, Math.floor(u * GRID)), j = Math.min(GRID - 1, Math.floor(v * GRID));
  const a = u * GRID - i, b = v * GRID - j, at = j * (GRID + 1) + i;
  const near = heights[at] + a * (heights[at + 1] - heights[at]);
  const far = heights[at + GRID + 1] + a * (heights[at + GRID + 2] - heights[at + GRID + 1]);
  return near + b * (far - near);
}

const cellAt = (u, v) => Math.min(GRID - 1, Math.floor(v * GRID)) * GRID + Math.min(GRID - 1, Math.floor(u * GRID));

// A path laid on the surface: pieces of one cell each, {cell, points, along}; a straight step follows hill and valley.
function ribbonOf(path, [left, right, bottom, top], last, project) {
  const pieces = [];
  let piece = null, along = 0, end = null;
  const go = (u, v) => {
    const [x, y] = project(u, v, heightAt(u, v) + 0.006), cell = cellAt(u, v);
    const length = end ? Math.hypot(x - end[0], y - end[1]) : 0;
    if (end && length < NEAR) return;
    if (!piece || piece.cell !== cell) pieces.push((piece = { cell, points: end ? [end, [x, y]] : [[x, y]], along }));
    else piece.points.push([x, y]);
    along += length;
    end = [x, y];
  };
  const place = step => [(path[2 * step] - left) / (right - left), (path[2 * step + 1] - bottom) / (top - bottom)];
  for (let step = 1; step <= last; step++) {
    const [u0, v0] = place(step - 1), [u1, v1] = place(step);
    const kept = u1 === u1 && v1 === v1 ? clipped(u0, v0, u1, v1, [0, 0], [1, 1]) : null;
    if (!kept) {
      piece = end = null;
      continue;
    }
    if (!end || kept[0] !== u0 || kept[1] !== v0) {
      piece = end = null;
      go(kept[0], kept[1]);
    }
    const parts = Math.ceil(2 * GRID * Math.max(Math.abs(kept[2] - kept[0]), Math.abs(kept[3] - kept[1]))) || 1;
    for (let k = 1; k <= parts; k++) go(kept[0] + (kept[2] - kept[0]) * k / parts, kept[1] + (kept[3] - kept[1]) * k / parts);
    if (kept[2] !== u1 || kept[3] !== v1) piece = end = null;
  }
  return pieces;
}

function drawCells(pen, project, ribbons, { styles, shown, state }) {
  const { heights } = surface, corners = [];
  for (let j = 0; j <= GRID; j++) {
    for (let i = 0; i <= GRID; i++) corners.push(project(i / GRID, j / GRID, heights[j * (GRID + 1) + i]));
  }
  const cells = [];
  for (let j = 0; j < GRID; j++) {
    for (let i = 0; i < GRID; i++) {
      const a = j * (GRID + 1) + i, d = a + GRID + 1;
      cells.push([j * GRID + i, a, corners[a][2] + corners[a + 1][2] + corners[d][2] + corners[d + 1][2]]);
    }
  }
  cells.sort((p, q) => q[2] - p[2]);
  const lying = piecesByTurn(cells, ribbons);
  cells.forEach(([, a], turn) => {
    drawCell(pen, corners, [a, a + 1, a + GRID + 2, a + GRID + 1]);
    for (const [row, piece] of lying.get(turn) || []) {
      const k = shown[row];
      strokeRibbon(pen, [piece], styles[k], k === state.focus ? 2.8 : 2.2, 1);
    }
  });
  pen.setLineDash([]);
  ribbons.forEach((pieces, row) => strokeRibbon(pen, pieces, { ...styles[shown[row]], dashes: [] }, 1.4, 0.3));
}

// When each piece is drawn: after the cells that touch its own, whose edges would cut its line in half.
function piecesByTurn(cells, ribbons) {
  const turns = new Int32Array(GRID * GRID);
  cells.forEach(([cell], turn) => { turns[cell] = turn; });
  const lying = new Map();
  ribbons.forEach((pieces, row) => {
    for (const piece of pieces) {
      const i = piece.cell % GRID, j = (piece.cell - i) / GRID;
      let turn = 0;
      for (let y = Math.max(0, j - 1); y <= Math.min(GRID - 1, j + 1); y++) {
        for (let x = Math.max(0, i - 1); x <= Math.min(GRID - 1, i + 1); x++) turn = Math.max(turn, turns[y * GRID + x]);
      }
      if (!lying.has(turn)) lying.set(turn, []);
      lying.get(turn).push([row, piece]);
    }
  });
  return lying;
}

function drawCell(pen, corners, ring) {
  const { heights } = surface;
  const low = theme.dark ? [40, 52, 68] : [202, 214, 229], high = theme.dark ? [110, 129, 154] : [252, 253, 255];
  const height = (heights[ring[0]] + heights[ring[1]] + heights[ring[2]] + heights[ring[3]]) / 4;
  const slope = heights[ring[1]] - heights[ring[0]] + 0.6 * (heights[ring[3]] - heights[ring[0]]);
  const light = Math.max(0.78, Math.min(1.06, 1 - 2.2 * slope));
  const shade = low.map((from, c) => Math.round(Math.min(255, (from + (high[c] - from) * height) * light)));
  pen.fillStyle = `rgb(${shade})`;
  pen.strokeStyle = theme.contour;
  pen.lineWidth = 0.5;
  pen.setLineDash([]);
  pen.beginPath();
  ring.forEach((corner, k) => pen[k ? "lineTo" : "moveTo"](corners[corner][0], corners[corner][1]));
  pen.closePath();
  pen.fill();
  pen.stroke();
}

function strokeRibbon(pen, pieces, style, width, alpha) {
  if (!pieces.length) return;
  pen.strokeStyle = alpha < 1 ? faded(style.colour, alpha) : style.colour;
  pen.lineWidth = width;
  pen.setLineDash(style.dashes.map(dash => dash * width));
  pen.lineDashOffset = pieces[0].along; // dashes go on from piece to piece
  pen.beginPath();
  for (const { points } of pieces) points.forEach(([x, y], k) => pen[k ? "lineTo" : "moveTo"](x, y));
  pen.stroke();
  pen.lineDashOffset = 0;
}

// Rings, stars and names, over everything; the last point of a path says where its runner stands.
function drawMarks(pen, tile, { state, course, styles, names, shown, race }, [left, right, bottom, top], project, ribbons) {
  pen.setLineDash([]);
  const place = ([x, y]) => {
    const u = (x - left) / (right - left), v = (y - bottom) / (top - bottom);
    return u >= 0 && u <= 1 && v >= 0 && v <= 1 ? project(u, v, heightAt(u, v) + 0.006) : null;
  };
  const stars = course.minima.map(({ point }) => place(point)).filter(Boolean), start = place(state.start);
  for (const [x, y] of stars) drawStar(pen, x, y);
  const heads = shown.map(k => {
    const last = lastStep(race, k, state.at);
    return place([race.paths[k][2 * last], race.paths[k][2 * last + 1]]);
  });
  heads.forEach((head, row) => { if (head) mark(pen, head, 5, styles[shown[row]].colour); });
  if (start) drawRing(pen, start[0], start[1], false);
  const taken = [...stars, ...(start ? [start] : [])].map(([x, y]) => ({ x: x - 12, y: y - 12, w: 24, h: 24 }));
  pen.font = "600 " + FONT;
  const placed = [];
  shown.forEach((k, row) => {
    const points = ribbons[row].flatMap(piece => piece.points), width = pen.measureText(names[k]).width;
    const flat = [...points, ...(heads[row] ? [heads[row]] : [])].flatMap(([x, y]) => [x, y]);
    if (!flat.length) return;
    const spot = freeSpot({ tile, px: x => x, py: y => y }, flat, flat.length / 2 - 1, width, taken);
    if (!spot) return;
    taken.push({ x: spot.x - 3, y: spot.y - 2, w: width + 6, h: 18 });
    placed.push({ k, x: spot.x, y: spot.y + 12 });
  });
  drawNames(pen, placed, names, styles);
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

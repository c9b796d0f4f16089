// Where a picture looks, and the land that it shows there: a grid of values, log-spaced contours, a faint ground.

// The smallest frame of the tile's shape around a box: circles stay circles.
function frameOf(box, tile) {
  const [left, right, bottom, top] = box;
  const scale = Math.min(tile.width / (right - left), tile.height / (top - bottom));
  const x = (left + right) / 2, y = (bottom + top) / 2;
  const wide = tile.width / scale, high = tile.height / scale;
  const frame = { left: x - wide / 2, right: x + wide / 2, bottom: y - high / 2, top: y + high / 2, scale, tile };
  frame.px = at => tile.x + (at - frame.left) * scale;
  frame.py = at => tile.y + (frame.top - at) * scale;
  frame.x = px => frame.left + (px - tile.x) / scale;
  frame.y = py => frame.top - (py - tile.y) / scale;
  return frame;
}

function domainBox(course) {
  const [[left, right], [bottom, top]] = course.domain;
  return [left, right, bottom, top];
}

// Start, minima and the middle 95 % of the paths that did not diverge, and a tenth more.
function fittingBox(course, start, race, minimum) {
  const xs = [start[0]], ys = [start[1]];
  race.paths.forEach((path, k) => {
    if (race.divergedAt[k] >= 0) return;
    const own = [[], []];
    for (let i = 0; i < path.length; i++) own[i % 2].push(path[i]);
    for (const [all, values] of [[xs, own[0]], [ys, own[1]]]) {
      values.sort((a, b) => a - b);
      all.push(values[Math.floor(0.025 * (values.length - 1))], values[Math.ceil(0.975 * (values.length - 1))]);
    }
  });
  if (minimum) {
    xs.push(minimum[0]);
    ys.push(minimum[1]);
  }
  let [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const size = Math.max(right - left, top - bottom) || 0.1 * (course.domain[0][1] - course.domain[0][0]);
  const margin = 0.12 * size;
  return [left - margin, right + margin, bottom - margin, top + margin];
}

const LEVELS = 14;

function terrainOf(course, frame, columns) {
  const rows = Math.max(12, Math.round(columns * frame.tile.height / frame.tile.width));
  const values = new Float64Array(columns * rows);
  let low = Infinity, high = -Infinity;
  for (let j = 0; j < rows; j++) {
    const y = frame.top - (j / (rows - 1)) * (frame.top - frame.bottom);
    for (let i = 0; i < columns; i++) {
      const value = course.f(frame.left + (i / (columns - 1)) * (frame.right - frame.left), y);
      values[j * columns + i] = value;
      if (Number.isFinite(value)) {
        low = Math.min(low, value);
        high = Math.max(high, value);
      }
    }
  }
  const known = course.minima.length ? Math.min(course.minima[0].value, low) : low;
  const floor = low - known > high - low ? low : known;
  const gap = values.map(value => value - floor);
  return { columns, rows, gap, floor, levels: levelsOf(gap) };
}

function levelsOf(gap) {
  const positive = gap.filter(value => value > 0 && Number.isFinite(value)).sort();
  if (!positive.length) return [];
  const high = positive[positive.length - 1];
  let low = Math.max(positive[Math.floor(0.002 * positive.length)], high * 1e-8);
  if (low >= high * 0.999) low = high * 0.1;
  return Array.from({ length: LEVELS }, (_, k) => low * (high / low) ** (k / (LEVELS - 1)));
}

// 0 at the lowest contour, 1 at the highest: what a shade stands for.
function shadeOf(terrain, gap) {
  const { levels } = terrain;
  if (!levels.length || !Number.isFinite(gap)) return 1;
  const span = Math.log(levels[levels.length - 1] / levels[0]);
  return Math.min(1, Math.max(0, Math.log(Math.max(gap, 1e-300) / levels[0]) / span));
}

// The land on a canvas of its own, made once for a frame: `ground`, if given, is a canvas of colours that lie on it.
function landOn(terrain, width, height, ratio, ground) {
  const image = new OffscreenCanvas(terrain.columns, terrain.rows);
  const small = image.getContext("2d");
  const dots = small.createImageData(terrain.columns, terrain.rows);
  const low = parts(theme.low), high = parts(theme.high);
  for (let k = 0; k < terrain.gap.length; k++) {
    const shade = shadeOf(terrain, terrain.gap[k]);
    for (let c = 0; c < 3; c++) dots.data[4 * k + c] = low[c] + (high[c] - low[c]) * shade;
    dots.data[4 * k + 3] = 255;
  }
  small.putImageData(dots, 0, 0);
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  // The first and last values lie on the edges, the middles of their dots within: half a dot more on every side.
  const dx = canvas.width / (terrain.columns - 1), dy = canvas.height / (terrain.rows - 1);
  pen.drawImage(image, -dx / 2, -dy / 2, canvas.width + dx, canvas.height + dy);
  if (ground) {
    const gx = canvas.width / (ground.width - 1), gy = canvas.height / (ground.height - 1);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(ground, -gx / 2, -gy / 2, canvas.width + gx, canvas.height + gy);
  }
  pen.strokeStyle = theme.contour;
  pen.lineWidth = 0.8 * ratio;
  pen.beginPath();
  traceContours(pen, terrain, dx, dy);
  pen.stroke();
  return canvas;
}

// Marching squares, between all four corners of every cell and for every level that passes through it.
function traceContours(pen, { gap, columns, rows, levels }, dx, dy) {
  for (let j = 0; j + 1 < rows; j++) {
    for (let i = 0; i + 1 < columns; i++) {
      const at = j * columns + i;
      const a = gap[at], b = gap[at + 1], c = gap[at + columns + 1], d = gap[at + columns];
      const low = Math.min(a, b, c, d), high = Math.max(a, b, c, d);
      if (!(high >= levels[0]) || !Number.isFinite(low + high)) continue;
      for (const level of levels) {
        if (level > high) break;
        if (level > low) traceCell(pen, level, a, b, c, d, i, j, dx, dy);
      }
    }
  }
}

function traceCell(pen, level, a, b, c, d, i, j, dx, dy) {
  const crossings = [];
  const between = (p, q) => (level - p) / (q - p);
  if ((a < level) !== (b < level)) crossings.push([i + between(a, b), j]);
  if ((b < level) !== (c < level)) crossings.push([i + 1, j + between(b, c)]);
  if ((d < level) !== (c < level)) crossings.push([i + between(d, c), j + 1]);
  if ((a < level) !== (d < level)) crossings.push([i, j + between(a, d)]);
  for (let k = 0; k + 1 < crossings.length; k += 2) {
    pen.moveTo(crossings[k][0] * dx, crossings[k][1] * dy);
    pen.lineTo(crossings[k + 1][0] * dx, crossings[k + 1][1] * dy);
  }
}

// Paths, heads, tails, marks and names on the plane. `pen` is a canvas context, or the writer of an SVG.

const NEAR = 0.7; // points closer than this many pixels to the last one drawn add nothing that can be seen
const MARGIN = 30; // pixels around a tile beyond which nothing is drawn

// The steps `from` … `to` as a polyline of pixels, cut at the tile's edges: pieces of [x, y, x, y, …].
function polylines(path, frame, from, to) {
  const { tile } = frame;
  const low = [tile.x - MARGIN, tile.y - MARGIN], high = [tile.x + tile.width + MARGIN, tile.y + tile.height + MARGIN];
  const pieces = [];
  let piece = null;
  let x0 = frame.px(path[2 * from]), y0 = frame.py(path[2 * from + 1]);
  for (let k = from + 1; k <= to; k++) {
    const x1 = frame.px(path[2 * k]), y1 = frame.py(path[2 * k + 1]);
    if (!(x1 === x1 && y1 === y1)) break; // diverged
    const inside = x0 >= low[0] && x0 <= high[0] && y0 >= low[1] && y0 <= high[1];
    const ends = x1 >= low[0] && x1 <= high[0] && y1 >= low[1] && y1 <= high[1];
    if (inside && ends) {
      if (!piece) pieces.push((piece = [x0, y0]));
      if (k < to && Math.abs(x1 - piece[piece.length - 2]) + Math.abs(y1 - piece[piece.length - 1]) < NEAR) {
        [x0, y0] = [x1, y1];
        continue;
      }
      piece.push(x1, y1);
    } else {
      const cut = clipped(x0, y0, x1, y1, low, high);
      if (cut) {
        if (piece && inside) piece.push(cut[2], cut[3]);
        else pieces.push((piece = cut));
        if (!ends) piece = null;
      } else piece = null;
    }
    [x0, y0] = [x1, y1];
  }
  return pieces;
}

// Liang and Barsky 1984: the part of a segment within a rectangle, or null.
function clipped(x0, y0, x1, y1, low, high) {
  let enters = 0, leaves = 1;
  const dx = x1 - x0, dy = y1 - y0;
  for (const [p, q] of [[-dx, x0 - low[0]], [dx, high[0] - x0], [-dy, y0 - low[1]], [dy, high[1] - y0]]) {
    if (p === 0) {
      if (q < 0) return null;
    } else if (p < 0) enters = Math.max(enters, q / p);
    else leaves = Math.min(leaves, q / p);
  }
  return enters < leaves ? [x0 + enters * dx, y0 + enters * dy, x0 + leaves * dx, y0 + leaves * dy] : null;
}

function strokePieces(pen, pieces, style, width, alpha = 1) {
  if (!pieces.length) return;
  pen.strokeStyle = alpha < 1 ? faded(style.colour, alpha) : style.colour;
  pen.lineWidth = width;
  pen.setLineDash(style.dashes.map(dash => dash * width));
  pen.beginPath();
  for (const piece of pieces) {
    pen.moveTo(piece[0], piece[1]);
    for (let k = 2; k < piece.length; k += 2) pen.lineTo(piece[k], piece[k + 1]);
  }
  pen.stroke();
  pen.setLineDash([]);
}

const TAIL = 0.09; // of all steps
const TAIL_PARTS = 5;

// One runner up to step `at`: the whole path where the race is over, else faint with a bright tail and head.
function drawRunner(pen, frame, path, style, at, steps, width) {
  if (at >= steps) {
    strokePieces(pen, polylines(path, frame, 0, steps), style, width);
    return;
  }
  strokePieces(pen, polylines(path, frame, 0, steps), style, 1, 0.4);
  const length = Math.max(8, Math.round(TAIL * steps));
  for (let part = 0; part < TAIL_PARTS; part++) {
    const from = Math.max(0, Math.round(at - length * (1 - part / TAIL_PARTS)));
    const to = Math.max(from, Math.round(at - length * (1 - (part + 1) / TAIL_PARTS)));
    if (to > from) {
      strokePieces(pen, polylines(path, frame, from, to), { ...style, dashes: [] }, width + 0.8, (part + 1) / TAIL_PARTS);
    }
  }
}

// A dot every ten steps, where there is room for them: their spacing is the speed.
function drawDots(pen, frame, path, style, to) {
  pen.fillStyle = style.colour;
  pen.beginPath();
  let [lastX, lastY] = [Infinity, Infinity];
  for (let k = 10; k <= to; k += 10) {
    const x = frame.px(path[2 * k]), y = frame.py(path[2 * k + 1]);
    if (!(x === x && y === y)) break;
    if (Math.abs(x - lastX) + Math.abs(y - lastY) < 5 || !isInTile(frame.tile, x, y)) continue;
    pen.rect(x - 2.6, y - 2.6, 5.2, 5.2);
    [lastX, lastY] = [x, y];
  }
  pen.fill();
}

function isInTile(tile, x, y, margin = 0) {
  return x >= tile.x - margin && x <= tile.x + tile.width + margin && y >= tile.y - margin && y <= tile.y + tile.height + margin;
}

// The last step at which a runner is anywhere.
function lastStep(race, k, at) {
  const diverged = race.divergedAt[k];
  return diverged >= 0 ? Math.min(at, diverged) : at;
}

function drawHead(pen, frame, race, k, style, at, steps) {
  const step = lastStep(race, k, at);
  const x = frame.px(race.paths[k][2 * step]), y = frame.py(race.paths[k][2 * step + 1]);
  if (!isInTile(frame.tile, x, y)) return;
  if (at >= steps) {
    pen.strokeStyle = style.colour;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.moveTo(x - 4.5, y - 4.5);
    pen.lineTo(x + 4.5, y + 4.5);
    pen.moveTo(x + 4.5, y - 4.5);
    pen.lineTo(x - 4.5, y + 4.5);
    pen.stroke();
    return;
  }
  pen.fillStyle = style.colour;
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.arc(x, y, 5.5, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
}

function drawStart(pen, frame, start, grasped) {
  drawRing(pen, frame.px(start[0]), frame.py(start[1]), grasped);
}

function drawRing(pen, x, y, grasped) {
  pen.fillStyle = faded(theme.paper, 0.75);
  pen.beginPath();
  pen.arc(x, y, grasped ? 12 : 9, 0, 2 * Math.PI);
  pen.fill();
  for (const [colour, width] of [[theme.paper, 6], [theme.ink, 2.4]]) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.arc(x, y, grasped ? 12 : 9, 0, 2 * Math.PI);
    pen.stroke();
  }
}

function drawMinima(pen, frame, course) {
  for (const { point } of course.minima) {
    const x = frame.px(point[0]), y = frame.py(point[1]);
    if (isInTile(frame.tile, x, y)) drawStar(pen, x, y);
  }
}

function drawStar(pen, x, y) {
  pen.beginPath();
  for (let k = 0; k < 10; k++) {
    const angle = -Math.PI / 2 + (k * Math.PI) / 5, radius = k % 2 ? 3.6 : 9;
    pen[k ? "lineTo" : "moveTo"](x + radius * Math.cos(angle), y + radius * Math.sin(angle));
  }
  pen.closePath();
  pen.fillStyle = theme.ink;
  pen.fill();
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 1.5;
  pen.stroke();
}

// The first step at which a path is outside the frame, -1 where it never is.
function leavesAt(frame, path, to) {
  for (let k = 1; k <= to; k++) {
    if (!isInTile(frame.tile, frame.px(path[2 * k]), frame.py(path[2 * k + 1]))) return k;
  }
  return -1;
}

// Names beside the ends of the paths; where two would collide, farther back along the path.
function placeNames(pen, frame, race, runners, names, at, avoid) {
  pen.font = "600 " + FONT;
  const { tile } = frame;
  const taken = avoid.map(([x, y]) => ({ x: x - 12, y: y - 12, w: 24, h: 24 }));
  const placed = [];
  for (const k of runners) {
    const last = lastStep(race, k, at);
    const width = pen.measureText(names[k]).width;
    const spot = freeSpot(frame, race.paths[k], last, width, taken);
    if (!spot) continue;
    taken.push({ x: spot.x - 3, y: spot.y - 2, w: width + 6, h: 18 });
    placed.push({ k, x: Math.max(tile.x + 2, spot.x), y: spot.y + 12 });
  }
  return placed;
}

const BACK = [1, 0.85, 0.6, 0.4, 0.25, 0.15, 0.08, 0.04, 0.02];
const AROUND = [[9, -6], [9, 6], [9, -18], [-9, -6, 1], [-9, 8, 1], [-9, -18, 1], [9, 18], [-9, 20, 1], [9, -32], [-9, -32, 1]];

function freeSpot(frame, path, last, width, taken) {
  const { tile } = frame;
  for (const back of BACK) {
    const step = Math.round(last * back);
    const px = frame.px(path[2 * step]), py = frame.py(path[2 * step + 1]);
    if (!isInTile(tile, px, py, -2)) continue;
    for (const [dx, dy, flipped] of AROUND) {
      const x = px + dx - (flipped ? width : 0), y = py + dy - 8;
      const inside = x > tile.x + 3 && x + width < tile.x + tile.width - 3 && y > tile.y + 3 && y + 16 < tile.y + tile.height - 3;
      if (inside && !taken.some(t => x < t.x + t.w && x + width > t.x && y < t.y + t.h && y + 16 > t.y)) return { x, y };
    }
  }
  return null;
}

function drawNames(pen, placed, names, styles) {
  pen.font = "600 " + FONT;
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  pen.lineJoin = "round";
  for (const { k, x, y } of placed) {
    pen.strokeStyle = theme.paper;
    pen.lineWidth = 3.5;
    pen.strokeText(names[k], x, y);
    pen.fillStyle = letteringOf(styles[k].colour);
    pen.fillText(names[k], x, y);
  }
}

function hintPlace(frame, start) {
  const x = frame.px(start[0]), y = frame.py(start[1]), left = x < frame.tile.x + 110;
  return { left, at: left ? [Math.max(x, frame.tile.x + 40), y - 20] : [x - 17, y + 5] };
}

// Points that a name beside the hint must keep clear of.
function hintCovers(frame, start) {
  const { left, at: [x, y] } = hintPlace(frame, start);
  return (left ? [-24, 0, 24] : [-48, -24, 0]).map(along => [x + along, y - 5]);
}

// Until somebody has dragged it, the ring says what it is for.
function drawHint(pen, frame, start) {
  const { left, at } = hintPlace(frame, start);
  pen.font = "600 " + FONT.replace("12px", "13px");
  pen.textAlign = left ? "center" : "right";
  pen.textBaseline = "alphabetic";
  pen.lineJoin = "round";
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 4;
  pen.strokeText("drag me", ...at);
  pen.fillStyle = theme.accent;
  pen.fillText("drag me", ...at);
  pen.textAlign = "left";
}

// The plane: its tiles, its land (drawn once for a frame), and everything that moves on it.

const plane = { land: null, key: "", tiles: [], ground: null };

// Together: one tile with everybody. One each: a tile per optimizer.
function tilesOf(width, height, state, runners) {
  if (state.view !== "grid" || runners.length < 2) return [{ x: 0, y: 0, width, height, runners }];
  const columns = width < 500 ? 2 : runners.length <= 4 ? 2 : 3;
  const rows = Math.ceil(runners.length / columns);
  const gap = 6;
  const wide = (width - gap * (columns - 1)) / columns, high = (height - gap * (rows - 1)) / rows;
  return runners.map((k, i) => ({
    x: (i % columns) * (wide + gap), y: Math.floor(i / columns) * (high + gap), width: wide, height: high, runners: [k],
  }));
}

function landFor(frame, course, ratio, ground) {
  const { tile } = frame;
  const key = [course.name, frame.left, frame.right, frame.bottom, frame.top, tile.width, tile.height, ratio, theme.dark,
    ground ? ground.serial : 0].join(" ");
  if (key !== plane.key) {
    const terrain = terrainOf(course, frame, Math.min(220, Math.max(60, Math.round(tile.width / 3))));
    plane.land = landOn(terrain, tile.width, tile.height, ratio, ground && ground.canvas);
    plane.terrain = terrain;
    plane.key = key;
  }
  return plane.land;
}

// Draw the whole plane. `scene` is what app.js keeps: state, course, race, styles, names, shown.
function drawPlane(pen, width, height, ratio, scene) {
  const { state, course, race, shown } = scene;
  const box = state.box || domainBox(course);
  plane.tiles = tilesOf(width, height, state, shown);
  if (plane.tiles.length > 1) blank(pen, width, height); // one tile covers all
  const ground = state.view === "basins" ? scene.basins : null;
  for (const tile of plane.tiles) {
    tile.frame = frameOf(box, tile);
    pen.save();
    pen.beginPath();
    pen.rect(tile.x, tile.y, tile.width, tile.height);
    pen.clip();
    const { left, right, bottom, top } = tile.frame;
    const fitting = ground && near(ground.box, [left, right, bottom, top]) ? ground : null;
    pen.drawImage(landFor(tile.frame, course, ratio, fitting), tile.x, tile.y, tile.width, tile.height);
    drawTile(pen, tile, scene, race);
    pen.restore();
    if (plane.tiles.length > 1) {
      pen.strokeStyle = theme.line;
      pen.lineWidth = 1;
      pen.strokeRect(tile.x + 0.5, tile.y + 0.5, tile.width - 1, tile.height - 1);
    }
  }
}

// Two boxes are the same but for rounding.
function near(one, other) {
  const size = other[1] - other[0];
  return String(one).split(",").every((side, k) => Math.abs(side - other[k]) < 1e-6 * size);
}

function drawTile(pen, tile, scene, race) {
  const { state, course, styles, names } = scene;
  const { frame } = tile;
  const runners = state.view === "basins" ? tile.runners.filter(k => k === state.focus) : tile.runners;
  drawAxes(pen, frame, state.view === "basins");
  pen.lineJoin = "round";
  pen.lineCap = "butt";
  for (const k of runners) {
    // On the colours of a basin map a path needs an edge to be seen.
    if (state.view === "basins") strokePieces(pen, polylines(race.paths[k], frame, 0, state.steps), { colour: theme.paper, dashes: [] }, 5);
    drawRunner(pen, frame, race.paths[k], styles[k], state.at, state.steps, k === state.focus ? 2.4 : 1.9);
  }
  if (tile.runners.length === 1 || runners.length <= 2) {
    for (const k of runners) drawDots(pen, frame, race.paths[k], styles[k], lastStep(race, k, Math.min(state.at, state.steps)));
  }
  drawMinima(pen, frame, course);
  for (const k of runners) drawHead(pen, frame, race, k, styles[k], state.at, state.steps);
  if (state.at < state.steps && runners.includes(state.focus)) drawInsideAt(pen, frame, scene);
  drawStart(pen, frame, state.start, scene.grasped);
  if (!scene.touched && tile === plane.tiles[0]) drawHint(pen, frame, state.start);
  if (tile.runners.length === 1 && plane.tiles.length > 1) return drawTileTitle(pen, tile, scene);
  const avoid = [state.start, ...course.minima.map(minimum => minimum.point)].map(([x, y]) => [frame.px(x), frame.py(y)]);
  if (!scene.touched) avoid.push(...hintCovers(frame, state.start));
  drawNames(pen, placeNames(pen, frame, race, runners, names, state.at, avoid), names, styles);
}

function drawTileTitle(pen, tile, { race, styles, names, state }) {
  const k = tile.runners[0];
  drawNames(pen, [{ k, x: tile.x + 8, y: tile.y + 18 }], names, styles);
  const left = leavesAt(tile.frame, race.paths[k], lastStep(race, k, state.steps));
  if (race.divergedAt[k] >= 0 && left > 0) {
    pen.font = FONT;
    pen.fillStyle = theme.quiet;
    pen.fillText(`left at step ${left}`, tile.x + 8, tile.y + tile.height - 8);
  }
}

// A few numbers along the lower and left edge; on the colours of a basin map with an edge of their own.
function drawAxes(pen, frame, edged = false) {
  const { tile } = frame;
  pen.font = FONT.replace("12px", "11px");
  pen.fillStyle = theme.quiet;
  const words = [];
  pen.beginPath();
  pen.textBaseline = "alphabetic";
  for (const tick of ticksOf(frame.left, frame.right, tile.width / 90)) {
    const x = Math.round(frame.px(tick)) + 0.5;
    if (x < tile.x + 40 || x > tile.x + tile.width - 16) continue;
    pen.moveTo(x, tile.y + tile.height);
    pen.lineTo(x, tile.y + tile.height - 4);
    words.push(["center", brief(tick, 4), x, tile.y + tile.height - 7]);
  }
  for (const tick of ticksOf(frame.bottom, frame.top, tile.height / 70)) {
    const y = Math.round(frame.py(tick)) + 0.5;
    if (y < tile.y + 26 || y > tile.y + tile.height - 30) continue;
    pen.moveTo(tile.x, y);
    pen.lineTo(tile.x + 4, y);
    words.push(["left", brief(tick, 4), tile.x + 7, y + 4]);
  }
  pen.strokeStyle = theme.faint;
  pen.lineWidth = 1;
  pen.stroke();
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 3.5;
  pen.lineJoin = "round";
  if (edged) pen.fillStyle = theme.ink;
  for (const [align, ...word] of words) {
    pen.textAlign = align;
    if (edged) pen.strokeText(...word);
    pen.fillText(...word);
  }
  pen.textAlign = "left";
}

function ticksOf(low, high, most) {
  const raw = (high - low) / Math.max(1, most);
  const unit = 10 ** Math.floor(Math.log10(raw));
  const stride = [1, 2, 5, 10].map(k => k * unit).find(step => step >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / stride - 1e-9); k * stride <= high + 1e-9 * stride; k++) {
    ticks.push(Number((k * stride).toPrecision(12)));
  }
  return ticks;
}

function tileAt(x, y) {
  return plane.tiles.find(tile => isInTile(tile, x, y)) || plane.tiles[0];
}

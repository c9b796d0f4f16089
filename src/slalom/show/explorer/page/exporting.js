// Pictures to keep: PNG and SVG of what is on the screen, and the race as an animation.

const SHEET = { width: 1200, height: 700, plane: 740, head: 46 };

// The sheet: title, plane, loss and step length, as one drawing of fixed size, whatever the window.
function drawSheet(pen, shown, ratio) {
  const scene = { ...shown, touched: true, grasped: false }; // a picture cannot be dragged
  const { width, height, plane: wide, head } = SHEET;
  pen.fillStyle = theme.paper;
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = theme.ink;
  pen.font = FONT.replace("12px", "17px");
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  const { state, course } = scene;
  pen.fillText(cut(`${course.title}, from (${brief(state.start[0])}, ${brief(state.start[1])}), step ${state.at}`, 120), 16, 30);
  const shape = shapeOf(scene, wide, height - head - 40);
  shifted(pen, 16, head, () => {
    if (state.view === "surface") drawSurface(pen, shape.width, shape.height, scene);
    else drawPlane(pen, shape.width, shape.height, ratio, { ...scene, state: { ...state, box: shape.box } });
  });
  const half = (height - head - 60) / 2;
  const labels = ["loss above " + (scene.floor.known ? "the minimum" : "the lowest seen"), "length of each step"];
  [scene.gaps, scene.lengths].forEach((values, row) => {
    const top = head + row * (half + 10);
    pen.fillStyle = theme.quiet;
    pen.font = FONT;
    pen.textAlign = "left";
    pen.textBaseline = "alphabetic";
    pen.fillText(labels[row], wide + 40, top + 10);
    shifted(pen, wide + 28, top + 14, () => chartOf(pen, width - wide - 44, half - 20, values, scene, row));
  });
  pen.fillStyle = theme.quiet;
  pen.font = FONT.replace("12px", "11px");
  pen.textAlign = "left";
  pen.textBaseline = "alphabetic";
  const named = k => (/ lr /.test(scene.names[k]) ? scene.names[k] : `${scene.names[k]} lr ${brief(state.field[k].h.lr)}`);
  const rates = scene.shown.map(named).join(" · ");
  pen.fillText(cut(`${rates}${state.noise ? ` · noise ${brief(state.noise)}, seed ${state.seed}` : ""} · slalom`, 190), 16, height - 14);
}

// One plane is drawn in its own shape, so that the sheet shows what the screen does, no more and no less.
function shapeOf({ state }, width, height) {
  const [tile] = plane.tiles;
  if (!["overlay", "basins"].includes(state.view) || !tile || !tile.frame) return { width, height, box: state.box };
  const { left, right, bottom, top } = tile.frame, scale = Math.min(width / (right - left), height / (top - bottom));
  return { width: scale * (right - left), height: scale * (top - bottom), box: [left, right, bottom, top] };
}

function cut(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

function shifted(pen, dx, dy, draw) {
  if (pen instanceof SvgPen) {
    pen.out.push(`<g transform="translate(${dx} ${dy})">`);
    draw();
    pen.out.push("</g>");
    return;
  }
  const before = pen.getTransform();
  pen.translate(dx, dy);
  pen.save();
  draw();
  pen.restore();
  pen.setTransform(before);
}

function chartOf(pen, width, height, values, scene, row) {
  const { state, styles, shown, race } = scene;
  const series = shown.map((k, i) => ({ k, style: styles[k], values: values[i], divergedAt: race.divergedAt[k] }));
  return drawChart(pen, width, height, series, {
    steps: state.steps, at: state.at, logSteps: state.logSteps, focus: state.focus, from: row, most: row ? 14 : 16,
  });
}

// Draw the sheet without leaving a trace in what the page has kept for its own plane.
function aside(draw) {
  const kept = { ...plane };
  try {
    return draw();
  } finally {
    Object.assign(plane, kept);
  }
}

function sheetCanvas(ratio) {
  const canvas = document.createElement("canvas");
  canvas.width = SHEET.width * ratio;
  canvas.height = SHEET.height * ratio;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  return { canvas, pen };
}

function exportPng(scene) {
  const { canvas, pen } = sheetCanvas(2);
  aside(() => drawSheet(pen, scene, 2));
  canvas.toBlob(blob => download(blob, "png", scene));
}

function exportSvg(scene) {
  const pen = new SvgPen(SHEET.width, SHEET.height);
  aside(() => drawSheet(pen, scene, 2));
  download(new Blob([pen.text()], { type: "image/svg+xml" }), "svg", scene);
}

const FILM = { frames: 150, perSecond: 20, rest: 700 };

function filmType() {
  if (typeof MediaRecorder === "undefined" || !HTMLCanvasElement.prototype.captureStream) return null;
  return ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"].find(type => MediaRecorder.isTypeSupported(type)) || null;
}

// The steps that a film shows, evenly spread over the way made, as slalom.show.views.moving.frame_steps has it: each
// runner's whole way counts the same; a fifth goes by the logarithm of the step, so that a field at rest still ticks.
function filmSteps(lengths, steps, frames) {
  if (steps < frames) return Array.from({ length: steps + 1 }, (_, k) => k);
  const weights = Float64Array.from({ length: steps }, (_, k) => 0.2 * Math.log((k + 2) / (k + 1)) / Math.log(steps + 1));
  for (const ofOne of lengths) {
    const way = ofOne.reduce((sum, length) => sum + (Number.isFinite(length) ? length : 0), 0) || 1;
    for (let k = 0; k < steps; k++) if (Number.isFinite(ofOne[k + 1])) weights[k] += 0.8 * ofOne[k + 1] / (way * lengths.length);
  }
  const sum = () => weights.reduce((total, weight) => total + weight, 0);
  for (let round = 0; round < 30; round++) { // a step that takes more than one frame's share gives the rest to the others
    const total = sum();
    for (let k = 0; k < steps; k++) weights[k] = Math.min(weights[k] / total, 1 / (frames - 1));
  }
  const total = sum(), chosen = [0];
  let travelled = 0;
  for (let k = 0, next = 1; k < steps && next < frames - 1; k++) {
    travelled += weights[k] / total;
    if (travelled < next / (frames - 1) - 1e-12) continue;
    chosen.push(k + 1);
    while (next < frames - 1 && travelled >= next / (frames - 1) - 1e-12) next++;
  }
  if (chosen[chosen.length - 1] !== steps) chosen.push(steps);
  return chosen;
}

// Record the race in real time, from its first step to its last, without touching what is on the screen.
async function exportFilm(live, note) {
  const type = filmType();
  if (!type) {
    note("This browser cannot record a canvas. Save it with: slalom race … --save race.gif");
    return;
  }
  // What is on the screen now: it may change while the film is made.
  const scene = { ...live, state: { ...live.state, field: live.state.field.slice() } };
  byId("export-webm").disabled = true;
  try {
    await recordFilm(scene, type, note);
  } finally {
    byId("export-webm").disabled = false;
  }
}

async function recordFilm(scene, type, note) {
  const { canvas, pen } = sheetCanvas(1);
  const stream = canvas.captureStream(FILM.perSecond);
  const recorder = new MediaRecorder(stream, { mimeType: type, videoBitsPerSecond: 4e6 });
  const pieces = [];
  recorder.ondataavailable = event => pieces.push(event.data);
  const ended = new Promise(resolve => { recorder.onstop = resolve; });
  recorder.start();
  const moments = filmSteps(scene.lengths, scene.state.steps, FILM.frames);
  for (const [frame, at] of moments.entries()) {
    pen.setTransform(1, 0, 0, 1, 0, 0);
    const moment = { ...scene, state: { ...scene.state, at } };
    aside(() => {
      Object.assign(plane, film);
      drawSheet(pen, moment, 1);
      Object.assign(film, { land: plane.land, key: plane.key, terrain: plane.terrain });
    });
    if (frame % 15 === 0) note(`Recording, ${Math.round((100 * frame) / moments.length)} %`);
    await new Promise(resolve => setTimeout(resolve, 1000 / FILM.perSecond));
  }
  await new Promise(resolve => setTimeout(resolve, FILM.rest)); // the end stands for a moment
  recorder.stop();
  await ended;
  download(new Blob(pieces, { type: "video/webm" }), "webm", scene);
  note("Saved.");
}

const film = { land: null, key: "", terrain: null };

function download(blob, ending, scene) {
  const name = scene.course.typed ? "expression" : scene.course.name;
  const link = el("a", { href: URL.createObjectURL(blob), download: `slalom-${name}.${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

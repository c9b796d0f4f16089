// The page's one loop: a change of state is drawn at the next frame, whole, and then written into the address.

const scene = {
  state: null, course: null, race: null, floor: null, gaps: [], lengths: [], styles: [], names: [], shown: [], keys: [], charts: {},
  basins: null, grasped: false, touched: false, since: 0,
};

let waiting = 0;
let stale = true; // the race must be run anew, at a frame that is asked for: until then nothing of the old one is drawn
let lightly = false; // of a change under the pointer only what moves is drawn; the rest follows when it rests

function change(alter) {
  hush();
  alter(scene.state);
  keepWithin(scene.state);
  stale = true;
  redraw();
}

function changeLightly(alter) {
  lightly = true;
  change(alter);
}

function redraw() {
  if (!waiting) waiting = requestAnimationFrame(frameNow);
  underWay("frame", true);
}

// A canvas has another size: everything is drawn, nothing computed.
function redrawAll() {
  if (scene.race) redraw();
}

// Under the pointer there is no waiting for the next frame: browsers hand out its moves just before one.
function redrawNow() {
  if (waiting) cancelAnimationFrame(waiting);
  frameNow();
}

function frameNow() {
  waiting = 0;
  const since = scene.since;
  if (stale) runRace();
  stale = false;
  drawMoving();
  if (!lightly) drawResting();
  else restSoon();
  lightly = false;
  if (since) {
    if (performance.getEntriesByName("redraw").length >= 1000) performance.clearMeasures("redraw");
    performance.measure("redraw", { start: since, end: performance.now() });
    scene.since = 0;
  }
  underWay("frame", waiting !== 0);
}

let resting = 0;
function restSoon() {
  clearTimeout(resting);
  underWay("rest", true);
  resting = setTimeout(() => {
    resting = 0;
    drawResting();
    drawMoving();
    underWay("rest", false);
  }, 60);
}

function runRace() {
  const { state } = scene;
  scene.course = findCourse(state.course);
  scene.styles = stylesOf(state.field);
  scene.names = labelsOf(state.field);
  scene.shown = state.field.map((_, k) => k).filter(k => state.field[k].on);
  scene.keys = sweepKeys(state);
  if (scene.basins && scene.basins.meant !== basinKey(state)) scene.basins = null; // it belongs to something else
  scene.race = slalom.race({
    landscape: raced(scene.course, state.start), start: state.start, runners: state.field, steps: state.steps,
    noise: noiseOf(state),
  });
  scene.floor = floorOf(scene.course, scene.race, scene.shown);
  scene.gaps = scene.shown.map(k => gapsOf(scene.race.losses[k], scene.floor.value));
  scene.lengths = scene.shown.map(k => lengthsOf(scene.race.updates[k]));
  askSweep(scene, sweeps => {
    strip.sweeps = sweeps;
    if (!scene.grasped || !resting) showStrip(); // else with the next move, for which there is a frame anyway
  });
}

// What moves with the pointer and with the race: plane, curves, strip.
function drawMoving() {
  if (stale) return;
  const { pen, width, height, ratio } = fitted(byId("plane"));
  if (scene.state.view === "surface") drawSurface(pen, width, height, scene);
  else drawPlane(pen, width, height, ratio, scene);
  showChart("loss", scene.gaps, 0);
  showChart("lengths", scene.lengths, 1);
  showStrip();
  showClock();
}

function showChart(id, values, row) {
  const { pen, width, height } = fitted(byId(id));
  scene.charts[id] = chartOf(pen, width, height, values, scene, row);
}

function showStrip() {
  if (stale) return;
  const { pen, width, height } = fitted(byId("strip"));
  drawStrip(pen, width, height, scene);
}

// The step whose inside is shown: the one that leads on from where the race stands, at its end the last.
function insideStep() {
  const { state, race } = scene;
  return Math.max(1, Math.min(state.at + 1, lastStep(race, state.focus, state.steps)));
}

function drawResting() {
  if (stale) return;
  const { state } = scene;
  showCourse(scene);
  showField(scene);
  showConditions(scene);
  showInside();
  for (const input of byId("views").querySelectorAll("input")) input.checked = input.value === state.view;
  byId("log-steps").checked = state.logSteps;
  byId("loss-title").textContent = scene.floor.known ? "Loss above the minimum" : "Loss above the lowest seen";
  byId("speed").value = Math.round(100 * Math.log(state.speed / 2) / Math.log(500));
  byId("command").textContent = commandOf(state);
  byId("snippet").textContent = snippetOf(state);
  showNote();
  if (state.view === "basins") askBasins(scene, keepBasins);
  else if (basinWork.key) stopBasins();
  keepAddress();
}

function showInside() {
  if (stale) return;
  const { state } = scene;
  const runner = state.field[state.focus];
  byId("inside-title").textContent = runner ? `Inside ${scene.names[state.focus]}, step ${insideStep()}` : "Inside the update";
  const { pen, width, height } = fitted(byId("dial"));
  if (!runner) blank(pen, width, height);
  const inside = runner ? drawDial(pen, width, height, scene, insideStep()) : null;
  showParts(byId("parts").tBodies[0], scene, inside);
  showFormula(byId("formula"), scene, state.focus, inside ? insideStep() : 0);
}

function showNote() {
  const { state, names } = scene;
  const notes = {
    overlay: scene.shown.length ? "" : "Nobody is in the race: tick an optimizer, or add one.",
    grid: "A dot every ten steps: their spacing is the speed.",
    basins: state.field.length ? `Where ${names[state.focus]} ends from every start within ${state.steps} steps${state.noise ? ", without the noise" : ""}: ${basinWords(scene.basins, !scene.course.minima.length)}` : "",
    surface: "Height: logarithm of the loss. What lies behind it shows faintly. Drag, or use the arrow keys, to turn it.",
  };
  const here = scene.shown.length && !Number.isFinite(scene.race.losses[scene.shown[0]][0]);
  const nowhere = here ? "The function has no finite value at this start: nobody can go on from here. " : "";
  const working = state.view === "basins" && basinWork.worker ? " Computing …" : "";
  const failed = background.failed ? "This browser does not let the page compute in the background: no strip and no basins. " : "";
  byId("strip-note").textContent = failed || `final loss${state.noise ? " with this noise" : ""}; ● present rate (drag), ○ library default`;
  byId("plane-note").textContent = (state.view === "basins" ? failed : "") + nowhere + notes[state.view] + working;
}

function showClock() {
  const { state } = scene;
  const scrub = byId("scrub");
  if (Number(scrub.max) !== state.steps) scrub.max = state.steps;
  scrub.value = state.at;
  byId("clock").textContent = `${state.at} of ${state.steps}`;
}

let addressing = 0;
function keepAddress() {
  clearTimeout(addressing);
  underWay("address", true);
  addressing = setTimeout(() => {
    const hash = toHash(scene.state);
    if (hash !== location.hash) history.replaceState(null, "", hash);
    underWay("address", false);
  }, 200);
}

let telling = 0;
function tell(text) {
  clearTimeout(telling);
  underWay("telling", true);
  telling = setTimeout(() => {
    if (stale) return tell(text);
    byId("told").textContent = text();
    underWay("telling", false);
  }, 150);
}

function tellResult() {
  tell(resultText);
}

function resultText() {
  const { state, names, shown } = scene;
  return `Start ${state.start.map(value => brief(value, 4)).join(", ")}. ` +
    shown.map(k => `${names[k]} ${resultOf(scene, k)}`).join("; ");
}

// --- playing

const playing = { on: false, last: 0, carried: 0, shown: 0 };
const calm = matchMedia("(prefers-reduced-motion: reduce)");

function play() {
  const { state } = scene;
  if (state.at >= state.steps) state.at = 0;
  Object.assign(playing, { on: true, last: performance.now(), carried: 0 });
  showPlaying();
  requestAnimationFrame(advance);
}

function pause() {
  if (!playing.on) return;
  playing.on = false;
  showPlaying();
  redraw();
}

function showPlaying() {
  byId("play").textContent = playing.on ? "❚❚" : "▶";
  byId("play").setAttribute("aria-label", playing.on ? "Pause" : "Play");
}

// Where motion is to be reduced the race goes on in two jumps a second.
function advance(now) {
  if (!playing.on) return;
  const { state } = scene;
  const passed = Math.min(now - playing.last, 1000);
  if (!calm.matches || passed >= 500) {
    playing.last = now;
    playing.carried += (passed / 1000) * state.speed;
    const steps = Math.floor(playing.carried);
    playing.carried -= steps;
    state.at = Math.min(state.steps, state.at + steps);
    if (steps) drawMoving();
    if (now - playing.shown > 150) {
      playing.shown = now;
      showInside();
    }
  }
  if (state.at >= state.steps) return pause();
  requestAnimationFrame(advance);
}

function stepBy(steps) {
  pause();
  scene.state.at = Math.min(scene.state.steps, Math.max(0, scene.state.at + steps));
  showClock();
  redraw();
}

function keepBasins(data, meant) {
  if (meant === basinKey(scene.state)) scene.basins = { ...basinPicture(data), meant };
  showNote();
  drawMoving();
}

// --- wiring

function wirePlaying() {
  byId("play").onclick = () => (playing.on ? pause() : play());
  byId("back").onclick = () => stepBy(-1);
  byId("forward").onclick = () => stepBy(1);
  byId("scrub").oninput = event => {
    pause();
    scene.state.at = Number(event.target.value);
    showClock();
    redraw();
  };
  byId("speed").oninput = event => {
    scene.state.speed = Math.round(2 * 500 ** (Number(event.target.value) / 100));
    keepAddress();
  };
  byId("log-steps").onchange = event => change(state => { state.logSteps = event.target.checked; });
}

function wireViews() {
  byId("views").onchange = event => change(state => { state.view = event.target.value; });
  byId("zoom-in").onclick = () => zoom(0.7);
  byId("zoom-out").onclick = () => zoom(1 / 0.7);
  byId("zoom-all").onclick = () => change(state => { state.box = null; });
  byId("zoom-fit").onclick = () => change(state => {
    const nearest = nearestMinimum();
    state.box = fittingBox(scene.course, state.start, ofShown(), nearest).map(value => Number(value.toPrecision(12)));
  });
}

function ofShown() {
  const pick = values => scene.shown.map(k => values[k]);
  return { paths: pick(scene.race.paths), divergedAt: pick(scene.race.divergedAt) };
}

// The minimum that somebody ends nearest to; the start's own where all diverge.
function nearestMinimum() {
  const { course, race, shown, state } = scene;
  const ends = shown.filter(k => race.divergedAt[k] < 0).map(k => race.paths[k].slice(-2));
  const from = ends.length ? ends : [state.start];
  const distance = point => Math.min(...from.map(([x, y]) => Math.hypot(point[0] - x, point[1] - y)));
  return course.minima.map(minimum => minimum.point).sort((p, q) => distance(p) - distance(q))[0] || null;
}

function wireExports() {
  const note = text => { byId("export-note").textContent = text; };
  byId("export-png").onclick = () => exportPng(scene);
  byId("export-svg").onclick = () => exportSvg(scene);
  byId("export-webm").onclick = () => exportFilm(scene, note);
  if (!filmType()) note("This browser cannot record a canvas; slalom race … --save race.gif can.");
  byId("copy-link").onclick = event => {
    history.replaceState(null, "", toHash(scene.state));
    copy(location.href, event.target);
  };
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.onclick = () => copy(byId(button.dataset.copies).textContent, button);
  }
}

async function copy(text, button) {
  const before = button.dataset.label || (button.dataset.label = button.textContent);
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = copyBySelecting(text);
  }
  button.textContent = done ? "Copied" : "Not allowed: select it";
  setTimeout(() => { button.textContent = before; }, 1500);
}

function copyBySelecting(text) {
  const area = el("textarea", { value: text, readOnly: true });
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

function wireTheme() {
  const repaint = () => {
    applyTheme();
    byId("theme").setAttribute("aria-label", `Colours: ${theme.chosen === "system" ? "as the system" : theme.chosen}`);
    surface.key = "";
    change(() => {});
  };
  byId("theme").onclick = () => {
    theme.chosen = THEMES[(THEMES.indexOf(theme.chosen) + 1) % THEMES.length];
    repaint();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
}

function begin() {
  applyTheme();
  const refused = [];
  scene.state = fromHash(location.hash, refused);
  buildLandscapes(byId("landscape"));
  buildAdd(byId("add"));
  wireControls();
  wirePlane(byId("plane"));
  wireCharts();
  wirePlaying();
  wireViews();
  wireExports();
  wireTheme();
  wireKeys();
  addEventListener("hashchange", () => {
    if (location.hash === toHash(scene.state)) return;
    if (document.getElementById(location.hash.slice(1))) return keepAddress(); // the link to the plane, for keys
    const later = [];
    scene.state = fromHash(location.hash, later);
    clearExpression();
    change(() => {});
    showAddressNote(later);
  });
  runRace();
  stale = false;
  drawMoving();
  drawResting();
  showAddressNote(refused);
  document.documentElement.dataset.ready = "true";
  performance.mark("ready");
}

begin();

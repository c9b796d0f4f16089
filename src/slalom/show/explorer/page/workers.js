// What would take longer than a frame is computed in workers, made of the engine's own text: sweeps over learning
// rates, and basin maps. The page never waits for them.

function workerMain() {
  const courseOf = ({ text, named, domain }) => (named ? slalom.landscapes[text] : { ...slalom.compile(text), domain });

  function sweep({ id, course, start, steps, noise, runners }) {
    const landscape = courseOf(course);
    const sweeps = runners.map(({ k, key, rule, h, rates }) => (
      { k, key, rates, losses: slalom.sweep({ landscape, start, rule, h, steps, rates, noise }) }
    ));
    postMessage({ id, sweeps });
  }

  // From coarse to fine, so that there is something to see at once.
  function basins({ id, course, steps, runner, box, grids }) {
    const landscape = courseOf(course);
    const minima = landscape.minima.length;
    for (const grid of grids) {
      const found = slalom.basins({ landscape, runner, steps, grid, box });
      postMessage({ id, ...found, grid, box, steps, minima, done: grid === grids[grids.length - 1] });
    }
  }

  onmessage = ({ data }) => (data.task === "sweep" ? sweep : basins)(data);
}

function makeWorker(answer) {
  const text = `${document.getElementById("engine").textContent}\n(${workerMain})();`;
  const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    const worker = new Worker(url);
    worker.onmessage = ({ data }) => answer(data);
    worker.onerror = event => {
      event.preventDefault();
      giveUp();
    };
    return worker;
  } catch { // the place that the page comes from forbids it
    setTimeout(giveUp);
    return { postMessage() {}, terminate() {} };
  }
}

// Workers are forbidden, or one failed: the page goes on without strip and basins, and says so.
const background = { failed: false };

function giveUp() {
  background.failed = true;
  sweeping.busy = false;
  sweeping.next = null;
  underWay("sweep", false);
  stopBasins();
  showNote();
}

function courseMessage(course, start) {
  return { text: course.name, named: !course.typed, domain: raced(course, start).domain };
}

// One question is under way at a time; of those asked meanwhile the latest is sent next.
const sweeping = { worker: null, busy: false, next: null, id: 0 };

function askSweep(scene, answer) {
  if (background.failed) return;
  const { state, course, shown, keys } = scene;
  const runners = shown.map(k => (
    { k, key: keys[k], rule: state.field[k].rule, h: state.field[k].h, rates: ratesOf(state.field[k]) }));
  sweeping.next = {
    task: "sweep", id: ++sweeping.id, course: courseMessage(course, state.start), start: state.start, steps: state.steps,
    noise: noiseOf(state), runners,
  };
  sweeping.worker = sweeping.worker || makeWorker(({ sweeps }) => {
    sweeping.busy = false;
    answer(sweeps);
    sendSweep();
    underWay("sweep", sweeping.busy);
  });
  sendSweep();
}

function sendSweep() {
  if (sweeping.busy || !sweeping.next) return;
  sweeping.worker.postMessage(sweeping.next);
  sweeping.busy = true;
  underWay("sweep", true);
  sweeping.next = null;
}

// A basin map takes seconds: one that is no longer wanted is stopped with its worker.
const basinWork = { worker: null, key: "" };

// What a basin map holds for, but for the box, which it tells itself.
function basinKey({ course, steps, field, focus }) {
  const runner = field[focus];
  return runner ? JSON.stringify([course, steps, runner.rule, runner.h]) : "";
}

function askBasins(scene, answer) {
  const { state, course } = scene;
  const runner = state.field[state.focus];
  if (!runner || background.failed) return stopBasins();
  if (!plane.tiles.length) return;
  const { left, right, bottom, top, tile } = plane.tiles[0].frame;
  const box = [[left, right], [bottom, top]];
  const meant = basinKey(state), key = `${meant} ${box}`;
  if (basinWork.key === key) return;
  stopBasins();
  basinWork.key = key;
  const worker = basinWork.worker = makeWorker(data => {
    if (basinWork.worker !== worker) return; // of one that was stopped
    if (data.done) {
      worker.terminate();
      basinWork.worker = null;
    }
    answer(data, meant);
    underWay("basins", basinWork.worker !== null);
  });
  underWay("basins", true);
  basinWork.worker.postMessage({
    task: "basins", id: 0, course: courseMessage(course, state.start), steps: state.steps,
    runner: { rule: runner.rule, h: runner.h }, box,
    grids: [24, 60, 140].map(columns => [columns, Math.max(8, Math.round(columns * tile.height / tile.width))]),
  });
}

function stopBasins() {
  if (basinWork.worker) basinWork.worker.terminate();
  basinWork.worker = null;
  basinWork.key = "";
  underWay("basins", false);
}

// What would take longer than a frame is computed in workers, made of the engine's own text: sweeps over learning
// rates, and basin maps. The page never waits for them.

function workerMain() {
  const courseOf = ({ text, named, domain }) => (named ? slalom.landscapes[text] : { ...slalom.compile(text), domain });

  function sweep({ id, course, start, steps, runners }) {
    const landscape = courseOf(course);
    const sweeps = runners.map(({ k, rule, h, rates }) => (
      { k, rates, losses: slalom.sweep({ landscape, start, rule, h, steps, rates }) }
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
  const worker = new Worker(url);
  worker.onmessage = ({ data }) => answer(data);
  worker.onerror = event => {
    event.preventDefault();
    tell("A computation in the background failed; everything else goes on.");
  };
  return worker;
}

function courseMessage(course, start) {
  return { text: course.name, named: !course.typed, domain: raced(course, start).domain };
}

// One question is under way at a time; of those asked meanwhile the latest is sent next.
const sweeping = { worker: null, busy: false, next: null, id: 0 };

function askSweep(scene, answer) {
  const { state, course, shown } = scene;
  const runners = shown.map(k => ({ k, rule: state.field[k].rule, h: state.field[k].h, rates: ratesOf(state.field[k]) }));
  sweeping.next = {
    task: "sweep", id: ++sweeping.id, course: courseMessage(course, state.start), start: state.start, steps: state.steps, runners,
  };
  sweeping.worker = sweeping.worker || makeWorker(({ sweeps }) => {
    sweeping.busy = false;
    answer(sweeps);
    sendSweep();
  });
  sendSweep();
}

function sendSweep() {
  if (sweeping.busy || !sweeping.next) return;
  sweeping.worker.postMessage(sweeping.next);
  sweeping.busy = true;
  sweeping.next = null;
}

const BASIN_STEPS = 500;

// A basin map takes seconds: one that is no longer wanted is stopped with its worker.
const basinWork = { worker: null, key: "", serial: 0 };

function askBasins(scene, answer) {
  const { state, course } = scene;
  const runner = state.field[state.focus];
  if (!runner || !plane.tiles.length) return;
  const { left, right, bottom, top, tile } = plane.tiles[0].frame;
  const box = [[left, right], [bottom, top]];
  const key = JSON.stringify([state.course, runner.rule, runner.h, state.steps, box]);
  if (basinWork.key === key) return;
  stopBasins();
  basinWork.key = key;
  basinWork.worker = makeWorker(data => {
    if (data.done) {
      basinWork.worker.terminate();
      basinWork.worker = null;
    }
    answer(data);
  });
  basinWork.worker.postMessage({
    task: "basins", id: 0, course: courseMessage(course, state.start), steps: Math.min(state.steps, BASIN_STEPS),
    runner: { rule: runner.rule, h: runner.h }, box,
    grids: [24, 60, 140].map(columns => [columns, Math.max(8, Math.round(columns * tile.height / tile.width))]),
  });
}

function stopBasins() {
  if (basinWork.worker) basinWork.worker.terminate();
  basinWork.worker = null;
  basinWork.key = "";
}

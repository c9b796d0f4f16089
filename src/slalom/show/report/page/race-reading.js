// Reading a race: the path under the pointer, the loss as a handle for the step shown, and the picture in words.
const NEAR = 26; // pixels within which a path is meant

function prepareReading(view, box) {
  view.tip = tooltipIn(box);
  const pointed = (event) => {
    const best = nearestSpot(view, event);
    if (best) view.tip.show(best.x, best.y, wordsOf(view, best));
    else view.tip.hide();
    return best;
  };
  view.map.addEventListener("pointermove", (event) => { if (event.pointerType !== "touch") pointed(event); });
  view.map.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") view.tip.hide(); });
  view.map.addEventListener("click", (event) => {
    const best = pointed(event);
    if (best) { stop(view); go(view, frameOf(view, best.step)); }
  });
  prepareHandle(view);
}

// Pressed and moved along the loss, a pointer sets the step shown; up and down a finger still scrolls the page.
function prepareHandle(view) {
  const { loss } = view;
  let held = false;
  const follow = (event) => {
    const { low, high, log } = view.spec.loss.x, { left, width } = loss.getBoundingClientRect();
    const share = Math.min(Math.max((event.clientX - left - LOSS_LEFT) / (width - LOSS_LEFT - LOSS_RIGHT), 0), 1);
    stop(view);
    go(view, frameOf(view, log ? low * (high / low) ** share : low + share * (high - low)));
  };
  loss.addEventListener("pointerdown", (event) => { held = true; loss.setPointerCapture(event.pointerId); follow(event); });
  loss.addEventListener("pointermove", (event) => { if (held) follow(event); });
  ["pointerup", "pointercancel"].forEach((name) => loss.addEventListener(name, () => { held = false; }));
}

// The picture whose step is nearest.
function frameOf(view, step) {
  const far = view.spec.steps.map((other) => Math.abs(other - step));
  return far.indexOf(Math.min(...far));
}

function nearestSpot(view, event) {
  const { left, top } = view.map.getBoundingClientRect(), x = event.clientX - left, y = event.clientY - top;
  let best = null;
  for (const [runner, k] of shownIn(view)) {
    const { trail } = runner;
    trail.step.forEach((step, j) => {
      if (trail.x[j] == null || trail.y[j] == null) return;
      const spot = view.at(trail.x[j], trail.y[j]), far = Math.hypot(spot[0] - x, spot[1] - y);
      if (far < NEAR && (!best || far < best.far)) best = { far, runner, k, j, step, x: spot[0], y: spot[1] };
    });
  }
  return best;
}

function wordsOf(view, { runner, k, j, step }) {
  const place = [runner.trail.x[j], runner.trail.y[j]].map((value) => number(value, 4));
  const [steps, losses] = view.spec.loss.lines[k], known = steps.indexOf(step);
  return [runner.name, `step ${step}`, view.spec.profile ? `x = ${place[0]}, f = ${place[1]}` : `(${place.join(", ")})`,
    known >= 0 && losses[known] != null && !view.spec.profile ? `loss ${number(losses[known], 4)}` : ""];
}

// What the map shows now, for who cannot see it.
function pictureInWords(view) {
  const heads = shownIn(view).map(([runner, k]) => {
    const [x, y] = view.spec.heads[view.frame][k];
    return x == null || y == null ? `${runner.name} has left` : `${runner.name} at (${number(x, 4)}, ${number(y, 4)})`;
  });
  return `${view.spec.clocks[view.frame]}: ${heads.join("; ")}.`;
}

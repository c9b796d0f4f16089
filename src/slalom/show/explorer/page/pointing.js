// Pointer and keys: the start is dragged, the curves are scrubbed, the strip sets learning rates, the surface turns.

const NEAR_RING = 30; // pixels; a finger elsewhere scrolls the page

function pointIn(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function wirePlane(canvas) {
  let dragging = null; // what grip says
  canvas.onpointerdown = event => {
    if (event.button !== 0) return;
    const grasped = grip(event, canvas);
    if (!grasped) return;
    dragging = grasped;
    canvas.setPointerCapture(event.pointerId);
    canvas.focus({ preventScroll: true });
    event.preventDefault();
  };
  canvas.onpointermove = event => {
    const [x, y] = pointIn(event, canvas);
    if (!dragging) hover(canvas, x, y);
    else if (dragging.turn) turnSurface(dragging, x, y);
    else moveStart(dragging, x, y, event);
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (dragging && !dragging.turn) tellResult();
    dragging = null;
    scene.grasped = false;
    redraw();
  };
  canvas.onpointerleave = () => { byId("readout").textContent = ""; };
  canvas.onkeydown = event => planeKey(event);
  wireTouch(canvas);
  wireWheel(canvas);
}

// What is dragged from where the pointer went down: {turn, from} of the surface, or {frame, held} of the tile and the
// ring, which follows at once. A finger beside the ring drags nothing: null.
function grip(event, canvas) {
  const [x, y] = pointIn(event, canvas);
  if (scene.state.view === "surface") return { turn: scene.state.turn.slice(), from: [x, y] };
  const { frame } = tileAt(x, y), near = nearRing(frame, x, y);
  if (event.pointerType === "touch" && !near) return null;
  const held = near ? [frame.px(scene.state.start[0]) - x, frame.py(scene.state.start[1]) - y] : [0, 0];
  scene.grasped = scene.touched = true;
  moveStart({ frame, held }, x, y, event);
  return { frame, held };
}

function turnSurface({ turn, from }, x, y) {
  const above = turn[1] + (y - from[1]) * 0.008;
  changeLightly(state => { state.turn = [turn[0] + (x - from[0]) * 0.008, Math.min(1.5, Math.max(0.1, above))]; });
}

// A finger on the ring drags it, a tap puts it there; elsewhere it scrolls the page. Only a listener of touches can choose.
function wireTouch(canvas) {
  canvas.onclick = event => {
    const [x, y] = pointIn(event, canvas);
    if (event.pointerType === "touch" && scene.state.view !== "surface") {
      moveStart({ frame: tileAt(x, y).frame, held: [0, 0] }, x, y, event);
    }
  };
  canvas.addEventListener("touchstart", event => {
    const [x, y] = pointIn(event.touches[0], canvas);
    if (scene.state.view === "surface" || nearRing(tileAt(x, y).frame, x, y)) event.preventDefault();
  }, { passive: false });
}

function wireWheel(canvas) {
  canvas.addEventListener("wheel", event => {
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    zoom(Math.exp(event.deltaY * 0.002), pointIn(event, canvas));
  }, { passive: false });
}

function nearRing(frame, x, y) {
  const [sx, sy] = scene.state.start;
  return Math.hypot(frame.px(sx) - x, frame.py(sy) - y) < NEAR_RING;
}

function moveStart({ frame, held }, x, y, event) {
  scene.since = event.timeStamp;
  const digits = Math.max(0, Math.ceil(-Math.log10(1 / frame.scale)) + 1); // a tenth of a pixel is fine enough
  changeLightly(state => {
    state.start = [frame.x(x + held[0]), frame.y(y + held[1])].map(value => Number(value.toFixed(Math.min(12, digits))));
  });
  byId("readout").textContent = readout(...scene.state.start);
  redrawNow();
}

function readout(x, y) {
  return `(${brief(x, 4)}, ${brief(y, 4)})  loss ${brief(scene.course.f(x, y), 4)}`;
}

function hover(canvas, x, y) {
  if (scene.state.view === "surface") return;
  const { frame } = tileAt(x, y);
  canvas.style.cursor = nearRing(frame, x, y) ? "grab" : "crosshair";
  byId("readout").textContent = readout(frame.x(x), frame.y(y));
}

function planeKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const arrow = arrows[event.key];
  if (arrow && scene.state.view === "surface") {
    changeLightly(state => {
      state.turn = [state.turn[0] + 0.1 * arrow[0], Math.min(1.5, Math.max(0.1, state.turn[1] - 0.08 * arrow[1]))];
    });
  } else if (arrow) {
    const { frame } = plane.tiles[0];
    const step = (event.shiftKey ? 0.1 : 0.01) * (frame.right - frame.left);
    scene.touched = true;
    change(state => {
      state.start = state.start.map((value, i) => Number((value + arrow[i] * step).toPrecision(8)));
    });
    tellResult();
  } else if (event.key === "Home") change(state => { state.start = scene.course.starts[0].slice(); });
  else if (event.key === "+" || event.key === "=") zoom(0.8);
  else if (event.key === "-") zoom(1.25);
  else return;
  event.preventDefault();
}

// Zoom by a factor about a place in pixels, or about the middle.
function zoom(factor, at) {
  const { frame, x, y, width, height } = at ? tileAt(...at) : plane.tiles[0];
  const [px, py] = at || [x + width / 2, y + height / 2];
  const cx = frame.x(px), cy = frame.y(py);
  const [[left, right]] = scene.course.domain;
  const wide = (frame.right - frame.left) * factor;
  if (wide < 1e-9 * (right - left) || wide > 1e4 * (right - left)) return;
  change(state => {
    state.box = [cx + (frame.left - cx) * factor, cx + (frame.right - cx) * factor,
      cy + (frame.bottom - cy) * factor, cy + (frame.top - cy) * factor].map(value => Number(value.toPrecision(13)));
  });
}

function wireDrag(canvas, begin, move) {
  let held = null;
  canvas.onpointerdown = event => {
    if (event.button !== 0) return;
    held = begin(...pointIn(event, canvas));
    canvas.setPointerCapture(event.pointerId);
    if (held !== null) move(held, ...pointIn(event, canvas));
  };
  canvas.onpointermove = event => { if (held !== null) move(held, ...pointIn(event, canvas)); };
  canvas.onpointerup = canvas.onpointercancel = () => { held = null; };
}

function wireCharts() {
  for (const id of ["loss", "lengths"]) {
    wireDrag(byId(id), () => true, (_, x) => {
      pause();
      changeLightly(state => { state.at = scene.charts[id].step(x); });
    });
  }
  const canvas = byId("strip");
  const nearest = (x, y) => {
    const distance = dot => Math.hypot(dot.x - x, 0.4 * (dot.y - y));
    return strip.dots.reduce((best, dot) => (!best || distance(dot) < distance(best) ? dot : best), null);
  };
  wireDrag(canvas, (x, y) => {
    const dot = nearest(x, y);
    if (dot) change(state => { state.focus = dot.k; });
    return dot && dot.k;
  }, (k, x) => setHyperparameter(k, "lr", Number(strip.geometry.rate(x).toPrecision(3))));
  canvas.onkeydown = event => {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const runner = scene.state.field[scene.state.focus];
    if (!direction || !runner) return;
    event.preventDefault();
    setHyperparameter(scene.state.focus, "lr", Number((runner.h.lr * 10 ** (0.05 * direction)).toPrecision(3)));
  };
}

function wireKeys() {
  document.addEventListener("keydown", event => {
    const typing = event.target.closest("input, select, textarea, button, summary, pre");
    if (event.altKey || event.ctrlKey || event.metaKey || typing) return;
    if (event.key === " ") playing.on ? pause() : play();
    else if (event.key === ",") stepBy(-1);
    else if (event.key === ".") stepBy(1);
    else return;
    event.preventDefault();
  });
}

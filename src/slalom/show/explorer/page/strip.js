// The strip under the plane: the final loss against the learning rate, from the start that is on the screen.

const RATES = 49;
const STRIP_INSETS = { left: 62, right: 12, top: 22, bottom: 34 };
const DIVERGED_ROW = 10; // pixels from the top
const DECADES = 9;

function ratesOf(runner) {
  const { low, high } = slalom.rules[runner.rule].hyperparameters.lr;
  return Float64Array.from({ length: RATES }, (_, k) => low * (high / low) ** (k / (RATES - 1)));
}

const strip = { sweeps: [], geometry: null, dots: [] };

// What a sweep holds for, but for the start: one that was asked before the last move is shown until the next arrives.
function sweepKeys({ course, steps, noise, seed, field }) {
  return field.map(({ rule, h }) => JSON.stringify([course, steps, noise, noise ? seed : 0, rule, { ...h, lr: 0 }]));
}

// strip.sweeps: [{k, key, rates, losses}] as the worker has answered; a NaN is a runner that diverged.
function drawStrip(pen, width, height, scene) {
  const { state, styles, shown, keys, race } = scene;
  blank(pen, width, height);
  strip.dots = [];
  const all = shown.map(k => slalom.rules[state.field[k].rule].hyperparameters.lr);
  if (!all.length) return;
  const sweeps = strip.sweeps.filter(sweep => shown.includes(sweep.k) && sweep.key === keys[sweep.k]);
  const floor = stripFloor(sweeps, scene.floor);
  const low = Math.log10(Math.min(...all.map(one => one.low))), high = Math.log10(Math.max(...all.map(one => one.high)));
  const ended = sweeps.map(sweep => sweep.losses.map(loss => Math.max(loss - floor.value, 0)));
  const chart = chartGeometry(width, height, stripSpan(ended, shown, race, floor), 1, false, STRIP_INSETS);
  chart.px = rate => {
    const share = (Math.log10(rate) - low) / (high - low); // a rate typed beyond the slider stays at the edge
    return STRIP_INSETS.left + chart.wide * Math.min(1.01, Math.max(-0.01, share));
  };
  chart.rate = px => 10 ** (low + (high - low) * Math.min(1, Math.max(0, (px - STRIP_INSETS.left) / chart.wide)));
  drawLogAxis(pen, chart);
  drawRateAxis(pen, chart, Math.ceil(low), Math.floor(high));
  pen.lineJoin = "round";
  sweeps.forEach((sweep, i) => drawSweep(pen, chart, sweep, ended[i], styles[sweep.k], sweep.k === state.focus));
  const open = sweeps.map((sweep, i) => defaultDot(pen, chart, sweep, ended[i], scene)).filter(Boolean);
  strip.dots = shown.map(k => dotOf(pen, chart, k, scene, floor));
  chart.names = drawEnds(pen, chart, sweeps, ended, [...open, ...strip.dots], scene);
  chart.open = open;
  strip.geometry = chart;
}

// The strip is measured from the lowest that anybody has seen, in the race or at another rate.
function stripFloor(sweeps, floor) {
  let value = floor.value;
  for (const { losses } of sweeps) for (const loss of losses) if (loss < value) value = loss;
  const rounding = ROUNDING * Math.max(1, Math.abs(floor.value));
  return floor.known && value >= floor.value - rounding ? floor : { value, known: false };
}

// A rate that all but diverges ends anywhere: the axis is made for the start, for those that race, and for each best.
function stripSpan(ended, shown, race, floor) {
  const seen = [race.losses[shown[0]][0] - floor.value];
  for (const k of shown) if (race.divergedAt[k] < 0) seen.push(race.losses[k][race.losses[k].length - 1] - floor.value);
  for (const gaps of ended) seen.push(gaps.reduce((least, gap) => (gap < least ? gap : least), Infinity));
  const most = Math.max(...seen.filter(value => value < Infinity)) * 10;
  return logSpan([...ended.map(gaps => gaps.filter(gap => gap <= most)), seen], DECADES);
}

function drawRateAxis(pen, chart, low, high) {
  pen.textBaseline = "alphabetic";
  pen.textAlign = "center";
  for (let exponent = low; exponent <= high; exponent++) {
    pen.fillText(powerOfTen(exponent), chart.px(10 ** exponent), chart.height - 19);
  }
  pen.fillText("learning rate", STRIP_INSETS.left + chart.wide / 2, chart.height - 5);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText("diverged", STRIP_INSETS.left - 6, DIVERGED_ROW);
}

// Where a runner diverges its line stops; the row of marks above the axis says so.
function drawSweep(pen, chart, { rates }, ended, style, bold) {
  pen.save();
  pen.beginPath();
  pen.rect(0, STRIP_INSETS.top - 2, chart.width, chart.height);
  pen.clip();
  pen.strokeStyle = style.colour;
  pen.lineWidth = bold ? 2.4 : 1.6;
  pen.setLineDash(style.dashes.map(dash => dash * 1.6));
  pen.beginPath();
  let open = false;
  ended.forEach((gap, k) => {
    const finite = gap >= 0 && gap < Infinity;
    if (finite) pen[open ? "lineTo" : "moveTo"](chart.px(rates[k]), chart.py(gap || 1e-300));
    open = finite;
  });
  pen.stroke();
  pen.setLineDash([]);
  pen.restore();
  pen.fillStyle = style.colour;
  pen.beginPath();
  ended.forEach((gap, k) => {
    if (!(gap < Infinity)) pen.rect(chart.px(rates[k]) - 1.5, DIVERGED_ROW - 1.5, 3, 3);
  });
  pen.fill();
}

function drawDot(pen, x, y, radius, inside, edge) {
  pen.fillStyle = inside;
  pen.strokeStyle = edge;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
  return { x, y };
}

// The rate on the screen: a full dot; one that diverges is in the row above.
function dotOf(pen, chart, k, { state, styles, race }, floor) {
  const last = race.losses[k][state.steps];
  const x = chart.px(state.field[k].h.lr);
  const y = last < Infinity ? Math.max(STRIP_INSETS.top, chart.py(Math.max(last - floor.value, 0) || 1e-300)) : DIVERGED_ROW;
  return { k, ...drawDot(pen, x, y, k === state.focus ? 6.5 : 5, styles[k].colour, theme.paper) };
}

// The library's own rate: an open dot on the line, where the line is.
function defaultDot(pen, chart, { k, rates, losses }, ended, { state, styles }) {
  const { value, low, high } = slalom.rules[state.field[k].rule].hyperparameters.lr;
  if (!(value >= low && value <= high)) return null;
  const place = Math.log(value / low) / Math.log(high / low) * (rates.length - 1);
  const before = Math.min(Math.floor(place + 1e-9), rates.length - 2), share = Math.max(0, place - before);
  const gaps = [ended[before], share > 1e-9 ? ended[before + 1] : ended[before]].map(gap => gap || 1e-300);
  if (!gaps.every(Number.isFinite) || losses[before] !== losses[before]) return null;
  const gap = 10 ** (Math.log10(gaps[0]) * (1 - share) + Math.log10(gaps[1]) * share), y = chart.py(gap);
  return y < STRIP_INSETS.top ? null : { k, ...drawDot(pen, chart.px(value), y, 4, theme.paper, styles[k].colour) };
}

// The name at the right end of each line; where there is no room the one looked into comes first, others have none.
function drawEnds(pen, chart, sweeps, ended, dots, { state, styles, names }) {
  pen.font = "600 " + FONT;
  const taken = dots.map(({ x, y }) => [x - 7, y - 7, x + 7, y + 7]), placed = [];
  const clash = ([left, top, right, bottom]) =>
    taken.some(one => left < one[2] && one[0] < right && top < one[3] && one[1] < bottom);
  const order = sweeps.map((_, i) => i).sort((a, b) => (sweeps[b].k === state.focus) - (sweeps[a].k === state.focus));
  for (const i of order) {
    const { k, rates } = sweeps[i];
    const end = endOfLine(chart, ended[i], rates);
    if (!end) continue;
    const wide = pen.measureText(names[k]).width, edge = chart.width - 4;
    const spots = [];
    for (const down of [4, 16, -8, 28, -20, 40, 52, 64]) {
      spots.push([end.x + 6, end.y + down], [end.x - 6 - wide, end.y + down]);
    }
    const spot = spots.find(([x, y]) => x >= STRIP_INSETS.left && x + wide <= edge && y >= STRIP_INSETS.top + 8 &&
      y <= STRIP_INSETS.top + chart.high && !clash([x - 2, y - 10, x + wide + 2, y + 2]));
    if (!spot) continue;
    taken.push([spot[0] - 2, spot[1] - 10, spot[0] + wide + 2, spot[1] + 2]);
    placed.push({ k, x: spot[0], y: spot[1] });
  }
  drawNames(pen, placed, names, styles);
  return placed;
}

// The last place of a line that is in sight: at its largest rate, or where it leaves through the top.
function endOfLine(chart, ended, rates) {
  for (let k = rates.length - 1; k >= 0; k--) {
    if (!(ended[k] < Infinity)) continue;
    const y = chart.py(ended[k] || 1e-300);
    if (y >= STRIP_INSETS.top) return { x: chart.px(rates[k]), y };
  }
  return null;
}

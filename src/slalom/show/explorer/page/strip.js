// The strip under the plane: the final loss against the learning rate, from the start that is on the screen.

const RATES = 49;

function ratesOf(runner) {
  const { low, high } = slalom.rules[runner.rule].hyperparameters.lr;
  return Float64Array.from({ length: RATES }, (_, k) => low * (high / low) ** (k / (RATES - 1)));
}

const strip = { sweeps: [], geometry: null, dots: [] };

// sweeps: [{k, rates, losses}] as the worker has answered; a NaN is a runner that diverged.
function drawStrip(pen, width, height, scene) {
  const { state, styles, shown, floor } = scene;
  blank(pen, width, height);
  const sweeps = strip.sweeps.filter(sweep => shown.includes(sweep.k));
  const all = shown.map(k => slalom.rules[state.field[k].rule].hyperparameters.lr);
  if (!all.length) return;
  const low = Math.log10(Math.min(...all.map(one => one.low))), high = Math.log10(Math.max(...all.map(one => one.high)));
  const ended = sweeps.map(sweep => Array.from(sweep.losses, loss => Math.max(loss - floor.value, 0)));
  const chart = chartGeometry(width, height, logSpan(ended, 9), 1, false);
  chart.px = rate => INSETS.left + chart.wide * (Math.log10(rate) - low) / (high - low);
  chart.rate = px => 10 ** (low + (high - low) * Math.min(1, Math.max(0, (px - INSETS.left) / chart.wide)));
  drawLogAxis(pen, chart);
  drawRateAxis(pen, chart, Math.ceil(low), Math.floor(high));
  pen.lineJoin = "round";
  sweeps.forEach((sweep, i) => drawSweep(pen, chart, sweep, ended[i], styles[sweep.k], sweep.k === state.focus));
  strip.dots = shown.map(k => dotOf(pen, chart, k, scene));
  strip.geometry = chart;
}

function drawRateAxis(pen, chart, low, high) {
  pen.textBaseline = "alphabetic";
  pen.textAlign = "center";
  for (let exponent = low; exponent <= high; exponent++) {
    pen.fillText(powerOfTen(exponent), chart.px(10 ** exponent), chart.height - 6);
  }
}

// Where a runner diverges its line stops; a row of marks along the top says so.
function drawSweep(pen, chart, { rates }, ended, style, bold) {
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
  pen.fillStyle = style.colour;
  pen.beginPath();
  ended.forEach((gap, k) => {
    if (!(gap < Infinity)) pen.rect(chart.px(rates[k]) - 1.5, 2, 3, 3);
  });
  pen.fill();
}

function dotOf(pen, chart, k, { state, styles, race, floor }) {
  const last = race.losses[k][state.steps];
  const gap = Math.max(last - floor.value, 0);
  const x = chart.px(state.field[k].h.lr), y = last === last ? chart.py(gap || 1e-300) : 4;
  pen.fillStyle = styles[k].colour;
  pen.strokeStyle = theme.paper;
  pen.lineWidth = 1.5;
  pen.beginPath();
  pen.arc(x, y, k === state.focus ? 6.5 : 5, 0, 2 * Math.PI);
  pen.fill();
  pen.stroke();
  return { k, x, y };
}

// The rate that ends lowest together with its neighbours: no lucky single one.
function bestRate(rates, losses) {
  let best = -1, lowest = Infinity;
  for (let k = 1; k + 1 < rates.length; k++) {
    const score = Math.max(losses[k], (losses[k - 1] + losses[k] + losses[k + 1]) / 3);
    if (score < lowest) [best, lowest] = [k, score];
  }
  return best < 0 ? null : Number(rates[best].toPrecision(2));
}

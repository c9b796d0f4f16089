// Loss and step length over the steps, with a cursor that goes with the race.

const INSETS = { left: 46, right: 10, top: 8, bottom: 22 };
const SMALL = FONT.replace("12px", "11px");

// The logarithmic axis of some values, as exponents of ten.
function logSpan(series, most = 16) {
  let low = Infinity, high = -Infinity;
  for (const values of series) {
    for (const value of values) {
      if (value > 0 && value < Infinity) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
  }
  if (!(high > 0)) return [-3, 1];
  const top = Math.ceil(Math.log10(high * 1.2));
  const bottom = Math.max(Math.floor(Math.log10(low)), top - most);
  return top - bottom < 2 ? [top - 2, top] : [bottom, top];
}

function chartGeometry(width, height, span, steps, logSteps, insets = INSETS) {
  const wide = width - insets.left - insets.right, high = height - insets.top - insets.bottom;
  const end = Math.log10(Math.max(steps, 2));
  return {
    width, height, span, steps, wide, high, insets,
    px: k => insets.left + wide * (logSteps ? Math.log10(Math.max(k, 1)) / end : k / steps),
    step: px => {
      const share = Math.min(1, Math.max(0, (px - insets.left) / wide));
      return Math.round(logSteps ? 10 ** (share * end) : share * steps);
    },
    py: value => {
      const share = (Math.log10(value) - span[0]) / (span[1] - span[0]);
      return insets.top + high * (1 - Math.min(1.3, Math.max(-0.01, share)));
    },
  };
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function powerOfTen(exponent) {
  if (exponent === 0) return "1";
  const digits = String(Math.abs(exponent)).split("").map(digit => SUPERSCRIPTS[digit]).join("");
  return `10${exponent < 0 ? "⁻" : ""}${digits}`;
}

function drawLogAxis(pen, chart) {
  const { left, right } = chart.insets;
  pen.font = SMALL;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  pen.fillStyle = theme.quiet;
  pen.strokeStyle = theme.line;
  pen.lineWidth = 1;
  pen.beginPath();
  const [low, high] = chart.span;
  const stride = Math.max(1, Math.ceil((high - low) / (chart.high / 26)));
  for (let exponent = low; exponent <= high; exponent++) {
    if ((exponent - low) % stride) continue;
    const y = Math.round(chart.py(10 ** exponent)) + 0.5;
    pen.moveTo(left, y);
    pen.lineTo(chart.width - right, y);
    pen.fillText(powerOfTen(exponent), left - 6, y);
  }
  pen.stroke();
}

function drawStepAxis(pen, chart, logSteps) {
  pen.textBaseline = "alphabetic";
  pen.textAlign = "center";
  const ticks = logSteps
    ? [1, 10, 100, 1000].filter(tick => tick <= chart.steps)
    : ticksOf(0, chart.steps, chart.width / 80).filter(Number.isInteger);
  for (const tick of ticks) {
    const x = Math.min(chart.px(tick), chart.width - chart.insets.right - 8);
    pen.fillText(String(tick), x, chart.height - 6);
  }
}

// A curve with at most a few points in each column of pixels: first, lowest, highest, last.
function traceColumns(pen, chart, values, from, end = values.length) {
  let column = -1, low = 0, high = 0, last = 0, open = false;
  const flush = () => {
    if (column < 0) return;
    if (!open) pen.moveTo(column, last);
    open = true;
    if (high - low > 0.5) {
      pen.lineTo(column, low);
      pen.lineTo(column, high);
    }
    pen.lineTo(column, last);
  };
  for (let k = from; k < end; k++) {
    const value = values[k];
    if (!(value >= 0)) { // infinity is above everything
      flush();
      column = -1;
      if (value !== value) break;
      continue;
    }
    const y = chart.py(value || 1e-300), x = Math.round(chart.px(k) * 2) / 2;
    if (x !== column) {
      flush();
      column = x;
      low = high = y;
    }
    if (y < low) low = y;
    if (y > high) high = y;
    last = y;
  }
  flush();
}

// What a chart is scaled to: the runners that did not diverge, and where everybody starts; all where all diverged.
function scaledTo(series, from) {
  const kept = series.filter(one => one.divergedAt < 0);
  if (!kept.length) return series.map(one => one.values);
  return from || kept.length === series.length ? kept.map(one => one.values)
    : [...kept.map(one => one.values), series[0].values.subarray(0, 1)];
}

// Where the curve of a runner that diverged leaves the chart, or ends in it: {step, x, y, way: -1 up, 1 down, 0 ends}.
function exitOf(chart, { values, divergedAt }, from) {
  const top = 10 ** chart.span[1], sinks = from === 0 && values[divergedAt] === 0; // below what others are measured from
  for (let k = from; k <= divergedAt; k++) {
    if (values[k] <= top && !(sinks && values[k] === 0)) continue;
    if (values[k] !== values[k]) break; // there is no loss any more: the curve ends
    return { step: k, x: chart.px(k), y: chart.insets.top + (sinks ? chart.high : 0), way: sinks ? 1 : -1 };
  }
  const end = values[divergedAt] === values[divergedAt] ? divergedAt : divergedAt - 1;
  return { step: divergedAt, x: chart.px(Math.max(0, end)), y: end < 0 ? chart.insets.top + 8 : chart.py(values[end] || 1e-300), way: 0 };
}

// A mark in the runner's colour at each exit, and words where there is room.
function drawExits(pen, chart, exits, series) {
  pen.font = SMALL;
  pen.textBaseline = "middle";
  const taken = [], right = chart.width - chart.insets.right, covers = exits.length ? coverOf(chart, series) : [];
  for (const { step, x, y, way, style } of exits.slice().sort((a, b) => a.x - b.x)) {
    pen.fillStyle = style.colour;
    pen.beginPath();
    if (way) {
      pen.moveTo(x - 4, y - way * 7);
      pen.lineTo(x + 4, y - way * 7);
      pen.lineTo(x, y);
    } else pen.rect(x - 3, y - 3, 6, 6);
    pen.fill();
    const text = `${way ? "leaves" : "diverges"} at step ${step}`, wide = pen.measureText(text).width;
    const spots = exitSpots(chart, x, y, way, wide, right).filter(([left, at]) => !taken.some(one =>
      Math.abs(one.at - at) < 12 && one.left < left + wide + 4 && left < one.left + one.wide + 4));
    const spot = spots.find(([left, at]) => !crossed(covers, left - 2, left + wide + 2, at)) || spots[0];
    if (!spot) continue;
    const [left, row] = spot;
    taken.push({ at: row, left, wide });
    pen.textAlign = "left";
    pen.strokeStyle = theme.paper;
    pen.lineWidth = 3;
    pen.strokeText(text, left, row);
    pen.fillStyle = letteringOf(style.colour);
    pen.fillText(text, left, row);
  }
}

// Where the words of an exit may stand, the nearest first: beside it, then further along its edge of the chart.
function exitSpots(chart, x, y, way, wide, right) {
  const rows = [6, 18, 30, 42, 54, 66, 78, 90].flatMap(down => (way > 0 ? [y - down] : way < 0 ? [y + down] : [y + down, y - down]))
    .filter(at => at > chart.insets.top - 1 && at < chart.insets.top + chart.high - 5);
  const lefts = [0, 20, 45, 80, 120, 170].flatMap(along => [x + 7 + along, x - 7 - wide - along])
    .filter(left => left >= chart.insets.left + 2 && left + wide <= right);
  return lefts.flatMap(left => rows.map(at => [left, at]));
}

const COLUMN = 6; // pixels

// What every curve covers in each column of the chart, [[y low, y high] or nothing by column] by curve.
function coverOf(chart, series) {
  const stride = Math.max(1, Math.floor(chart.steps / 400));
  return series.map(({ values }) => {
    const cover = [];
    let x0 = NaN, y0 = NaN;
    for (let k = 1; k <= chart.steps; k += stride) {
      const x = chart.px(k), y = values[k] === values[k] ? chart.py(values[k] || 1e-300) : NaN;
      const parts = Math.ceil(Math.abs(x - x0) / COLUMN) || 1;
      for (let part = 1; part <= parts; part++) {
        const share = part / parts, at = y0 === y0 ? y0 + (y - y0) * share : y;
        const column = Math.floor((y0 === y0 ? x0 + (x - x0) * share : x) / COLUMN), before = part > 1 || y0 !== y0 ? at : y0;
        const [low, high] = cover[column] || [Infinity, -Infinity];
        cover[column] = [Math.min(low, at, before), Math.max(high, at, before)];
      }
      [x0, y0] = [x, y];
    }
    return cover;
  });
}

// Whether a curve runs through words of one line that stand around y = at.
function crossed(covers, left, right, at) {
  const first = Math.floor(left / COLUMN), last = Math.floor(right / COLUMN);
  return covers.some(cover => {
    for (let column = first; column <= last; column++) {
      if (cover[column] && cover[column][0] < at + 8 && cover[column][1] > at - 8) return true;
    }
    return false;
  });
}

// Draw series [{values, style, divergedAt}] over the steps; `from` is 0 for what there is before the first step.
function drawChart(pen, width, height, series, { steps, at, logSteps, focus, from, most }) {
  blank(pen, width, height);
  const chart = chartGeometry(width, height, logSpan(scaledTo(series, from), most), steps, logSteps);
  drawLogAxis(pen, chart);
  drawStepAxis(pen, chart, logSteps);
  pen.save();
  pen.beginPath();
  pen.rect(INSETS.left, INSETS.top - 3, chart.wide + INSETS.right, chart.high + 4);
  pen.clip();
  pen.lineJoin = "bevel";
  const exits = [], zeros = [];
  for (const { values, style, k, divergedAt } of series) {
    const exit = divergedAt < from ? null : exitOf(chart, { values, divergedAt }, from);
    if (exit) exits.push({ ...exit, style });
    pen.strokeStyle = style.colour;
    pen.lineWidth = k === focus ? 2.2 : 1.5;
    pen.setLineDash(style.dashes.map(dash => dash * 1.6));
    pen.beginPath();
    traceColumns(pen, chart, values, from, exit ? exit.step + 1 : values.length);
    pen.stroke();
    if (divergedAt < from) zeros.push({ step: values.indexOf(0, from), style });
  }
  pen.setLineDash([]);
  for (const { step, style } of zeros) if (step >= 0) drawZero(pen, chart, step, style.colour);
  drawExits(pen, chart, exits, series);
  chart.exits = exits;
  drawCursor(pen, chart, series, at);
  pen.restore();
  return chart;
}

// A value of exactly 0 lies at the foot of a logarithmic axis: a triangle where it begins.
function drawZero(pen, chart, step, colour) {
  const x = chart.px(step), y = chart.insets.top + chart.high;
  pen.fillStyle = colour;
  pen.beginPath();
  pen.moveTo(x - 4, y - 6);
  pen.lineTo(x + 4, y - 6);
  pen.lineTo(x, y + 1);
  pen.fill();
}

function drawCursor(pen, chart, series, at) {
  const x = Math.round(chart.px(at)) + 0.5;
  pen.strokeStyle = theme.quiet;
  pen.lineWidth = 1;
  pen.beginPath();
  pen.moveTo(x, INSETS.top);
  pen.lineTo(x, INSETS.top + chart.high);
  pen.stroke();
  for (const { values, style } of series) {
    const value = values[at];
    if (!(value >= 0 && value < Infinity)) continue;
    pen.fillStyle = style.colour;
    pen.beginPath();
    pen.arc(x, chart.py(value || 1e-300), 3.4, 0, 2 * Math.PI);
    pen.fill();
  }
}

// A loss this share below the known minimum is below it by rounding alone.
const ROUNDING = 1e-9;

// What the loss is measured from: the known minimum, or the lowest value that anybody has seen who did not diverge. There
// is lower ground than the known minimum only outside the domain that it is the minimum of.
function floorOf(course, race, shown) {
  const known = course.minima.length ? course.minima[0].value : Infinity;
  const kept = shown.filter(k => race.divergedAt[k] < 0);
  let seen = Infinity;
  if (kept.length < shown.length) seen = race.losses[shown[0]][0]; // everybody's start
  for (const k of kept.length ? kept : shown) for (const loss of race.losses[k]) if (loss < seen) seen = loss;
  if (seen >= known - ROUNDING * Math.max(1, Math.abs(known)) || !Number.isFinite(seen) && known < Infinity) return { value: known, known: true };
  return { value: Number.isFinite(seen) ? seen : 0, known: false };
}

function gapsOf(losses, floor) {
  return losses.map(loss => (loss === loss ? Math.max(loss - floor, 0) : NaN));
}

function lengthsOf(updates) {
  const lengths = new Float64Array(updates.length / 2);
  for (let k = 0; k < lengths.length; k++) lengths[k] = Math.hypot(updates[2 * k], updates[2 * k + 1]);
  return lengths;
}

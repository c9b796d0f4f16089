// Loss and step length over the steps, with a cursor that goes with the race.

const INSETS = { left: 46, right: 10, top: 8, bottom: 22 };

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

function chartGeometry(width, height, span, steps, logSteps) {
  const wide = width - INSETS.left - INSETS.right, high = height - INSETS.top - INSETS.bottom;
  const end = Math.log10(Math.max(steps, 2));
  return {
    width, height, span, steps, wide, high,
    px: k => INSETS.left + wide * (logSteps ? Math.log10(Math.max(k, 1)) / end : k / steps),
    step: px => {
      const share = Math.min(1, Math.max(0, (px - INSETS.left) / wide));
      return Math.round(logSteps ? 10 ** (share * end) : share * steps);
    },
    py: value => {
      const share = (Math.log10(value) - span[0]) / (span[1] - span[0]);
      return INSETS.top + high * (1 - Math.min(1.02, Math.max(-0.01, share)));
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
  pen.font = FONT.replace("12px", "11px");
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
    pen.moveTo(INSETS.left, y);
    pen.lineTo(chart.width - INSETS.right, y);
    pen.fillText(powerOfTen(exponent), INSETS.left - 6, y);
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
    const x = Math.min(chart.px(tick), chart.width - INSETS.right - 8);
    pen.fillText(String(tick), x, chart.height - 6);
  }
}

// A curve with at most a few points in each column of pixels: first, lowest, highest, last.
function traceColumns(pen, chart, values, from) {
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
  for (let k = from; k < values.length; k++) {
    const value = values[k];
    if (!(value >= 0 && value < Infinity)) {
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

// Draw series [{values, style}] over the steps; `from` is 0 for what there is before the first step.
function drawChart(pen, width, height, series, { steps, at, logSteps, focus, from, most }) {
  blank(pen, width, height);
  const chart = chartGeometry(width, height, logSpan(series.map(one => one.values), most), steps, logSteps);
  drawLogAxis(pen, chart);
  drawStepAxis(pen, chart, logSteps);
  pen.save();
  pen.beginPath();
  pen.rect(INSETS.left, INSETS.top - 3, chart.wide + INSETS.right, chart.high + 4);
  pen.clip();
  pen.lineJoin = "bevel";
  for (const { values, style, k } of series) {
    pen.strokeStyle = style.colour;
    pen.lineWidth = k === focus ? 2.2 : 1.5;
    pen.setLineDash(style.dashes.map(dash => dash * 1.6));
    pen.beginPath();
    traceColumns(pen, chart, values, from);
    pen.stroke();
  }
  pen.setLineDash([]);
  drawCursor(pen, chart, series, at);
  pen.restore();
  return chart;
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

// What the loss is measured from: the known minimum, or the lowest value that anybody has seen.
function floorOf(course, race, shown) {
  const known = course.minima.length ? course.minima[0].value : Infinity;
  let seen = Infinity;
  for (const k of shown) for (const loss of race.losses[k]) if (loss < seen) seen = loss;
  if (known <= seen) return { value: known, known: true };
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

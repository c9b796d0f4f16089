// Curves, drawn by uPlot: medians, intervals, single seeds; against any clock, linear or logarithmic.
const FAR = 60; // pixels beyond which a pointer is at no point

function drawCurves(figure, spec) {
  const chart = { figure, spec, panel: spec.panels[0], clock: null, log: false, near: true, plot: null, at: null };
  chart.box = figure.querySelector(".plot");
  chart.title = make("p", { class: "y-title" });
  chart.stage = make("div", {
    class: "stage", tabindex: "0", role: "group",
    "aria-label": `${figure.dataset.label || "Curves"}. Arrow keys left and right read values, up and down change the line.`,
  });
  chart.told = make("p", { class: "told", role: "status", "aria-live": "polite" });
  chart.summary = make("p", { class: "told", id: `${figure.id}-summary` });
  chart.stage.setAttribute("aria-describedby", chart.summary.id);
  chart.dot = make("div", { class: "dot", hidden: true });
  chart.legend = legendOf(figure.dataset.scope || figure.id, spec.panels[0].lines, () => chart.again && chart.again());
  chart.box.append(controlsOf(chart), chart.title, chart.stage, chart.told, chart.summary, chart.legend.box);
  settle(chart);
  chart.again = keepDrawn(chart.stage, (width) => redrawCurves(chart, width));
  chart.legend.update();
  chart.tip = tooltipIn(chart.stage);
  chart.stage.addEventListener("keydown", (event) => readByKey(chart, event));
  chart.stage.addEventListener("blur", () => leave(chart));
}

// Choose the panel's own clock and scale where it first comes up.
function settle(chart) {
  const clocks = chart.panel.clocks.map(([key]) => key);
  if (!clocks.includes(chart.clock)) chart.clock = clocks[0];
  chart.log = chart.panel.log && (Boolean(chart.panel.y) || positive(chart)); // on its own axis a 0 lies below the foot
}

function positive(chart) {
  return chart.panel.lines.every((line) => line.middle.every((value) => value == null || value > 0));
}

function controlsOf(chart) {
  const bar = make("div", { class: "controls" }), { panels } = chart.spec;
  const scale = () => choice("Vertical scale", [["linear", "linear"], ["log", "log"]], chart.log ? "log" : "linear",
    (key) => { chart.log = key === "log"; chart.again(); });
  const clock = () => choice("Horizontal axis", chart.panel.clocks.map(([key, told]) => [key, told.split(" ")[0]]),
    chart.clock, (key) => { chart.clock = key; chart.again(); });
  const stretch = () => choice("Vertical stretch", [["near", "the end"], ["whole", "whole"]], chart.near ? "near" : "whole",
    (key) => { chart.near = key === "near"; chart.again(); });
  const fill = () => {
    settle(chart);
    const parts = [];
    if (chart.panel.clocks.length > 1) parts.push(clock());
    parts.push(scale());
    if (chart.panel.near && chart.panel.near[0] > 0) parts.push(stretch());
    rest.replaceChildren(...parts);
  };
  const rest = make("span", { class: "rest" });
  if (panels.length > 1) {
    const select = make("select", { "aria-label": "Measure", onchange: () => {
      chart.panel = panels[select.selectedIndex];
      fill();
      chart.again();
    } }, ...panels.map((panel) => make("option", { value: panel.key }, panel.title)));
    bar.append(select);
  }
  bar.append(rest);
  fill();
  return bar;
}

const shownLines = (chart) => chart.panel.lines.filter((line) => !chart.legend.hidden.has(line.name));

function redrawCurves(chart, width) {
  if (chart.plot) chart.plot.destroy();
  leave(chart);
  const lines = shownLines(chart), y = yRange(chart, lines), [tables, series, bands] = tablesOf(chart, lines, y[0]);
  const data = tables.length ? uPlot.join(tables) : [[0, 1]];
  chart.title.textContent = chart.panel.title;
  chart.stage.dataset.scale = chart.log ? "log" : "linear";
  chart.stage.dataset.clock = chart.clock;
  chart.summary.textContent = summaryOf(chart, lines);
  const x = xRange(chart, lines), logx = Boolean(chart.panel.logx);
  chart.plot = new uPlot({
    width, height: width < 480 ? 260 : 330, legend: { show: false }, padding: [10, 14, 0, 0],
    scales: {
      x: { time: false, distr: logx ? 3 : 1, range: (u, low, high) => (u.zoomed ? [low, high] : x) },
      y: { distr: chart.log ? 3 : 1, range: () => y },
    },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false } },
    series: [{}, ...series], bands, axes: axesOf(chart),
    hooks: {
      draw: [(u) => drawMarks(chart, u, lines)],
      setCursor: [(u) => pointAt(chart, u)],
      setSelect: [(u) => { u.zoomed = u.select.width > 0; }],
    },
  }, data, chart.stage);
  chart.plot.over.addEventListener("dblclick", () => { chart.plot.zoomed = false; });
  chart.plot.over.addEventListener("pointerleave", () => leave(chart));
  chart.plot.over.append(chart.dot);
}

// On a logarithmic axis what is exactly 0 is drawn at the foot; drawMarks marks where it begins.
function tablesOf(chart, lines, foot) {
  const seen = (values) => (chart.log ? values.map((value) => (value != null && value <= 0 ? foot : value)) : values);
  const tables = [], series = [], bands = [], fine = Math.max(1, lines.length);
  for (const line of lines) {
    const ink = inkOf(line.style), x = line.x[chart.clock] || [];
    const own = line.seeds.filter((seed) => !seed.x), apart = line.seeds.filter((seed) => seed.x);
    const faint = { stroke: ink, width: 1, alpha: fine > 3 ? 0.2 : 0.32, points: { show: false } };
    const columns = [...own.map((seed) => seen(seed.y))], first = series.length + 1;
    own.forEach(() => series.push(faint));
    if (line.low && !line.dots) {
      columns.push(seen(line.low), seen(line.high));
      const edge = { stroke: "transparent", width: 0, points: { show: false } };
      series.push(edge, { ...edge });
      bands.push({ series: [first + own.length + 1, first + own.length], fill: ink + (fine > 4 ? "1c" : "2e") });
    }
    columns.push(seen(line.middle));
    series.push({
      stroke: ink, width: 2.4, dash: line.style.dashes.map((length) => 2.4 * length), points: pointsOf(chart, line, ink),
      ...(line.dots ? { paths: () => null } : {}),
    });
    tables.push(sortedTable(x, columns));
    for (const seed of apart) {
      series.push(faint);
      tables.push(sortedTable(seed.x[chart.clock] || [], [seen(seed.y)]));
    }
  }
  return [tables, series, bands];
}

function pointsOf(chart, line, ink) {
  const few = line.middle.length <= 40 && (line.dots || chart.panel.logx || line.middle.length < 4);
  return few ? { show: true, size: line.dots ? 6 : 5, fill: ink, stroke: ink } : { show: false };
}

function sortedTable(x, columns) {
  const order = [...x.keys()].filter((k) => x[k] != null).sort((a, b) => x[a] - x[b]);
  return [order.map((k) => x[k]), ...columns.map((column) => order.map((k) => column[k]))];
}

function xRange(chart, lines) {
  const known = lines.flatMap((line) => line.x[chart.clock] || []).filter((value) => value != null);
  if (!known.length) return chart.panel.logx ? [0.1, 1] : [0, 1];
  let low = Math.min(...known), high = Math.max(...known);
  for (const mark of lines.flatMap((line) => line.marks || [])) {
    if (mark.x == null) continue;
    low = Math.min(low, mark.x);
    high = Math.max(high, mark.x);
  }
  if (chart.panel.logx) return [low / 1.12, high * 1.12];
  return low === high ? [low - 1, high + 1] : [low, high];
}

// All medians and intervals; a loss far above where it began is on its way out, and nobody follows it there.
function yRange(chart, lines) {
  const { panel } = chart;
  if (panel.y && panel.y[0] != null && panel.log === chart.log) return panel.y;
  if (panel.near && chart.near && (!chart.log || panel.near[0] > 0)) return panel.near;
  let known = lines.flatMap((line) => [...line.middle, ...(line.low || []), ...(line.high || [])]);
  known = known.filter((value) => value != null && (!chart.log || value > 0));
  if (!known.length) return chart.log ? [0.1, 1] : [0, 1];
  if (panel.log) {
    const firsts = lines.map((line) => line.middle.find((value) => value != null)).filter((value) => value > 0);
    const bound = 5 * Math.max(...firsts, 0);
    if (firsts.length) known = known.filter((value) => value <= bound);
  }
  const low = Math.min(...known), high = Math.max(...known);
  if (chart.log) return [low / 1.25, high * 1.25];
  const room = 0.05 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low - room, panel.percent ? Math.min(high + room, Math.max(high, 1.005)) : high + room];
}

function axesOf(chart) {
  const stroke = cssColour("--quiet"), line = { stroke: cssColour("--line"), width: 1 };
  const shared = { stroke, grid: line, ticks: line, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif" };
  const told = chart.panel.clocks.find(([key]) => key === chart.clock)[1];
  const isWhole = (value) => value == null || Math.abs(100 * value - Math.round(100 * value)) < 1e-6;
  const vertical = (value, splits) => (chart.panel.percent ? percent(value, splits.every(isWhole) ? 0 : 1) : number(value, 4));
  const write = (how) => (u, splits) => splits.map((value) => (value == null ? null : how(value, splits)));
  return [
    { ...shared, ...roundOnly(chart.panel.logx), label: told, labelSize: 22, size: 32, space: 56, values: write((value) => number(value, 4)) },
    { ...shared, ...roundOnly(chart.log), size: 62, space: 34, values: write(vertical) },
  ];
  function roundOnly(log) {
    return log ? { splits: (u, axis, low, high) => roundMarks(low, high), filter: (u, splits) => splits } : {};
  }
}

// The marks of a logarithmic axis: powers of ten; where those are few also 2 and 5 of each; within one, even steps.
function roundMarks(low, high) {
  const decades = Math.log10(high / low), first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  if (!(low > 0) || !Number.isFinite(decades)) return [];
  if (decades <= 0.8) return evenMarks(low, high);
  const every = Math.max(1, Math.ceil(decades / 7)), marks = [];
  for (let power = first; power <= last; power += 1) {
    if (power % every === 0) marks.push(10 ** power);
    if (decades <= 2.2) marks.push(2 * 10 ** power, 5 * 10 ** power);
  }
  return marks.filter((mark) => mark >= low * (1 - 1e-9) && mark <= high * (1 + 1e-9));
}

function evenMarks(low, high, most = 5) {
  const raw = (high - low) / most, unit = 10 ** Math.floor(Math.log10(raw));
  const stride = unit * [1, 2, 5, 10].find((factor) => unit * factor >= raw * 0.999), marks = [];
  for (let k = Math.ceil(low / stride - 1e-9); k * stride <= high * (1 + 1e-9); k += 1) marks.push(k * stride);
  return marks;
}

// -- marks ------------------------------------------------------------------------------------------------------------

function drawMarks(chart, u, lines) {
  const pen = u.ctx, scale = devicePixelRatio || 1, { left, top, width, height } = u.bbox;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  lines.forEach((line, row) => {
    const ink = inkOf(line.style);
    pen.strokeStyle = pen.fillStyle = ink;
    if (line.usable) {
      const foot = top + height - (6 + 6 * row) * scale;
      pen.lineWidth = 3.5 * scale;
      pen.beginPath();
      pen.moveTo(u.valToPos(line.usable[0], "x", true), foot);
      pen.lineTo(u.valToPos(line.usable[1], "x", true), foot);
      pen.stroke();
    }
    (line.marks || []).forEach((mark) => drawMark(chart, u, mark, ink, scale));
    if (chart.log) drawZero(chart, u, line, scale);
  });
  pen.restore();
}

// A triangle at the foot of a logarithmic axis where a line is exactly 0 for the first time.
function drawZero(chart, u, line, scale) {
  const at = line.middle.findIndex((value) => value != null && value <= 0), x = (line.x[chart.clock] || [])[at];
  if (at < 0 || x == null || (chart.panel.logx && x <= 0)) return;
  const pen = u.ctx, left = u.valToPos(x, "x", true), foot = u.bbox.top + u.bbox.height;
  pen.beginPath();
  pen.moveTo(left - 5 * scale, foot - 8 * scale);
  pen.lineTo(left + 5 * scale, foot - 8 * scale);
  pen.lineTo(left, foot);
  pen.fill();
}

function markPlace(chart, u, mark, raw) {
  const scale = raw ? devicePixelRatio || 1 : 1, x = u.valToPos(mark.x, "x", raw);
  const low = u.scales.y.min, high = u.scales.y.max;
  const edge = chart.panel.percent ? u.valToPos(low, "y", raw) - 9 * scale : u.valToPos(high, "y", raw) + 9 * scale;
  return [x, mark.y == null ? edge : u.valToPos(Math.min(Math.max(mark.y, low), high), "y", raw)];
}

function drawMark(chart, u, mark, ink, scale) {
  const pen = u.ctx, [x, y] = markPlace(chart, u, mark, true), size = 6 * scale;
  pen.lineWidth = 2 * scale;
  pen.beginPath();
  if (mark.kind === "gone") {
    pen.moveTo(x - size / 1.3, y - size / 1.3);
    pen.lineTo(x + size / 1.3, y + size / 1.3);
    pen.moveTo(x + size / 1.3, y - size / 1.3);
    pen.lineTo(x - size / 1.3, y + size / 1.3);
    pen.stroke();
    return;
  }
  pen.arc(x, y, size, 0, 7);
  pen.fillStyle = mark.kind === "best" ? ink : cssColour("--paper");
  pen.fill();
  pen.stroke();
}

// -- reading ----------------------------------------------------------------------------------------------------------

// Every series that can be read: medians, single seeds, marks.
function readable(chart) {
  return shownLines(chart).flatMap((line) => {
    const seeds = line.seeds.map((seed) => ({ line, seed, x: (seed.x || line.x)[chart.clock], y: seed.y, clocks: seed.x || line.x }));
    const middle = { line, seed: null, x: line.x[chart.clock], y: line.middle, clocks: line.x };
    const marks = (line.marks || []).map((mark) => ({ line, mark, x: [mark.x], y: [mark.y], clocks: {} }));
    return [middle, ...seeds, ...marks];
  });
}

function pointAt(chart, u) {
  if (!chart.tip || u.cursor.left == null || u.cursor.left < 0) return;
  let best = null;
  for (const one of readable(chart)) {
    const k = one.mark ? 0 : nearestIndex(one, u.posToVal(u.cursor.left, "x"), chart.panel.logx);
    if (k < 0) continue;
    const [x, y] = spotOf(chart, u, one, k);
    const far = Math.hypot(x - u.cursor.left, y - u.cursor.top) - (one.mark ? 6 : one.seed ? 0 : 3);
    if (!best || far < best.far) best = { ...one, k, far, at: [x, y] };
  }
  if (best && best.far < FAR) read(chart, best);
  else leave(chart);
}

function spotOf(chart, u, one, k) {
  if (one.mark) return markPlace(chart, u, one.mark, false);
  const y = Math.min(Math.max(one.y[k], u.scales.y.min), u.scales.y.max);
  return [u.valToPos(one.x[k], "x"), u.valToPos(y, "y")];
}

function nearestIndex(one, x, log) {
  let best = -1, least = Infinity;
  (one.x || []).forEach((value, k) => {
    if (value == null || one.y[k] == null) return;
    const far = log ? Math.abs(Math.log(value / x)) : Math.abs(value - x);
    if (far < least) { least = far; best = k; }
  });
  return best;
}

function told(chart, one) {
  const { line, k } = one, write = (value) => (chart.panel.percent ? percent(value, 2) : number(value, 4));
  if (one.mark) {
    const { x, y, means, between } = one.mark; // between: nobody ran it, the line was drawn there
    return [line.name, `learning rate ${number(x, 4)}: ${means}`,
      y == null ? "" : between ? `not tried: about ${number(y * (chart.panel.percent ? 100 : 1), 2)}${chart.panel.percent ? " %" : ""} between the rates that were` : write(y)];
  }
  const when = Object.entries(one.clocks).map(([clock, values]) => {
    const value = number(values[k], 4);
    return clock === "seconds" ? `${value} s` : clock === "rate" ? `learning rate ${value}` : `${clock} ${value}`;
  });
  const seed = one.seed ? `seed ${one.seed.seed}` : line.seed != null ? `seed ${line.seed}` : "";
  const who = seed || (line.seeds.length > 1 ? `median of ${line.seeds.length} seeds` : line.seeds.length ? `seed ${line.seeds[0].seed}` : "");
  const between = !one.seed && line.low && line.low[k] != null && line.high[k] != null && line.low[k] !== line.high[k]
    ? ` [${write(line.low[k])}, ${write(line.high[k])}]` : "";
  return [line.name, when.join(" · "), `${write(one.y[k])}${between}`, who];
}

// Where each line ends, or what was chosen on it: the chart in words.
function summaryOf(chart, lines) {
  const ends = lines.map((line) => {
    const mark = (line.marks || []).find((one) => one.kind === "best" && one.y != null), x = line.x[chart.clock] || [];
    const k = line.middle.findLastIndex((value, j) => value != null && x[j] != null);
    if (mark) return told(chart, { line, mark });
    return k < 0 ? [line.name, "no values"] : told(chart, { line, seed: null, k, y: line.middle, clocks: { [chart.clock]: x } });
  });
  return `${chart.panel.title}. ${ends.map((parts) => parts.filter(Boolean).join(", ")).join("; ")}.`;
}

function read(chart, one) {
  chart.at = one;
  const lines = told(chart, one), { over } = chart.plot, inner = over.getBoundingClientRect();
  const outer = chart.stage.getBoundingClientRect();
  chart.tip.show(one.at[0] + inner.left - outer.left, one.at[1] + inner.top - outer.top, lines);
  chart.dot.hidden = false;
  chart.dot.style.left = `${one.at[0]}px`;
  chart.dot.style.top = `${one.at[1]}px`;
  chart.dot.style.borderColor = inkOf(one.line.style);
}

function leave(chart) {
  chart.at = null;
  chart.dot.hidden = true;
  if (chart.tip) chart.tip.hide();
}

function readByKey(chart, event) {
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e9], End: [0, 1e9] };
  if (event.key === "Escape") leave(chart);
  if (!moves[event.key] || event.target !== chart.stage) return;
  event.preventDefault();
  const every = readable(chart).filter((one) => one.y.some((value) => value != null) && one.x);
  if (!every.length) return;
  const same = (one) => chart.at && one.line === chart.at.line && one.seed === chart.at.seed && one.mark === chart.at.mark;
  const [down, right] = moves[event.key], here = every.findIndex(same);
  const one = every[here < 0 ? 0 : (here + down + every.length) % every.length];
  const known = [...one.y.keys()].filter((k) => one.mark || (one.y[k] != null && one.x[k] != null));
  const was = here < 0 ? (right < 0 ? known.length : -1) : known.indexOf(chart.at.k) < 0 ? 0 : known.indexOf(chart.at.k);
  const k = known[Math.min(Math.max(here < 0 && !right ? 0 : was + right, 0), known.length - 1)];
  read(chart, { ...one, k, at: spotOf(chart, chart.plot, one, k) });
  chart.told.textContent = told(chart, chart.at).filter(Boolean).join(", ");
}

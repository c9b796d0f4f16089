// Strips: one lane per optimizer. Wide pages have names at the left and words at the right, narrow ones above and below.
const NARROW = 620;

// ``tails`` are the lines of small words at the right of each row.
function laneLayout(width, rows, tails) {
  const longest = (texts) => Math.max(0, ...texts.map((text) => (text || "").length));
  const left = 18 + Math.max(90, 7.9 * Math.min(28, longest(rows.map((row) => row.name)) + 2), 6.5 * longest(rows.map((row) => row.about)));
  const right = 26 + Math.max(90, 6.5 * longest(tails.flat()), 8 * longest(rows.map((row) => row.word)));
  const narrow = width < NARROW || width - left - right < 240, deepest = Math.max(0, ...tails.map((lines) => lines.length));
  if (narrow) return { narrow, left: 8, right: 8, inner: width - 16, row: 72 + 16 * Math.max(1, deepest), middle: 40, head: 6 };
  return { narrow, left, right, inner: width - left - right, row: deepest > 1 ? 62 : 50, middle: deepest > 1 ? 31 : 25, head: 6 };
}

function canvasFor(box, width, height, label) {
  box.replaceChildren();
  return d3.select(box).append("svg").attr("width", width).attr("height", height)
    .attr("viewBox", `0 0 ${width} ${height}`).attr("role", "group").attr("aria-label", label);
}

function drawAxis(svg, axis, title, layout, foot) {
  const at = (value) => layout.left + placeOn(axis, value) * layout.inner;
  const ticks = thinned(axis.ticks, at, layout.narrow ? 44 : 38);
  const group = svg.append("g").attr("class", "axis").attr("aria-hidden", "true");
  ticks.forEach(([tick, told]) => {
    group.append("line").attr("x1", at(tick)).attr("x2", at(tick)).attr("y1", layout.head).attr("y2", foot);
    group.append("text").attr("x", at(tick)).attr("y", foot + 16).attr("text-anchor", "middle").text(told);
  });
  group.append("text").attr("class", "title").attr("x", layout.left + layout.inner / 2).attr("y", foot + 36)
    .attr("text-anchor", "middle").text(title);
  return at;
}

function thinned(ticks, at, apart) {
  let last = -Infinity;
  return ticks.filter(([tick]) => { if (at(tick) - last < apart) return false; last = at(tick); return true; });
}

// The head of a lane (name, and what is told below it) and its tail (a word, and numbers below it).
function laneWords(lane, layout, row, head, tail) {
  const { narrow, left, inner, middle } = layout;
  const name = lane.append("text").attr("class", "name").attr("x", narrow ? left : left - 12)
    .attr("y", narrow ? 16 : middle - (head ? 3 : -4)).attr("text-anchor", narrow ? "start" : "end");
  if (row.tied) name.append("tspan").attr("class", "star").text("★ ");
  name.append("tspan").text(cut(row.name, narrow ? 40 : 26));
  name.append("title").text(row.name);
  if (head) {
    lane.append("text").attr("class", "small").attr("x", narrow ? left + inner : left - 12)
      .attr("y", narrow ? 16 : middle + 13).attr("text-anchor", "end").text(head);
  }
  const [word, lines] = tail, x = narrow ? left : left + inner + 14, first = middle + 4 - 8 * lines.length;
  lane.append("text").attr("class", "word").attr("x", x).attr("y", narrow ? 68 : first).text(word);
  lines.forEach((line, k) => {
    lane.append("text").attr("class", "small").attr("x", narrow ? left + inner : x)
      .attr("y", narrow ? 68 + 16 * k : first + 16 * (k + 1)).attr("text-anchor", narrow ? "end" : "start").text(line);
  });
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

// -- verdicts ---------------------------------------------------------------------------------------------------------

function drawVerdicts(figure, spec) {
  const box = figure.querySelector(".plot");
  keepDrawn(box, (width) => {
    const layout = laneLayout(width, spec.rows, spec.rows.map(verdictTail)), foot = layout.head + layout.row * spec.rows.length;
    const svg = canvasFor(box, width, foot + 62, figure.dataset.label);
    const place = (value) => layout.left + Math.min(1, Math.max(0, placeOn(spec.axis, value))) * layout.inner;
    if (spec.margin != null) {
      svg.append("rect").attr("class", "band").attr("x", place(-spec.margin)).attr("y", layout.head)
        .attr("width", place(spec.margin) - place(-spec.margin)).attr("height", foot - layout.head);
    }
    drawAxis(svg, spec.axis, spec.title, layout, foot);
    svg.append("line").attr("class", "zero").attr("x1", place(0)).attr("x2", place(0)).attr("y1", layout.head).attr("y2", foot);
    const side = spec.better === "right" ? ["← worse", "better →"] : ["← better", "worse →"];
    [[layout.left, "start"], [layout.left + layout.inner, "end"]].forEach(([x, anchor], k) =>
      svg.append("text").attr("class", "small side").attr("x", x).attr("y", foot + 54).attr("text-anchor", anchor).text(side[k]));
    spec.rows.forEach((row, k) => verdictLane(svg, spec, row, k, layout, place));
  });
}

const verdictTail = (row) => (row.reason ? [] : [row.change, row.more].filter(Boolean));
const resultTail = (row) => [row.between, row.gone ? `${row.gone} diverged` : ""].filter(Boolean);

function verdictLane(svg, spec, row, k, layout, place) {
  const { middle } = layout;
  const said = [row.name, row.about, row.tied ? "tied with the best" : "", row.word, row.change, row.more, row.reason];
  const lane = svg.append("g").attr("class", "lane").attr("transform", `translate(0 ${layout.head + k * layout.row})`)
    .attr("tabindex", 0).attr("role", "img").attr("aria-label", said.filter(Boolean).join(", ")).attr("data-name", row.name);
  lane.append("title").text([row.name, row.word, row.change, row.more, row.reason].filter(Boolean).join("\n"));
  lane.append("rect").attr("class", "hit").attr("x", 1).attr("y", 1).attr("width", layout.left + layout.inner + layout.right - 2)
    .attr("height", layout.row - 2);
  laneWords(lane, layout, row, row.about, [row.word, verdictTail(row)]);
  const ink = inkOf(row.style);
  if (row.interval) {
    const [low, high] = row.interval.map(place);
    lane.append("line").attr("class", "interval").attr("x1", low).attr("x2", high).attr("y1", middle).attr("y2", middle).attr("stroke", ink);
    [[row.left, low, -1], [row.right, high, 1]].forEach(([beyond, x, way]) => {
      const tip = beyond ? `M${x - 7 * way} ${middle - 5}L${x} ${middle}L${x - 7 * way} ${middle + 5}` : `M${x} ${middle - 5}V${middle + 5}`;
      lane.append("path").attr("class", "interval").attr("d", tip).attr("stroke", ink).attr("fill", "none");
    });
  }
  if (row.effect != null) {
    lane.append("circle").attr("cx", place(row.effect)).attr("cy", middle).attr("r", row.word === "baseline" ? 4.5 : 6)
      .attr("fill", row.word === "baseline" ? cssColour("--paper") : ink).attr("stroke", ink).attr("stroke-width", 2);
  }
  if (row.reason) {
    lane.append("text").attr("class", "small").attr("x", layout.left + 4).attr("y", middle + 4).text(cut(row.reason, layout.inner / 6.4));
  }
}

// -- every seed's result ----------------------------------------------------------------------------------------------

function drawResults(figure, spec) {
  const box = figure.querySelector(".plot"), stage = make("div", { class: "stage" });
  box.append(stage);
  const inner = make("div", {});
  stage.append(inner);
  const tip = tooltipIn(stage);
  keepDrawn(inner, (width) => {
    const layout = laneLayout(width, spec.rows, spec.rows.map(resultTail)), foot = layout.head + layout.row * spec.rows.length;
    const svg = canvasFor(inner, width, foot + 44, figure.dataset.label);
    const place = drawAxis(svg, spec.axis, spec.title, layout, foot);
    spec.rows.forEach((row, k) => resultLane(svg, spec, row, k, layout, place, tip));
  });
}

function resultLane(svg, spec, row, k, layout, place, tip) {
  const { middle } = layout, top = layout.head + k * layout.row, ink = inkOf(row.style);
  const gone = row.gone ? `${row.gone} diverged` : "";
  const said = [row.name, `median ${row.text}`, row.between, gone, `seeds: ${row.told.join(", ")}`];
  const lane = svg.append("g").attr("class", "lane").attr("transform", `translate(0 ${top})`).attr("data-name", row.name)
    .attr("tabindex", 0).attr("role", "img").attr("aria-label", said.filter(Boolean).join(", "));
  lane.append("rect").attr("class", "hit").attr("x", 1).attr("y", 1).attr("width", layout.left + layout.inner + layout.right - 2)
    .attr("height", layout.row - 2);
  laneWords(lane, layout, row, "", [`${row.text}${row.best ? " •" : ""}`, resultTail(row)]);
  if (row.interval) {
    const [low, high] = row.interval.map(place);
    lane.append("rect").attr("class", "spread").attr("x", Math.min(low, high)).attr("width", Math.max(1, Math.abs(high - low)))
      .attr("y", middle - 12).attr("height", 24).attr("fill", ink);
  }
  row.dots.forEach(([x, up], j) => {
    const cx = place(x), cy = middle - 11 * up;
    lane.append("circle").attr("class", "seed").attr("cx", cx).attr("cy", cy).attr("r", 4.2).attr("fill", ink)
      .attr("data-seed", row.seeds[j]).attr("data-value", row.values[j])
      .on("pointerenter", () => tip.show(cx, cy + top, [row.name, `seed ${row.seeds[j]}`, row.told[j]]))
      .on("pointerleave", () => tip.hide());
  });
  if (row.middle != null) {
    lane.append("line").attr("class", "median").attr("x1", place(row.middle)).attr("x2", place(row.middle))
      .attr("y1", middle - 15).attr("y2", middle + 15);
  }
  if (row.gone && spec.worst != null) {
    lane.append("text").attr("class", "gone").attr("x", place(spec.worst) + (place(spec.worst) > layout.left + 30 ? -22 : 12))
      .attr("y", middle + 5).text(`✕ ${row.gone}`);
  }
}

// -- bars -------------------------------------------------------------------------------------------------------------

function drawBars(figure, spec) {
  const box = figure.querySelector(".plot");
  keepDrawn(box, () => {
    const most = Math.max(...spec.rows.map((row) => row.value || 0)) || 1;
    box.replaceChildren(make("p", { class: "y-title" }, spec.title), ...spec.rows.map((row) => {
      const bar = make("span", { class: "bar" });
      bar.style.width = `${(100 * (row.value || 0)) / most}%`;
      bar.style.background = inkOf(row.style);
      return make("div", { class: "bar-row" }, make("span", { class: "bar-name" }, row.name),
        make("span", { class: "bar-track" }, bar), make("span", { class: "bar-told" }, row.told));
    }));
  });
}

// Chances of ranks: from the first, dark, to the last, pale.
function drawRanks(figure, spec) {
  const box = figure.querySelector(".plot");
  keepDrawn(box, () => {
    box.replaceChildren(make("p", { class: "y-title" }, spec.title), ...spec.rows.map((row) => {
      const track = make("span", { class: "rank-track" });
      row.shares.forEach((share, k) => {
        const text = `rank ${k + 1}: ${percent(share, 0)}`;
        const part = make("span", { class: "rank", title: text }, make("i", {}), make("b", {}, share >= 0.13 ? percent(share, 0) : ""));
        part.style.flexGrow = share;
        part.firstChild.style.background = inkOf(row.style);
        part.firstChild.style.opacity = row.shares.length > 1 ? 0.62 - (0.5 * k) / (row.shares.length - 1) : 0.62;
        track.append(part);
      });
      const said = row.shares.map((share, k) => `rank ${k + 1} ${percent(share, 0)}`).join(", ");
      track.setAttribute("role", "img");
      track.setAttribute("aria-label", `${row.name}: ${said}`);
      return make("div", { class: "bar-row" }, make("span", { class: "bar-name" }, row.name), track,
        make("span", { class: "bar-told" }, `mean rank ${number(row.mean, 3)}`));
    }));
  });
}

// Strips: verdicts against the baseline, every seed's result, bars, chances of ranks.
const nameOf = (row) => `${row.tied ? "★ " : row.mark ? `${row.mark} ` : ""}${row.name}`;
const KEYS = "Arrow keys up and down change the optimizer";

// -- verdicts ---------------------------------------------------------------------------------------------------------

function drawVerdicts(figure, spec) {
  const box = figure.querySelector(".plot"), entries = spec.rows.map((row) => ({
    named: nameOf(row), about: row.about, word: row.word, tails: (row.reason ? [row.reason] : [row.change, row.more]).filter(Boolean),
  }));
  keepDrawn(box, (width) => {
    const layout = lanesOf(width, entries), svg = svgIn(box, width, 1, `${figure.dataset.label}. ${KEYS}.`);
    const bands = svg.append("g"), [place, end] = drawAxis(svg, spec.axis, spec.title, layout);
    if (spec.margin != null) {
      layout.tracks.forEach(([y1, y2]) => bands.append("rect").attr("class", "band").attr("x", place(-spec.margin)).attr("y", y1)
        .attr("width", place(spec.margin) - place(-spec.margin)).attr("height", y2 - y1));
    }
    layout.tracks.forEach(([y1, y2]) => svg.append("line").attr("class", "zero").attr("x1", place(0)).attr("x2", place(0))
      .attr("y1", y1).attr("y2", y2));
    const side = spec.better === "right" ? ["← worse", "better →"] : ["← better", "worse →"];
    [[layout.left, "start"], [layout.left + layout.inner, "end"]].forEach(([x, anchor], k) =>
      svg.append("text").attr("class", "small side").attr("x", x).attr("y", end + 8).attr("text-anchor", anchor).text(side[k]));
    svg.attr("height", end + 16).attr("viewBox", `0 0 ${width} ${end + 16}`);
    spec.rows.forEach((row, k) => verdictLane(svg, row, k, layout, place));
    rove(box);
  });
}

function verdictLane(svg, row, k, layout, place) {
  const said = [row.name, row.about, row.tied ? "tied with the best" : "", row.word, row.change, row.more, row.reason];
  const lane = drawLane(svg, layout, k, row, said), { middle } = layout.lanes[k], ink = inkOf(row.style);
  lane.append("title").text([row.name, row.word, row.change, row.more, row.reason].filter(Boolean).join("\n"));
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
}

// -- every seed's result ----------------------------------------------------------------------------------------------

function drawResults(figure, spec) {
  const box = figure.querySelector(".plot"), stage = make("div", { class: "stage" }), inner = make("div", {});
  const aloud = make("p", { class: "told", role: "status", "aria-live": "polite" });
  stage.append(inner, aloud);
  box.append(stage);
  const tip = tooltipIn(stage), entries = spec.rows.map((row) => ({
    named: nameOf(row), about: "", word: row.text, tails: [row.between, lostOf(row)].filter(Boolean),
  }));
  stage.addEventListener("focusout", () => tip.hide());
  stage.addEventListener("pointerdown", () => tip.hide());
  keepDrawn(inner, (width) => {
    tip.hide();
    const layout = lanesOf(width, entries), label = `${figure.dataset.label}. ${KEYS}, left and right read its seeds.`;
    const svg = svgIn(inner, width, 1, label), [place, end] = drawAxis(svg, spec.axis, spec.title, layout);
    svg.attr("height", end).attr("viewBox", `0 0 ${width} ${end}`);
    const spots = spec.rows.map((row, k) => resultLane(svg, spec, row, k, layout, place, tip));
    let at = [-1, -1];
    rove(inner, (k, way) => {
      const known = spots[k].length;
      if (!way || !known) { tip.hide(); return; }
      const seed = at[0] === k ? Math.min(Math.max(at[1] + way, 0), known - 1) : way > 0 ? 0 : known - 1;
      at = [k, seed];
      spots[k][seed].show();
      aloud.textContent = spots[k][seed].lines.join(", ");
    });
  });
}

// How many runs have no dot.
const lostOf = (row) => [row.gone && `${row.gone} diverged`, row.failed && `${row.failed} failed`].filter(Boolean).join(", ");

const beyond = (axis, value) => ((share) => (share < -1e-9 ? -1 : share > 1 + 1e-9 ? 1 : 0))(placeOn(axis, value));

function resultLane(svg, spec, row, k, layout, place, tip) {
  const { middle, top } = layout.lanes[k], ink = inkOf(row.style), gone = lostOf(row);
  const said = [row.name, row.marked, `${row.kind} ${row.text}`, row.between, gone, `seeds: ${row.told.join(", ")}`];
  const lane = drawLane(svg, layout, k, row, said);
  if (row.interval) {
    const [low, high] = row.interval.map(place);
    lane.append("rect").attr("class", "spread").attr("x", Math.min(low, high)).attr("width", Math.max(1, Math.abs(high - low)))
      .attr("y", middle - 12).attr("height", 24).attr("fill", ink);
  }
  const spots = row.dots.map(([x, up], j) => {
    const cx = place(x), cy = middle - 11 * up, lines = [row.name, `seed ${row.seeds[j]}`, row.told[j]];
    const show = () => tip.show(cx, cy + top, lines);
    const way = beyond(spec.axis, x); // a triangle at the end of the axis points to what lies beyond it
    const mark = way
      ? lane.append("path").attr("d", `M${cx + 6 * way} ${cy}L${cx - 3 * way} ${cy - 4.5}V${cy + 4.5}Z`)
      : lane.append("circle").attr("cx", cx).attr("cy", cy).attr("r", 4.2);
    mark.attr("class", "seed").attr("fill", ink).attr("data-seed", row.seeds[j]).attr("data-value", row.values[j]);
    return { x: cx, y: cy, lines, show };
  });
  // A finger is wide, and hits the dot nearest to it.
  const nearest = (event) => {
    const [x, y] = d3.pointer(event, lane.node()), far = (spot) => Math.hypot(spot.x - x, spot.y - y);
    const best = spots.reduce((one, spot) => (one && far(one) <= far(spot) ? one : spot), null);
    if (best && far(best) < (event.pointerType === "touch" ? 28 : 12)) best.show();
    else tip.hide();
  };
  lane.on("pointermove", (event) => { if (event.pointerType !== "touch") nearest(event); }).on("click", nearest)
    .on("pointerleave", (event) => { if (event.pointerType !== "touch") tip.hide(); });
  if (row.middle != null && !beyond(spec.axis, row.middle)) {
    lane.append("line").attr("class", "median").attr("x1", place(row.middle)).attr("x2", place(row.middle))
      .attr("y1", middle - 15).attr("y2", middle + 15);
  }
  if (row.gone && spec.worst != null) {
    const told = `✕ ${row.gone}`, half = widthOf(told, "word") / 2, low = layout.left + half, high = layout.left + layout.inner - half;
    lane.append("text").attr("class", "gone").attr("x", Math.min(Math.max(place(spec.worst), low), high))
      .attr("y", middle + 5).attr("text-anchor", "middle").text(told);
  }
  return spots;
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

// Lanes of a strip, one per optimizer. Words are measured, so that none is cut and none lies on a mark: wide pages have
// names at the left and results at the right of the track, narrow ones have both above it.
const NARROW = 620, ROW = 17, SWATCH = 42;
const FONTS = { name: "600 13px", word: "600 13px", small: "12px" };
const ruler = make("canvas").getContext("2d");

function widthOf(text, kind) {
  ruler.font = `${FONTS[kind]} ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(text).width;
}

// Lines of at most this width; a word that is wider is broken, and what does not fit in the last line ends in ….
function wrapped(text, kind, width, most = 3) {
  const lines = [], words = (text || "").split(" ").filter(Boolean);
  let line = "";
  while (words.length) {
    const next = line ? `${line} ${words[0]}` : words[0];
    if (widthOf(next, kind) <= width) { line = next; words.shift(); continue; }
    if (line) { lines.push(line); line = ""; continue; }
    let fits = words[0].length - 1;
    while (fits > 1 && widthOf(words[0].slice(0, fits), kind) > width) fits -= 1;
    lines.push(words[0].slice(0, Math.max(1, fits)));
    words[0] = words[0].slice(Math.max(1, fits));
    if (!words[0]) words.shift();
    if (lines.length > most) break;
  }
  if (line) lines.push(line);
  if (lines.length <= most) return lines;
  let last = lines[most - 1];
  while (last && widthOf(`${last}…`, kind) > width) last = last.slice(0, -1);
  return [...lines.slice(0, most - 1), `${last}…`];
}

// ``entries`` have a name, what is told beside it, a word, and small lines with it.
function lanesOf(width, entries) {
  const widest = (texts, kind) => Math.max(0, ...texts.map((text) => widthOf(text || "", kind)));
  const share = 0.3 * width;
  const names = widest(entries.map((entry) => entry.named), "name") + SWATCH;
  const left = 20 + Math.min(share, Math.max(70, names, widest(entries.map((entry) => entry.about), "small")) + 1);
  const tails = entries.flatMap((entry) => entry.tails);
  const right = 24 + Math.min(share, Math.max(70, widest(entries.map((entry) => entry.word), "word"), widest(tails, "small")) + 1);
  const narrow = width < NARROW || width - left - right < 240;
  const layout = narrow
    ? { narrow, width, left: 14, right: 14, inner: width - 28, head: 4 }
    : { narrow, width, left, right, inner: width - left - right, head: 6 };
  let top = layout.head;
  layout.lanes = entries.map((entry) => {
    const lane = { top, ...(narrow ? narrowLane(entry, layout) : wideLane(entry, layout)) };
    top += lane.height;
    return lane;
  });
  layout.foot = top;
  // Where lines of the axis run: through everything on a wide page, on a narrow one only where there are no words.
  layout.tracks = narrow
    ? layout.lanes.map((lane) => [lane.top + lane.middle - 17, lane.top + lane.middle + 17])
    : [[layout.head, layout.foot]];
  return layout;
}

function wideLane(entry, layout) {
  const names = wrapped(entry.named, "name", layout.left - 20 - SWATCH), about = wrapped(entry.about, "small", layout.left - 20);
  const tail = [...wrapped(entry.word, "word", layout.right - 24).map((text) => [text, "word"]),
    ...entry.tails.flatMap((text) => wrapped(text, "small", layout.right - 24)).map((text) => [text, "small"])];
  const height = Math.max(46, ROW * Math.max(names.length + about.length, tail.length) + 14), middle = height / 2;
  const column = (lines, x, anchor) => lines.map(([text, kind], k) =>
    ({ text, kind, x, anchor, y: middle + ROW * (k - (lines.length - 1) / 2) + 4.5 }));
  const head = column([...names.map((text) => [text, "name"]), ...about.map((text) => [text, "small"])], layout.left - 12, "end");
  const words = [...head, ...column(tail, layout.left + layout.inner + 14, "start")];
  return { height, middle, words, swatch: [layout.left - 12 - widthOf(names[0], "name") - SWATCH, head[0].y - 4.5] };
}

function narrowLane(entry, layout) {
  const rows = [...rowsOf(entry.named, "name", entry.about, layout.inner, SWATCH),
    ...rowsOf(entry.word, "word", entry.tails.join("; "), layout.inner, 0)];
  const words = rows.flatMap((row, k) => row.map((one) => ({
    ...one, y: 17 + ROW * k, anchor: one.end ? "end" : "start",
    x: one.end ? layout.left + layout.inner : layout.left + (one.in || 0),
  })));
  const middle = 10 + ROW * rows.length + 18;
  return { height: middle + 24, middle, words, swatch: [layout.left, 12.5] };
}

// A text and a smaller one at the other end of its row, or below it where both do not fit.
function rowsOf(text, kind, small, width, indent) {
  const first = wrapped(text, kind, width - indent).map((line) => [{ text: line, kind, in: indent }]);
  const room = width - indent - widthOf(text, kind) - 14;
  if (small && first.length === 1 && widthOf(small, "small") <= room) return [[...first[0], { text: small, kind: "small", end: true }]];
  return [...first, ...wrapped(small, "small", width).map((line) => [{ text: line, kind: "small" }])];
}

function svgIn(box, width, height, label) {
  const { activeElement } = document;
  box.focused = box.contains(activeElement) ? activeElement.dataset.name : null;
  box.replaceChildren();
  return d3.select(box).append("svg").attr("width", width).attr("height", height)
    .attr("viewBox", `0 0 ${width} ${height}`).attr("role", "group").attr("aria-label", label);
}

// Draws the axis below all lanes; returns where a value lies, the ends of the axis for one beyond them, and its foot.
function drawAxis(svg, axis, title, layout) {
  const at = (value) => layout.left + Math.min(1, Math.max(0, placeOn(axis, value))) * layout.inner, { foot } = layout;
  const group = svg.append("g").attr("class", "axis").attr("aria-hidden", "true");
  let end = -Infinity;
  for (const [tick, told] of axis.ticks) {
    const half = widthOf(told, "small") / 2, x = Math.min(Math.max(at(tick), half + 1), layout.width - half - 1);
    if (x - half < end + 10) continue;
    end = x + half;
    layout.tracks.forEach(([y1, y2]) => group.append("line").attr("x1", at(tick)).attr("x2", at(tick)).attr("y1", y1).attr("y2", y2));
    group.append("text").attr("x", x).attr("y", foot + 16).attr("text-anchor", "middle").text(told);
  }
  const middle = layout.narrow ? layout.width / 2 : layout.left + layout.inner / 2;
  const lines = wrapped(title, "small", layout.narrow ? layout.width - 8 : layout.inner);
  lines.forEach((line, k) => group.append("text").attr("class", "title").attr("x", middle).attr("y", foot + 36 + 16 * k)
    .attr("text-anchor", "middle").text(line));
  return [at, foot + 26 + 16 * lines.length];
}

// A lane that can be reached with the keys, with all its words.
function drawLane(svg, layout, k, row, said) {
  const own = layout.lanes[k];
  const lane = svg.append("g").attr("class", "lane").attr("transform", `translate(0 ${own.top})`).attr("tabindex", k ? -1 : 0)
    .attr("role", "img").attr("aria-label", said.filter(Boolean).join(", ")).attr("data-name", row.name);
  lane.append("rect").attr("class", "hit").attr("x", 1).attr("y", 1).attr("width", layout.width - 2).attr("height", own.height - 2);
  own.words.forEach((one) => lane.append("text").attr("class", one.kind).attr("x", one.x).attr("y", one.y)
    .attr("text-anchor", one.anchor).text(one.text));
  const [x, y] = own.swatch;
  lane.append("line").attr("class", "key").attr("x1", x + 1).attr("x2", x + SWATCH - 9).attr("y1", y).attr("y2", y)
    .attr("stroke", inkOf(row.style)).attr("stroke-dasharray", row.style.dashes.map((length) => 2.4 * length).join(" ") || null);
  return lane;
}

// One stop for the tabulator; from there the arrow keys go up and down, and sideways through what a lane holds.
function rove(box, sideways) {
  const lanes = [...box.querySelectorAll(".lane")];
  const enter = (lane) => lanes.forEach((other) => other.setAttribute("tabindex", other === lane ? "0" : "-1"));
  lanes.forEach((lane, k) => {
    lane.addEventListener("focus", () => enter(lane));
    lane.addEventListener("keydown", (event) => {
      const goal = { ArrowUp: k - 1, ArrowDown: k + 1, Home: 0, End: lanes.length - 1 }[event.key];
      const way = { ArrowLeft: -1, ArrowRight: 1, Escape: 0 }[event.key];
      if (way !== undefined && sideways) sideways(k, way);
      if (goal !== undefined && lanes[goal]) lanes[goal].focus();
      if (goal !== undefined || (way && sideways)) event.preventDefault();
    });
    if (box.focused === lane.dataset.name) lane.focus();
  });
}

// Tables that sort by a click on a heading and copy as CSV or LaTeX, and texts and files that can be taken away.
function prepareTable(table) {
  const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const keyOf = (cell) => {
    const raw = cell.dataset.value;
    if (raw === undefined || raw === "") return null;
    return raw.trim() !== "" && Number.isFinite(Number(raw)) ? Number(raw) : raw;
  };
  heads.forEach((head, column) => {
    const button = make("button", { type: "button", title: "sort" }, head.textContent, make("span", { class: "arrow", "aria-hidden": "true" }));
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const rising = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", rising ? "ascending" : "descending");
      const rows = [...body.rows].map((row, place) => ({ row, place, key: keyOf(row.cells[column]) }));
      rows.sort((a, b) => ordered(a, b, rising));
      body.append(...rows.map(({ row }) => row));
    });
  });
  const names = [...body.rows].map((row) => row.cells[0]);
  if (names.every((name) => styleOf.has(name.textContent))) names.forEach((name) => name.prepend(swatch(styleOf.get(name.textContent))));
  const hint = make("span", { class: "note hint" }, "The table goes on to the right: it scrolls sideways.");
  const what = table.getAttribute("aria-label");
  const bar = make("div", { class: "table-tools" }, copyButton("Copy as CSV", what, () => asCsv(table)),
    copyButton("Copy as LaTeX", what, () => asLatex(table)), hint);
  const box = table.closest(".wide");
  box.after(bar);
  // Only what scrolls is a stop for the tabulator, and says that it scrolls.
  const fit = () => {
    const scrolls = box.scrollWidth > box.clientWidth + 1;
    hint.hidden = !scrolls;
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  new ResizeObserver(fit).observe(box);
  fit();
}

// What is missing comes last, whichever way round; texts after numbers.
function ordered(a, b, rising) {
  if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
  const [x, y] = rising ? [a.key, b.key] : [b.key, a.key];
  if (typeof x !== typeof y) return typeof x === "number" ? -1 : 1;
  return (typeof x === "number" ? x - y : x.localeCompare(y)) || a.place - b.place;
}

const cellsOf = (row, raw) => [...row.cells].map((cell) => (raw && cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent));

function asCsv(table) {
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const rows = [cellsOf(table.tHead.rows[0], false), ...[...table.tBodies[0].rows].map((row) => cellsOf(row, true))];
  return `${rows.map((row) => row.map(quoted).join(",")).join("\n")}\n`;
}

const LATEX = {
  "\\": "\\textbackslash{}", "{": "\\{", "}": "\\}", "%": "\\%", "&": "\\&", "#": "\\#", "_": "\\_", $: "\\$",
  "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "–": "--", "−": "$-$", "×": "$\\times$", "<": "$<$", ">": "$>$",
  "±": "$\\pm$", "★": "$\\star$", "•": "$\\bullet$", "✕": "$\\times$", "…": "\\dots{}", "≤": "$\\leq$", "≥": "$\\geq$",
  "≈": "$\\approx$", "∞": "$\\infty$", "\u00a0": "~", "|": "\\textbar{}",
};
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻";
// Letters that mean something to LaTeX, and those that its usual fonts lack.
function latexText(text) {
  const known = text.replace(/[\\{}%&#_$~^–−×<>±★•✕…≤≥≈∞\u00a0|]/g, (letter) => LATEX[letter]);
  return known.replace(/[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+/g, (run) => `$^{${[...run].map((letter) => "0123456789-"[RAISED.indexOf(letter)]).join("")}}$`);
}

function asLatex(table) {
  const head = cellsOf(table.tHead.rows[0], false), rows = [...table.tBodies[0].rows].map((row) => cellsOf(row, false));
  // After the end of a row, [ and * would belong to that end.
  const line = (cells) => `  ${cells.map(latexText).join(" & ").replace(/^(?=\s*[[*])/, "{}")} \\\\`;
  return [`\\begin{tabular}{l${"r".repeat(head.length - 1)}}`, "  \\hline", line(head), "  \\hline",
    ...rows.map(line), "  \\hline", "\\end{tabular}", ""].join("\n");
}

// ``what`` is copied: who hears the buttons one by one can tell them apart.
function copyButton(label, what, text) {
  const tell = (told) => { button.textContent = told; button.setAttribute("aria-label", `${told}: ${what}`); };
  const button = make("button", { type: "button", class: "copy", onclick: async () => {
    const done = await copied(text());
    tell(done ? "copied" : "not allowed here");
    button.classList.add("done");
    setTimeout(() => { tell(label); button.classList.remove("done"); }, 1400);
  } });
  tell(label);
  button.setAttribute("aria-live", "polite");
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", { readonly: true, class: "aside" });
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

// -- files ------------------------------------------------------------------------------------------------------------

async function unpacked(file) {
  const bytes = Uint8Array.from(atob(file.gzip), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).blob();
}

function prepareFiles() {
  document.querySelectorAll("button[data-file]").forEach((button) => {
    const file = given.files[Number(button.dataset.file)];
    button.addEventListener("click", async () => {
      const blob = new Blob([await unpacked(file)], { type: file.mime }), url = URL.createObjectURL(blob);
      const link = make("a", { href: url, download: file.name });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
    });
  });
}

// Begin: the theme, then every chart, table and button of the page.
function setTheme(theme) {
  root.dataset.theme = theme;
  redraws.forEach((draw) => draw());
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");
root.dataset.theme = prefersDark.matches ? "dark" : "light";
prefersDark.addEventListener("change", () => setTheme(prefersDark.matches ? "dark" : "light"));
const themeButton = document.getElementById("theme");
const nameTheme = () => { themeButton.textContent = isDark() ? "light page" : "dark page"; };
themeButton.hidden = false;
nameTheme();
redraws.push(nameTheme);
themeButton.addEventListener("click", () => setTheme(isDark() ? "light" : "dark"));

// Paper is white and has a width of its own; what is folded on the screen is open on it.
let before = null;
function ontoPaper() {
  if (before) return;
  while (waiting.length) drawNext();
  before = { theme: root.dataset.theme, folded: [...document.querySelectorAll("details:not([open])")] };
  before.folded.forEach((one) => { one.open = true; });
  root.classList.add("printing");
  setTheme("light");
}
function backFromPaper() {
  if (!before) return;
  const { theme, folded } = before;
  before = null;
  folded.forEach((one) => { one.open = false; });
  root.classList.remove("printing");
  setTheme(theme);
}
addEventListener("beforeprint", ontoPaper);
addEventListener("afterprint", backFromPaper);
matchMedia("print").addEventListener("change", (event) => (event.matches ? ontoPaper() : backFromPaper()));

const DRAWERS = {
  curves: drawCurves, verdicts: drawVerdicts, results: drawResults, bars: drawBars, ranks: drawRanks, race: drawRace,
};
const waiting = [...document.querySelectorAll("figure[data-chart]")];
function drawNext() {
  const figure = waiting.shift(), spec = given.charts[figure.dataset.chart];
  // A chart that cannot be drawn costs nobody the others.
  try { DRAWERS[spec.kind](figure, spec); } catch (fault) { console.error(`The chart ${figure.id} cannot be drawn.`, fault); }
}

// What is first seen is drawn first; everything else follows without keeping the reader from scrolling.
function drawRest() {
  if (waiting.length) {
    drawNext();
    setTimeout(drawRest, 0);
  } else root.dataset.drawn = String(Math.round(performance.now()));
}

document.querySelectorAll(".chip").forEach((chip) => { if (styleOf.has(chip.dataset.name)) chip.prepend(swatch(styleOf.get(chip.dataset.name))); });
document.querySelectorAll("table.sortable").forEach(prepareTable);
document.querySelectorAll("pre.take").forEach((text) => text.before(copyButton("Copy", text.getAttribute("aria-label"), () => text.textContent)));
prepareFiles();
if (waiting.length) drawNext();
root.dataset.ready = String(Math.round(performance.now()));
setTimeout(drawRest, 0);

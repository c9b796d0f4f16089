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

// Paper is white.
let themeBefore = null;
addEventListener("beforeprint", () => { while (waiting.length) drawNext(); themeBefore = root.dataset.theme; setTheme("light"); });
addEventListener("afterprint", () => { if (themeBefore) setTheme(themeBefore); });

const DRAWERS = {
  curves: drawCurves, verdicts: drawVerdicts, results: drawResults, bars: drawBars, ranks: drawRanks, race: drawRace,
};
const waiting = [...document.querySelectorAll("figure[data-chart]")];
function drawNext() {
  const figure = waiting.shift(), spec = given.charts[figure.dataset.chart];
  DRAWERS[spec.kind](figure, spec);
}

// What is first seen is drawn first; everything else follows without keeping the reader from scrolling.
function drawRest() {
  if (waiting.length) {
    drawNext();
    setTimeout(drawRest, 0);
  } else root.dataset.drawn = String(Math.round(performance.now()));
}

document.querySelectorAll("table.sortable").forEach(prepareTable);
document.querySelectorAll("pre.take").forEach((text) => text.before(copyButton("Copy", () => text.textContent)));
prepareFiles();
if (waiting.length) drawNext();
root.dataset.ready = String(Math.round(performance.now()));
setTimeout(drawRest, 0);

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
addEventListener("beforeprint", () => { themeBefore = root.dataset.theme; setTheme("light"); });
addEventListener("afterprint", () => { if (themeBefore) setTheme(themeBefore); });

const DRAWERS = {
  curves: drawCurves, verdicts: drawVerdicts, results: drawResults, bars: drawBars, ranks: drawRanks, race: drawRace,
};
document.querySelectorAll("figure[data-chart]").forEach((figure) => {
  const spec = given.charts[figure.dataset.chart];
  DRAWERS[spec.kind](figure, spec);
});
document.querySelectorAll("table.sortable").forEach(prepareTable);
document.querySelectorAll("pre.take").forEach((text) => text.before(copyButton("Copy", () => text.textContent)));
prepareFiles();
root.dataset.ready = String(Math.round(performance.now()));

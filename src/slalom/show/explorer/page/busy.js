// What is under way, as words in <html data-busy>: "frame", "rest", "address", "telling", "sweep", "basins". Where there is
// none, the page shows all that it will show until somebody does something. Tests wait for that.

const busy = new Set();

function underWay(what, on) {
  if (busy.has(what) === on) return;
  if (on) busy.add(what);
  else busy.delete(what);
  document.documentElement.dataset.busy = [...busy].join(" ");
}

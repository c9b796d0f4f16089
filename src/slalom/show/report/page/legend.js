// Names that can be clicked: hide one, or show one alone. What is hidden is shared by the charts of one study.
const hiddenIn = new Map();

function legendOf(scope, lines, changed) {
  if (!hiddenIn.has(scope)) hiddenIn.set(scope, { names: new Set(), listeners: [] });
  const shared = hiddenIn.get(scope), hidden = shared.names;
  const box = make("div", { class: "legend", role: "group", "aria-label": "Optimizers shown" });
  const everyone = lines.map((line) => line.name);
  const tell = () => shared.listeners.forEach((listener) => listener());
  const isolate = (name) => {
    const alone = everyone.every((other) => (other === name) !== hidden.has(other));
    hidden.clear();
    if (!alone) everyone.filter((other) => other !== name).forEach((other) => hidden.add(other));
    tell();
  };
  const toggle = (name) => { if (!hidden.delete(name)) hidden.add(name); tell(); };
  const entries = lines.map((line) => {
    const name = make("button", {
      type: "button", class: "name", title: "click: hide or show; double-click: alone",
      onclick: () => toggle(line.name), ondblclick: () => isolate(line.name),
    }, swatch(line.style), make("span", {}, line.name));
    const only = make("button", {
      type: "button", class: "only", "aria-label": `Show ${line.name} alone`, onclick: () => isolate(line.name),
    }, "only");
    return { name, only, line };
  });
  const all = make("button", { type: "button", class: "all", onclick: () => { hidden.clear(); tell(); } }, "show all");
  entries.forEach(({ name, only }) => {
    box.append(make("span", { class: "entry" }, name, ...(lines.length > 1 ? [only] : [])));
  });
  box.append(all);
  const update = () => {
    entries.forEach(({ name, line }) => name.setAttribute("aria-pressed", String(!hidden.has(line.name))));
    all.hidden = !everyone.some((name) => hidden.has(name));
    changed();
  };
  shared.listeners.push(update);
  return { box, update, hidden };
}

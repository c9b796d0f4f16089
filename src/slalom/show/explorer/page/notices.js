// What the page says of its own accord: what it did not take, and what it did unasked. It goes at the next change.

const notices = { shown: new Set(), address: false };

// A sentence in a place that is there already.
function sayAt(place, text) {
  if (place.textContent !== text) place.textContent = text;
  if (text) notices.shown.add(place);
}

// A sentence at an input: what was typed is marked, and why stands below it, in the container.
function complain(input, container, text) {
  input.setAttribute("aria-invalid", "true");
  let place = container.querySelector(":scope > .error");
  if (!place) container.append(place = el("p", { className: "error", role: "alert", id: `${input.id || container.id}-error` }));
  input.setAttribute("aria-describedby", place.id);
  sayAt(place, text);
}

function uncomplain(input, container) {
  input.setAttribute("aria-invalid", "false");
  input.removeAttribute("aria-describedby");
  container.querySelector(":scope > .error")?.remove();
}

function hush() {
  for (const place of notices.shown) {
    place.textContent = "";
    if (place.getAttribute("role") === "alert") place.remove();
  }
  notices.shown.clear();
  if (notices.address) showAddressNote([]);
}

const MOST_SENTENCES = 6;

// What of an address was not taken, as text and never as markup.
function showAddressNote(sentences) {
  const note = byId("address-note");
  notices.address = sentences.length > 0;
  if (!sentences.length) return note.replaceChildren();
  const shown = sentences.slice(0, MOST_SENTENCES).map(sentence => el("li", {}, sentence));
  if (sentences.length > MOST_SENTENCES) shown.push(el("li", {}, `… and ${sentences.length - MOST_SENTENCES} more like these.`));
  const close = el("button", { type: "button" }, "Close");
  close.onclick = () => {
    showAddressNote([]);
    byId("plane").focus({ preventScroll: true });
  };
  note.replaceChildren(el("div", {}, el("p", {}, "This link asks for something that the page cannot show:"), el("ul", {}, ...shown)), close);
}

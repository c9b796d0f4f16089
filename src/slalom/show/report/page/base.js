// What all parts of the page share: the data, colours of the theme, numbers as texts, small helpers.
const root = document.documentElement;
const given = JSON.parse(document.getElementById("report-data").textContent);
const redraws = [];

const isDark = () => root.dataset.theme === "dark";
const inkOf = (style) => (isDark() ? style.dark : style.light);
const cssColour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

function make(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
}

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
function number(value, digits = 3) {
  if (value == null || Number.isNaN(value)) return "–";
  if (value === 0) return "0";
  const exponent = Math.floor(Math.log10(Math.abs(value)) + 1e-12);
  if (exponent >= -4 && exponent < 6) {
    const places = Math.max(0, digits - 1 - exponent);
    let text = value.toLocaleString("en-US", { minimumFractionDigits: places, maximumFractionDigits: places });
    if (text.includes(".")) text = text.replace(/\.?0+$/, "");
    return text.replace("-", "−");
  }
  const [mantissa, power] = value.toExponential(Math.max(0, digits - 2)).split("e");
  const raised = String(Number(power)).replace("-", "⁻").replace(/\d/g, (digit) => SUPERSCRIPTS[digit]);
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${short === "1" ? "" : `${short}×`}10${raised}`.replace("-", "−");
}
const percent = (value, digits = 1) => (value == null ? "–" : `${number(100 * value, digits + 2)} %`);

// Where a value lies on one of the axes that came with the data, from 0 to 1.
function placeOn(axis, value) {
  if (!axis.log) return (value - axis.low) / (axis.high - axis.low);
  return Math.log(value / axis.low) / Math.log(axis.high / axis.low);
}

// A tooltip that stays inside its box.
function tooltipIn(box) {
  const tip = make("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  box.append(tip);
  return {
    show(x, y, lines) {
      tip.replaceChildren(...lines.filter(Boolean).map((line, k) => make(k ? "div" : "strong", {}, line)));
      tip.hidden = false;
      const wide = box.clientWidth, size = tip.getBoundingClientRect();
      const left = x + 14 + size.width > wide ? x - 14 - size.width : x + 14;
      tip.style.left = `${Math.max(0, Math.min(left, wide - size.width))}px`;
      tip.style.top = `${Math.max(0, y - size.height - 8)}px`;
    },
    hide() { tip.hidden = true; },
  };
}

// Long enough that every pattern of dashes is seen whole.
function swatch(style) {
  const canvas = make("canvas", { class: "swatch", width: 80, height: 16, "aria-hidden": "true" });
  const paint = () => {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, 80, 16);
    pen.strokeStyle = inkOf(style);
    pen.lineWidth = 4.4;
    pen.setLineDash(style.dashes.map((length) => 4.4 * length));
    pen.beginPath();
    pen.moveTo(2, 8);
    pen.lineTo(78, 8);
    pen.stroke();
  };
  paint();
  redraws.push(paint);
  return canvas;
}

// The styles of all names on the page that have one style alone.
const styleOf = new Map(Object.entries(given.styles));

const LEAST = 120; // a box that is narrower is folded, or on its way to another width
// Draw at once, again when the theme changes, and when the width does.
function keepDrawn(box, draw) {
  let width = 0;
  const again = () => { width = box.clientWidth; if (width > LEAST) draw(width); };
  again();
  redraws.push(again);
  new ResizeObserver(() => { if (box.clientWidth !== width) again(); }).observe(box);
  return again;
}

function choice(label, options, chosen, pick) {
  const group = make("div", { class: "choice", role: "group", "aria-label": label });
  const buttons = options.map(([key, text]) =>
    make("button", { type: "button", "aria-pressed": String(key === chosen), onclick: () => {
      buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(options[k][0] === key)));
      pick(key);
    } }, text));
  group.append(...buttons);
  return group;
}

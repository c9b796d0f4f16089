// One colour and dashes per optimizer, as in every other picture of slalom; the table is written by Python.

const facts = JSON.parse(document.getElementById("facts").textContent);

function stylesOf(field) {
  const seen = {};
  return field.map(runner => {
    const family = runner.rule;
    let { color: colour, dashes } = slalom.rules[family];
    const turn = seen[family] || 0;
    seen[family] = turn + 1;
    if (turn) {
      const amount = colour === "#000000" ? Math.min(0.75, 0.3 + 0.15 * turn) : facts.tints[turn % facts.tints.length];
      const order = facts.dashes.findIndex(each => String(each) === String(dashes));
      colour = tint(colour, amount);
      dashes = facts.dashes[(order + turn) % facts.dashes.length];
    }
    return { colour: seenOn(colour), dashes };
  });
}

// A line's colour on this theme's paper, as in the report: so far from it that it is seen, on a dark one black turned round.
const READ = 4.5; // the contrast of letters, as WCAG defines it

const seenOn = remembered(colour => {
  const { legible, bright, night } = facts.contrasts;
  if (!theme.dark) return towards(colour, theme.paper, -1, legible);
  return contrast(colour, theme.paper) < night ? tint(colour, 0.88) : towards(colour, theme.paper, 1, bright);
});

// Letters in a line's colour, moved on until they can be read: on the plane, whose ground is not quite the paper.
const letteringOf = remembered(colour => towards(colour, theme.high, theme.dark ? 1 : -1, READ));

// A colour made of another is the same for as long as the theme is; at every frame it would be reckoned anew.
function remembered(make) {
  const known = new Map();
  return colour => {
    const key = `${theme.dark} ${colour}`;
    if (!known.has(key)) known.set(key, make(colour));
    return known.get(key);
  };
}

function towards(colour, ground, direction, least) {
  for (let k = 0; k < 20; k++) {
    const tried = tint(colour, direction * 0.05 * k);
    if (contrast(tried, ground) >= least) return tried;
  }
  return tint(colour, direction);
}

function luminance(colour) {
  const [red, green, blue] = parts(colour).map(part => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function parts(colour) {
  return [1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16));
}

function tint(colour, amount) {
  const goal = amount >= 0 ? 255 : 0;
  const mixed = parts(colour).map(part => Math.round(part + (goal - part) * Math.abs(amount)));
  return "#" + mixed.map(part => part.toString(16).padStart(2, "0")).join("");
}

function faded(colour, alpha) {
  const [red, green, blue] = parts(colour);
  return `rgba(${red},${green},${blue},${alpha})`;
}

const THEMES = ["system", "light", "dark"];
const theme = { chosen: "system", dark: false };

function applyTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)").matches;
  theme.dark = theme.chosen === "dark" || (theme.chosen === "system" && system);
  document.documentElement.dataset.theme = theme.dark ? "dark" : "light";
  const style = getComputedStyle(document.documentElement);
  for (const name of ["paper", "ground", "ink", "quiet", "faint", "line", "contour", "low", "high", "accent", "diverged"]) {
    theme[name] = style.getPropertyValue(`--${name}`).trim();
  }
}

// The size of each canvas on the page, told by the browser: asking for it in a frame would make it lay out the page.
const sizes = new Map();
const sizing = new ResizeObserver(entries => {
  for (const { target, contentRect } of entries) sizes.set(target, [contentRect.width, contentRect.height]);
  redrawAll();
});

// A canvas of the size it has on the page, in dots of the screen; its context counts in CSS pixels.
function fitted(canvas) {
  if (!sizes.has(canvas)) {
    sizes.set(canvas, [canvas.clientWidth, canvas.clientHeight]);
    sizing.observe(canvas);
  }
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const [width, height] = sizes.get(canvas).map(size => Math.max(1, Math.round(size)));
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const pen = canvas.getContext("2d", { alpha: false });
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  return { pen, width, height, ratio };
}

function blank(pen, width, height) {
  pen.fillStyle = theme.paper;
  pen.fillRect(0, 0, width, height);
}

const FONT = '12px system-ui, "Segoe UI", "DejaVu Sans", sans-serif';

function el(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "list") made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children); // strings become text, never markup
  return made;
}

// A pen that writes SVG where a canvas context would draw: the same drawing code makes the picture and the file.

class SvgPen {
  constructor(width, height) {
    this.size = [width, height];
    this.out = [];
    this.path = [];
    this.dash = [];
    this.clips = 0;
    this.open = [];
    Object.assign(this, {
      fillStyle: "#000", strokeStyle: "#000", lineWidth: 1, font: FONT, textAlign: "left", textBaseline: "alphabetic",
      lineJoin: "miter", lineCap: "butt", lineDashOffset: 0,
    });
    this.measuring = document.createElement("canvas").getContext("2d");
  }

  text() {
    const [width, height] = this.size;
    const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`;
    return `${head}\n${this.out.join("\n")}\n</svg>\n`;
  }

  save() { this.open.push(0); }
  restore() { this.out.push("</g>".repeat(this.open.pop() || 0)); }
  clip() {
    const id = `clip${++this.clips}`;
    this.out.push(`<clipPath id="${id}"><path d="${this.path.join("")}"/></clipPath><g clip-path="url(#${id})">`);
    this.open[this.open.length - 1]++;
  }

  beginPath() { this.path = []; }
  moveTo(x, y) { this.path.push(`M${short(x)} ${short(y)}`); }
  lineTo(x, y) { this.path.push(`L${short(x)} ${short(y)}`); }
  closePath() { this.path.push("Z"); }
  rect(x, y, w, h) { this.path.push(`M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}Z`); }
  arc(x, y, radius) { this.ellipse(x, y, radius, radius); }
  ellipse(x, y, rx, ry) {
    const half = sign => `a${short(rx)} ${short(ry)} 0 1 1 ${short(sign * 2 * rx)} 0`;
    this.path.push(`M${short(x - rx)} ${short(y)}${half(1)}${half(-1)}`);
  }

  setLineDash(dash) { this.dash = dash; }
  setTransform() {}
  clearRect() {}
  measureText(text) {
    this.measuring.font = this.font;
    return this.measuring.measureText(text);
  }

  fill() { this.out.push(`<path d="${this.path.join("")}" fill="${escaped(this.fillStyle)}"/>`); }
  stroke() { this.out.push(`<path d="${this.path.join("")}" fill="none" ${this.stroked()}/>`); }
  fillRect(x, y, w, h) {
    this.out.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}" fill="${escaped(this.fillStyle)}"/>`);
  }
  strokeRect(x, y, w, h) {
    this.out.push(`<rect x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}" fill="none" ${this.stroked()}/>`);
  }
  stroked() {
    const dash = this.dash.length ? ` stroke-dasharray="${this.dash.map(short).join(" ")}"` : "";
    const offset = dash && this.lineDashOffset ? ` stroke-dashoffset="${short(this.lineDashOffset)}"` : "";
    return `stroke="${escaped(this.strokeStyle)}" stroke-width="${short(this.lineWidth)}" stroke-linejoin="${this.lineJoin}"${dash}${offset}`;
  }

  fillText(text, x, y) { this.write(text, x, y, `fill="${escaped(this.fillStyle)}"`); }
  strokeText(text, x, y) { this.write(text, x, y, `fill="none" ${this.stroked()}`); }
  write(text, x, y, paint) {
    const anchor = { left: "start", center: "middle", right: "end" }[this.textAlign];
    const base = this.textBaseline === "middle" ? ' dominant-baseline="central"' : "";
    const weight = this.font.startsWith("600") ? ' font-weight="600"' : "";
    const size = /([\d.]+)px/.exec(this.font)[1];
    this.out.push(`<text x="${short(x)}" y="${short(y)}" font-family="system-ui, DejaVu Sans, sans-serif" font-size="${size}"` +
      `${weight} text-anchor="${anchor}"${base} ${paint}>${escaped(text)}</text>`);
  }

  // The land is a raster in the file too: thousands of contour segments would be of no use to anybody.
  drawImage(canvas, x, y, w, h) {
    this.out.push(`<image x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}" href="${canvas.toDataURL()}"/>`);
  }
}

function short(value) {
  return Number.isFinite(value) ? String(Math.round(value * 100) / 100) : "0";
}

function escaped(text) {
  const marks = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return String(text).replace(/[&<>"']/g, mark => marks[mark]);
}

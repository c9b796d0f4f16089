// The basin map: each start coloured by the minimum it leads to, darker where that takes longer, black where it diverges.

const BASIN_COLOURS = ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#0072B2"];
let basinSerial = 0;

// The worker's answer as a canvas of one dot for each start, with the box it belongs to.
function basinPicture({ points, losses, arrivedAt, reached, grid, box, steps, minima }) {
  const [columns, rows] = grid;
  const canvas = new OffscreenCanvas(columns, rows);
  const pen = canvas.getContext("2d");
  const dots = pen.createImageData(columns, rows);
  const kinds = minima ? reached : clustersOf(points, losses, box);
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const k = j * columns + i, at = 4 * ((rows - 1 - j) * columns + i); // the first row is the lowest
      const colour = basinColour(kinds[k], arrivedAt[k], steps);
      for (let c = 0; c < 3; c++) dots.data[at + c] = colour[c];
      dots.data[at + 3] = colour[3];
    }
  }
  pen.putImageData(dots, 0, 0);
  return { canvas, box: String(box), serial: ++basinSerial };
}

function basinColour(kind, arrivedAt, steps) {
  if (kind === slalom.DIVERGED) return theme.dark ? [0, 0, 0, 255] : [20, 20, 20, 255];
  if (kind === slalom.NOWHERE) return [0, 0, 0, 0]; // the ground itself
  const colour = parts(BASIN_COLOURS[kind % BASIN_COLOURS.length]);
  const lateness = arrivedAt < 0 ? 0.4 : Math.sqrt(arrivedAt / steps);
  const goal = theme.dark ? 0 : 255, towards = theme.dark ? 0.75 * lateness : 0.75 * (1 - lateness);
  return [...colour.map(part => part + (goal - part) * towards), 225];
}

// Where no minimum is known: ends that lie close together are one place.
function clustersOf(points, losses, box) {
  const near = 0.03 * (box[0][1] - box[0][0]), places = [];
  return Int8Array.from(losses, (loss, k) => {
    if (!Number.isFinite(loss)) return slalom.DIVERGED;
    const x = points[2 * k], y = points[2 * k + 1];
    const found = places.findIndex(place => Math.hypot(place[0] - x, place[1] - y) < near);
    if (found >= 0) return found;
    return places.length < BASIN_COLOURS.length ? places.push([x, y]) - 1 : slalom.NOWHERE;
  });
}

// The basin map: each start coloured by the minimum it leads to, fainter where that takes longer, black where it diverges.
// Where no minimum is known, by the place where it comes to rest.

const ELSEWHERE = facts.minima.length; // at rest in a place that has no colour of its own
const NEARBY = 0.03; // of the map's width: ends closer than this are one place
const MOST_PLACES = 200;
let basinSerial = 0;

// The worker's answer as a canvas of one dot for each start, with the box it belongs to.
function basinPicture(found) {
  const { arrivedAt, reached, grid, box, steps, minima } = found;
  const [columns, rows] = grid;
  const canvas = new OffscreenCanvas(columns, rows);
  const pen = canvas.getContext("2d");
  const dots = pen.createImageData(columns, rows);
  const kinds = minima ? reached : placesOf(found);
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const k = j * columns + i, at = 4 * ((rows - 1 - j) * columns + i); // the first row is the lowest
      const colour = basinColour(kinds[k], arrivedAt[k], steps);
      for (let c = 0; c < 3; c++) dots.data[at + c] = colour[c];
      dots.data[at + 3] = colour[3];
    }
  }
  pen.putImageData(dots, 0, 0);
  return { canvas, box: String(box), serial: ++basinSerial, minima, ...(minima ? {} : countOf(kinds)) };
}

function basinColour(kind, arrivedAt, steps) {
  if (kind === slalom.DIVERGED) return theme.dark ? [0, 0, 0, 255] : [20, 20, 20, 255];
  if (kind === slalom.NOWHERE) return [0, 0, 0, 0]; // the ground itself
  if (kind === ELSEWHERE && arrivedAt < 0) return theme.dark ? [120, 120, 120, 225] : [130, 130, 130, 225];
  const colour = parts(facts.minima[kind % facts.minima.length]);
  const lateness = arrivedAt < 0 ? 0.4 : Math.sqrt(arrivedAt / steps);
  const ground = theme.dark ? 0 : 255;
  return [...colour.map(part => part + (ground - part) * 0.75 * lateness), 225];
}

// Who has come to rest: the mean gradient of the last steps is small beside that of the start, or that of the middle of
// all starts, and the mean place has moved by little. Who goes on as at the start is still on the way.
function atRest({ slopesAtStart, slopes, drifts, box }) {
  const usual = slopesAtStart.filter(Number.isFinite).sort(), middle = usual[Math.floor(usual.length / 2)] || 0;
  const little = NEARBY / 3 * (box[0][1] - box[0][0]);
  return Array.from(slopes, (slope, k) => slope <= Math.max(0.01 * slopesAtStart[k], 1e-4 * middle) && drifts[k] <= little);
}

// Ends at rest that lie close together are one place; the places with the most starts come first and have colours.
function placesOf(found) {
  const { points, losses, box } = found, resting = atRest(found);
  const near = NEARBY * (box[0][1] - box[0][0]), places = [];
  const own = Array.from(losses, (loss, k) => {
    if (!Number.isFinite(loss)) return slalom.DIVERGED;
    if (!resting[k]) return slalom.NOWHERE;
    const x = points[2 * k], y = points[2 * k + 1];
    let place = places.findIndex(one => Math.hypot(one.x - x, one.y - y) < near);
    if (place < 0) place = places.length < MOST_PLACES ? places.push({ x, y, starts: 0 }) - 1 : MOST_PLACES - 1;
    places[place].starts++;
    return place;
  });
  const order = places.map((_, place) => place).sort((a, b) => places[b].starts - places[a].starts);
  const ranks = order.reduce((all, place, rank) => ((all[place] = Math.min(rank, ELSEWHERE)), all), []);
  return Int8Array.from(own, place => (place >= 0 ? ranks[place] : place));
}

function countOf(kinds) {
  const has = kind => kinds.includes(kind);
  return { places: facts.minima.filter((_, kind) => has(kind)).length, elsewhere: has(ELSEWHERE), onTheWay: has(slalom.NOWHERE) };
}

// What the colours of the map are, once it is known.
function basinWords(basins, typed) {
  const black = "black where it diverges";
  if (!typed) return `one colour for each minimum, fainter where it takes longer, none where it arrives nowhere, ${black}.`;
  if (!basins) return `one colour for each place where it comes to rest, none where it is still on the way, ${black}.`;
  if (!basins.places) return `it comes to rest nowhere; without a colour it is still on the way, ${black}.`;
  const more = basins.elsewhere ? ", grey for all further places" : "";
  const way = basins.onTheWay ? ", none where it is still on the way" : "";
  return `one colour for each place where it comes to rest, the commonest blue${more}${way}, ${black}.`;
}

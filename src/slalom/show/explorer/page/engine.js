// Races on the plane. Nothing here knows of the page: the same text runs in it, in a worker and under a test.
//
// A rule moves a point p (Float64Array) in place: rule.step(t, p, g, s, h), t from 1, with its state s = rule.init(n, h).
// A landscape has f(x, y) and g(x, y, out), which writes the gradient into out and returns f(x, y).

const NOWHERE = -1, DIVERGED = -2; // where a start of a basin map leads, if to no minimum

function makeRule(card, variants) {
  // Each setting of the switches has its own functions; the last switch changes fastest.
  const variant = h => variants[card.switches.reduce((index, name) => 2 * index + (h[name] ? 1 : 0), 0)];
  return {
    ...card,
    variant,
    init: (n, h) => variant(h).init(n, h),
    step: (t, p, g, s, h) => variant(h).step(t, p, g, s, h),
  };
}

// How a runner stands at its end. slope: the size of the mean gradient over its last steps, a tenth of all, in which the
// to and fro about a minimum cancels. drift: how far its mean place moved between the two halves of these steps.
class Ending {
  begin(steps) {
    this.half = Math.max(1, Math.floor(steps / 20));
    this.middle = steps - this.half + 1;
    this.sums = [0, 0, 0, 0, 0, 0];
    return this.middle - this.half;
  }

  note(k, p, g) {
    const { sums } = this, at = k < this.middle ? 2 : 4;
    sums[0] += g[0];
    sums[1] += g[1];
    sums[at] += p[0];
    sums[at + 1] += p[1];
  }

  slope() {
    return Math.hypot(this.sums[0], this.sums[1]) / (2 * this.half);
  }

  drift() {
    return Math.hypot(this.sums[4] - this.sums[2], this.sums[5] - this.sums[3]) / this.half;
  }
}

function makeEngine(rules, landscapes) {
  // The landscape itself, by its name, or as typed: {text: "x**2 + y**2"}. Only the last two can be posted to a worker.
  function find(landscape) {
    if (typeof landscape === "string") {
      if (!Object.hasOwn(landscapes, landscape)) throw new RangeError("there is no landscape of this name");
      return landscapes[landscape];
    }
    if (landscape.text === undefined || landscape.f) return landscape;
    const compiled = compile(landscape.text);
    if (!compiled.ok) throw new RangeError(compiled.message);
    return compiled;
  }

  // An expression in x and y as a landscape, {ok: true, …}, or {ok: false, message}: what is wrong in one sentence.
  function compile(text) {
    try {
      const { tree, dim } = new Reader(String(text)).parse();
      const tape = new Tape(), result = record(tape, tree);
      if (result.place === undefined) tape.place(result);
      else if (result.place !== tape.names.length - 1) tape.emit("multiply", result, { constant: 1 });
      return {
        ok: true, text, dim, name: text.split(/\s+/).filter(word => word).join(" "), title: titleOf(tree),
        domain: [[-3, 3], [-3, 3]], minima: [], starts: [[1.5, 1]], ...tape.functions(),
      };
    } catch (problem) {
      if (!(problem instanceof Refused)) throw problem;
      return { ok: false, message: problem.message };
    }
  }

  function settings(rule, given) {
    const h = {};
    for (const name in rule.hyperparameters) h[name] = rule.hyperparameters[name].value;
    return Object.assign(h, given);
  }

  function runner({ rule, h }) {
    const found = typeof rule === "string" ? rules[rule] : rule;
    const all = settings(found, h);
    return { rule: found, h: all, ...found.variant(all) };
  }

  // How far a coordinate may go before its runner counts as diverged.
  function limit(landscape, start) {
    let largest = Math.max(1, Math.abs(start[0]), Math.abs(start[1]));
    for (const interval of landscape.domain || []) {
      largest = Math.max(largest, Math.abs(interval[0]), Math.abs(interval[1]));
    }
    return constants.beyond * largest;
  }

  // Every runner from one start. Entry k of paths [x, y] and losses is the point after k steps; entry k of gradients
  // (with the noise), momenta, seconds and updates is what step k, the one that led there, had inside; entry 0 is 0.
  // momenta and seconds are null where the rule has none. A runner diverges at the first step whose point is too far out
  // or whose loss is not finite, as in slalom.lab; after it the entries are NaN.
  function race({ landscape, start, runners, steps, noise = null }) {
    const course = find(landscape);
    const blown = noise && noise.sd ? noiseRows(noise.seed, steps) : null;
    const made = runners.map(each => raceOne(course, start, runner(each), steps, blown, noise ? noise.sd : 0));
    const result = {};
    for (const part of ["paths", "losses", "gradients", "momenta", "seconds", "updates", "divergedAt"]) {
      result[part] = made.map(one => one[part]);
    }
    return result;
  }

  function raceOne(course, start, { rule, h, init, step }, steps, blown, deviation) {
    const size = 2 * (steps + 1);
    const paths = new Float64Array(size), losses = new Float64Array(steps + 1);
    const gradients = new Float64Array(size), updates = new Float64Array(size);
    const s = init(2, h), p = Float64Array.from(start), g = new Float64Array(2);
    const m = rule.momentum && h.momentum !== 0 ? s[rule.momentum] : null;
    const v = rule.second ? s[rule.second] : null;
    const momenta = m && new Float64Array(size), seconds = v && new Float64Array(size);
    const bound = limit(course, start);
    paths[0] = p[0];
    paths[1] = p[1];
    let k = 0, divergedAt = -1;
    for (;;) {
      const loss = losses[k] = course.g(p[0], p[1], g);
      if (!(Math.abs(p[0]) <= bound && Math.abs(p[1]) <= bound) || loss - loss !== 0) {
        divergedAt = k;
        break;
      }
      if (k === steps) break;
      k++;
      const x = 2 * k, y = x + 1;
      if (blown) {
        g[0] += deviation * blown[x - 2];
        g[1] += deviation * blown[x - 1];
      }
      gradients[x] = g[0];
      gradients[y] = g[1];
      step(k, p, g, s, h);
      paths[x] = p[0];
      paths[y] = p[1];
      updates[x] = p[0] - paths[x - 2];
      updates[y] = p[1] - paths[y - 2];
      if (m) { momenta[x] = m[0]; momenta[y] = m[1]; }
      if (v) { seconds[x] = v[0]; seconds[y] = v[1]; }
    }
    for (const kept of [paths, gradients, updates, momenta, seconds]) if (kept) kept.fill(NaN, 2 * k + 2);
    losses.fill(NaN, k + 1);
    return { paths, losses, gradients, momenta, seconds, updates, divergedAt };
  }

  // Moves one runner without keeping its path. The last point goes to out, NaN where it diverged. Returns the step at
  // which it settled: from there on the value stayed below a threshold for constants.patience steps. It is -1 where it
  // never did, or has left again at the end. The noise is that of a race: {sd, seed} or null. Where end is
  // given, it gets how the runner stands at the end: see Ending.
  function last(course, start, { h, init, step }, steps, out, { below = -Infinity, noise = null, end = null } = {}) {
    const blown = noise && noise.sd ? noiseRows(noise.seed, steps) : null;
    const s = init(2, h), p = out, g = new Float64Array(2), bound = limit(course, start);
    p[0] = start[0];
    p[1] = start[1];
    const tail = end ? end.begin(steps) : Infinity;
    let since = 0, settles = -1;
    for (let k = 0; ; k++) {
      const loss = course.g(p[0], p[1], g);
      if (!(Math.abs(p[0]) <= bound && Math.abs(p[1]) <= bound) || loss - loss !== 0) {
        p.fill(NaN);
        return -1;
      }
      if (!(loss < below)) since = k + 1;
      else if (settles < 0 && k + 1 - since === constants.patience) settles = since;
      if (k === 0 && end) end.slopeAtStart = Math.hypot(g[0], g[1]);
      if (k >= tail) end.note(k, p, g);
      if (k === steps) return steps + 1 - since >= constants.patience ? settles : -1;
      if (blown) {
        g[0] += noise.sd * blown[2 * k];
        g[1] += noise.sd * blown[2 * k + 1];
      }
      step(k + 1, p, g, s, h);
    }
  }

  // The value at an end; a runner that diverged is nowhere, though some expressions have a value even there.
  function valueAtEnd(course, p) {
    return p[0] === p[0] ? course.f(p[0], p[1]) : NaN;
  }

  // The final loss for each learning rate, NaN where the runner diverged; each is the last loss of that race.
  function sweep({ landscape, start, rule, h, steps, rates, noise = null }) {
    const course = find(landscape), p = new Float64Array(2);
    return Float64Array.from(rates, lr => {
      last(course, start, runner({ rule, h: { ...h, lr } }), steps, p, { noise });
      return valueAtEnd(course, p);
    });
  }

  // Where a grid of starts leads. Start (i, j) of grid [columns, rows] lies at x[i], y[j], evenly over box [[x low, x
  // high], [y low, y high]], edges included; results run row by row. points are the last points, losses the values there;
  // arrivedAt is the step at which it settled below the threshold, -1 for never; reached is the index of the
  // nearest minimum where it did, NOWHERE or DIVERGED. The threshold is the lowest minimum and the tolerance; without
  // known minima nobody arrives, and slopesAtStart, slopes and drifts say who has come to rest: see Ending.
  function basins({ landscape, runner: one, steps, grid, box }) {
    const course = find(landscape), made = runner(one), count = grid[0] * grid[1];
    const lowest = Math.min(...course.minima.map(minimum => minimum.value));
    const below = course.minima.length ? lowest + constants.tolerance : -Infinity;
    const x = spaced(box[0], grid[0]), y = spaced(box[1], grid[1]);
    const points = new Float64Array(2 * count), losses = new Float64Array(count);
    const arrivedAt = new Int32Array(count), reached = new Int8Array(count), p = new Float64Array(2);
    const end = course.minima.length ? null : new Ending();
    const [slopesAtStart, slopes, drifts] = [0, 1, 2].map(() => new Float64Array(end ? count : 0));
    let k = 0;
    for (let j = 0; j < grid[1]; j++) {
      for (let i = 0; i < grid[0]; i++, k++) {
        arrivedAt[k] = last(course, [x[i], y[j]], made, steps, p, { below, end });
        losses[k] = valueAtEnd(course, p);
        if (end) [slopesAtStart[k], slopes[k], drifts[k]] = [end.slopeAtStart, end.slope(), end.drift()];
        points[2 * k] = p[0];
        points[2 * k + 1] = p[1];
        const lost = !Number.isFinite(losses[k]);
        reached[k] = lost ? DIVERGED : arrivedAt[k] < 0 ? NOWHERE : nearestMinimum(course, p);
      }
    }
    return { points, losses, arrivedAt, reached, slopesAtStart, slopes, drifts, x, y };
  }

  function nearestMinimum(course, p) {
    let found = NOWHERE, least = Infinity;
    course.minima.forEach(({ point }, index) => {
      const distance = (point[0] - p[0]) ** 2 + (point[1] - p[1]) ** 2;
      if (distance < least) [found, least] = [index, distance];
    });
    return found;
  }

  const noise = { rows: noiseRows };
  return { rules, landscapes, constants, compile, settings, race, sweep, basins, noise, quoted, NOWHERE, DIVERGED };
}

function spaced([low, high], count) {
  if (count === 1) return Float64Array.of((low + high) / 2);
  return Float64Array.from({ length: count }, (_, i) => low + (high - low) * (i / (count - 1)));
}

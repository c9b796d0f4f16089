// The learning rate that ends lowest from the start on the screen, in the race on the screen.

const FINER = 12; // rates that are tried between the neighbours of the best of the strip

// The rate that ends lowest together with its neighbours: no lucky single one. Where no three in a row end anywhere,
// the lowest of all; -1 where all diverge.
function bestPlace(losses) {
  let best = -1, lowest = Infinity;
  for (let k = 1; k + 1 < losses.length; k++) {
    const score = Math.max(losses[k], (losses[k - 1] + losses[k] + losses[k + 1]) / 3);
    if (score < lowest) [best, lowest] = [k, score];
  }
  if (best < 0) losses.forEach((loss, k) => { if (loss < lowest) [best, lowest] = [k, loss]; });
  return best;
}

function finerRates(rates, best) {
  const low = rates[Math.max(0, best - 1)], high = rates[Math.min(rates.length - 1, best + 1)];
  return Array.from({ length: FINER + 1 }, (_, k) => Number((low * (high / low) ** (k / FINER)).toPrecision(2)));
}

// The best rate for a runner, the present one included: what is chosen never ends higher than what was.
function tunedRate(runner, race) {
  const ends = rates => slalom.sweep({ ...race, rule: runner.rule, h: runner.h, rates });
  const rates = ratesOf(runner), best = bestPlace(ends(rates));
  const tried = [runner.h.lr, ...(best < 0 ? [] : finerRates(rates, best))], losses = ends(tried);
  let chosen = 0;
  losses.forEach((loss, k) => { if (loss < losses[chosen] || (Number.isNaN(losses[chosen]) && loss < Infinity)) chosen = k; });
  return tried[chosen];
}

// `words` say of what the rates are those; they stand below the button until something else changes.
function tune(which, words) {
  let changed = 0;
  change(state => {
    const race = {
      landscape: raced(findCourse(state.course), state.start), start: state.start, steps: state.steps, noise: noiseOf(state),
    };
    for (const k of which) {
      const runner = state.field[k], lr = tunedRate(runner, race);
      changed += lr !== runner.h.lr;
      runner.h = { ...runner.h, lr };
    }
  });
  if (which.length) sayAt(byId("tune-note"), words(changed));
}

function tuneAll() {
  const { field } = scene.state;
  tune(field.map((_, k) => k), changed => (changed
    ? `Learning rates tuned for this start: ${changed} of ${field.length} changed.`
    : "Learning rates tuned for this start: none ends lower than the present ones."));
}

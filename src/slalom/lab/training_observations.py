"""What the demonstration saw on networks: sentences computed from its runs, which say otherwise where they show so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from slalom.core import TrainingRecord
from slalom.lab.observations import Observation
from slalom.show.views.training_sentences import FAST
from slalom.show.views.words import listing

CLEARLY = 1.25
"""From this many times the next one's scatter on, one optimizer is clearly the most unsteady."""


def observe_training(race: TrainingRecord, suspect: str = "RMSprop") -> list[Observation]:
    """Return who falls fast, who is slow at this learning rate, and whether ``suspect`` is unsteady."""
    from slalom.show.views.seeds import primary
    from slalom.show.views.training_sentences import results_of

    results = results_of(race, primary(race))
    assert race.training is not None
    return [
        fast_ones(results, race.training.steps),
        slow_ones(race, results),
        unsteady_one(scatters(race), suspect),
    ]


def fast_ones(results: Sequence[Any], steps: int) -> Observation:
    """Tell who has made nine tenths of the fall early, and when the others have."""
    falls = sorted((r for r in results if r.fallen is not None and np.isfinite(r.fallen)), key=lambda r: r.fallen)
    fast = [r for r in falls if r.fallen <= FAST * steps]
    if not fast:
        earliest = f": the first, {falls[0].name}, needs {falls[0].fallen:,.0f}" if falls else ""
        return Observation(
            "Nobody falls fast", f"Nobody makes nine tenths of the fall within {FAST * steps:,.0f} steps{earliest}.", ""
        )
    told = ", ".join(f"{r.name} {r.fallen:,.0f}" for r in fast)
    later = [r for r in falls if r not in fast]
    rest = f" {listing([f'{r.name} needs {r.fallen:,.0f}' for r in later], most=6)}." if later else ""
    return Observation(
        f"{listing([r.name for r in fast], most=6)} {'fall' if len(fast) > 1 else 'falls'} fast",
        f"Steps until nine tenths of the fall in training loss are made, median over the seeds, of {steps:,}: "
        f"{told}.{rest}",
        "",
    )


def slow_ones(race: TrainingRecord, results: Sequence[Any]) -> Observation:
    """Tell who has not fallen by the end, though nothing went wrong."""
    slow = [r for r in results if r.slow]
    if not slow:
        return Observation(
            "Nobody is slow at this learning rate", "All that last have made nine tenths of the fall by the end.", ""
        )
    ends = final_losses(race)
    best = min(ends, key=lambda name: ends[name])
    told = listing([f"{r.name} at {ends[r.name]:.3g}" for r in slow], most=6)
    return Observation(
        f"{listing([r.name for r in slow], most=6)} {'are' if len(slow) > 1 else 'is'} slow at this learning rate",
        f"The training loss ends with {told}, when {best} is at {ends[best]:.3g}. What they do at "
        "a larger learning rate, a sweep over lr tells.",
        "",
    )


def final_losses(race: TrainingRecord) -> dict[str, float]:
    """Return the median training loss at the end, by optimizer; infinite where most runs were lost."""
    from slalom.show.views.groups import training_groups
    from slalom.show.views.seeds import finals, measure_of, spread

    loss = measure_of(race, "train", "loss")
    return {group.name: float(spread(finals(race, group, loss)[:, None]).middle[0]) for group in training_groups(race)}


def scatters(race: TrainingRecord) -> dict[str, np.ndarray]:
    """Return how much the minibatch losses of the last epoch scatter, [seeds] by optimizer."""
    from slalom.show.views.groups import training_groups
    from slalom.show.views.steadiness import unsteadiness

    assert race.training is not None
    each = race.training.steps_per_epoch
    return {
        group.name: np.array([unsteadiness(race.runs[k], each) for k in group.runners])
        for group in training_groups(race)
    }


def unsteady_one(found: dict[str, np.ndarray], suspect: str) -> Observation:
    """Tell whether the suspect's minibatch losses scatter more than the others'. ``found`` holds [seeds] for each."""
    medians = {name: float(np.nanmedian(s)) for name, s in found.items() if np.isfinite(s).any()}
    others = {name: median for name, median in medians.items() if name != suspect}
    if suspect not in medians or not others:
        return Observation(
            f"{suspect}'s steadiness cannot be told", "Too few runs lasted to compare its minibatch losses.", suspect
        )
    own, nearest = medians[suspect], max(others, key=lambda name: others[name])
    ratio = own / others[nearest]
    middle = float(np.median(list(others.values())))
    pairs = [(a, b) for a, b in zip(found[suspect], found[nearest], strict=False) if np.isfinite([a, b]).all()]
    wins = sum(a > b for a, b in pairs)
    if ratio >= CLEARLY:
        heading = f"{suspect} is unsteady"
    elif ratio > 1:
        heading = f"{suspect} is the most unsteady, if hardly more than {nearest}"
    else:
        heading = f"{suspect} is not the most unsteady: {nearest} is"
    return Observation(
        heading,
        f"In the last epoch its minibatch losses scatter by {100 * own:.2g} % around their moving median, "
        f"{nearest}'s by {100 * others[nearest]:.2g} %, and {100 * middle:.2g} % is the median of all others; it "
        f"scatters more than {nearest} on {wins} of {len(pairs)} seeds. Small losses scatter more than large ones.",
        suspect,
    )

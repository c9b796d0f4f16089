"""The search for a learning rate: which rates are tried next, given how those before have scored. Nothing runs here.

Rates are numbered by their place on the log scale: the grid has the places 0, 1, … 6, half a spacing above the place 2
is 2.5, and the places −1 and 7 lie beyond the edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

GRID = 7
"""Rates, log-spaced over the range, with which every search begins."""

EXTENSIONS = 3
"""Places beyond an edge that are tried at most, one after the other."""

REFINEMENTS = (0.5, 0.25)
"""How far from the best, in spacings, the two rounds after the grid look."""

FINALISTS = 3
"""Rates that are run again, on seeds of their own."""

DIGITS = 4
"""Significant digits of a rate: it is there to be typed."""


@dataclass(frozen=True)
class Rounds:
    """How far a search for a learning rate goes: its grid, and the rounds around the best."""

    grid: int = GRID
    refinements: tuple[float, ...] = REFINEMENTS

    @property
    def trials(self) -> int:
        """Rates that are tried, unless the best lies at an edge."""
        return self.grid + 2 * len(self.refinements)


SHORTER = (Rounds(), Rounds(refinements=(0.5,)), Rounds(refinements=()), Rounds(grid=5, refinements=()))
"""Searches from the usual one to the shortest that a small budget is given."""


class RateSearch:
    """What has been tried of one optimizer. A score is a mean over seeds; higher is better, −∞ for what diverged.

    ``stopped`` are the places whose runs were stopped early, with the share of the steps that they made.
    """

    def __init__(self, low: float, high: float, rounds: Rounds | None = None):
        self.low, self.high, self.rounds = low, high, rounds or Rounds()
        self.scores: dict[float, float] = {}
        self.stopped: dict[float, float] = {}

    def rate(self, place: float) -> float:
        """Return the learning rate at a place."""
        exact = self.low * (self.high / self.low) ** (place / (self.rounds.grid - 1))
        return float(f"{exact:.{DIGITS}g}")

    def values(self, place: float) -> dict[str, float]:
        """Return the hyperparameters at a place."""
        return {"lr": self.rate(place)}

    def in_order(self) -> list[float]:
        """Return all places tried, by their rate."""
        return sorted(self.scores)

    def grid(self) -> list[float]:
        """Return the places with which the search begins."""
        return [float(place) for place in range(self.rounds.grid)]

    @property
    def best(self) -> float:
        """The place with the highest score; of equals, the smallest rate."""
        return self.ranked()[0]

    def ranked(self) -> list[float]:
        """Return all places tried, the best first; those that were stopped come after those that were not."""
        return ranked(self.scores, self.stopped)

    def is_edge(self, place: float) -> bool:
        """Whether nothing beyond a place was tried: the best may lie there."""
        return place in (min(self.scores), max(self.scores))

    def beyond(self) -> list[float]:
        """Return the place beyond the edge on which the best lies; none where it lies inside."""
        if not self.is_edge(self.best):
            return []
        return [self.best - 1.0 if self.best == min(self.scores) else self.best + 1.0]

    def around(self, distance: float) -> list[float]:
        """Return the places so many spacings above and below the best that were not tried."""
        return [place for place in (self.best + distance, self.best - distance) if place not in self.scores]


def ranked(scores: Mapping[float, float], stopped: Mapping[float, float]) -> list[float]:
    """Return places by how far they came, then by score, then by number."""
    return sorted(scores, key=lambda place: (-stopped.get(place, 1.0), -scores[place], place))


Measure = Callable[[Mapping[str, Sequence[float]]], Mapping[str, Sequence[float]]]
"""Runs the places asked for, by optimizer, and returns their scores in the same order."""


def search(searches: Mapping[str, RateSearch], measure: Measure) -> None:
    """Search for every optimizer's rate, all in step: grid, edges, refinement, until all have had as many trials."""
    if not searches:
        return
    _try(searches, {name: one.grid() for name, one in searches.items()}, measure)
    for _ in range(EXTENSIONS):
        _try(searches, {name: one.beyond() for name, one in searches.items()}, measure)
    refinements = next(iter(searches.values())).rounds.refinements
    for distance in refinements:
        _try(searches, {name: one.around(distance) for name, one in searches.items()}, measure)
    _even_out(searches, measure, (*REFINEMENTS, *refinements)[-1] if refinements else 2 * REFINEMENTS[0])


def _even_out(searches: Mapping[str, RateSearch], measure: Measure, distance: float) -> None:
    """Give everybody as many trials as the optimizer whose edge was extended most: they refine further."""
    most = max((len(one.scores) for one in searches.values()), default=0)
    while any(len(one.scores) < most for one in searches.values()):
        distance /= 2
        owed = {name: most - len(one.scores) for name, one in searches.items()}
        _try(searches, {name: one.around(distance)[: owed[name]] for name, one in searches.items()}, measure)


def _try(searches: Mapping[str, RateSearch], wanted: Mapping[str, Sequence[float]], measure: Measure) -> None:
    """Try places, and note their scores."""
    asked = {name: places for name, places in wanted.items() if places}
    if not asked:
        return
    for name, scores in measure(asked).items():
        searches[name].scores |= dict(zip(asked[name], scores, strict=True))


RUNGS = (1 / 9, 1 / 3, 1.0)
"""Successive halving: the shares of the steps after which the worse trials are stopped."""

KEEP = 1 / 3
"""The share of the trials that go on."""

WORTH_HALVING = 4
"""Trials of one optimizer from which on some are stopped early."""


def survivors(places: Sequence[float], scores: Mapping[float, float]) -> list[float]:
    """Return the places that go on after a rung, in their order: the best third, rounded up."""
    best = sorted(places, key=lambda place: (-scores[place], place))[: math.ceil(len(places) * KEEP)]
    return [place for place in places if place in best]

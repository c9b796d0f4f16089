"""The search for a learning rate: which rates are tried next, given how those before have scored. Nothing runs here.

Rates are numbered by their place on the log scale: the grid has the places 0, 1, … 6, half a spacing above the place 2
is 2.5, and the places −1 and 7 lie beyond the edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

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


class RateSearch:
    """What has been tried of one optimizer. A score is a mean over seeds; higher is better, −∞ for what diverged."""

    def __init__(self, low: float, high: float):
        self.low, self.high = low, high
        self.scores: dict[float, float] = {}

    def rate(self, place: float) -> float:
        """Return the learning rate at a place."""
        exact = self.low * (self.high / self.low) ** (place / (GRID - 1))
        return float(f"{exact:.{DIGITS}g}")

    def values(self, place: float) -> dict[str, float]:
        """Return the hyperparameters at a place."""
        return {"lr": self.rate(place)}

    def in_order(self) -> list[float]:
        """Return all places tried, by their rate."""
        return sorted(self.scores)

    def grid(self) -> list[float]:
        """Return the places with which the search begins."""
        return [float(place) for place in range(GRID)]

    @property
    def best(self) -> float:
        """The place with the highest score; of equals, the smallest rate."""
        return self.ranked()[0]

    def ranked(self) -> list[float]:
        """Return all places tried, the best first."""
        return sorted(self.scores, key=lambda place: (-self.scores[place], place))

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


Measure = Callable[[Mapping[str, Sequence[float]]], Mapping[str, Sequence[float]]]
"""Runs the places asked for, by optimizer, and returns their scores in the same order."""


def search(searches: Mapping[str, RateSearch], measure: Measure) -> None:
    """Search for every optimizer's rate, all in step: grid, edges, refinement, until all have had as many trials."""
    _try(searches, {name: one.grid() for name, one in searches.items()}, measure)
    for _ in range(EXTENSIONS):
        _try(searches, {name: one.beyond() for name, one in searches.items()}, measure)
    for distance in REFINEMENTS:
        _try(searches, {name: one.around(distance) for name, one in searches.items()}, measure)
    _even_out(searches, measure)


def _even_out(searches: Mapping[str, RateSearch], measure: Measure) -> None:
    """Give everybody as many trials as the optimizer whose edge was extended most: they refine further."""
    most = max((len(one.scores) for one in searches.values()), default=0)
    distance = REFINEMENTS[-1]
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


def mean_score(values: Sequence[float], higher_is_better: bool, lost: float) -> float:
    """Return the mean over seeds, higher being better; a run that diverged (NaN) counts as ``lost``.

    ``lost`` is in the measure's own units: 0 for an accuracy, infinity for a loss.
    """
    told = [lost if math.isnan(value) else value for value in values]
    mean = sum(told) / len(told)
    return mean if higher_is_better else -mean

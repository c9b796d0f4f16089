"""The search for a learning rate: which rates are tried next, given how those before have scored. Nothing runs here.

Rates are numbered by their place on the log scale: the grid has the places 0, 1, … 6, half a spacing above the place 2
is 2.5, and the places −1 and 7 lie beyond the edges.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

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

    ``stopped`` are the places whose runs were stopped early, with the share of the steps that they made. ``failed`` are
    those of which no run came to an end: they were tried, have no score and say nothing of where the best is.
    """

    def __init__(self, low: float, high: float, rounds: Rounds | None = None):
        self.low, self.high, self.rounds = low, high, rounds or Rounds()
        self.scores: dict[float, float] = {}
        self.stopped: dict[float, float] = {}
        self.failed: set[float] = set()

    def rate(self, place: float) -> float:
        """Return the learning rate at a place."""
        exact = self.low * (self.high / self.low) ** (place / (self.rounds.grid - 1))
        return float(f"{exact:.{DIGITS}g}")

    def values(self, place: float) -> dict[str, float]:
        """Return the hyperparameters at a place."""
        return {"lr": self.rate(place)}

    def in_order(self) -> list[float]:
        """Return all places tried, by their rate, those that failed included."""
        return sorted(self.scores.keys() | self.failed)

    def grid(self) -> list[float]:
        """Return the places with which the search begins."""
        return [float(place) for place in range(self.rounds.grid)]

    @property
    def best(self) -> float | None:
        """The place with the highest score; of equals, the smallest rate. None where all failed."""
        return next(iter(self.ranked()), None)

    def ranked(self) -> list[float]:
        """Return all places that have a score, the best first; those that were stopped come after the others."""
        return ranked(self.scores, self.stopped)

    def is_edge(self, place: float) -> bool:
        """Whether nothing beyond a place was tried: the best may lie there."""
        tried = self.in_order()
        return place in (tried[0], tried[-1])

    def beyond(self) -> list[float]:
        """Return the place beyond the edge on which the best lies; none where it lies inside."""
        best = self.best
        if best is None or not self.is_edge(best):
            return []
        return [best - 1.0 if best == self.in_order()[0] else best + 1.0]

    def around(self, distance: float) -> list[float]:
        """Return the places so many spacings above and below the best that were not tried."""
        best, tried = self.best, self.in_order()
        return [] if best is None else [place for place in (best + distance, best - distance) if place not in tried]


def ranked(scores: Mapping[float, float], stopped: Mapping[float, float]) -> list[float]:
    """Return places by how far they came, then by score, then by number."""
    return sorted(scores, key=lambda place: (-stopped.get(place, 1.0), -scores[place], place))


Measure = Callable[[Mapping[str, Sequence[float]]], Mapping[str, Sequence[float | None]]]
"""Runs the places asked for, by optimizer, and returns their scores in the same order; None where all runs failed."""


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
    """Give everybody as many trials as the optimizer whose edge was extended most: they refine further.

    An optimizer whose trials all failed has no best to refine, and gets no more.
    """
    most = max((len(one.in_order()) for one in searches.values()), default=0)
    while any(len(one.in_order()) < most for one in searches.values() if one.best is not None):
        distance /= 2
        owed = {name: most - len(one.in_order()) for name, one in searches.items()}
        _try(searches, {name: one.around(distance)[: owed[name]] for name, one in searches.items()}, measure)


def _try(searches: Mapping[str, RateSearch], wanted: Mapping[str, Sequence[float]], measure: Measure) -> None:
    """Try places, and note their scores."""
    asked = {name: places for name, places in wanted.items() if places}
    if not asked:
        return
    for name, scores in measure(asked).items():
        note_scores(searches[name], asked[name], scores)


class Noted(Protocol):
    """What keeps the scores of what was tried, and which places failed."""

    @property
    def scores(self) -> dict[float, float]: ...
    @property
    def failed(self) -> set[float]: ...


def note_scores(one: Noted, places: Sequence[float], scores: Sequence[float | None]) -> None:
    """Note the scores of places, and those that have none, since all of their runs failed."""
    for place, score in zip(places, scores, strict=True):
        if score is None:
            one.failed.add(place)
        else:
            one.scores[place] = score


RUNGS = (1 / 9, 1 / 3, 1.0)
"""Successive halving: the shares of the steps after which the worse trials are stopped."""

KEEP = 1 / 3
"""The share of the trials that go on."""

WORTH_HALVING = 4
"""Trials of one optimizer from which on some are stopped early."""


def survivors(places: Sequence[float], scores: Mapping[float, float | None]) -> list[float]:
    """Return the places that go on after a rung, in their order: the best third of those with a score, rounded up."""
    known = {place: score for place in places if (score := scores[place]) is not None}
    best = sorted(known, key=lambda place: (-known[place], place))[: math.ceil(len(known) * KEEP)]
    return [place for place in places if place in best]

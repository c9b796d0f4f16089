"""The search carried out: rates are run on tuning seeds, the three best again on others, and one is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from slalom.core import Runner
from slalom.lab import ranges
from slalom.lab.studying.executing import Executor, Finished
from slalom.lab.studying.planning import FINAL_SEEDS, SEARCH_SEEDS, Question
from slalom.lab.studying.search import FINALISTS, RateSearch, mean_score, search
from slalom.lab.studying.spaces import DrawnSearch, drawn_search
from slalom.optimizers import SpecifiedOptimizer


@dataclass(frozen=True)
class Trial:
    """Hyperparameters that were tried, and their mean score on the search seeds, higher being better."""

    values: Mapping[str, float]
    score: float


@dataclass
class Tuned:
    """What tuning made of one optimizer. ``trials`` are sorted by learning rate, on the track full as drawn; one that
    nobody tuned has one trial, itself, and none is listed."""

    optimizer: SpecifiedOptimizer
    trials: Sequence[Trial] = ()
    at_edge: bool = False
    seeds: tuple[int, ...] = ()
    runs: list[Finished] = field(default_factory=list)

    @property
    def count(self) -> int:
        return max(1, len(self.trials))


def tune(question: Question, executor: Executor) -> dict[str, Tuned]:
    """Return, by label, every optimizer with the rate that did best on the validation examples at the last step."""
    tuning = _Tuning(question, executor)
    tuning.search()
    finals = tuning.run({name: one.ranked()[:FINALISTS] for name, one in tuning.searches.items()}, FINAL_SEEDS)
    tuned = {name: Tuned(optimizer) for name, optimizer in question.by_name.items()}
    for name, one in tuning.searches.items():
        tuned[name] = tuning.choose(name, one, finals[name])
    return tuned


class _Tuning:
    """One search by name of every optimizer that has a rate to be tuned."""

    def __init__(self, question: Question, executor: Executor):
        self.question, self.executor, self.yardstick = question, executor, question.yardstick
        self.training = question.training
        if self.training is not None:
            self.training = replace(self.training, evaluate_at=(0, self.training.steps))
        tuned = {name: optimizer for name, optimizer in question.by_name.items() if question.tuned[name]}
        self.rates: dict[str, RateSearch] = {}
        self.drawn: dict[str, DrawnSearch] = {}
        if question.track == "full":
            self.drawn = {name: drawn_search(optimizer, question.tuned[name]) for name, optimizer in tuned.items()}
        else:
            self.rates = {name: RateSearch(*ranges.rate_range(optimizer)) for name, optimizer in tuned.items()}
        self.searches: Mapping[str, RateSearch | DrawnSearch] = {**self.rates, **self.drawn}
        self.runs: dict[tuple[str, float], list[Finished]] = {}

    def search(self) -> None:
        """Try everything that is tried on the search seeds."""
        if self.drawn:
            every = {name: list(map(float, range(len(one.points)))) for name, one in self.drawn.items()}
            for name, scores in self.measure(every).items():
                self.drawn[name].scores.update(zip(every[name], scores, strict=True))
        search(self.rates, self.measure)

    def measure(self, places: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
        """Run places on the search seeds and return their scores."""
        found = self.run(places, SEARCH_SEEDS)
        return {name: [self._score(runs) for runs in of_places] for name, of_places in found.items()}

    def run(self, places: Mapping[str, Sequence[float]], seeds: Sequence[int]) -> dict[str, list[list[Finished]]]:
        """Return the runs of places by optimizer, one list of as many runs as seeds for each place."""
        groups = [
            [Runner(variant, seed, name=name) for variant in self._variants(name, wanted) for seed in seeds]
            for name, wanted in places.items()
        ]
        found: dict[str, list[list[Finished]]] = {}
        for (name, wanted), runs in zip(
            places.items(), self.executor.run(groups, self.training, closed=True), strict=True
        ):
            found[name] = [runs[low : low + len(seeds)] for low in range(0, len(runs), len(seeds))]
            for place, of_place in zip(wanted, found[name], strict=True):
                self.runs.setdefault((name, place), []).extend(of_place)
        return found

    def choose(self, name: str, one: RateSearch | DrawnSearch, finals: Sequence[Sequence[Finished]]) -> Tuned:
        """Return an optimizer at the finalist whose mean over all tuning seeds is best; of equals, the smaller rate."""
        finalists = one.ranked()[: len(finals)]
        best = min(finalists, key=lambda place: (-self._score(self.runs[name, place]), place))
        (chosen,) = self._variants(name, [best])
        return Tuned(
            optimizer=chosen,
            trials=[Trial(one.values(place), one.scores[place]) for place in one.in_order()],
            at_edge=one.is_edge(best),
            seeds=(*SEARCH_SEEDS, *FINAL_SEEDS),
            runs=[run for (whose, _), runs in self.runs.items() if whose == name for run in runs],
        )

    def _variants(self, name: str, places: Sequence[float]) -> list[SpecifiedOptimizer]:
        optimizer, one = self.question.by_name[name], self.searches[name]
        return [ranges.variant(optimizer, one.values(place)) for place in places]  # type: ignore[misc]  # specified

    def _score(self, runs: Sequence[Finished]) -> float:
        values = [run.final(self.yardstick.tuning) for run in runs]
        return mean_score(values, self.yardstick.higher_is_better, self.yardstick.lost)

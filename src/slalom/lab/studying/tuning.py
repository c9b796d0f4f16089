"""The search carried out: trials are run on tuning seeds, the three best again on others, and one is chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slalom.core import Training
from slalom.lab import ranges
from slalom.lab.studying.asking import Question
from slalom.lab.studying.executing import Executor, Finished
from slalom.lab.studying.search import FINALISTS, RUNGS, WORTH_HALVING, RateSearch, note_scores, search, survivors
from slalom.lab.studying.spaces import DrawnSearch, drawn_search
from slalom.optimizers import SpecifiedOptimizer


@dataclass(frozen=True)
class Trial:
    """Hyperparameters that were tried, and what they came to on all their tuning seeds, in the measure's own units.

    ``measure`` is the mean over the seeds at the last step (above a known optimum the geometric one), ``by_seed`` is
    each seed's, NaN where a run diverged or failed. ``failures`` are the reasons of the runs that failed, which have no
    part in the score; where all did, there is none and ``measure`` is NaN. ``steps`` are fewer than the others' where
    halving stopped it.
    """

    values: Mapping[str, float]
    score: float | None  # higher is better
    measure: float
    by_seed: tuple[float, ...]
    steps: int | None
    failures: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether no run of it came to an end."""
        return self.score is None


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

    @property
    def untuned(self) -> bool:
        """Whether every trial failed: the optimizer is then evaluated as it was given."""
        return bool(self.trials) and all(trial.failed for trial in self.trials)


def tune(question: Question, executor: Executor) -> dict[str, Tuned]:
    """Return, by label, every optimizer with the values that did best on the validation examples at the last step."""
    tuning = _Tuning(question, executor)
    tuning.search()
    finals = tuning.finals()
    tuned = {name: Tuned(optimizer) for name, optimizer in question.by_name.items()}
    for name, one in tuning.searches.items():
        tuned[name] = tuning.choose(name, one, finals[name])
    return tuned


Places = Mapping[str, Sequence[float]]
"""Places of searches, by optimizer."""


class _Tuning:
    """One search by name of every optimizer that has something to be tuned."""

    def __init__(self, question: Question, executor: Executor):
        self.question, self.executor, self.yardstick = question, executor, question.yardstick
        self.rates: dict[str, RateSearch] = {}
        self.drawn: dict[str, DrawnSearch] = {}
        effort = question.effort
        tuned = {name: optimizer for name, optimizer in question.by_name.items() if question.tuned[name]}
        if question.track == "full":
            self.drawn = {name: drawn_search(one, question.tuned[name], effort.points) for name, one in tuned.items()}
        else:
            self.rates = {name: RateSearch(*ranges.rate_range(one), effort.rounds) for name, one in tuned.items()}
        self.searches: Mapping[str, RateSearch | DrawnSearch] = {**self.rates, **self.drawn}
        self.runs: dict[tuple[str, float], list[Finished]] = {}  # whole ones
        self.shorter: dict[tuple[str, float], list[Finished]] = {}  # the last of those that halving stopped
        self.spent: dict[str, list[Finished]] = {name: [] for name in self.searches}

    def search(self) -> None:
        """Try everything that is tried on the search seeds."""
        if self.drawn:
            every = {name: list(map(float, range(len(one.points)))) for name, one in self.drawn.items()}
            for name, scores in self.measure(every).items():
                note_scores(self.drawn[name], every[name], scores)
        search(self.rates, self.measure)

    def measure(self, places: Places) -> dict[str, list[float | None]]:
        """Run places on the search seeds and return their scores, None where all runs failed."""
        seeds = self.question.effort.search_seeds
        told = f"tuning on seeds {seeds[0]:,} and {seeds[-1]:,}: {_counted(places)}"
        self.executor.say(f"{told}{self._best_so_far()}")
        if self.question.effort.halving and max(map(len, places.values())) >= WORTH_HALVING:
            return self._halved(places)
        found = self._whole(places, seeds)
        return {name: [self._score(runs) for runs in of_places] for name, of_places in found.items()}

    def _halved(self, places: Places) -> dict[str, list[float | None]]:
        """Run all places for a part of the steps, the best third of them for more, the best of these to the end."""
        scores: dict[str, dict[float, float | None]] = {name: {} for name in places}
        left = {name: list(of_name) for name, of_name in places.items()}
        seeds = self.question.effort.search_seeds
        for share in RUNGS:
            left = {name: of_name for name, of_name in left.items() if of_name}
            found = self._whole(left, seeds) if share == 1 else self._run(left, seeds, share)
            for name, of_name in left.items():
                for place, runs in zip(of_name, found[name], strict=True):
                    scores[name][place] = self._score(runs)
                    if share < 1:
                        self.searches[name].stopped[place] = share
                        self.shorter[name, place] = runs
                    else:
                        self.searches[name].stopped.pop(place, None)
            left = {name: survivors(of_name, scores[name]) for name, of_name in left.items()}
        return {name: [scores[name][place] for place in of_name] for name, of_name in places.items()}

    def finals(self) -> dict[str, list[float]]:
        """Run the best three of everybody on the final seeds, and return their places."""
        effort = self.question.effort
        best = {name: one.ranked()[:FINALISTS] for name, one in self.searches.items()}
        stopped = {name: [p for p in of_name if (name, p) not in self.runs] for name, of_name in best.items()}
        if any(stopped.values()):
            revived = {name: places for name, places in stopped.items() if places}
            for name, of_name in self._whole(revived, effort.search_seeds).items():
                note_scores(self.searches[name], revived[name], list(map(self._score, of_name)))
                for place in revived[name]:
                    self.searches[name].stopped.pop(place, None)
        if any(best.values()):
            seeds = f"{effort.final_seeds[0]:,} to {effort.final_seeds[-1]:,}"
            self.executor.say(f"the best {FINALISTS} again on seeds {seeds}{self._best_so_far()}")
            self._whole({name: places for name, places in best.items() if places}, effort.final_seeds)
        return best

    def _whole(self, places: Places, seeds: Sequence[int]) -> dict[str, list[list[Finished]]]:
        """Return the whole runs of places by optimizer, as many as seeds for each, and note them."""
        found = self._run(places, seeds, 1.0)
        for name, of_name in places.items():
            for place, runs in zip(of_name, found[name], strict=True):
                self.runs.setdefault((name, place), []).extend(runs)
        return found

    def _run(self, places: Places, seeds: Sequence[int], share: float) -> dict[str, list[list[Finished]]]:
        groups = [
            [self.question.runner(one, seed, name) for one in self._variants(name, wanted) for seed in seeds]
            for name, wanted in places.items()
        ]
        found: dict[str, list[list[Finished]]] = {}
        done = self.executor.run(groups, _ends(self.question.training, share), closed=True)
        for name, runs in zip(places, done, strict=True):
            found[name] = [runs[low : low + len(seeds)] for low in range(0, len(runs), len(seeds))]
            self.spent[name] += runs
        return found

    def choose(self, name: str, one: RateSearch | DrawnSearch, finalists: Sequence[float]) -> Tuned:
        """Return an optimizer at the finalist whose mean over all tuning seeds is best; of equals, the smaller rate.

        Where every trial failed, it is the optimizer as it was given.
        """
        scores = {place: score for place in finalists if (score := self._score(self.runs[name, place])) is not None}
        best = min(scores, key=lambda place: (-scores[place], place)) if scores else None
        chosen = self.question.by_name[name] if best is None else self._variants(name, [best])[0]
        return Tuned(
            optimizer=chosen,
            trials=[self._trial(name, one, place) for place in one.in_order()],
            at_edge=best is not None and one.is_edge(best),
            seeds=self.question.effort.seeds,
            runs=self.spent[name],
        )

    def _trial(self, name: str, one: RateSearch | DrawnSearch, place: float) -> Trial:
        runs = self.runs.get((name, place), self.shorter.get((name, place), []))
        training, score = self.question.training, self._score(runs) if runs else one.scores.get(place)
        stopped = None if training is None or place not in one.stopped else _share(training.steps, one.stopped[place])
        values = tuple(run.final(self.yardstick.tuning) for run in runs)
        failures = tuple(run.run.error for run in runs if run.failed)
        return Trial(one.values(place), score, self.yardstick.measure(score), values, stopped, failures)

    def _variants(self, name: str, places: Sequence[float]) -> list[SpecifiedOptimizer]:
        optimizer, one = self.question.by_name[name], self.searches[name]
        return [ranges.variant(optimizer, one.values(place)) for place in places]  # type: ignore[misc]  # specified

    def _score(self, runs: Sequence[Finished]) -> float | None:
        """Return what runs come to; those that failed say nothing of the values that were tried."""
        return self.yardstick.score([run.final(self.yardstick.tuning) for run in runs if not run.failed])

    def _best_so_far(self) -> str:
        """Return ``"; best so far Adam lr 0.003, validation accuracy 96.1 %"``, ``""`` before anybody has a score."""
        tried = {name: one for name, one in self.searches.items() if one.scores}
        if not tried:
            return ""
        score, name = max((one.scores[one.ranked()[0]], name) for name, one in tried.items())
        values = tried[name].values(tried[name].ranked()[0])
        return f"; best so far {name} {_written(values)}, {self.yardstick.told(score)}"


def _ends(training: Training | None, share: float) -> Training | None:
    """Return conditions under which runs are looked at before the first step and at their end, some steps earlier."""
    if training is None:
        return None
    return training.until(_share(training.steps, share))


def _share(steps: int, share: float) -> int:
    return max(1, round(steps * share))


def _written(values: Mapping[str, float]) -> str:
    return " ".join(f"{name} {value:.4g}" for name, value in values.items())


def _counted(places: Places) -> str:
    most = max(map(len, places.values()))
    return f"{most} trial{'s' * (most != 1)} each of {len(places)} optimizer{'s' * (len(places) != 1)}"

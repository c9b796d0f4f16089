"""What was asked of a study: who takes part, on which ground, by which search, on which seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from slalom.core import InputError, Runner, Training, nearest, quote
from slalom.lab.studying.grounds import Ground
from slalom.lab.studying.search import FINALISTS, RUNGS, SHORTER, WORTH_HALVING, Rounds, survivors
from slalom.lab.studying.spaces import FEWER_POINTS, POINTS, tunable
from slalom.lab.studying.yardsticks import Yardstick
from slalom.optimizers import SpecifiedOptimizer, labels

TRACKS = ("defaults", "lr", "full")
FIRST_TUNING_SEED = 1_000_000
SEARCH_SEEDS = tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + 2))
"""On which every trial is run."""

FINAL_SEEDS = tuple(range(FIRST_TUNING_SEED + 2, FIRST_TUNING_SEED + 5))
"""On which the three best trials are run again; the choice is the best mean over these five."""


@dataclass(frozen=True)
class Effort:
    """How much searching each optimizer gets, on which seeds. ``points`` are those of the track full."""

    rounds: Rounds = field(default_factory=Rounds)
    points: int = POINTS
    halving: bool = False
    search_seeds: tuple[int, ...] = SEARCH_SEEDS
    final_seeds: tuple[int, ...] = FINAL_SEEDS

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds of tuning."""
        return (*self.search_seeds, *self.final_seeds)

    def trials(self, track: str) -> int:
        """Return the trials of each optimizer, unless somebody's best learning rate lies at an edge."""
        return {"defaults": 1, "lr": self.rounds.trials, "full": self.points}[track]


@dataclass(frozen=True)
class Question:
    """What was asked. ``names`` are the optimizers' labels; ``limit`` is the seconds that one run may take."""

    ground: Ground
    optimizers: tuple[SpecifiedOptimizer, ...]
    names: tuple[str, ...]
    track: str
    baseline: str
    margin: float | None
    seeds: range
    effort: Effort = field(default_factory=Effort)
    budget: float | None = None  # seconds that were asked for
    limit: float | None = None
    metric: str | None = None  # as asked for

    @property
    def course(self) -> Any:
        return self.ground.course

    @property
    def training(self) -> Training | None:
        return self.ground.training

    @property
    def yardstick(self) -> Yardstick:
        return self.ground.yardstick

    @cached_property
    def tuned(self) -> Mapping[str, tuple[str, ...]]:
        """The hyperparameters that are searched for, by label; none where nobody tunes, or all were typed."""
        return {name: tunable(optimizer, self.track) for name, optimizer in self.by_name.items()}

    @property
    def by_name(self) -> Mapping[str, SpecifiedOptimizer]:
        return dict(zip(self.names, self.optimizers, strict=True))

    @property
    def trials(self) -> int:
        """Trials of each optimizer that is tuned, where nobody's best lies at an edge."""
        return self.effort.trials(self.track)

    @property
    def usual_trials(self) -> int:
        """Trials where neither a budget nor anybody asked for fewer."""
        return Effort().trials(self.track)

    @property
    def tuning_runs(self) -> int:
        """Runs of the search, where nobody's best lies at an edge and nothing is stopped early."""
        each = self.trials * len(self.effort.search_seeds) + FINALISTS * len(self.effort.final_seeds)
        return each * sum(map(bool, self.tuned.values()))

    @property
    def evaluation_runs(self) -> int:
        return len(self.optimizers) * len(self.seeds)

    @property
    def whole_runs(self) -> float:
        """All runs, those of tuning counted by the share of the steps that halving leaves them."""
        return self.tuning_runs - self._spared + self.evaluation_runs

    @property
    def _spared(self) -> float:
        """Whole runs that halving spares the search."""
        if not self.effort.halving or self.track == "defaults":
            return 0.0
        first = self.effort.rounds.grid if self.track == "lr" else self.effort.points
        return (first - halved(first)) * len(self.effort.search_seeds) * sum(map(bool, self.tuned.values()))

    def runner(self, optimizer: SpecifiedOptimizer, seed: int, name: str) -> Runner:
        """Return the runner of a seed."""
        return self.ground.runner(optimizer, seed, name)

    def with_training(self, training: Training) -> Question:
        """Return the question with runs under other conditions."""
        return replace(self, ground=self.ground.under(training))

    def in_words(self) -> dict[str, Any]:
        """Return what was asked, in plain values."""
        return {
            "task": self.course.name,
            "track": self.track,
            "optimizers": [optimizer.spec for optimizer in self.optimizers],
            "baseline": self.baseline,
            "margin": self.margin,
            "seeds": list(self.seeds),
            "training": None if self.training is None else asdict(self.training),
            "metric": self.yardstick.tuning,
            "halving": self.effort.halving,
            "trials": self.trials,
            "budget": self.budget,
        }


def halved(trials: int) -> float:
    """Return how many whole trials successive halving comes to for so many of one optimizer."""
    if trials < WORTH_HALVING:
        return float(trials)
    whole, left = 0.0, list(map(float, range(trials)))
    for rung in RUNGS:
        whole += len(left) * rung
        left = survivors(left, dict.fromkeys(left, 0.0))
    return whole


def ask(
    ground: Ground,
    optimizers: Sequence[SpecifiedOptimizer],
    *,
    track: str,
    rate: float | None,
    baseline: Any,
    margin: float | None,
    seeds: range,
    halving: bool = False,
    trials: int | None = None,
    budget: float | None = None,
    limit: float | None = None,
    metric: str | None = None,
) -> Question:
    """Return the question, checked. Raises InputError."""
    if track not in TRACKS:
        raise InputError(f"track {quote(track)} is not known: choose one of {', '.join(TRACKS)}.")
    if len(optimizers) < 2:
        raise InputError(
            f"a study compares optimizers, and only {quote(optimizers[0].spec)} was given: name at least two."
        )
    used = {*SEARCH_SEEDS, *FINAL_SEEDS} & set(seeds)
    if used:
        raise InputError(
            f"seed {quote(seeds[0])}: the seeds {FIRST_TUNING_SEED:,} to {FINAL_SEEDS[-1]:,} are kept for tuning: "
            "let the evaluation begin with another."
        )
    for what, given in (("halving", halving), ("a budget", budget is not None)):
        if given and ground.training is None:
            raise InputError(
                f"{quote(ground.course.name)} is a training loop, which does not tell how long it is: "
                f"{what} has no part in a study on it."
            )
    if halving and track == "defaults":
        raise InputError("halving stops hopeless trials early, and the track defaults has none: leave it out.")
    if margin is not None and not 1e-12 <= margin <= 1e12:
        raise InputError(f"margin {quote(margin)}: a margin is a finite number above 0, such as 0.3.")
    if margin is not None and ground.yardstick.optimum is not None and margin <= 1:
        raise InputError(
            f"margin {quote(margin)}: what lies above the known minimum is compared as a factor, and so is the margin: "
            "a number above 1, such as 2."
        )
    if rate is not None:
        optimizers = _at_one_rate(optimizers, track, rate)
    names = labels(optimizers)
    reference = _baseline(baseline, optimizers, names)
    question = Question(
        ground, tuple(optimizers), tuple(names), track, reference, margin, seeds,
        effort=Effort(halving=halving), budget=budget, limit=limit, metric=metric,
    )  # fmt: skip
    return question if trials is None else _with_trials(question, trials)


def _with_trials(question: Question, trials: int) -> Question:
    """Return the question with so many trials for each optimizer. Raises InputError."""
    known = {effort.trials(question.track): effort for effort in efforts(question)}
    if trials not in known:
        choices = ", ".join(map(str, known))
        raise InputError(f"trials {quote(trials)}: on the track {question.track} each optimizer has {choices}.")
    return replace(question, effort=known[trials])


def efforts(question: Question) -> list[Effort]:
    """Return the efforts that a budget chooses from, the greatest, which was asked for, first."""
    known = [question.effort]
    if question.track == "lr":
        known = [replace(question.effort, rounds=rounds) for rounds in SHORTER]
    elif question.track == "full":
        known = [replace(question.effort, points=points) for points in FEWER_POINTS]
    return [effort for effort in known if effort.trials(question.track) <= question.trials]


def _at_one_rate(field: Sequence[SpecifiedOptimizer], track: str, rate: float) -> list[SpecifiedOptimizer]:
    """Return the optimizers at one given rate; one that was typed with a rate of its own keeps it."""
    if track != "defaults":
        raise InputError(f"lr {quote(rate)} belongs to the track defaults: on the track {track} rates are tuned.")
    without = [optimizer.spec for optimizer in field if "lr" not in optimizer.hyperparameters]
    if without:
        raise InputError(f"{quote(without[0])} has no learning rate that lr could set: leave one of the two out.")
    return [one if "lr" in one.typed else one.replace(lr=float(rate)) for one in field]


def _baseline(wanted: Any, field: Sequence[SpecifiedOptimizer], names: Sequence[str]) -> str:
    """Return the label of the baseline: the first optimizer unless another was named, by its spec or its label."""
    if wanted is None:
        return names[0]
    known = {**dict(zip(names, names, strict=True)), **dict(zip((o.spec for o in field), names, strict=True))}
    text = wanted if isinstance(wanted, str) else getattr(wanted, "__name__", str(wanted))
    tidy = {spec.replace(" ", "").lower(): name for spec, name in reversed(known.items())}
    found = tidy.get(text.replace(" ", "").lower())
    if found is None:
        specs = [optimizer.spec for optimizer in field]
        raise InputError(
            f"the baseline {quote(text)} is none of the optimizers.{nearest(text, specs)} They are "
            f"{', '.join(map(quote, specs))}."
        )
    return found

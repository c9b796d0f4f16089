"""What a study is going to do: who takes part, on which seeds, how it is computed. Fixed before its first run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from slalom.core import InputError, Optimizer, Runner, Training, nearest, quote
from slalom.lab import ranges, training
from slalom.lab.studying.search import EXTENSIONS, FINALISTS, GRID, REFINEMENTS
from slalom.lab.studying.spaces import POINTS, drawn_search, tunable
from slalom.lab.studying.specifying import Setting, course_fingerprint, setting_of
from slalom.lab.studying.yardsticks import Yardstick, loop_yardstick, task_yardstick
from slalom.lab.workers import cores
from slalom.optimizers import SpecifiedOptimizer, labels
from slalom.store import Store
from slalom.store.canonical import canonical

TRACKS = ("defaults", "lr", "full")
FIRST_TUNING_SEED = 1_000_000
SEARCH_SEEDS = tuple(range(FIRST_TUNING_SEED, FIRST_TUNING_SEED + 2))
"""On which every rate is tried."""

FINAL_SEEDS = tuple(range(FIRST_TUNING_SEED + 2, FIRST_TUNING_SEED + 5))
"""On which the three best rates are run again; the choice is the best mean over these five."""

TRIALS = {"defaults": 1, "lr": GRID + 2 * len(REFINEMENTS), "full": POINTS}
"""By track, what is tried for each optimizer, unless somebody's best learning rate lies at an edge."""


@dataclass(frozen=True)
class Question:
    """What was asked. ``names`` are the optimizers' labels."""

    task: Any
    optimizers: tuple[SpecifiedOptimizer, ...]
    names: tuple[str, ...]
    track: str
    baseline: str
    margin: float | None
    seeds: range
    training: Training | None  # None for a training loop of the caller's own
    yardstick: Yardstick

    @property
    def tuned(self) -> Mapping[str, tuple[str, ...]]:
        """The hyperparameters that are searched for, by label; none where nobody tunes, or all were typed."""
        return {name: tunable(optimizer, self.track) for name, optimizer in self.by_name.items()}

    @property
    def by_name(self) -> Mapping[str, SpecifiedOptimizer]:
        return dict(zip(self.names, self.optimizers, strict=True))

    @property
    def tuning_runs(self) -> int:
        """Runs of the search, where nobody's best lies at an edge."""
        each = TRIALS[self.track] * len(SEARCH_SEEDS) + FINALISTS * len(FINAL_SEEDS)
        return each * sum(map(bool, self.tuned.values()))

    @property
    def evaluation_runs(self) -> int:
        return len(self.optimizers) * len(self.seeds)


def ask(
    task: Any,
    field: Sequence[SpecifiedOptimizer],
    conditions: Training | None,
    *,
    track: str,
    rate: float | None,
    baseline: Any,
    margin: float | None,
    seeds: range,
    metric: str | None,
) -> Question:
    """Return the question, checked. Raises InputError."""
    if track not in TRACKS:
        raise InputError(f"track {quote(track)} is not known: choose one of {', '.join(TRACKS)}.")
    if len(field) < 2:
        raise InputError(f"a study compares optimizers, and only {quote(field[0].spec)} was given: name at least two.")
    used = {*SEARCH_SEEDS, *FINAL_SEEDS} & set(seeds)
    if used:
        raise InputError(
            f"seed {quote(seeds[0])}: the seeds {FIRST_TUNING_SEED:,} to {FINAL_SEEDS[-1]:,} are kept for tuning: "
            "let the evaluation begin with another."
        )
    if rate is not None:
        field = _at_one_rate(field, track, rate)
    names = labels(field)
    reference = _baseline(baseline, field, names)
    if conditions is None:
        yardstick = loop_yardstick(task, field[0], seeds[0], metric)
    else:
        yardstick = task_yardstick(task, seeds[0], metric)
    return Question(task, tuple(field), tuple(names), track, reference, margin, seeds, conditions, yardstick)


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


@dataclass(frozen=True)
class StudyPlan:
    """A question, and how it will be computed. ``seconds`` is a guess, made by a few steps."""

    question: Question
    setting: Setting
    width: int
    workers: int
    seconds_per_step: float | None  # None for a training loop, which does not tell its length
    name: str  # under which the store keeps the plan
    remarks: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Steps in all, for a training loop runs, where nobody's best lies at an edge."""
        return _steps(self.question)

    @property
    def seconds(self) -> float | None:
        return None if self.seconds_per_step is None else self.steps * self.seconds_per_step / self.workers

    def lines(self) -> list[str]:
        """Return the plan in words."""
        question = self.question
        conditions, tuned = question.training, [name for name, whether in question.tuned.items() if whether]
        fixed = [name for name in question.names if name not in tuned]
        each = "" if conditions is None else f", {conditions.steps:,} steps each"
        told = [f"{question.task.title}: a study on the track {question.track}{each}"]
        if tuned:
            more = f"; up to {EXTENSIONS} trials more for everybody where a best lies at an edge"
            told.append(
                f"tuned       {TRIALS[question.track]} trials each on {len(SEARCH_SEEDS)} tuning seeds, the best "
                f"{FINALISTS} again on {len(FINAL_SEEDS)} others{more if question.track == 'lr' else ''}"
            )
            told += [f"            {name}: {self._space(name)}" for name in tuned]
        if fixed:
            told += [f"as typed    {', '.join(fixed)}"]
        return [
            *told,
            f"evaluation  seeds {question.seeds[0]} to {question.seeds[-1]}, baseline {question.baseline}",
            f"runs        {question.tuning_runs:,} to tune, {question.evaluation_runs:,} to evaluate; those that the "
            "store has are not computed again",
            f"computed    {self.setting.engine} engine, up to {self.width} networks together, {self.workers} "
            f"process{'es' * (self.workers != 1)}",
            f"measured    {question.yardstick.tuning} chooses, {question.yardstick.final} judges, at the last step",
            "time        not known: a training loop does not tell how long it is"
            if self.seconds is None
            else f"time        about {duration(self.seconds)}, where the store has nothing yet",
        ]

    def _space(self, name: str) -> str:
        """Return what is tuned of an optimizer: ``"lr 0.001 … 10"``, or the names of all it is."""
        if self.question.track == "full":
            return ", ".join(self.question.tuned[name])
        low, high = ranges.rate_range(self.question.by_name[name])
        return f"lr {low:g} … {high:g}"

    def as_dictionary(self) -> dict[str, Any]:
        """Return the plan in plain values."""
        question = self.question
        return {
            **_in_words(question),
            "name": self.name,
            "engine": self.setting.engine,
            "width": self.width,
            "workers": self.workers,
            "tuning_seeds": [*SEARCH_SEEDS, *FINAL_SEEDS] if question.tuning_runs else [],
            "tuning_runs": question.tuning_runs,
            "evaluation_runs": question.evaluation_runs,
            "estimated_seconds": self.seconds,
        }


def duration(seconds: float) -> str:
    """Return a time in words: "7 s", "3 min", "2.5 h"."""
    if seconds < 90:
        return f"{max(1.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def make_plan(question: Question, engine: str, workers: int | None, store: Store) -> StudyPlan:
    """Choose engine and width, unless the store has the plan of this question already: it then holds."""
    name = _name_of(question, engine)
    if question.training is None:
        setting = setting_of(question.task, question.track, "solo", "cpu")
        return StudyPlan(question, setting, 1, workers or cores(), None, name)
    kept = store.study(name)
    if kept is not None:
        told = kept.plan
        setting = setting_of(question.task, question.track, told["engine"], question.training.device)
        seconds = told["seconds_per_step"]
        remarks = tuple(told["remarks"])
        width = told["width"]
    else:
        choice, remarks = _chosen(question, engine)
        setting = setting_of(question.task, question.track, choice.engine, question.training.device)
        seconds, width = choice.seconds_per_step, choice.width
    hands = training.hands_for(question.training, seconds * _steps(question), workers)
    return StudyPlan(question, setting, width, hands, seconds, name, remarks)


def _chosen(question: Question, engine: str) -> tuple[Any, tuple[str, ...]]:
    """Return the engine, its width and its time, found by a few steps, and what there is to say about it."""
    from slalom.engines import networks

    assert question.training is not None
    reason = "" if engine == "solo" else networks.obstacle(question.task, question.training)
    remarks = (f"the networks are computed one after another: {reason}",) if reason else ()
    wanted = "solo" if reason else engine
    return networks.choose(question.task, _sample(question), question.training, engine=wanted), remarks


def save_plan(plan: StudyPlan, store: Store, keys: Sequence[str]) -> None:
    """Keep what must not change when the study goes on."""
    told = {
        **_in_words(plan.question),
        "engine": plan.setting.engine,
        "width": plan.width,
        "seconds_per_step": plan.seconds_per_step,
        "remarks": plan.remarks,
    }
    store.save_study(plan.name, told, keys)


def _steps(question: Question) -> int:
    each = 1 if question.training is None else question.training.steps
    return (question.tuning_runs + question.evaluation_runs) * each


def _sample(question: Question) -> list[Runner]:
    """Return runners like those of the study's first round, as many as a unit has: by them the engine is chosen."""
    runners = []
    for name, optimizer in question.by_name.items():
        if question.tuned[name]:
            if question.track == "full":
                points: Sequence[dict[str, float]] = drawn_search(optimizer, question.tuned[name]).points
            else:
                points = [{"lr": rate} for rate in ranges.axis(optimizer, "lr").values(GRID).tolist()]
            variants: list[Optimizer] = [ranges.variant(optimizer, point) for point in points]
            runners += [Runner(one, seed, name=name) for one in variants for seed in SEARCH_SEEDS]
        else:
            runners += [Runner(optimizer, seed, name=name) for seed in question.seeds]
    unit = GRID * len(SEARCH_SEEDS)
    return runners[:: max(1, len(runners) // unit)]


def _in_words(question: Question) -> dict[str, Any]:
    """Return what was asked, in plain values."""
    return {
        "task": question.task.name,
        "track": question.track,
        "optimizers": [optimizer.spec for optimizer in question.optimizers],
        "baseline": question.baseline,
        "margin": question.margin,
        "seeds": list(question.seeds),
        "training": None if question.training is None else asdict(question.training),
        "metric": question.yardstick.tuning,
    }


def _name_of(question: Question, engine: str) -> str:
    """Return the name of a study: the same question has the same name, on the same version of the user's file.

    Margin and baseline change the verdict, not what is run; more seeds are the same study, gone on with.
    """
    asked = {**_in_words(question), "wanted_engine": engine, "content": course_fingerprint(question.task)}
    for name in ("margin", "baseline", "seeds"):
        del asked[name]
    digest = hashlib.sha256(canonical(asked, "a study's question").encode("ascii")).hexdigest()
    return f"{question.task.name} {question.track} {digest[:12]}"

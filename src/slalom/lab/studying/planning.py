"""What a study is going to do: how it is computed, and how long that takes. Fixed before its first run."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from slalom.core import InputError, Optimizer, Runner, quote
from slalom.lab import ranges, worker_pool
from slalom.lab.guarding import CrashError, Guard, is_foreign, is_known
from slalom.lab.racing import is_moved_by_rule
from slalom.lab.studying.asking import Question, efforts
from slalom.lab.studying.durations import duration, within
from slalom.lab.studying.grounds import Computation, LandscapeGround
from slalom.lab.studying.search import EXTENSIONS, FINALISTS, GRID, Rounds
from slalom.lab.studying.spaces import drawn_search
from slalom.lab.studying.specifying import LEAST, Setting, course_fingerprint, course_key, setting_of
from slalom.lab.workers import cores
from slalom.store import Store
from slalom.store.canonical import canonical

WORTH_WORKERS = 4.0
"""Seconds of work from which other processes are worth their start."""

STARTING = 3.0
"""Seconds that go by before they compute."""

STORED = "; those that the store has are not computed again"
"""What a plan says of its runs, which are yet to be computed."""


@dataclass(frozen=True)
class StudyPlan:
    """A question about one course, and how it will be computed. ``seconds`` is a guess, made by a few steps."""

    question: Question
    setting: Setting
    computation: Computation
    workers: int
    name: str  # under which the store keeps the plan
    is_cut: bool = False  # whether a budget left fewer steps or trials than asked for

    @property
    def remarks(self) -> tuple[str, ...]:
        return self.computation.remarks

    @property
    def width(self) -> int:
        """Runs that are computed together at most."""
        return self.computation.width

    @property
    def steps(self) -> int:
        """Steps in all, for a training loop runs, where nobody's best lies at an edge."""
        each = 1 if self.question.training is None else self.question.training.steps
        return round(self.question.whole_runs * each)

    @property
    def seconds(self) -> float | None:
        """About how long it takes; None for a training loop, which does not tell its length."""
        if self.question.training is None:
            return None
        return _seconds(self.question, self.computation, self.workers)

    def lines(self) -> list[str]:
        """Return the plan in words: a title, and a line for each fact, which its first words name."""
        question, conditions = self.question, self.question.training
        each = "" if conditions is None else f", {conditions.steps:,} steps each"
        told = [(what, how + STORED if what == "runs" else how) for what, how in self.facts()]
        told += [*self._budget(), ("time", self._time())]
        return [
            f"{question.course.title}: a study on the track {question.track}{each}",
            *(f"{what:<12}{how}" for what, how in told),
        ]

    def facts(self) -> list[tuple[str, str]]:
        """Return what is fixed before anything is computed, as (what, how); an empty ``what`` goes on with the last."""
        question = self.question
        tuned = [name for name, whether in question.tuned.items() if whether]
        fixed = [name for name in question.names if name not in tuned]
        told = []
        if tuned:
            told += [("tuned", self._search()), *(("", f"{name}: {self._space(name)}") for name in tuned)]
        if fixed:
            told += [("as typed", ", ".join(fixed))]
        seeds = f"seeds {question.seeds[0]} to {question.seeds[-1]}"
        processes = f"{self.workers} process{'es' * (self.workers != 1)}"
        return [
            *told,
            ("evaluation", f"{self._starts()}{seeds}, baseline {question.baseline}"),
            ("runs", f"{question.tuning_runs:,} to tune, {question.evaluation_runs:,} to evaluate"),
            *self._halving(),
            ("computed", f"{self.setting.engine} engine, up to {self.width:,} runs together, {processes}"),
            (
                "measured",
                f"{question.yardstick.tuning} chooses, {question.yardstick.final} judges, at the last step",
            ),
            *self._unequal(),
        ]

    def _time(self) -> str:
        if self.seconds is None:
            return "not known: a training loop does not tell how long it is"
        return f"about {duration(self.seconds)}, where the store has nothing yet"

    def _search(self) -> str:
        effort = self.question.effort
        more = f"; up to {EXTENSIONS} trials more for everybody where a best lies at an edge"
        return (
            f"{self.question.trials} trials each on {len(effort.search_seeds)} tuning seeds, the best {FINALISTS} "
            f"again on {len(effort.final_seeds)} others{more if self.question.track == 'lr' else ''}"
        )

    def _starts(self) -> str:
        drawn = isinstance(self.question.ground, LandscapeGround)
        return "starting points drawn in the domain by " if drawn else ""

    def _halving(self) -> list[tuple[str, str]]:
        if not self.question.effort.halving:
            return []
        share = 1 - self.question.whole_runs / (self.question.tuning_runs + self.question.evaluation_runs)
        return [("halving", f"hopeless trials stop after a ninth or a third of the steps: about {share:.0%} less work")]

    def _budget(self) -> list[tuple[str, str]]:
        if self.question.budget is None or self.question.training is None:
            return []
        told, steps = duration(self.question.budget), self.question.training.steps
        needed = "" if self.is_cut else "; the usual ones take less"
        each = f"{steps:,} steps and {self.question.trials} trials for everybody"
        return [("budget", f"{told} on this machine: {each}{needed}")]

    def _unequal(self) -> list[tuple[str, str]]:
        """Warn of what will not be comparable, before it is computed."""
        question = self.question
        fixed = [name for name, whether in question.tuned.items() if not whether]
        if question.track == "defaults" or not fixed or len(fixed) == len(question.names):
            return []
        told = (
            f"{', '.join(fixed)} {'is' if len(fixed) == 1 else 'are'} fixed and the others tuned: their trials are "
            "unequal, and they are not comparable (--track defaults compares all as typed)"
        )
        return [("caution", told)]

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
            **question.in_words(),
            "name": self.name,
            "engine": self.setting.engine,
            "width": self.width,
            "workers": self.workers,
            "tuning_seeds": [*question.effort.seeds] if question.tuning_runs else [],
            "tuning_runs": question.tuning_runs,
            "evaluation_runs": question.evaluation_runs,
            "estimated_seconds": self.seconds,
        }


def _chosen(question: Question, engine: str, runs: int, workers: int | None) -> Computation:
    """Return how runs are computed, timed by a few steps; untimed where these hang or end their process.

    The user's code makes these steps in a worker process where there are any.
    """
    choose, sample = question.ground.choose, _sample(question)
    patience = None if question.limit is None else PATIENCE * question.limit
    guard = Guard(workers, patience)
    if not is_foreign(question.ground) and all(is_known(optimizer) for optimizer in question.optimizers):
        guard = Guard()
    longest = patience if not guard.is_up or patience is None else patience + worker_pool.STARTING
    try:
        return within(longest, lambda: guard.call(choose, sample, engine, runs), _untimed(engine))
    except CrashError as crash:
        return _untimed(engine, str(crash))


PATIENCE = 3
"""How many times the limit of one run a plan may take, which tries several engines."""


def _untimed(engine: str, reason: str = "they took longer than the limit of time") -> Computation:
    """Return how runs are computed where an optimizer hangs or crashes already while the plan is made."""
    told = f"the trial steps of the plan failed ({reason}): nothing was timed"
    if engine in ("auto", "solo"):
        return Computation("solo", 1, True, 0.0, 0.0, (f"{told}, and every run is computed by itself",))
    return Computation(engine, LEAST, False, 0.0, 0.0, (told,))


FORM = 1
"""Of the plans that stores keep; one of another form is made anew."""


def _kept(store: Store, name: str) -> tuple[Computation, dict[str, Any]] | None:
    """Return how runs were computed and what else was fixed, where the store has this study's plan."""
    study = store.study(name)
    if study is None or study.plan.get("form") != FORM:
        return None
    return _computation(study.plan), dict(study.plan)


def _computation(plan: Mapping[str, Any]) -> Computation:
    told = plan["computation"]
    return Computation(**{**told, "remarks": tuple(told["remarks"])})


def make_plan(question: Question, engine: str, workers: int | None, store: Store) -> StudyPlan:
    """Choose how to compute, unless the store has the plan of this question already: it then holds.

    A budget is turned into steps and trials, which the store keeps as well: a study that goes on has the same.
    """
    name, original = _name_of(question, engine), question
    kept = _kept(store, name)
    if kept is not None:
        computation, told = kept
        question = _restored(question, told)
    else:
        if workers != 1 and _is_long(question):
            worker_pool.prepare(workers or cores())
        runs = question.tuning_runs + question.evaluation_runs
        before = _as_before(question, store) if engine == "auto" else None
        computation = before or _chosen(question, engine, runs, workers)
        kept = _kept(store, name)  # another process may have begun the same study meanwhile
        if kept is not None:
            computation, told = kept
            question = _restored(question, told)
    hands = _hands(question, computation, workers)
    if question.budget is not None and kept is None:
        question = _fitted(question, computation, hands)
    setting = setting_of(question.ground, question.optimizers, question.track, computation.engine, computation.alike)
    is_cut = (question.training, question.trials) != (original.training, original.trials)
    return StudyPlan(question, setting, computation, hands, name, is_cut)


LONG = 50_000
"""Steps of networks from which a study will hardly do without other processes: they start while the plan is made."""


def _is_long(question: Question) -> bool:
    conditions = question.training
    if conditions is None or isinstance(question.ground, LandscapeGround) or conditions.device != "cpu":
        return False
    return question.whole_runs * conditions.steps >= LONG


def _as_before(question: Question, store: Store) -> Computation | None:
    """Return how runs of a former study on the same course under the same conditions were computed.

    So the two share runs: timing again might choose another engine, whose runs have other keys. It is None where there
    is no such study, or where its engine cannot move all of today's optimizers.
    """
    told, content = question.in_words(), course_fingerprint(question.ground)
    for study in store.studies():
        plan = study.plan
        if plan.get("form") == FORM and (plan["task"], plan["training"]) == (told["task"], told["training"]):
            found = _computation(plan)
            ruled = all(is_moved_by_rule(optimizer) for optimizer in question.optimizers)
            fits = found.engine == "field" or (found.engine == "fleet" and ruled)
            return found if fits and plan.get("content", content) == content else None
    return None


def _restored(question: Question, told: Any) -> Question:
    """Return the question with the steps and trials that its budget came to."""
    if question.budget is None or question.training is None:
        return question
    effort = replace(question.effort, rounds=Rounds(**told["rounds"]), points=told["points"])
    return _shortened(replace(question, effort=effort), told["steps"])


def save_plan(plan: StudyPlan, store: Store, keys: Sequence[str]) -> None:
    """Keep what must not change when the study goes on."""
    question, found = plan.question, plan.computation
    told = {
        **question.in_words(),
        "form": FORM,
        "content": course_fingerprint(question.ground),
        "computation": asdict(found),
        "steps": None if question.training is None else question.training.steps,
        "rounds": asdict(question.effort.rounds),
        "points": question.effort.points,
    }
    store.save_study(plan.name, told, keys)


# -- a budget ----------------------------------------------------------------------------------------------------------

FILLED = 0.85
"""How much of a budget is planned for: the guess of the time is a guess."""


def _fitted(question: Question, computation: Computation, workers: int) -> Question:
    """Return the question with as many steps and trials, for everybody, as its budget allows. Raises InputError."""
    conditions, budget = question.training, question.budget
    assert conditions is not None
    assert budget is not None
    least = min(conditions.steps, max(conditions.steps_per_epoch, 10))
    best: Question | None = None
    for effort in efforts(question):
        asked = replace(question, effort=effort)
        steps = _affordable(asked, computation, workers, FILLED * budget)
        if steps >= least:
            best = _shortened(asked, min(steps, conditions.steps))
        if 2 * steps >= conditions.steps:
            break  # fewer trials are tried only where more than half of the steps would be lost
    if best is None:
        needed = _seconds(_shortened(replace(question, effort=efforts(question)[-1]), least), computation, workers)
        raise InputError(
            f"budget {quote(duration(budget))}: {least:,} steps of the fewest trials take about "
            f"{duration(needed / FILLED)} on this machine: give more time, or fewer optimizers or seeds."
        )
    return best


def _affordable(question: Question, computation: Computation, workers: int, seconds: float) -> int:
    """Return how many steps each run may have, in whole epochs, so that all of them take so many seconds."""
    conditions = question.training
    assert conditions is not None
    whole = _seconds(question, computation, workers)
    once = STARTING if workers > 1 else 0.0
    share = (seconds - once) / max(whole - once, 1e-9)
    epoch = conditions.steps_per_epoch
    return max(0, math.floor(share * conditions.steps / epoch) * epoch)


def _shortened(question: Question, steps: int) -> Question:
    """Return the question with runs of ``steps`` steps, evaluated as often as before."""
    conditions = question.training
    assert conditions is not None
    if steps == conditions.steps:
        return question
    looks = conditions.evaluate_at
    return question.with_training(replace(conditions, steps=steps, evaluate_at=looks_until(looks, steps)))


def looks_until(looks: Sequence[int], steps: int) -> tuple[int, ...]:
    """Return when runs that end after ``steps`` are looked at."""
    return (*(step for step in looks if step < steps), steps)


def _seconds(question: Question, computation: Computation, workers: int) -> float:
    """Return about how long all runs take."""
    conditions = question.training
    assert conditions is not None
    tuning = question.whole_runs - question.evaluation_runs
    spent = computation.seconds(tuning, conditions.steps, 2)
    spent += computation.seconds(question.evaluation_runs, conditions.steps, len(conditions.evaluate_at))
    return spent / workers + (STARTING if workers > 1 else 0.0)


def _hands(question: Question, computation: Computation, workers: int | None) -> int:
    """Return how many processes compute: this one alone where the work is short, or there is one GPU for all."""
    if question.training is None:
        return workers or cores()
    if question.training.device != "cpu":
        return 1
    if workers is not None or isinstance(question.ground, LandscapeGround):
        return workers or 1
    return cores() if _seconds(question, computation, 1) > WORTH_WORKERS else 1


# -- the sample by which engines are timed --------------------------------------------------------------------------


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
            runners += [question.runner(one, seed, name) for one in variants for seed in question.effort.search_seeds]  # type: ignore[arg-type]
        else:
            runners += [question.runner(optimizer, seed, name) for seed in question.seeds]
    unit = GRID * len(question.effort.search_seeds)
    return runners[:: max(1, len(runners) // unit)]


def _name_of(question: Question, engine: str) -> str:
    """Return the name of a study: the same question has the same name, on the same version of the user's file.

    Margin and baseline change the verdict, not what is run; more seeds are the same study, gone on with.
    """
    named = {"task": course_key(question.ground), "content": course_fingerprint(question.ground)}
    asked = {**question.in_words(), **named, "wanted_engine": engine}
    for name in ("margin", "baseline", "seeds"):
        del asked[name]
    digest = hashlib.sha256(canonical(asked, "a study's question").encode("ascii")).hexdigest()
    return f"{named['task']} {question.track} {digest[:12]}"

"""``slalom.study``: plan, tune, evaluate, judge."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slalom import stopping
from slalom.core import InputError, Progress, quote
from slalom.judge import across, judge
from slalom.lab import training
from slalom.lab.checks import check_directions
from slalom.lab.guarding import Guard
from slalom.lab.studying.asking import Question, ask
from slalom.lab.studying.durations import seconds_of
from slalom.lab.studying.executing import Executor, Finished, Locally
from slalom.lab.studying.grounds import Ground, find_ground
from slalom.lab.studying.judging import results_of
from slalom.lab.studying.planning import StudyPlan, make_plan, save_plan
from slalom.lab.studying.record import Study
from slalom.lab.studying.several import Studies
from slalom.lab.studying.specifying import is_nameless
from slalom.lab.studying.study_files import is_study_file, read_study_file
from slalom.lab.studying.tuning import Tuned, tune
from slalom.lab.versions import versions
from slalom.store import MemoryStore, Store
from slalom.store import open as open_store

SEEDS = 10
"""Evaluation seeds unless asked for otherwise."""


def study(
    course: Any,
    optimizers: Any = None,
    *,
    track: str = "lr",
    lr: float | None = None,
    baseline: Any = None,
    margin: float | None = None,
    metric: str | None = None,
    seeds: int = SEEDS,
    seed: int = 0,
    steps: int | None = None,
    epochs: int | None = None,
    budget: float | str | None = None,
    halving: bool = False,
    trials: int | None = None,
    dtype: str | None = None,
    precision: str = "fp32",
    engine: str = "auto",
    device: str = "cpu",
    workers: int | None = None,
    timeout: float | str | None = None,
    store: Any = None,
    data_dir: Any = None,
    trust: bool = False,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Study | Studies:
    """Tune optimizers with equal budgets, evaluate them on fresh seeds, judge them, and return the :class:`Study`.

    ``course`` is a task: a catalogue name, a :class:`slalom.Task`, ``"file.py:name"``, or a training loop of your own,
    a generator function ``train(make_optimizer, seed)``; or a landscape, whose seeds are starting points drawn in its
    domain. A list of several is studied one after another, and compared across (:class:`Studies`). ``"study.toml"`` is
    a file that holds all of it; it may name Python files in other folders than its own only with ``trust``.
    ``optimizers`` are given as :func:`slalom.race` takes them.

    On the track ``"lr"`` each learning rate that was not typed is searched for on seeds of its own and chosen by the
    validation examples; on ``"defaults"`` nothing is tuned (``lr`` gives all the same rate); ``"full"`` also tunes
    momentum or betas, weight decay and epsilon. The evaluation has ``seeds`` seeds from ``seed``; the test set is
    opened once, after tuning. Everyone is compared with ``baseline``, the first unless named by its spec; ``margin`` is
    the difference that matters, in points of accuracy or per cent of loss. ``metric`` names what counts: of a task
    ``"loss"`` or one of its metrics, by default the first; of a loop one of the measures that it yields, by default the
    first on validation examples; ``"val_psnr:max"`` or ``":min"`` states which way is better.

    ``budget`` (seconds, or a text such as ``"10m"``) is turned into equal steps and trials for everybody before the
    first run, and the plan that comes of it is kept; ``trials`` says how many directly. ``halving`` stops hopeless
    trials early. ``timeout`` is what one run may take before it counts as failed.

    Runs are kept in ``store``: a file, a :class:`slalom.store.Store`, or by default a file in the user's data
    directory; what it holds is not computed again. ``say`` is called with a line on what is being done, and who is best
    so far. Raises :class:`slalom.InputError` for anything that cannot be studied, and KeyboardInterrupt after Ctrl-C:
    what was finished is kept then.
    """
    given = dict(locals())
    if is_study_file(course):
        return study(**_from_file(course, given))
    questions = _questions(given)
    with _opened(store, questions) as kept:
        if say is not None:
            say("planning: a few steps are timed")
        plans = [make_plan(question, engine, workers, kept) for question in questions]
        for plan in plans:
            save_plan(plan, kept, ())
        parts: list[Study] = []
        signals = stopping.count()
        for plan in plans:
            if stopping.count() > signals:  # noted during the verdict on the course before
                raise KeyboardInterrupt
            parts.append(carry_out(plan, kept, progress, _on(plan, say, len(plans) > 1)))
    if len(parts) == 1:
        return parts[0]
    return Studies(tuple(parts), across([part.results for part in parts]))


def _on(plan: StudyPlan, say: Callable[[str], None] | None, several: bool) -> Callable[[str], None] | None:
    """Let what is said name the course, where there are several."""
    if say is None or not several:
        return say
    return lambda told: say(f"{plan.question.course.name}: {told}")


def plan_study(course: Any, optimizers: Any = None, **options: Any) -> list[StudyPlan]:
    """Return what :func:`study` would do with the same arguments, a plan for each course, without doing it."""
    bound = inspect.signature(study).bind(course, optimizers, **options)
    bound.apply_defaults()
    given = dict(bound.arguments)
    if is_study_file(course):
        given = {**DEFAULTS, "optimizers": None, **_from_file(course, given)}
    questions = _questions(given)
    with _looked_into(given["store"]) as kept:
        return [make_plan(question, given["engine"], given["workers"], kept) for question in questions]


def carry_out(
    plan: StudyPlan, store: Store, progress: Progress | None = None, say: Callable[[str], None] | None = None
) -> Study:
    """Tune, evaluate, judge."""
    question = plan.question
    crew = Locally(plan.workers, question.limit)
    executor = Executor(question.ground, plan.setting, store, plan.width, crew, plan.steps, progress)
    if say is not None:
        executor.say = say
    try:
        tuned = tune(question, executor)
        runs = _evaluate(question, tuned, executor)
    except KeyboardInterrupt:
        executor.say(
            f"{question.course.name}: {_counted(len(set(executor.keys)) - len(store.missing(executor.keys)))} kept"
        )
        raise
    _check_somebody_ran(question, runs)
    with stopping.postponed():  # all runs are there: the verdict takes a moment, and is what Ctrl-C would lose
        save_plan(plan, store, executor.keys)
        results = results_of(question, tuned, runs)
        return Study(
            plan=plan,
            tuned=tuned,
            evaluations=runs,
            results=results,
            judgement=judge(results),
            computed=executor.computed,
            written=tuple(executor.written),
            how=tuple(crew.remarks),
            store=store.name,
            versions=versions(),
        )


def _counted(runs: int) -> str:
    return f"{runs:,} run{' is' if runs == 1 else 's are'}"


def _evaluate(question: Question, tuned: Mapping[str, Tuned], executor: Executor) -> dict[str, list[Finished]]:
    """Run every optimizer, as tuned, on the evaluation seeds; here the test set is opened."""
    seeds = f"{len(question.seeds)} fresh seed{'s' * (len(question.seeds) != 1)}"
    executor.say(f"evaluating {len(tuned)} optimizers on {seeds}")
    groups = [[question.runner(one.optimizer, seed, name) for seed in question.seeds] for name, one in tuned.items()]
    return dict(zip(tuned, executor.run(groups, question.training, closed=False), strict=True))


def _check_somebody_ran(question: Question, runs: Mapping[str, list[Finished]]) -> None:
    """Refuse a study in which every evaluation failed, with the first reason."""
    found = [one for of_name in runs.values() for one in of_name]
    if all(one.run.error for one in found):
        raise InputError(
            f"{quote(question.course.name)}: every run failed, the first, {found[0].runner.name} with seed "
            f"{found[0].runner.seed}, with {quote(found[0].run.error, limit=300)}."
        )


DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(study).parameters.items()
    if name not in ("course", "optimizers")
}
"""What a study is asked where nothing is said."""

IN_FILE = [name for name in inspect.signature(study).parameters if name not in (
    "progress", "say", "store", "workers", "timeout", "data_dir", "trust",
)]  # fmt: skip
"""What a study file may hold: what belongs to a machine rather than to a study is typed."""


def _from_file(path: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments that a study file holds, and those beside it that belong to this machine."""
    told = read_study_file(path, IN_FILE, given["trust"])
    for name in IN_FILE:
        if name != "course" and given[name] != DEFAULTS.get(name):
            raise InputError(
                f"{name} {quote(given[name])} has no part beside a study file, which holds it all: write it there."
            )
    elsewhere = {name: value for name, value in given.items() if name not in IN_FILE}
    return {**elsewhere, **told}


def _questions(given: Mapping[str, Any]) -> list[Question]:
    """Return what was asked of each course, once it has been checked that it can be studied."""
    course, engine = given["course"], given["engine"]
    courses = list(course) if isinstance(course, list | tuple) else [course]
    for one in courses:
        if is_study_file(one):
            raise InputError(f"{quote(one)} is a study file, which holds a whole study: name it alone.")
    if not courses:
        raise InputError("no course was given: name at least one, such as digits-mlp.")
    seeds, seed = given["seeds"], given["seed"]
    training.check_terms(seeds, seed, engine, given["workers"])
    limit = None if given["timeout"] is None else seconds_of("timeout", given["timeout"])
    guard = Guard(given["workers"], limit)
    field = guard.parse_all(given["optimizers"])
    check_directions(field)
    terms = {name: given[name] for name in ("steps", "epochs", "dtype", "precision", "device", "data_dir")}
    grounds = [find_ground(one, field, seed, given["metric"], engine, terms, guard) for one in courses]
    _check_different(grounds)
    for ground in grounds:
        if ground.training is not None:
            training.check_room(len(field) * seeds, ground.training)
    whole = None if given["budget"] is None else seconds_of("budget", given["budget"])
    asked = {
        **{name: given[name] for name in ("track", "baseline", "margin", "halving", "trials", "metric")},
        "rate": given["lr"],
        "seeds": range(seed, seed + seeds),
        "budget": None if whole is None else whole / len(grounds),
        "limit": limit,
    }
    return [ask(ground, field, **asked) for ground in grounds]


def _check_different(grounds: Sequence[Ground]) -> None:
    names = [ground.course.name for ground in grounds]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{quote(twice)} was given twice: a study across courses needs different ones.")


@contextmanager
def _opened(store: Any, questions: Sequence[Question]) -> Iterator[Store]:
    """Open a store for a study; one that was handed in stays open."""
    if isinstance(store, Store):
        yield store
        return
    if any(is_nameless(question.ground, question.optimizers) for question in questions):
        if store is not None:
            raise InputError(
                f"the store {quote(store)} keeps what it can recognise later, and the course or an optimizer is an "
                "object without a name: put it into a file and say file.py:name."
            )
        yield MemoryStore()
        return
    with open_store(store) as kept:
        yield kept


@contextmanager
def _looked_into(store: Any) -> Iterator[Store]:
    """Open a store for a look at it; where there is none, none is made."""
    from slalom.store import default_path

    if isinstance(store, Store):
        yield store
    elif not Path(default_path() if store is None else store).expanduser().exists():
        yield MemoryStore()
    else:
        with open_store(store, create=False, readonly=True) as kept:
            yield kept

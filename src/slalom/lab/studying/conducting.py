"""``slalom.study``: plan, tune, evaluate, judge."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from slalom.core import InputError, Progress, Runner, quote
from slalom.judge import judge
from slalom.lab import courses, training
from slalom.lab.checks import check_device
from slalom.lab.studying.executing import Executor, Finished
from slalom.lab.studying.judging import results_of
from slalom.lab.studying.planning import Question, StudyPlan, ask, make_plan, save_plan
from slalom.lab.studying.record import Study
from slalom.lab.studying.specifying import is_nameless
from slalom.lab.studying.tuning import Tuned, tune
from slalom.lab.versions import versions
from slalom.optimizers import CLASSICS, parse_all
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
    dtype: str | None = None,
    precision: str = "fp32",
    engine: str = "auto",
    device: str = "cpu",
    workers: int | None = None,
    store: Any = None,
    data_dir: Any = None,
    progress: Progress | None = None,
) -> Study:
    """Tune optimizers with equal budgets, evaluate them on fresh seeds, judge them, and return the :class:`Study`.

    ``course`` is a task: a catalogue name, a :class:`slalom.Task`, ``"file.py:name"``, or a training loop of your own,
    a generator function ``train(make_optimizer, seed)``; ``optimizers`` as
    :func:`slalom.race` takes them. On the track ``"lr"`` each learning rate that was not typed is searched for on seeds
    of its own and chosen by the validation examples; on ``"defaults"`` nothing is tuned (``lr`` gives all the same
    rate). The evaluation has ``seeds`` seeds from ``seed``; the test set is opened once, after tuning. Everyone is
    compared with ``baseline``, the first unless named by its spec; ``margin`` is the difference that matters, in points
    of accuracy or per cent of loss. ``metric`` names what counts: of a task ``"loss"`` or one of its metrics, by
    default the first; of a loop one of the measures that it yields, by default the first on validation examples.

    Runs are kept in ``store``: a file, a :class:`slalom.store.Store`, or by default a file in the user's data
    directory; what it holds is not computed again. Raises :class:`slalom.InputError` for anything that cannot be
    studied, and KeyboardInterrupt after Ctrl-C: what was finished is kept then.
    """
    asked = {"track": track, "lr": lr, "baseline": baseline, "margin": margin, "seeds": seeds, "seed": seed}
    asked |= {"steps": steps, "epochs": epochs, "dtype": dtype, "precision": precision, "device": device}
    asked |= {"data_dir": data_dir, "metric": metric}
    question = _question(course, optimizers, engine, workers, **asked)
    with _opened(store, question) as kept:
        plan = make_plan(question, engine, workers, kept)
        save_plan(plan, kept, ())
        return carry_out(plan, kept, progress)


def plan_study(course: Any, optimizers: Any = None, **options: Any) -> StudyPlan:
    """Return what :func:`study` would do with the same arguments, without doing it."""
    options.pop("progress", None)
    store, engine, workers = options.pop("store", None), options.pop("engine", "auto"), options.pop("workers", None)
    question = _question(course, optimizers, engine, workers, **{**DEFAULTS, **options})
    with _looked_into(store) as kept:
        return make_plan(question, engine, workers, kept)


def carry_out(plan: StudyPlan, store: Store, progress: Progress | None = None) -> Study:
    """Tune, evaluate, judge."""
    question = plan.question
    executor = Executor(question.task, plan.setting, store, plan.width, plan.workers, plan.steps, progress)
    tuned = tune(question, executor)
    runs = _evaluate(question, tuned, executor)
    _check_somebody_ran(question, runs)
    save_plan(plan, store, executor.keys)
    results = results_of(question, tuned, runs)
    return Study(
        plan=plan,
        tuned=tuned,
        evaluations=runs,
        results=results,
        judgement=judge(results),
        computed=executor.computed,
        store=store.name,
        versions=versions(),
    )


def _evaluate(question: Question, tuned: Mapping[str, Tuned], executor: Executor) -> dict[str, list[Finished]]:
    """Run every optimizer, as tuned, on the evaluation seeds; here the test set is opened."""
    groups = [[Runner(one.optimizer, seed, name=name) for seed in question.seeds] for name, one in tuned.items()]
    return dict(zip(tuned, executor.run(groups, question.training, closed=False), strict=True))


def _check_somebody_ran(question: Question, runs: Mapping[str, list[Finished]]) -> None:
    """Refuse a study in which every evaluation failed, with the first reason."""
    found = [one for of_name in runs.values() for one in of_name]
    if all(one.run.error for one in found):
        raise InputError(
            f"{quote(question.task.name)}: every run failed, the first, {found[0].runner.name} with seed "
            f"{found[0].runner.seed}, with {quote(found[0].run.error, limit=300)}."
        )


DEFAULTS = {
    name: parameter.default
    for name, parameter in inspect.signature(study).parameters.items()
    if name not in ("course", "optimizers", "engine", "workers", "store", "progress")
}
"""What a study is asked where nothing is said."""


def _question(course: Any, optimizers: Any, engine: str, workers: int | None, **asked: Any) -> Question:
    """Return what was asked, once it has been checked that it can be studied."""
    found: Any = courses.find(course, asked["data_dir"])
    if courses.is_landscape(found):
        raise InputError(
            f"{quote(found.name)} is a landscape, and studies run on tasks so far: race it, or name a task such as "
            "`digits-mlp`."
        )
    training.check_terms(asked["seeds"], asked["seed"], engine, workers)
    field = parse_all(CLASSICS if optimizers is None else optimizers)
    terms = {name: asked[name] for name in ("steps", "epochs", "dtype", "precision", "device")}
    if courses.is_loop(found):
        given = {**terms, "engine": engine, "data_dir": asked["data_dir"]}
        unusual = {name: value for name, value in given.items() if value != {**DEFAULTS, "engine": "auto"}[name]}
        courses.refuse_unused(found, unusual, doing="study")
        conditions = None
    else:
        conditions = training.conditions(found, asked["seed"], **terms)
        training.check_room(len(field) * asked["seeds"], conditions)
        check_device(conditions.device)
        found.check(asked["seed"])
    seeds = range(asked["seed"], asked["seed"] + asked["seeds"])
    about = {name: asked[name] for name in ("track", "baseline", "margin", "metric")}
    return ask(found, field, conditions, rate=asked["lr"], seeds=seeds, **about)


@contextmanager
def _opened(store: Any, question: Question) -> Iterator[Store]:
    """Open a store for a study; one that was handed in stays open."""
    if isinstance(store, Store):
        yield store
        return
    if is_nameless(question.task, question.optimizers):
        if store is not None:
            raise InputError(
                f"the store {quote(store)} keeps what it can recognise later, and the task or an optimizer is an "
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
    elif not os.path.exists(default_path() if store is None else store):
        yield MemoryStore()
    else:
        with open_store(store, create=False, readonly=True) as kept:
            yield kept

"""A race on a task, or through a training loop of the caller's own: from what was asked for to the record."""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from slalom.core import (
    InputError,
    Optimizer,
    Progress,
    Run,
    Runner,
    Task,
    Training,
    TrainingLoop,
    interrupts,
    order_of,
    quote,
)
from slalom.core.memory import available_memory, readable_bytes
from slalom.lab.checks import (
    check_choice,
    check_count,
    check_device,
    check_seed,
)
from slalom.lab.guarding import CrashError, Guard, is_foreign, is_known
from slalom.lab.parcels import Job
from slalom.lab.task_record import TaskRace
from slalom.lab.versions import versions
from slalom.lab.workers import Work, cores, told_homebound
from slalom.optimizers import labels

if TYPE_CHECKING:
    from slalom.engines.networks.choosing import Choice

DTYPES = ("float32", "float64")
PRECISIONS = ("fp32", "bf16")
ENGINES = ("auto", "solo", "field", "fleet")

WORTH_WORKERS = 8.0
"""Seconds of work from which worker processes are started: each needs two or three to begin."""


@dataclass(frozen=True)
class Plan:
    """How a race will be computed."""

    job: Job
    runners: Sequence[Runner]
    units: Sequence[Sequence[int]]  # indices of the runners that are computed together
    workers: int
    remarks: tuple[str, ...]


def race_on_task(
    task: Task,
    optimizers: Sequence[Optimizer],
    training: Training,
    seeds: Sequence[int],
    *,
    engine: str = "auto",
    workers: int | None = None,
    progress: Progress | None = None,
) -> TaskRace:
    """Train a network with every optimizer and seed, and return the record.

    Of each seed there is one initialisation and one order of batches, shared by all optimizers.
    """
    check_room(len(optimizers) * len(seeds), training)
    runners = enlist(optimizers, seeds)
    check_device(training.device)
    Guard(workers).check(task, seeds[0], training.dtype)  # what is wrong with it, before hours are spent
    plan = plan_task(task, runners, training, engine, workers)
    return record(plan, progress)


def race_through_loop(
    loop: TrainingLoop,
    optimizers: Sequence[Optimizer],
    seeds: Sequence[int],
    *,
    workers: int | None = None,
    progress: Progress | None = None,
) -> TaskRace:
    """Run the caller's own loop with every optimizer and seed, one run per core at a time, and return the record."""
    _check_memory(f"{len(optimizers) * len(seeds):,} runs", 1_000 * len(optimizers) * len(seeds))
    runners = enlist(optimizers, seeds)
    job = Job(loop, "solo", None)
    return record(Plan(job, runners, [[k] for k in range(len(runners))], workers or cores(), ()), progress)


def enlist(optimizers: Sequence[Optimizer], seeds: Sequence[int]) -> list[Runner]:
    """Return the runners in the order optimizer, seed."""
    named = zip(optimizers, labels(optimizers), strict=True)  # type: ignore[arg-type]  # specified ones
    return [Runner(optimizer, seed, name=name) for optimizer, name in named for seed in seeds]


def conditions(
    task: Task,
    seed: int,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    evaluate_every: int | None = None,
    dtype: str | None = None,
    precision: str = "fp32",
    device: str = "cpu",
) -> Training:
    """Return the conditions of a race on a task; its epochs where no other length is asked for. Raises InputError."""
    if steps is not None and epochs is not None:
        raise InputError("`steps` and `epochs` were both given: say how long in one of them.")
    for name, value in (("steps", steps), ("epochs", epochs), ("evaluate_every", evaluate_every)):
        if value is not None:
            check_count(name, value)
    check_choice("dtype", dtype or "float32", DTYPES)
    check_choice("precision", precision, PRECISIONS)
    if precision == "bf16" and dtype == "float64":
        raise InputError("precision `bf16` computes in bfloat16 beside float32: leave dtype `float64` out.")
    each = order_of(task, task.splits(seed)).steps_per_epoch
    length = steps or (epochs or task.epochs) * max(1, each)
    looks = length // (evaluate_every or max(1, each))
    _check_memory(f"{length:,} steps with {looks:,} evaluations", 8 * length + 1_000 * looks)
    return Training.of(
        length, max(1, each), evaluate_every, dtype=dtype or "float32", precision=precision, device=device
    )


def check_terms(seeds: int, seed: int, engine: str, workers: int | None) -> None:
    """Refuse what no race on a task can have."""
    check_count("seeds", seeds)
    check_seed(seed, seeds)
    check_choice("engine", engine, ENGINES)
    if workers is not None:
        check_count("workers", workers)


def check_room(runs: int, training: Training) -> None:
    """Refuse a race whose record would not fit, before anything is allocated."""
    each = 2_000 + 3 * 8 * training.steps + 1_000 * len(training.evaluate_at)
    _check_memory(f"{runs:,} runs × {training.steps:,} steps", runs * each)


def _check_memory(what: str, needed: int) -> None:
    room = available_memory()
    if needed > room:
        raise InputError(
            f"{what} would need {readable_bytes(needed)} of memory for their record and {readable_bytes(room)} are "
            "free: ask for fewer steps, evaluations or seeds."
        )


def plan_task(
    task: Task, runners: Sequence[Runner], training: Training, engine: str = "auto", workers: int | None = None
) -> Plan:
    """Choose the engine, and divide the runners into units of work."""
    from slalom.engines import networks

    choice = _chosen(task, runners, training, engine, workers)
    remarks = [*notes_of(task), *([choice.reason] if choice.reason else [])]
    each = choice.seconds_per_step * training.steps + choice.seconds_per_evaluation * len(training.evaluate_at)
    seconds = each * len(runners)
    hands = hands_for(training, seconds, workers)
    width = choice.width
    if hands > 1 and choice.engine != "solo":
        width = max(networks.LEAST, min(width, -(-len(runners) // hands)))
    units = networks.divide(runners, choice.engine, width)
    if choice.engine == "field":
        remarks += _alone(runners)
    if training.precision == "bf16":
        remarks.append("precision bf16: computed in bfloat16 where torch's autocast does so, not in float32 throughout")
    job = Job(task, choice.engine, training, networks.lanes_of(runners))
    return Plan(job, runners, units, hands, tuple(remarks))


def notes_of(task: Task) -> tuple[str, ...]:
    """Return what a user should know about a task's data."""
    return tuple(getattr(task, "notes", ()))


def is_tested(task: Task) -> bool:
    """Whether a task is one of the catalogue's, whose networks are tested to give the same results in all engines."""
    source = str(getattr(task, "source", ""))
    return bool(source) and not source.rpartition(":")[0].endswith(".py")


def _chosen(
    task: Task,
    runners: Sequence[Runner],
    training: Training,
    engine: str,
    workers: int | None,
) -> Choice:
    """Return the engine and its width, timed by a few steps; in a worker process where a class is not known to us."""
    from slalom.engines import networks

    choose = functools.partial(networks.choose, engine=engine, known=is_tested(task))
    if not is_foreign(task) and all(is_known(runner.optimizer) for runner in runners):
        return choose(task, runners, training)
    try:
        return Guard(workers).call(choose, task, runners, training)
    except CrashError as crash:
        reason = f"the engine was not chosen by timing, because the trial steps failed: {crash}"
        return networks.Choice("solo", 1, reason=reason)


def hands_for(training: Training, seconds: float, workers: int | None) -> int:
    """Return how many processes to compute on: this one alone where the work is short, or there is one GPU for all."""
    if training.device != "cpu":
        return 1
    if workers is not None:
        return workers
    return cores() if seconds > WORTH_WORKERS else 1


def _alone(runners: Sequence[Runner]) -> list[str]:
    """Tell of optimizers whose networks cannot share a gradient with others."""
    from slalom.engines.networks.field import goes_alone

    specs = dict.fromkeys(runner.optimizer.spec for runner in runners if goes_alone(runner.optimizer))
    if not specs:
        return []
    return [f"{', '.join(map(quote, specs))} compute their own gradients: one network after another"]


def record(plan: Plan, progress: Progress | None = None) -> TaskRace:
    """Carry out a plan and return its record. Raises KeyboardInterrupt where nothing was finished before Ctrl-C."""
    work = Work(plan.job, [[plan.runners[k] for k in unit] for unit in plan.units], plan.workers)
    found: dict[int, Run] = {}
    try:
        for unit, runs in work.results(progress):
            found.update(zip(plan.units[unit], runs, strict=False))
    except interrupts():  # while an engine was being prepared
        pass
    kept = [k for k, run in sorted(found.items()) if run.completed or not run.interrupted]
    if not kept:
        raise KeyboardInterrupt
    ended = [found[k] for k in kept]
    _check_somebody_ran(plan, kept, ended)
    remarks = [
        *plan.remarks,
        *told_homebound(work),
        *_errors(plan, found),
        *_told(found),
        *_undefined(ended),
        *_interruption(plan, ended),
    ]
    return TaskRace(
        course=plan.job.course,
        runners=[plan.runners[k] for k in kept],
        runs=ended,
        training=plan.job.training,
        engine=plan.job.engine,
        versions=versions(),
        remarks=tuple(remarks),
    )


def _check_somebody_ran(plan: Plan, kept: Sequence[int], runs: Sequence[Run]) -> None:
    """Refuse a race in which every run failed before anything was measured, with the first reason."""
    if any(run.completed or run.evaluations or not run.error for run in runs):
        return
    first = plan.runners[kept[0]]
    raise InputError(
        f"{quote(plan.job.course.name)}: every run failed, the first, {first.name} with seed {first.seed}, with "
        f"{quote(runs[0].error, limit=300)}."
    )


def _errors(plan: Plan, found: dict[int, Run]) -> list[str]:
    """Tell what made runs fail, each reason once."""
    reasons: dict[str, list[str]] = {}
    for k, run in sorted(found.items()):
        if run.error:
            reasons.setdefault(run.error, []).append(f"{plan.runners[k].name}, seed {plan.runners[k].seed}")
    return [
        f"{names[0]}{f' and {len(names) - 1} more' if len(names) > 1 else ''} failed: {error}"
        for error, names in reasons.items()
    ]


def _told(found: dict[int, Run]) -> list[str]:
    """Return what runs say about themselves, each remark once."""
    return list(dict.fromkeys(run.remark for _, run in sorted(found.items()) if run.remark))


def _undefined(runs: Sequence[Run]) -> list[str]:
    """Return a remark on the metrics that are not finite at the end of runs which neither diverged nor failed."""
    whole = [run.last for run in runs if run.evaluations and run.diverged_at is None and not run.error]
    counts = Counter(name for last in whole for name, value in last.items() if not math.isfinite(value))
    counts.pop("epoch", None)  # which a loop of the user's own may leave out
    return [f"{name} is not finite at the end of {n} of {len(whole)} runs that finished" for name, n in counts.items()]


def _interruption(plan: Plan, runs: Sequence[Run]) -> list[str]:
    whole = sum(not run.interrupted for run in runs)
    if whole == len(plan.runners):
        return []
    return [f"interrupted: {whole} of {len(plan.runners)} runs are whole, {len(runs) - whole} as far as they got"]

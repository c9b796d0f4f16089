"""What a study needs of what it runs on, a *ground*: a task, a training loop of the caller's own, or a landscape.

All three answer the same questions: which runner a seed makes, by which measures it is judged, how its runs are best
computed, and which job computes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from slalom.core import InputError, Landscape, Optimizer, Runner, Training, maximizes, python_files, quote
from slalom.lab import courses, racing, training
from slalom.lab.checks import check_choice, check_count, check_device, check_memory
from slalom.lab.guarding import Guard
from slalom.lab.parcels import Job, Works
from slalom.lab.studying.descents import Descent, conditions
from slalom.lab.studying.durations import duration, within
from slalom.lab.studying.yardsticks import Yardstick, landscape_yardstick, loop_yardstick, task_yardstick
from slalom.lab.worker_pool import STARTING


@dataclass(frozen=True)
class Computation:
    """How runs are computed, and about how long that takes: found by a few steps.

    ``width`` runs are computed together at most. ``alike`` tells that a run's bits are the same in whatever company it
    is computed; the seconds are those of one run.
    """

    engine: str
    width: int
    alike: bool
    seconds_per_step: float
    seconds_per_evaluation: float
    remarks: tuple[str, ...] = ()

    def seconds(self, runs: float, steps: int, evaluations: int) -> float:
        """Return about how long ``runs`` runs take, one core busy with them."""
        return runs * (steps * self.seconds_per_step + evaluations * self.seconds_per_evaluation)


class Ground(Protocol):
    """What is studied on. ``training`` are the conditions of its runs, None for a loop, which has its own."""

    @property
    def course(self) -> Any: ...
    @property
    def training(self) -> Training | None: ...
    @property
    def yardstick(self) -> Yardstick: ...
    @property
    def source(self) -> str: ...  # the text by which it is found again, "" for an object that has none
    def under(self, training: Training) -> Ground:
        """Return the same ground with runs under other conditions."""
        ...

    def runner(self, optimizer: Optimizer, seed: int, name: str) -> Runner:
        """Return the runner of a seed: it has the same start, and meets the same data, whatever its optimizer."""
        ...

    def choose(self, sample: Sequence[Runner], engine: str, runs: int) -> Computation:
        """Return how best to compute ``runs`` runs such as those of ``sample``."""
        ...

    def job(self, engine: str, lanes: tuple[str, ...], training: Training | None) -> Works:
        """Return what computes runs under conditions."""
        ...


@dataclass(frozen=True)
class TaskGround:
    """A task: a seed has its own initialisation, split and order of batches."""

    course: Any  # a slalom.tasks.Task
    training: Training
    yardstick: Yardstick

    @property
    def source(self) -> str:
        return str(self.course.source)

    def under(self, training: Training) -> TaskGround:
        return replace(self, training=training)

    def runner(self, optimizer: Optimizer, seed: int, name: str) -> Runner:
        return Runner(optimizer, seed, name=name)

    def choose(self, sample: Sequence[Runner], engine: str, runs: int) -> Computation:
        from slalom.engines import networks

        tested = training.is_tested(self.course)
        choice = networks.choose(self.course, sample, self.training, engine=engine, runs=runs, known=tested)
        # Of a network that was not tested, sizes may be such that rounding depends on the place among others.
        alike = choice.engine == "solo" or (tested and networks.alike(self.course, sample, self.training, choice))
        seconds = choice.seconds_per_step, choice.seconds_per_evaluation
        remarks = [*training.notes_of(self.course), *self._choosers(), *([choice.reason] if choice.reason else [])]
        return Computation(choice.engine, choice.width, alike, *seconds, tuple(remarks))

    def _choosers(self) -> list[str]:
        """Return a remark where training examples choose the hyperparameters, or judge, since none are held out."""
        if not self.yardstick.tuning.startswith("train_"):
            return []
        does = "chooses the hyperparameters" if self.yardstick.final.startswith("test_") else "chooses and judges"
        measure = self.yardstick.tuning.removeprefix("train_")
        return [f"the task has no validation examples: the training {measure} {does}; hold some out, validation=0.1"]

    def job(self, engine: str, lanes: tuple[str, ...], training: Training | None) -> Job:
        return Job(self.course, engine, training, lanes)


@dataclass(frozen=True)
class LoopGround:
    """A training loop of the caller's own: what a seed means is up to it."""

    course: Any  # a slalom.tasks.Loop
    yardstick: Yardstick
    training: None = None

    @property
    def source(self) -> str:
        return str(self.course.source)

    def under(self, training: Training) -> LoopGround:
        raise InputError(f"{quote(self.course.name)} is a training loop, whose length only it knows.")

    def runner(self, optimizer: Optimizer, seed: int, name: str) -> Runner:
        return Runner(optimizer, seed, name=name)

    def choose(self, sample: Sequence[Runner], engine: str, runs: int) -> Computation:
        return Computation("solo", 1, True, 0.0, 0.0)

    def job(self, engine: str, lanes: tuple[str, ...], training: Training | None) -> Job:
        return Job(self.course, engine, None)


@dataclass(frozen=True)
class LandscapeGround:
    """A landscape: a seed has its own starting point, drawn in the domain."""

    course: Landscape
    training: Training
    yardstick: Yardstick
    source: str

    def under(self, training: Training) -> LandscapeGround:
        return replace(self, training=training)

    def runner(self, optimizer: Optimizer, seed: int, name: str) -> Runner:
        (start,) = racing.choose_starts(self.course, None, 1, seed)
        return Runner(optimizer, seed, start, name=name)

    def choose(self, sample: Sequence[Runner], engine: str, runs: int) -> Computation:
        from slalom.lab.studying.descents import seconds_per_step

        ruled = all(racing.is_moved_by_rule(runner.optimizer) for runner in sample)
        if engine == "auto":
            engine = "fleet" if ruled and self.course.elementwise and runs > racing.MANY else "field"
        width = max(1, 4_000_000 // (self.training.steps * self.course.dim))  # paths of some 100 MB at once
        seconds = seconds_per_step(Descent(self.course, engine, self.training), sample)
        # The field equals the plain loop bit for bit; the fleet's rules work on each lane for itself.
        return Computation(engine, width, True, seconds, 0.0)

    def job(self, engine: str, lanes: tuple[str, ...], training: Training | None) -> Descent:
        assert training is not None
        return Descent(self.course, engine, training)


Terms = Mapping[str, Any]
"""What was asked about the runs' conditions: steps, epochs, dtype, precision, device, data_dir."""


def find_ground(
    course: Any,
    field: Sequence[Any],
    seed: int,
    metric: str | None,
    engine: str,
    terms: Terms,
    guard: Guard | None = None,
) -> Ground:
    """Return the ground that ``course`` names, checked on its first seed. Raises InputError."""
    guard = guard or Guard()
    guard.look_at(course, terms["data_dir"])
    patience = None if guard.limit is None else STARTING + guard.limit
    ground = within(patience, lambda: _found(course, field, seed, metric, engine, terms, guard), None)
    if ground is None:
        raise InputError(
            f"{quote(course)}: its file, data, model and first evaluation had not come to an end after "
            f"{duration(patience or 0)}."
        )
    return ground


def _found(
    course: Any,
    field: Sequence[Any],
    seed: int,
    metric: str | None,
    engine: str,
    terms: Terms,
    guard: Guard,
) -> Ground:
    found: Any = courses.find(course, terms["data_dir"])
    if courses.is_landscape(found):
        source = course if isinstance(course, str) else ""
        source = python_files.source(source) if python_files.names_a_file(source) else source
        return _on_landscape(found, source, field, metric, terms)
    if courses.is_loop(found):
        return _on_loop(found, field, seed, metric, engine, terms, guard)
    return _on_task(found, field, seed, metric, terms, guard)


def _on_task(task: Any, field: Sequence[Any], seed: int, metric: str | None, terms: Terms, guard: Guard) -> TaskGround:
    asked = {name: value for name, value in terms.items() if name != "data_dir"}
    under = training.conditions(task, seed, **asked)
    check_device(under.device)
    guard.check(task, seed, under.dtype)
    return TaskGround(task, under, task_yardstick(task, seed, metric, maximizes(field[0])))


USUAL = {"precision": "fp32", "device": "cpu", "engine": "auto"}
"""What is asked where nothing is said."""


def _on_loop(
    loop: Any,
    field: Sequence[Any],
    seed: int,
    metric: str | None,
    engine: str,
    terms: Terms,
    guard: Guard,
) -> LoopGround:
    given = {**terms, "engine": engine}
    unusual = {name: value for name, value in given.items() if value != USUAL.get(name)}
    courses.refuse_unused(loop, unusual, doing="study")
    return LoopGround(loop, loop_yardstick(loop, field[0], seed, metric, guard))


def _on_landscape(
    landscape: Landscape, source: str, field: Sequence[Any], metric: str | None, terms: Terms
) -> LandscapeGround:
    unusual = {name: value for name, value in terms.items() if name in USUAL and value != USUAL[name]}
    unusual.pop("device", None)
    unusual |= {name: terms[name] for name in ("epochs", "data_dir") if terms[name] is not None}
    courses.refuse_unused(landscape, unusual, doing="study")
    if metric not in (None, "loss", "loss:min"):
        raise InputError(f"{quote(metric)} is no measure of the landscape {quote(landscape.name)}: it has loss.")
    steps = racing.STEPS if terms["steps"] is None else check_count("steps", terms["steps"])
    dtype = terms["dtype"] or "float64"
    check_choice("dtype", dtype, racing.DTYPES)
    check_memory(len(field), steps, landscape.dim)
    check_device(terms["device"])
    yardstick = landscape_yardstick(landscape, maximizes(field[0]))
    return LandscapeGround(landscape, conditions(steps, dtype, terms["device"]), yardstick, source)

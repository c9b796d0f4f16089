"""Which engine a race on a task takes, and how many networks it computes together.

Where slalom is not sure that networks computed together give the plain loop's results, or finding out would take more
time than it can save, the plain loop runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch

from slalom.core import Optimizer, Run, Runner, Task, Training, interrupts
from slalom.engines.networks.crowd import LEAST, Crowd
from slalom.engines.networks.field import Movers as FieldMovers
from slalom.engines.networks.field import field, goes_alone
from slalom.engines.networks.fleet import Movers as FleetMovers
from slalom.engines.networks.fleet import check_ruled, fleet, is_ruled, lanes_of
from slalom.engines.networks.material import Material
from slalom.engines.networks.obstacles import obstacle
from slalom.engines.networks.recording import one_thread, warm_up
from slalom.engines.networks.solo import Trainee, measure, prepared_model, solo
from slalom.isolation import all_isolated, own_chance, own_state

ROOM = {"cpu": 8 * 2**20, "cuda": 8 * 2**30}
"""Bytes that the networks computed together may take: on the CPU what a core's share of the cache holds."""

MOST = {"cpu": 128, "cuda": 4_096}
"""Networks that are computed together at most."""

LITTLE = 2.0
"""Seconds of work below which nothing but the plain loop is tried."""

SHARE = 0.05
"""Of the estimated work, what trying other engines may take."""

TRIAL_STEPS = {"recorded": 250, "tested": 400}
"""Plain steps that a trial takes about as long as: operations are recorded, and without ``known`` results compared."""

TIMED = 40
"""Runs or steps from which one of them is a small part of the work, so that one may be timed."""

TRIAL = 0.05
"""Seconds of steps by which an engine is timed: one step at least."""

FEW = 20
"""Steps of an epoch up to which :func:`alike` tries a whole one; it tries three steps of longer ones."""

PREFERENCE = 1.2
"""The real classes are taken unless the update rules are so many times faster …"""

WORTH = 5.0
"""… and save so many seconds."""

ENGINES: dict[str, Callable[..., list[Run]]] = {"solo": solo, "field": field, "fleet": fleet}


@dataclass(frozen=True)
class Choice:
    """An engine, how many runs it computes together, and the seconds that a step and an evaluation of one run took.

    Seconds are 0 where timing would have been a large part of the work. ``reason`` says why the plain loop runs where
    another engine was possible or asked for.
    """

    engine: str
    width: int
    seconds_per_step: float = 0.0
    seconds_per_evaluation: float = 0.0
    reason: str = ""


def choose(
    task: Task,
    runners: Sequence[Runner],
    training: Training,
    *,
    engine: str = "auto",
    runs: int | None = None,
    known: bool = False,
) -> Choice:
    """Return the engine to take.

    ``auto`` takes the plain loop where the work is short, the fastest engine in a short trial otherwise, and the update
    rules rather than the real classes only where they save much time. A trial takes at most SHARE of the estimated
    work, and makes one network. ``runners`` are all there are, or a sample of ``runs``. ``known`` says that networks of
    this task were tested to give the same results together as alone; otherwise this is tried first (see
    :func:`slalom.engines.networks.obstacles.obstacle`), and a given ``engine`` is replaced by the plain loop where they
    do not.
    """
    warm_up()
    with one_thread(), own_chance(), all_isolated(runner.optimizer for runner in runners):
        trial = _Trial(task, runners, training, runs or len(runners))
        if engine == "solo" or (engine == "auto" and trial.runs == 1):
            return trial.alone("")
        return trial.fastest(known) if engine == "auto" else trial.of(engine, known)


class _Trial:
    """Times engines on one network, made once, and on copies of it computed together."""

    def __init__(self, task: Task, runners: Sequence[Runner], training: Training, runs: int):
        self.task, self.runners, self.training, self.runs = task, runners, training, runs
        self.steps = runs * training.steps  # of all runs
        self.evaluations = runs * len(training.evaluate_at)
        self.step = self.evaluation = 0.0  # seconds in the plain loop, 0 where too few to be timed
        if runs > 1 and self.steps >= TIMED:
            self._time_alone()

    def alone(self, reason: str) -> Choice:
        """Return the choice of the plain loop."""
        return Choice("solo", 1, self.step, self.evaluation, reason)

    def fastest(self, known: bool) -> Choice:
        """Return what ``auto`` takes."""
        work = self.steps * self.step + self.evaluations * self.evaluation
        if self.steps < TIMED:
            return self.alone(f"plain loop: fewer than {TIMED} steps in all, too few to try other engines")
        if work < LITTLE:
            return self.alone(f"plain loop: less than {LITTLE:.0f} s of work, too little to try other engines")
        needed = TRIAL_STEPS["recorded" if known else "tested"]
        if needed * self.step > SHARE * work:
            return self.alone(f"plain loop: trying other engines would take more than {100 * SHARE:.0f} % of the time")
        optimizers = self._optimizers()
        if all(map(goes_alone, optimizers)):
            return self.alone("plain loop: every optimizer computes its own gradients")
        choice = self.of("field", known)
        if choice.engine == "solo":
            return choice
        quickest = min(self.step, choice.seconds_per_step)
        if quickest * self.steps > WORTH and all(map(is_ruled, optimizers)):
            ruled = self._timed("fleet")
            saved = (quickest - ruled.seconds_per_step) * self.steps
            if quickest > PREFERENCE * ruled.seconds_per_step and saved > WORTH:
                return ruled
        if choice.seconds_per_step >= self.step:
            times = f"{_milliseconds(self.step)} a step, {_milliseconds(choice.seconds_per_step)} for networks together"
            return self.alone(f"plain loop: the fastest in a short trial ({times})")
        return choice

    def of(self, engine: str, known: bool) -> Choice:
        """Return the choice of a given engine, the plain loop where it can't compute these networks."""
        if engine == "fleet":
            check_ruled(self.runners)
        reason = "" if known else obstacle(self.task, self.training, self.model, self.lanes)
        if reason:
            return self.alone(f"the networks are computed one after another: {reason}")
        return self._timed(engine)

    def _time_alone(self) -> None:
        """Time one step of the plain loop, more where steps are short, and one evaluation."""
        try:
            with _unchanged(self.model), own_state(self.task, self.model), torch.enable_grad():
                trainee = Trainee(self.task, self.runners[0], self.training, self.model)
                self.step = _seconds(trainee.step, self.training.steps, SHARE * self.steps)
        except interrupts():
            raise
        except BaseException:
            return  # an optimizer that fails: its runs will say so
        if self.evaluations >= TIMED:
            material, seed = Material.of(self.task, self.training), self.runners[0].seed
            self.model.eval()
            with own_state(self.task, self.model):
                began = time.perf_counter()
                measure(self.task, self.model, material, seed, self.training)
                self.evaluation = time.perf_counter() - began
            self.model.train()

    def _timed(self, engine: str) -> Choice:
        """Time the steps and an evaluation of networks computed together."""
        lanes = min(self.lanes, len(self.runners))
        sample = [self.runners[len(self.runners) * index // lanes] for index in range(lanes)]
        if engine == "field":
            sample = [runner for runner in sample if not goes_alone(runner.optimizer)] or sample
        with torch.no_grad():
            crowd = Crowd(self.task, sample, self.training, swift=engine == "fleet", model=self.model)
            movers = FieldMovers(crowd) if engine == "field" else FleetMovers(crowd, lanes_of(self.runners))

            def step(number: int) -> None:
                crowd.differentiate(number)
                movers.step(number)

            crowd.differentiate(1)  # records the operations
            seconds = _seconds(step, self.training.steps, SHARE * self.steps) / len(sample)
            evaluation = 0.0
            if self.evaluations >= TIMED * len(sample):
                crowd.judge()  # likewise
                began = time.perf_counter()
                crowd.judge()
                evaluation = (time.perf_counter() - began) / len(sample)
        return Choice(engine, self.width, seconds, evaluation)

    @cached_property
    def model(self) -> torch.nn.Module:
        """The only network that a trial makes."""
        return prepared_model(self.task, self.runners[0].seed, self.training)

    @cached_property
    def width(self) -> int:
        return lanes_that_fit(self.task, self.training, self.model)

    @property
    def lanes(self) -> int:
        return max(LEAST, min(self.width, len(self.runners)))

    def _optimizers(self) -> list[Optimizer]:
        return list({id(runner.optimizer): runner.optimizer for runner in self.runners}.values())


@contextmanager
def _unchanged(model: torch.nn.Module) -> Iterator[None]:
    """Put a network's parameters and buffers back afterwards."""
    before = [(tensor, tensor.detach().clone()) for tensor in (*model.parameters(), *model.buffers())]
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in before:
                tensor.copy_(value)
                tensor.grad = None


def _seconds(step: Callable[[int], None], steps: int, most: float) -> float:
    """Return the seconds of the quickest of a few steps, at most so many."""
    times: list[float] = []
    for number in range(1, 1 + max(1, min(steps, int(most)))):
        began = time.perf_counter()
        step(number)
        times.append(time.perf_counter() - began)
        if sum(times) > TRIAL:
            break
    return min(times)


def _milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.2g} ms"


def alike(task: Task, runners: Sequence[Runner], training: Training, choice: Choice) -> bool:
    """Return whether networks come out the same, bit for bit, in small and in large company, at every place in it.

    Tried are some steps, to the end of an epoch where that is near, in companies of several sizes. A rounding that
    differs rarely can slip through: this is for tasks that are tested besides.
    """
    few = training.steps_per_epoch if training.steps_per_epoch <= FEW else 3
    few = min(few, training.steps)
    short = training.until(few)
    different = list(dict.fromkeys(runners))
    together = (different * -(-choice.width // len(different)))[: choice.width]
    outcomes: dict[Runner, set[tuple[bytes, str]]] = {}
    for size in sorted({LEAST, min(5, choice.width), max(LEAST, choice.width // 2 + 1), max(LEAST, choice.width)}):
        company = together[-size:]
        for runner, run in zip(company, ENGINES[choice.engine](task, company, short), strict=True):
            told = {name: value for name, value in run.last.items() if name != "seconds"} if run.evaluations else {}
            outcomes.setdefault(runner, set()).add((run.losses.tobytes(), repr(told)))
    return all(len(found) == 1 for found in outcomes.values())


def lanes_that_fit(task: Task, training: Training, model: torch.nn.Module) -> int:
    """Return how many networks to compute together: parameters, gradients, state and a batch's activations fit ROOM."""
    kind = torch.device(training.device).type
    numbers = sum(p.numel() for p in model.parameters() if p.requires_grad)
    batch = Material.of(task, training).batch(0, 1)
    of_batch = sum(x.nbytes for x in batch.inputs)
    each = 5 * numbers * torch.finfo(getattr(torch, training.dtype)).bits // 8 + 4 * of_batch
    room = ROOM.get(kind, ROOM["cpu"])
    return max(LEAST, min(MOST.get(kind, MOST["cpu"]), room // each))


def divide(runners: Sequence[Runner], engine: str, width: int) -> list[list[int]]:
    """Return the units of work: indices of runners that are computed together, equally many where they do not come out.

    Runners of one seed meet the same batches, so they are put together where there are enough of them.
    """
    if engine == "solo":
        return [[index] for index in range(len(runners))]
    of_seed: dict[int, list[int]] = {}
    for index, runner in enumerate(runners):
        of_seed.setdefault(runner.seed, []).append(index)
    crowded = 2 * len(runners) >= width * len(of_seed)
    heaps = list(of_seed.values()) if crowded else [list(range(len(runners)))]
    units = []
    for heap in heaps:
        count = -(-len(heap) // width)
        units += [heap[len(heap) * part // count : len(heap) * (part + 1) // count] for part in range(count)]
    return units

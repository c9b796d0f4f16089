"""A network to be trained, with its data and its loss: the other kind of course."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np

from slalom.core.errors import InputError, quote


class Examples(NamedTuple):
    """All examples of a task: tensors whose first dimension counts them. ``inputs`` are the model's arguments."""

    inputs: tuple[Any, ...]
    target: Any


@dataclass(frozen=True, eq=False)
class Splits:
    """Which examples a seed trains on, validates on, tests on: int64 indices into the task's examples.

    ``watched`` are the training examples on which training loss and metrics are computed: all of them, or as many as
    are enough for a good estimate. ``validation`` and ``test`` are None where there are none.
    """

    train: np.ndarray
    watched: np.ndarray
    validation: np.ndarray | None
    test: np.ndarray | None

    def named(self) -> dict[str, np.ndarray]:
        """Return what is evaluated by name: ``train`` (the watched ones), ``validation``, ``test``, where they are."""
        parts = {"train": self.watched, "validation": self.validation, "test": self.test}
        return {name: indices for name, indices in parts.items() if indices is not None}


class Metric(NamedTuple):
    """A number by which a trained network is judged, beside its loss.

    ``function(outputs, target)`` takes the outputs and targets of a whole split and returns one number: a float, or a
    tensor with one element. ``mean=True`` declares that this number is a mean over examples, each with the same weight;
    slalom then computes it in pieces, which needs less memory. A loss may be declared in the same way.
    """

    function: Callable[[Any, Any], Any]
    higher_is_better: bool = True
    mean: bool = False


def one_number(name: str, value: Any) -> float:
    """Return as a float what a metric, called ``name`` in messages, returned. Raises InputError for all else."""
    try:
        return float(value.detach().reshape(()) if hasattr(value, "detach") else value)
    except (TypeError, ValueError, RuntimeError):
        shape = list(getattr(value, "shape", ()))
        kind = quote(type(value).__name__) + (f" of shape {shape}" if shape else "")
        raise InputError(f"{name} is {kind}: a measure is one number, take the mean for instance.") from None


class Task(Protocol):
    """A network, its data and its loss. Everything that depends on chance is a pure function of the seed."""

    @property
    def name(self) -> str: ...  # the catalogue's name, or how the caller's was found
    @property
    def title(self) -> str: ...  # what a picture calls it: "digits, fully connected"
    @property
    def batch_size(self) -> int: ...
    @property
    def epochs(self) -> int: ...  # unless somebody asks for another length
    @property
    def reshuffle(self) -> bool: ...  # a new order every epoch, rather than one order for all of them
    @property
    def drop_last(self) -> bool: ...  # leave out the last batch of an epoch where it is not full
    @property
    def metrics(self) -> Mapping[str, Metric]: ...  # by name, the most important first; may be empty
    @property
    def loss_function(self) -> Callable[[Any, Any], Any]: ...  # of (outputs, target), as it was given
    @property
    def loss_is_mean(self) -> bool: ...  # whether the loss of a split is the mean of its examples' losses
    @property
    def optimum(self) -> float | None: ...  # the smallest possible training loss, where that is known
    @property
    def channels_last(self) -> bool: ...  # images: in which order of memory convolutions are faster
    def check(self, seed: int, dtype: str = "float32") -> None:
        """Try one batch of a seed. Raises InputError for what could not be trained."""
        ...

    def model(self, seed: int) -> Any:
        """Return a freshly initialised ``torch.nn.Module`` in training mode; the same for the same seed."""
        ...

    def examples(self) -> Examples:
        """Return all examples, read or generated once and then kept."""
        ...

    def splits(self, seed: int) -> Splits:
        """Return the split of a seed. Its sizes do not depend on the seed."""
        ...

    def loss(self, outputs: Any, target: Any) -> Any:
        """Return the mean loss of a batch, a tensor without dimensions."""
        ...


class TrainingLoop(Protocol):
    """A training loop of the caller's own, as a course: what no :class:`Task` can describe."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    def follow(self, make_optimizer: Callable[[Any], Any], seed: int) -> Iterator[Mapping[str, float]]:
        """Run it, yielding the metrics of each evaluation.

        ``make_optimizer`` takes parameters, named parameters or a module, and returns the real optimizer.
        """
        ...


@dataclass(frozen=True)
class BatchOrder:
    """Which examples each step sees: a pure function of (seed, step), the same for every optimizer.

    ``size`` is the number of training examples. The last batch of an epoch is smaller where ``drop_last`` is false and
    the examples do not come out even.
    """

    size: int
    batch_size: int
    reshuffle: bool = True
    drop_last: bool = False

    @property
    def steps_per_epoch(self) -> int:
        whole, rest = divmod(self.size, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def batch(self, seed: int, step: int) -> np.ndarray:
        """Return the positions, among the training examples, of the batch of ``step`` (from 1), int64."""
        epoch, part = self.place(step)
        return self.epoch(seed, epoch)[part]

    def place(self, step: int) -> tuple[int, slice]:
        """Return in which epoch (from 0), and which part of its order, the batch of ``step`` (from 1) is."""
        epoch, position = divmod(step - 1, self.steps_per_epoch)
        return epoch, slice(position * self.batch_size, (position + 1) * self.batch_size)

    def epoch(self, seed: int, epoch: int) -> np.ndarray:
        """Return the order of all training examples in an epoch (from 0), int64."""
        key = [seed, epoch if self.reshuffle else 0]
        return np.random.Generator(np.random.Philox(key=key)).permutation(self.size)


def order_of(task: Task, splits: Splits) -> BatchOrder:
    """Return the batch order of a task."""
    return BatchOrder(len(splits.train), task.batch_size, task.reshuffle, task.drop_last)


@dataclass(frozen=True)
class Training:
    """The conditions of a race on a task: how long, looked at when, computed how.

    ``evaluate_at`` are the steps after which losses and metrics are computed, in order, the first 0, the last
    ``steps``; they may be (0, steps) alone. ``precision`` is ``"fp32"`` (the dtype as it is) or ``"bf16"`` (autocast).
    ``horizon`` is the length that learning-rate schedules are made for where it is not ``steps``: of a run that is
    stopped early.
    """

    steps: int
    steps_per_epoch: int
    evaluate_at: tuple[int, ...]
    dtype: str = "float32"
    precision: str = "fp32"
    device: str = "cpu"
    horizon: int | None = None

    @property
    def length(self) -> int:
        """The steps that learning-rate schedules are made for."""
        return self.horizon or self.steps

    def until(self, steps: int) -> Training:
        """Return the conditions of the same runs, stopped after ``steps`` and evaluated at the start and there."""
        horizon = None if steps == self.length else self.length
        return replace(self, steps=steps, evaluate_at=(0, steps), horizon=horizon)

    @staticmethod
    def of(steps: int, steps_per_epoch: int, every: int | None = None, **conditions: Any) -> Training:
        """Return the conditions of ``steps`` steps, evaluated every so many steps (by default: every epoch)."""
        every = every or steps_per_epoch
        return Training(steps, steps_per_epoch, (*range(0, steps, every), steps), **conditions)


Evaluation = Mapping[str, float]
"""What an evaluation found: ``step``, ``epoch``, ``seconds`` (of training until then), and for each split and measure
a number such as ``train_loss`` or ``test_accuracy``. NaN where the network had diverged."""


@dataclass(eq=False)
class Run:
    """The record that one runner leaves on a task or in a loop of the caller's own.

    ``losses`` are the minibatch losses, shape [steps made], float64: entry k was computed in step k + 1, before its
    update. Empty for a loop of the caller's own. From the step at which the runner diverged on they are NaN.
    ``learning_rates``, same shape, is None where the rate is constant. ``seconds`` is the time of training alone; what
    several runners computed together is shared out evenly. ``memory`` counts the bytes of parameters, gradients and
    the optimizer's state. ``error`` tells why an optimizer or a loop could not go on, ``remark`` what else a reader of
    the race must know about it.
    """

    losses: np.ndarray
    evaluations: Sequence[Evaluation]
    diverged_at: int | None = None
    completed: int = 0  # steps made: fewer than asked for after a divergence, an error or an interruption
    interrupted: bool = False
    error: str = ""
    seconds: float = 0.0
    gradient_evaluations: int = 0
    memory: int = 0
    learning_rates: np.ndarray | None = None
    remark: str = ""

    @property
    def last(self) -> Evaluation:
        """The last evaluation."""
        return self.evaluations[-1]

    def series(self, measure: str) -> np.ndarray:
        """Return a measure such as ``test_loss`` at every evaluation, float64; NaN where it is missing."""
        return np.array([evaluation.get(measure, np.nan) for evaluation in self.evaluations], dtype=np.float64)

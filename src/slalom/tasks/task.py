"""A task: a network, its data, its loss. Named tasks and the caller's own are the same class."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from slalom.core import Examples, InputError, Metric, Splits, interrupts, one_line, quote
from slalom.tasks.chance import Chance
from slalom.tasks.datasets import Pool, pool, raised
from slalom.tasks.losses import METRICS, Wanted, as_loss, as_metrics, is_mean
from slalom.tasks.sharing import is_large, shared

WATCHED = 5_000
"""At most so many training examples are looked at for training loss and metrics; the first of the seed's order."""

UNNAMED = "task"

_SPLIT = 2**32
"""What is drawn for the split, beside the seed, so that no epoch's order (0, 1, …) is like it."""


class Task:
    """A network to be trained, its data and its loss.

    ``model`` makes the network: a function without parameters, or a class; it is called anew for every seed, after the
    global generators have been seeded. ``train`` is a tuple of tensors or arrays whose first dimension counts the
    examples: (inputs, target), or (first inputs, second inputs, target) for a network of several arguments; or one
    tensor, which is then its own target; or a map-style data set of such tuples; or a function without parameters
    that returns any of these, called when the data are needed. A data set is read once into memory: an augmentation
    by chance is therefore frozen, and whoever needs it fresh in every epoch brings a training loop instead.
    Floating data are kept as float32, integers as int64, masks as bool; uint8 is refused for inputs, so that nobody
    trains on pixels from 0 to 255 by mistake.

    ``test`` and ``validation`` are data sets of the same kind, or a number of examples or a fraction of ``train`` to
    be held out, drawn anew by every seed, or None (for ``validation`` also 0) for none.

    ``loss(outputs, target)`` is the mean over a batch; by default the cross-entropy for a target of integer classes,
    [N, classes, ...] against [N, ...], and the mean squared error for a floating one. ``metrics`` maps names to
    functions of (outputs, target), called once with all of a split; higher is better unless wrapped in
    :class:`slalom.Metric`. By default the accuracy for integer classes; ``{}`` for none. A metric or a loss that is a
    mean over examples may be declared as one, ``slalom.Metric(function, mean=True)``, and is then computed in pieces.

    ``batch_size`` and ``epochs`` are what a race takes unless told otherwise. ``reshuffle`` draws a new order for every
    epoch, ``drop_last`` leaves out the last batch where it is not full. ``optimum`` is the smallest possible training
    loss where it is known. ``channels_last`` asks for that order of memory, in which convolutions can be faster.

    ``source`` is the text from which ``find_again(source, data_dir)`` makes the task again in another process, "" where
    there is none. A task is pickled as that text, or else by its parts. Raises :class:`slalom.InputError`.
    """

    def __init__(
        self,
        model: Callable[[], Any],
        train: Any,
        test: Any = None,
        *,
        validation: Any = 0.1,
        loss: Callable[[Any, Any], Any] | Metric | None = None,
        metrics: Wanted | None = None,
        batch_size: int = 64,
        epochs: int = 10,
        reshuffle: bool = True,
        drop_last: bool = False,
        name: str = "",
        title: str = "",
        optimum: float | None = None,
        channels_last: bool = False,
    ):
        self.name = one_line(name or _name_of(model))
        self.title = one_line(title or self.name)
        self._titled = bool(title or name)
        self.model_factory = _as_factory(model, self.name)
        if train is None:
            raise InputError(f"{quote(self.name)}: train is None: a task needs examples to train on.")
        self.train, self.validation, self.test = train, validation, test
        declared = loss if isinstance(loss, Metric) else None
        self.loss_function = as_loss(loss if declared is None else declared.function, self.name)
        self._loss_is_mean = None if declared is None else declared.mean
        self._metrics = None if metrics is None else as_metrics(metrics, self.name)
        self.batch_size = _at_least_one("batch_size", batch_size, self.name)
        self.epochs = _at_least_one("epochs", epochs, self.name)
        switches = {"reshuffle": reshuffle, "drop_last": drop_last, "channels_last": channels_last}
        for label, value in switches.items():
            if not isinstance(value, bool | np.bool_):
                raise InputError(f"{quote(self.name)}: {label} must be True or False, got {quote(value)}.")
        self.reshuffle, self.drop_last, self.channels_last = map(bool, switches.values())
        self.optimum = None if optimum is None else _finite("optimum", optimum, self.name)
        for part, wanted in (("validation", validation), ("test", test)):
            _check_share(part, wanted, self.name)
        self.source = ""
        self.find_again: Callable[..., Any] | None = None
        self.data_dir: str | None = None
        self._pool: Pool | None = None

    @property
    def is_titled(self) -> bool:
        """Whether the task was given a title or a name, rather than that of its model."""
        return self._titled

    def __setattr__(self, name: str, value: Any) -> None:
        """Set it; a named task that is changed is no longer the one of that name."""
        if not name.startswith("_") and name not in ("source", "find_again", "data_dir", "name", "title"):
            self.__dict__["source"] = ""
        if name == "loss_function":
            self.__dict__["_loss_is_mean"] = None
        super().__setattr__(name, value)

    def model(self, seed: int) -> Any:
        """Return a freshly initialised ``torch.nn.Module`` in training mode; the same for the same seed.

        The global random generators are left as they were.
        """
        from torch import nn

        with Chance(seed):
            try:
                made = self.model_factory()
            except interrupts():
                raise
            except BaseException as problem:
                raise InputError(f"{quote(self.name)}: making the model raised {raised(problem)}.") from problem
            if not isinstance(made, nn.Module):
                raise InputError(
                    f"{quote(self.name)}: model made {quote(type(made).__name__)}: it must return a torch.nn.Module."
                )
            self._materialise(made)
        return made.train()

    def _materialise(self, made: Any) -> None:
        """Let modules such as ``LazyLinear`` find their shapes, before anybody asks for the parameters."""
        import torch
        from torch.nn.parameter import is_lazy

        if not any(is_lazy(tensor) for tensor in (*made.parameters(), *made.buffers())):
            return
        inputs = tuple(column[:2] for column in self.examples().inputs)
        try:
            with torch.no_grad():
                made.eval()(*inputs)
        except interrupts():
            raise
        except BaseException as problem:
            raise InputError(
                f"{quote(self.name)}: the model's lazy layers, given two examples, raised {raised(problem)}."
            ) from problem

    def examples(self) -> Examples:
        """Return all examples, on the CPU, read or generated once and then kept."""
        return self._read().examples

    def _read(self) -> Pool:
        if self._pool is None:
            given = [None if _is_share(data) else data for data in (self.validation, self.test)]
            self._pool = pool(self.train, *given, name=self.name)
        return self._pool

    def splits(self, seed: int) -> Splits:
        """Return the split of a seed. Its sizes do not depend on the seed.

        What is held out is drawn from NumPy's Philox generator; data sets that were given stay as they are.
        """
        held = self._read()
        sizes = [_size(wanted, held.train) for wanted in (self.test, self.validation)]
        rest = held.train - sum(sizes)
        if rest < 1:
            raise InputError(
                f"{quote(self.name)}: {held.train:,} examples are too few to hold out {sizes[1]:,} for validation and "
                f"{sizes[0]:,} for the test: hold out fewer, or validation=0."
            )
        order = np.random.Generator(np.random.Philox(key=[seed, _SPLIT])).permutation(held.train)
        test, validation, train = np.split(order, [sizes[0], sum(sizes)])
        given = np.arange(held.train, len(self.examples().target))
        return Splits(
            train,
            train[:WATCHED],
            _one_of(validation, given[: held.validation]),
            _one_of(test, given[held.validation :]),
        )

    def loss(self, outputs: Any, target: Any) -> Any:
        """Return the mean loss of a batch, a tensor without dimensions."""
        return self.loss_function(outputs, target)

    @property
    def loss_is_mean(self) -> bool:
        """Whether the loss of a split is the mean of its examples' losses, and may be computed in pieces."""
        if self._loss_is_mean is None:
            self._loss_is_mean = is_mean(self.loss_function, self.examples().target)
        return self._loss_is_mean

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Functions of (outputs, target) by name, the most important first; where none were given, by the target."""
        if self._metrics is None:
            classes = not self.examples().target.is_floating_point()
            self._metrics = {"accuracy": METRICS["accuracy"]} if classes else {}
        return self._metrics

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know about the data: that the randomness of a data set was frozen."""
        return self._read().notes

    def check(self, seed: int = 0, dtype: str = "float32") -> None:
        """Make the network and try a batch: forward, loss, backward, metrics. Raises InputError where that fails.

        ``dtype`` is the one in which it will be trained, ``"float32"`` or ``"float64"``.
        """
        from slalom.tasks import checks  # which imports torch

        checks.check(self, seed, dtype)

    def __reduce__(self) -> Any:
        if self.source and self.find_again is not None:
            return self.find_again, (self.source, self.data_dir)
        # What was read from data sets or functions is read again by whoever unpickles.
        return _restored, ({**self.__dict__, "_pool": None},)

    def reduced_with_data(self) -> Any:
        """Return what ``__reduce__`` returns, but with the examples where they are large and have been read.

        For who hands them over in shared memory (see :mod:`slalom.tasks.sharing`): nobody then reads them again.
        """
        make, arguments = self.__reduce__()
        columns = () if self._pool is None else (*self._pool.examples.inputs, self._pool.examples.target)
        large = [column for column in columns if is_large(column)]
        if not large or not all(map(shared, large)):
            return make, arguments
        if make is _restored:  # what was read takes the place of what it was read from
            given = {"validation": self.validation, "test": self.test}
            given = {part: data if _is_share(data) else () for part, data in given.items()}
            arguments = ({**self.__dict__, "_pool": None, "train": (), **given},)
        return _provided, (make, arguments, self._pool)

    def __repr__(self) -> str:
        return f"Task({self.name!r}, batch_size={self.batch_size}, epochs={self.epochs})"


def _restored(fields: Mapping[str, Any]) -> Task:
    task = Task.__new__(Task)
    task.__dict__.update(fields)
    return task


def _provided(make: Callable[..., Task], arguments: tuple[Any, ...], pool: Pool) -> Task:
    """Make a task again whose examples have come along; those that it has already it keeps."""
    task = make(*arguments)
    if task._pool is None:
        task._pool = pool
    return task


def _name_of(model: Any) -> str:
    name = getattr(model, "__name__", "")
    return name if name and name != "<lambda>" else UNNAMED


def _as_factory(model: Any, name: str) -> Callable[[], Any]:
    if hasattr(model, "parameters") and hasattr(model, "forward") and not isinstance(model, type):
        raise InputError(
            f"{quote(name)}: model is a network that exists already, and every seed needs a fresh one: give a function "
            "that makes it, such as `lambda: Net(10)`, or its class."
        )
    if not callable(model):
        raise InputError(f"{quote(name)}: model cannot be {quote(model)}: give a function that makes the network.")
    return model


def _at_least_one(label: str, value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InputError(f"{quote(name)}: {label} must be a whole number from 1, got {quote(value)}.")
    return int(value)


def _finite(label: str, value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise InputError(f"{quote(name)}: {label} must be a finite number, got {quote(value)}.")
    return float(value)


def _is_share(wanted: Any) -> bool:
    """Is it a number of examples, or a fraction, rather than a data set?"""
    return wanted is None or isinstance(wanted, int | float | np.number)


def _check_share(part: str, wanted: Any, name: str) -> None:
    if not _is_share(wanted) or wanted is None:
        return
    whole = isinstance(wanted, int | np.integer) and not isinstance(wanted, bool) and wanted >= 0
    if not whole and not (isinstance(wanted, float | np.floating) and 0 <= wanted < 1):
        raise InputError(
            f"{quote(name)}: {part} must be a number of examples, a fraction below 1, a data set or None, "
            f"got {quote(wanted)}."
        )


def _size(wanted: Any, examples: int) -> int:
    """Return how many examples are held out: none where a data set is given or nothing is wanted."""
    if not _is_share(wanted) or not wanted:
        return 0
    return int(wanted) if isinstance(wanted, int | np.integer) else max(1, round(wanted * examples))


def _one_of(held_out: np.ndarray, given: np.ndarray) -> np.ndarray | None:
    return held_out if len(held_out) else given if len(given) else None

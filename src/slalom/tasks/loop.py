"""A training loop of the user's own, as a course."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from slalom.core import InputError, one_line, quote
from slalom.tasks.chance import Chance

SHAPE = "a training loop is a generator function train(make_optimizer, seed) that yields metrics"


class Loop:
    """What no :class:`~slalom.tasks.Task` can describe: a generator function ``train(make_optimizer, seed)``.

    It makes its network, calls ``make_optimizer(model.parameters())``, trains, and yields a mapping from names to
    numbers at each evaluation: ``{"validation_loss": 0.3, "test_accuracy": 0.9}``. ``source`` is the text from which
    ``find_again(source)`` makes it again, "" where there is none. Raises :class:`slalom.InputError`.
    """

    find_again: Callable[..., Any] | None = None

    def __init__(self, function: Callable[..., Any], name: str = "", title: str = "", source: str = ""):
        own = getattr(function, "__name__", "loop")
        self.name = one_line(name or own)
        if not is_loop(function):
            raise InputError(f"{quote(self.name)} is not a generator function: {SHAPE}.")
        _check_parameters(function, self.name)
        self.function, self.title, self.source = function, one_line(title or own), source

    def follow(self, make_optimizer: Callable[[Any], Any], seed: int) -> Iterator[Mapping[str, float]]:
        """Run the loop, yielding the metrics of each evaluation as floats; infinities become NaN.

        The global generators are seeded before it begins, and while it does not run they are as they were. Raises
        InputError for what is not such a mapping, and where the loop ends without an evaluation; what the loop itself
        raises passes through.
        """
        chance, count, last = Chance(seed), 0, 0.0
        with chance:
            steps = iter(self.function(make_optimizer, seed))
        while True:
            with chance:
                try:
                    found = next(steps)
                except StopIteration:
                    break
            count += 1
            metrics = self._as_metrics(found)
            last = self._checked_step(metrics, last)
            yield metrics
        if not count:
            raise InputError(f"{quote(self.name)} ended without an evaluation: yield its metrics at least once.")

    def _as_metrics(self, found: Any) -> dict[str, float]:
        if not isinstance(found, Mapping) or not found:
            raise InputError(
                f'{quote(self.name)} yielded {quote(found)}: yield a mapping such as {{"validation_loss": 0.3}}.'
            )
        return {self._as_name(name): self._as_number(name, value) for name, value in found.items()}

    def _checked_step(self, metrics: Mapping[str, float], last: float) -> float:
        """Return the step of an evaluation that tells one: a whole number that never falls."""
        if not metrics.keys() - {"step", "epoch"}:
            raise InputError(
                f'{quote(self.name)} yielded no metric beside step and epoch: add one, such as "validation_loss".'
            )
        step = metrics.get("step", last)
        if not step >= last or step != int(step):
            raise InputError(
                f"{quote(self.name)} yielded step {step:g} after step {last:g}: steps are whole numbers from 0 that "
                "never fall."
            )
        return step

    def _as_name(self, name: Any) -> str:
        if not isinstance(name, str) or not name.strip():
            raise InputError(f"{quote(self.name)} yielded a metric called {quote(name)}: names are words.")
        return one_line(name)

    def _as_number(self, name: str, value: Any) -> float:
        try:
            if isinstance(value, str | bytes):
                raise TypeError
            number = float(value.detach() if hasattr(value, "detach") else value)
        except (TypeError, ValueError, RuntimeError, OverflowError):  # a tensor of several numbers, a complex one
            shape = f" of shape {list(value.shape)}" if getattr(value, "shape", None) else ""
            raise InputError(
                f"{quote(self.name)} yielded {quote(type(value).__name__)}{shape} as {quote(name)}: a metric is one "
                "real number."
            ) from None
        return number if math.isfinite(number) else math.nan

    def __repr__(self) -> str:
        return f"Loop({self.name!r})"

    def __reduce__(self) -> Any:
        if self.source and self.find_again is not None:
            return self.find_again, (self.source,)
        return Loop, (self.function, self.name, self.title)


def is_loop(function: Any) -> bool:
    """Is it a generator function, or an object whose call is one?"""
    if inspect.isgeneratorfunction(function):
        return True
    if isinstance(function, type) or not callable(function):
        return False
    return inspect.isgeneratorfunction(type(function).__call__)


def _check_parameters(function: Callable[..., Any], name: str) -> None:
    try:
        inspect.signature(function).bind(None, 0)
    except TypeError as problem:
        raise InputError(f"{quote(name)} cannot be called with two arguments ({problem}): {SHAPE}.") from None

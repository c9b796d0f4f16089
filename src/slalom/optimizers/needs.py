"""What an optimizer class asks of the loop that drives it, known for torch.optim and found by trying for the
rest.

Trying means a few steps on tiny parameters of a smooth test function. Whatever the class cannot do without
shows as an exception.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from slalom.core import Needs, begin_training, exception_text, interrupts

KNOWN: dict[str, Needs] = {
    "torch.optim.SGD": Needs(),
    "torch.optim.Adagrad": Needs(),
    "torch.optim.RMSprop": Needs(),
    "torch.optim.Adadelta": Needs(),
    "torch.optim.Adam": Needs(),
    "torch.optim.AdamW": Needs(),
    "torch.optim.Adamax": Needs(),
    "torch.optim.NAdam": Needs(),
    "torch.optim.RAdam": Needs(),
    "torch.optim.Rprop": Needs(),
    "torch.optim.ASGD": Needs(),
    "torch.optim.Adafactor": Needs(),
    "torch.optim.LBFGS": Needs(closure=True),
    "torch.optim.Muon": Needs(matrix=True),
    "torch.optim.SparseAdam": Needs(sparse=True),
    "lion_pytorch.Lion": Needs(),
}
"""By import path, so that nothing need be tried (a test holds every line against :func:`probe`)."""

FAILURES = (Exception, SystemExit, GeneratorExit)
"""What a caller's code may raise when it is tried: a path can name any function, even one that exits."""

LONGEST_COMPLAINT = 200
"""Most characters of a class's own complaint that an error repeats."""

STEPS = 3
"""Steps of a trial."""

SLOW = 2.0
"""Seconds of a trial from which a class is not tried again: it may compile at its first step."""

_START = (0.7, -1.3, 2.1, 0.4)
_CURVATURE = (1.0, 0.3, 2.0, 0.6)

Make = Callable[[Iterable[Any]], Any]


class RefusalError(Exception):
    """The class could not be driven in any way that slalom knows; the text is its own complaint."""


class _EnoughError(Exception):
    """Ends a trial whose optimizer evaluates its closure without end."""


def dummy(matrix: bool = False, dtype: str = "float64") -> Any:
    """Return a small parameter, shape [n], or [1, n] for optimizers of matrices."""
    import torch

    point = torch.tensor([_START] if matrix else _START, dtype=getattr(torch, dtype))
    return torch.nn.Parameter(point)


def grouped(parameters: Iterable[Any], needs: Needs) -> list[Any]:
    """Return what a class is given: the parameters, or one group of matrices where it takes groups."""
    return [{"params": list(parameters), "use_muon": True}] if needs.muon_groups else list(parameters)


def dummies(needs: Needs) -> list[Any]:
    """Return what a class is given when it is tried."""
    return grouped([dummy(needs.matrix)], needs)


def probe(make: Make) -> Needs:
    """Find out by trying what ``make``'s optimizers ask of a loop. Raises :class:`RefusalError`."""
    complaints: list[BaseException] = []
    for shape in _SHAPES:
        for closure, create_graph, sparse in _WAYS:
            needs = replace(shape, closure=closure, create_graph=create_graph, sparse=sparse)
            try:
                made = make(dummies(needs))
            except interrupts():
                raise
            except BaseException as complaint:
                complaints.append(complaint)
                break  # it cannot be made of such parameters
            try:
                trial(make, needs)
            except RefusalError as complaint:
                complaints.append(complaint)
                continue
            return replace(needs, modes=_has_modes(made))
    first = complaints[0]
    raise first if isinstance(first, RefusalError) else RefusalError(words(first)) from first


_KNOWN_BY_TRYING: dict[Any, tuple[Needs, float]] = {}


def probe_once(key: Any, make: Make) -> Needs:
    """Return what :func:`probe` finds for the class and options of ``key``; it is tried once in a process."""
    if key not in _KNOWN_BY_TRYING:
        began = time.perf_counter()
        needs = probe(make)
        if len(_KNOWN_BY_TRYING) >= 256:
            _KNOWN_BY_TRYING.clear()
        _KNOWN_BY_TRYING[key] = needs, time.perf_counter() - began
    return _KNOWN_BY_TRYING[key][0]


def is_slow(factory: Any) -> bool:
    """Whether trying ``factory`` took so long that it is not to be tried again."""
    return any(key[0] is factory and seconds > SLOW for key, (_, seconds) in _KNOWN_BY_TRYING.items())


# The shapes of parameters: vectors, matrices, matrices in groups for which Muon is switched on.
_SHAPES = (Needs(), Needs(matrix=True), Needs(matrix=True, muon_groups=True))

# (closure, create_graph, sparse): the plain loop first, then what is dearer
_WAYS = (
    (False, False, False),
    (True, False, False),
    (False, True, False),
    (True, True, False),
    (False, False, True),
)


def trial(make: Make, needs: Needs) -> None:
    """Make a few steps, for the values that a class only looks at then. Raises :class:`RefusalError`."""
    complaints: list[BaseException] = []
    for dtype in ("float64", "float32"):  # some work in single precision only, as networks do
        try:
            _travel(make, needs, dtype)
        except interrupts():
            raise
        except BaseException as complaint:
            complaints.append(complaint)
        else:
            return
    raise RefusalError(words(complaints[0])) from complaints[0]


def words(complaint: BaseException) -> str:
    """Return an exception's text on one line; of a bare ``assert``, which has none, its condition."""
    text = exception_text(complaint)
    if not isinstance(complaint, Exception):  # the text of SystemExit is a number
        text = f"{type(complaint).__name__}: {text}" if text else type(complaint).__name__
    if len(text) > LONGEST_COMPLAINT:
        return text[: LONGEST_COMPLAINT - 1] + "…"
    if text:
        return text.rstrip(".")
    import traceback

    last = traceback.extract_tb(complaint.__traceback__)[-1:]
    line = (last[0].line or "") if last else ""
    return line.removeprefix("assert ").rstrip(".") if line.startswith("assert ") else type(complaint).__name__


def _has_modes(optimizer: Any) -> bool:
    return callable(getattr(optimizer, "train", None)) and callable(getattr(optimizer, "eval", None))


def _travel(make: Make, needs: Needs, dtype: str) -> None:
    """Make a few steps on Σ c·x²/2 + x⁴/20, driven as ``needs`` says."""
    import torch

    parameter = dummy(needs.matrix, dtype=dtype)
    optimizer = make(grouped([parameter], needs))
    if _has_modes(optimizer):
        begin_training(optimizer)
    factors = torch.tensor(_CURVATURE, dtype=parameter.dtype)
    evaluations = 0

    def closure() -> Any:
        nonlocal evaluations
        evaluations += 1
        if evaluations > 1000:
            raise _EnoughError
        parameter.grad = None
        loss = (factors * parameter**2 / 2 + parameter**4 / 20).sum()
        if needs.create_graph:
            (parameter.grad,) = torch.autograd.grad(loss, parameter, create_graph=True)
        else:
            loss.backward()
        if needs.sparse:
            parameter.grad = parameter.grad.to_sparse()
        return loss

    with torch.enable_grad():
        for _ in range(STEPS):
            try:
                if needs.closure:
                    optimizer.step(torch.enable_grad()(closure))
                    if not evaluations:  # it had no gradient, and did nothing
                        raise RefusalError("step() does not call its closure")
                else:
                    closure()
                    optimizer.step()
            except _EnoughError:
                break

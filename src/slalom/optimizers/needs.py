"""What an optimizer class asks of the loop that drives it, known for torch.optim and found by trying for the
rest.

Trying means a few steps on tiny parameters of a smooth test function. Whatever the class cannot do without
shows as an exception; whether it mixes coordinates shows when the joint step differs from separate ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from slalom.core import Needs, exception_text

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
    "torch.optim.Adafactor": Needs(one_each=True),  # scales by norms of the parameter and of the update
    "torch.optim.LBFGS": Needs(closure=True, one_each=True),
    "torch.optim.Muon": Needs(one_each=True, matrix=True),
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

LATE = 60
"""Steps after which coordinates are compared again: some optimizers estimate a common scale that moves only later."""

_START = (0.7, -1.3, 2.1, 0.4)
_CURVATURE = (1.0, 0.3, 2.0, 0.6)

Make = Callable[[Iterable[Any]], Any]


class RefusalError(Exception):
    """The class could not be driven in any way that slalom knows; the text is its own complaint."""


class _EnoughError(Exception):
    """Ends a trial whose optimizer evaluates its closure without end."""


def dummy(matrix: bool = False, values: tuple[float, ...] = _START) -> Any:
    """Return a small float64 parameter with ``values``, shape [n], or [1, n] for optimizers of matrices."""
    import torch

    point = torch.tensor([values] if matrix else values, dtype=torch.float64)
    return torch.nn.Parameter(point)


def probe(make: Make) -> Needs:
    """Find out by trying what ``make``'s optimizers ask of a loop. Raises :class:`RefusalError`."""
    import torch

    with torch.random.fork_rng(devices=[]):  # some optimizers draw random numbers
        matrix = _wants_matrix(make)
        complaints: list[BaseException] = []
        for closure, create_graph, sparse in _WAYS:
            needs = Needs(closure=closure, create_graph=create_graph, sparse=sparse, matrix=matrix)
            try:
                _travel(make, needs, _START)
            except FAILURES as complaint:
                complaints.append(complaint)
                continue
            mixes = _mixes(make, needs, STEPS) or _mixes(make, needs, LATE)
            return Needs(closure, mixes, matrix, sparse, create_graph, _has_modes(make([dummy(matrix)])))
        raise RefusalError(words(complaints[0])) from complaints[0]


def _mixes(make: Make, needs: Needs, steps: int) -> bool:
    """Whether coordinates that travel together end elsewhere than each by itself."""
    joint = _travel(make, needs, _START, steps=steps)
    alone = [_travel(make, needs, (x,), (c,), steps)[0] for x, c in zip(_START, _CURVATURE, strict=True)]
    return any(abs(a - b) > 1e-9 * max(abs(a), abs(b)) for a, b in zip(joint, alone, strict=True))


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
    try:
        _travel(make, needs, _START)
    except FAILURES as complaint:
        raise RefusalError(words(complaint)) from complaint


def words(complaint: BaseException) -> str:
    """Return an exception's text on one line; of a bare ``assert``, which has none, its condition."""
    text = exception_text(complaint)
    if len(text) > LONGEST_COMPLAINT:
        return text[: LONGEST_COMPLAINT - 1] + "…"
    if text:
        return text.rstrip(".")
    import traceback

    last = traceback.extract_tb(complaint.__traceback__)[-1:]
    line = (last[0].line or "") if last else ""
    return line.removeprefix("assert ").rstrip(".") if line.startswith("assert ") else type(complaint).__name__


def _wants_matrix(make: Make) -> bool:
    try:
        make([dummy()])
    except FAILURES as complaint:
        try:
            make([dummy(matrix=True)])
        except FAILURES:
            raise RefusalError(words(complaint)) from complaint
        return True
    return False


def _has_modes(optimizer: Any) -> bool:
    return callable(getattr(optimizer, "train", None)) and callable(getattr(optimizer, "eval", None))


def _travel(
    make: Make,
    needs: Needs,
    start: tuple[float, ...],
    curvature: tuple[float, ...] = _CURVATURE,
    steps: int = STEPS,
) -> list[float]:
    """Return where a few steps lead on Σ c·x²/2 + x⁴/20, driven as ``needs`` says."""
    import torch

    parameter = dummy(needs.matrix, start)
    optimizer = make([parameter])
    if _has_modes(optimizer):
        optimizer.train()
    factors = torch.tensor(curvature, dtype=torch.float64)
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
        for _ in range(steps):
            try:
                if needs.closure:
                    optimizer.step(closure)
                else:
                    closure()
                    optimizer.step()
            except _EnoughError:
                break
    return [float(x) for x in parameter.detach().flatten()]

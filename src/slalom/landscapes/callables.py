"""A Python function on tensors as a landscape: how it wants its coordinates, and what it can bear."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from slalom.core import InputError, describe_exception, exception_text, interrupts, quote
from slalom.core.course import Point

_TRIAL_POINTS = 17  # more than a vector register holds, so that both the vectorised loop and its tail are tried


@dataclass(frozen=True)
class Called:
    """A user's function, called with one tensor per coordinate whatever its own convention is.

    ``layout`` is None for f(x, y, …); for f(point) it is the axis on which the coordinates are stacked.
    """

    function: Callable[..., Any]
    layout: int | None
    elementwise: bool = False
    remark: str = ""

    def __call__(self, *coordinates: Any) -> Any:
        if self.layout is None:
            return self.function(*coordinates)
        import torch

        value = self.function(torch.stack(coordinates, dim=self.layout))
        # f(point) of one coordinate may well return its own shape: lambda x: x**2.
        return value.squeeze(self.layout) if len(coordinates) == 1 and value.dim() > coordinates[0].dim() else value

    def values(self, columns: np.ndarray) -> np.ndarray:
        """Return the float64 values, shape [K], at K points given as ``columns``, shape [dim, K]."""
        import torch

        with torch.no_grad():
            tensor = torch.tensor(columns, dtype=torch.float64)
            if self.elementwise:
                return self(*tensor).to(torch.float64).numpy()
            return np.array([float(self(*point.unbind())) for point in tensor.T])


def expected_dim(function: Callable[..., Any], name: str) -> int:
    """Return how many coordinates the function's parameters ask for; 0 where they leave it open."""
    if isinstance(function, Called):
        return expected_dim(function.function, name)
    required, variadic, keywords = _parameters(function)
    if keywords:
        raise InputError(f"{quote(name)} needs the keyword {quote(keywords[0])}: give it a default value.")
    if required == 0 and not variadic:
        raise InputError(f"{quote(name)} takes no coordinates: a landscape is a function f(x, y) or f(point).")
    return required if required > 1 and not variadic else 0


def _parameters(function: Callable[..., Any]) -> tuple[int, bool, list[str]]:
    """Return how many parameters it needs, whether it takes any number, which keywords it needs."""
    try:
        # A torch module's own __call__ hides what its forward takes.
        signature = inspect.signature(getattr(function, "forward", function))
    except (TypeError, ValueError):  # functions written in C seldom tell
        return 0, True, []
    parameters = signature.parameters.values()
    needed = [parameter for parameter in parameters if parameter.default is parameter.empty]
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [parameter for parameter in needed if parameter.kind in positional]
    optional = [p for p in parameters if p.kind in positional and p not in needed]
    variadic = any(parameter.kind is inspect.Parameter.VAR_POSITIONAL for parameter in parameters)
    keywords = [parameter.name for parameter in needed if parameter.kind is inspect.Parameter.KEYWORD_ONLY]
    # f(point=…) has one parameter too.
    return (len(required) or min(len(optional), 1)), variadic, keywords


def adopt(function: Callable[..., Any], name: str, start: Point) -> Called:
    """Return ``function`` ready for an engine; raise InputError where it cannot be descended."""
    if isinstance(function, Called):
        return function
    wanted = expected_dim(function, name)
    if wanted and wanted != len(start):
        raise InputError(f"{quote(name)} takes {wanted} coordinates, but the start has {len(start)}.")
    required, variadic, _ = _parameters(function)
    called = Called(function, None if variadic or required > 1 else 0)
    with _same_random_numbers():
        _check_scalar(called, name, start)
        return _try_many(called, start)


def _check_scalar(called: Called, name: str, start: Point) -> None:
    """Call the function once as the plain loop does."""
    import torch

    label = quote(name)
    where = "(" + ", ".join(f"{coordinate:.6g}" for coordinate in start[:4]) + (", …)" if len(start) > 4 else ")")
    point = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    try:
        with warnings.catch_warnings():
            # math.sin(x) goes on with a plain number and would silently lose its part of the gradient.
            warnings.filterwarnings("error", "Converting a tensor with requires_grad")
            value = called(*point.unbind())
    except UserWarning as problem:
        if "requires_grad" not in str(problem):
            raise
        raise InputError(f"{label} turns a coordinate into a plain number: compute with torch only.") from problem
    except interrupts():
        raise
    except BaseException as problem:
        text = quote(describe_exception(problem, 200), 200)
        hint = " (the coordinates are float64)" if "dtype" in exception_text(problem) else ""
        raise InputError(f"{label} cannot be evaluated at {where}: it raised {text}{hint}.") from problem
    if not isinstance(value, torch.Tensor):
        raise InputError(f"{label} must return a tensor, got {quote(type(value).__name__)}: compute with torch only.")
    if value.numel() != 1 or value.dim() > 0:
        shape = list(value.shape)
        raise InputError(f"{label} must return one number, got a tensor of shape {shape}: sum it, for instance.")
    if not value.dtype.is_floating_point:
        raise InputError(f"{label} must return a real number, got the type {quote(value.dtype)}.")
    if not math.isfinite(float(value.detach())):
        raise InputError(f"{label} is {float(value.detach())} at the start {where}: start where its value is finite.")
    try:
        gradient = torch.autograd.grad(value, point, allow_unused=True)[0] if value.requires_grad else None
    except RuntimeError as problem:
        raise InputError(f"{label} cannot be differentiated: {quote(exception_text(problem), 160)}.") from problem
    if gradient is None:
        raise InputError(
            f"{label} has no gradient: its value must come from its coordinates by differentiable torch "
            "operations (no .item(), .detach() or NumPy)."
        )


def _try_many(called: Called, start: Point) -> Called:
    """Find out whether many points can be evaluated in one call, with the same bits as one by one."""
    import torch

    count = _TRIAL_POINTS + (len(start) == _TRIAL_POINTS)  # never as many points as coordinates
    spread = np.random.default_rng(0).normal(size=(count, len(start)))
    spread[0] = 0.0
    points = torch.tensor(np.asarray(start) + spread * (1 + np.abs(start)) / 4, dtype=torch.float64)
    try:
        with _same_random_numbers():
            single = [_value_and_gradient(called, point) for point in points]
    except interrupts():
        raise
    except BaseException as problem:
        return replace(called, remark=f"it raised {type(problem).__name__} at a point near the start")
    reasons = []
    for layout in (None,) if called.layout is None else (0, -1):
        candidate = replace(called, layout=layout, elementwise=True)
        reason = _differs(candidate, points, single)
        if not reason:
            return candidate
        reasons.append(reason)
    return replace(called, remark=reasons[0])


def _differs(called: Called, points: Any, single: list[tuple[Any, Any]]) -> str:
    """Return why one call on all points is not the same as a call on each; "" where it is."""
    import torch

    try:
        with _same_random_numbers():
            values, gradients = _value_and_gradient(called, points)
    except interrupts():
        raise
    except BaseException as problem:
        return f"called on many points at once it raised {type(problem).__name__}"
    if values.shape != points.shape[:1]:
        return f"called on {len(points)} points at once it returned the shape {list(values.shape)}"
    same = torch.equal(values.nan_to_num(), torch.stack([value for value, _ in single]).nan_to_num())
    same &= torch.equal(gradients.nan_to_num(), torch.stack([gradient for _, gradient in single]).nan_to_num())
    return "" if same else "called on many points at once it returned other numbers than one by one"


def _value_and_gradient(called: Called, points: Any) -> tuple[Any, Any]:
    import torch

    points = points.clone().requires_grad_()
    value = called(*points.unbind(-1))
    return value.detach(), torch.autograd.grad(value.sum(), points)[0]


@contextmanager
def _same_random_numbers() -> Iterator[None]:
    """Leave torch's generator as it was: a trial must not change what a seeded program draws later."""
    import torch

    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(state)

"""Gradients of a landscape: exactly autograd's, as cheaply as the landscape allows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import torch

from slalom.core import Landscape
from slalom.formula.compiled import RecordedFunction, compile_function
from slalom.formula.program import Layout

GROUP = 65_536
"""Points evaluated together."""

Gradient: TypeAlias = Callable[[torch.Tensor, torch.Tensor], None]
"""``gradient(points, out)``: both of shape [runners, dim]."""


def exact_gradient(landscape: Landscape, starts: torch.Tensor) -> Gradient:
    """Return the cheapest gradient that equals the plain loop's bit for bit at ``starts`` [R, D] and other points.

    Tried in this order: the closed form derived from the formula, autograd over all runners at once, autograd point by
    point (which is what the plain loop does).
    """
    if landscape.traceable and not _rounds_alike(landscape):
        return _point_by_point(landscape)
    probes = _probe_points(landscape, starts, 24 if landscape.traceable else 400)
    reference = torch.empty_like(probes)
    _point_by_point(landscape)(probes, reference)
    with np.errstate(all="ignore"):  # a probe may lie where there is no gradient
        for candidate in (_closed_form(landscape, starts), _all_at_once(landscape)):
            if candidate is None:
                continue
            if all(_agrees(candidate(count), probes, reference, count) for count in {len(starts), 1}):
                return candidate(len(starts))
    return _point_by_point(landscape)


def _rounds_alike(landscape: Landscape) -> bool:
    """Whether torch computes every operation of the formula to the same bits for one number and for many.

    It does not for sinh and cosh, nor for powers other than squares, cubes, roots and reciprocals (measured: between 1
    and 25 % of values differ in the last bit), which a few probes may miss.
    """
    try:
        recorded = RecordedFunction.of(landscape.function, landscape.dim)
    except (NotImplementedError, TypeError, RecursionError):
        return True  # then the probes must tell
    return not any(
        node.operation in ("sinh", "cosh")
        or (node.operation == "power" and node.arguments[1] not in (1, 2, 3, 0.5, -1))
        for node in recorded.variables[0].graph.nodes
    )


def _probe_points(landscape: Landscape, starts: torch.Tensor, count: int = 24) -> torch.Tensor:
    """Return a few starts and ``count`` points spread over the domain and far closer in, shape [M, D]."""
    low, high = np.array(landscape.domain, dtype=float).T
    drawn = np.random.default_rng(20).uniform(low, high, (count, landscape.dim))
    drawn[count // 2 :] *= 10.0 ** -np.arange(count - count // 2)[:, None]
    return torch.cat([starts[:8], torch.from_numpy(drawn).to(starts)])


def _agrees(gradient: Gradient, probes: torch.Tensor, reference: torch.Tensor, count: int) -> bool:
    """Whether ``gradient``, made for ``count`` runners, gives the reference's very bits."""
    out = torch.empty((count, probes.shape[1]), dtype=probes.dtype, device=probes.device)
    for low in range(0, len(probes), count):
        index = torch.arange(low, low + count, device=probes.device) % len(probes)
        gradient(probes[index].contiguous(), out)
        if not torch.equal(out.nan_to_num(nan=0.5), reference[index].nan_to_num(nan=0.5)):
            return False
    return True


def _closed_form(landscape: Landscape, like: torch.Tensor) -> Callable[[int], Gradient] | None:
    """Return a maker of the derivative of the recorded formula, or None where it cannot be recorded."""
    if not landscape.traceable:
        return None
    try:
        recorded = RecordedFunction.of(landscape.function, landscape.dim)
    except (NotImplementedError, TypeError, RecursionError):
        return None

    def make(runners: int) -> Gradient:
        alike = recorded.alike
        if alike is not None:
            # One function for every coordinate: it sweeps the points as they lie, [runners, dim].
            layout = Layout(runners, landscape.dim, like.dtype, str(like.device))
            return compile_function([alike], recorded.variables[:1], layout, fused=False, full=True)
        layout = Layout(landscape.dim, runners, like.dtype, str(like.device))
        program = compile_function(recorded.gradient, recorded.variables, layout, fused=False)
        out_rows = layout.empty(full=True)
        rows = out_rows.unbind(0)

        def gradient(points: torch.Tensor, out: torch.Tensor) -> None:
            program(*points.t().contiguous().unbind(0), *rows)
            out.copy_(out_rows.t())

        return gradient

    return make


def _all_at_once(landscape: Landscape) -> Callable[[int], Gradient] | None:
    """Return a maker of one autograd pass over all runners, or None where the function takes one point at a time."""
    if not landscape.elementwise:
        return None

    def gradient(points: torch.Tensor, out: torch.Tensor) -> None:
        out.copy_(autograd_gradient(landscape, points.t().contiguous()).t())

    return lambda count: gradient


def _point_by_point(landscape: Landscape) -> Gradient:
    """The plain loop's gradient: one point, one backward."""

    def gradient(points: torch.Tensor, out: torch.Tensor) -> None:
        for index, point in enumerate(points):
            leaf = point.detach().clone().requires_grad_()
            with torch.enable_grad():
                landscape.function(*leaf.unbind()).backward()
            assert leaf.grad is not None
            out[index] = leaf.grad

    return gradient


def autograd_gradient(landscape: Landscape, points: torch.Tensor) -> torch.Tensor:
    """Return the gradient at ``points`` [D, M] as [D, M]; every coordinate is one contiguous row."""
    rows = [row.detach().requires_grad_() for row in points]
    with torch.enable_grad():
        total = function_over(landscape)(*rows).sum()
        gradients = torch.autograd.grad(total, rows, allow_unused=True)
    zero = torch.zeros_like(points[0])
    return torch.stack([zero if gradient is None else gradient for gradient in gradients])


def function_over(landscape: Landscape) -> Callable[..., Any]:
    """Return the landscape's function for rows of coordinates, calling it point by point where it must be."""
    if landscape.elementwise:
        return landscape.function

    def one_by_one(*rows: torch.Tensor) -> torch.Tensor:
        return torch.stack([landscape.function(*point) for point in zip(*rows, strict=True)])

    return one_by_one


def gradient_norms(landscape: Landscape, paths: np.ndarray) -> np.ndarray:
    """Return the Euclidean norm of the gradient at every point of ``paths`` [..., D], shape [...]."""
    points = np.ascontiguousarray(paths.reshape(-1, paths.shape[-1]).T, dtype=np.float64)
    norms = np.empty(points.shape[1])
    for low in range(0, points.shape[1], GROUP):
        group = torch.from_numpy(points[:, low : low + GROUP])
        norms[low : low + GROUP] = autograd_gradient(landscape, group).norm(dim=0).numpy()
    return norms.reshape(paths.shape[:-1])

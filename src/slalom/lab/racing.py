"""``slalom.race``: many runners down one course."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from slalom import __version__, landscapes
from slalom.core import InputError, Landscape, Noise, Optimizer, Progress, Runner, quote
from slalom.core.course import Point
from slalom.lab.checks import (
    check_choice,
    check_count,
    check_device,
    check_memory,
    check_noise,
    check_seed,
)
from slalom.lab.record import Race
from slalom.optimizers import CLASSICS, labels, parse_all

STEPS = 500
"""Steps of a race on a landscape unless asked for otherwise."""

ENGINES = ("auto", "solo", "field", "fleet")
DTYPES = ("float64", "float32")

SMALL = 200_000
"""Coordinates up to which a race's losses are computed at once; those of larger ones wait until they are asked for."""

MANY = 10_000
"""``auto`` leaves the real classes for their update rules beyond this many runners."""


def race(
    course: Any,
    optimizers: Any = None,
    *,
    start: Sequence[float] | None = None,
    starts: Sequence[Sequence[float]] | int | None = None,
    steps: int = STEPS,
    seeds: int = 1,
    seed: int = 0,
    noise: float = 0.0,
    dtype: str = "float64",
    engine: str = "auto",
    device: str = "cpu",
    progress: Progress | None = None,
) -> Race:
    """Move optimizers down a landscape together and return the record of it.

    ``course`` is a catalogue name, an expression such as ``"x**2 + 10*y**2"``, ``"file.py:name"``, a callable on
    tensors or a :class:`slalom.Landscape`. ``optimizers`` are specs such as ``"adam:lr=0.1"``, optimizer classes,
    partials or callables taking parameters; without any, the six classics at their defaults. ``starts`` is a list of
    points, or a number of points to draw in the domain. Seeds count from ``seed``; they matter where there is
    ``noise`` (the standard deviation of what is added to every gradient) or where starts are drawn.

    Raises :class:`slalom.InputError` (a ``ValueError``), in one sentence, for anything that cannot be raced.
    """
    check_conditions(steps, seeds, seed, noise, dtype, engine)
    starts = listed(starts)
    first = start if start is not None else _first(starts)
    landscape = landscapes.find(course, start=first)
    field = parse_all(CLASSICS if optimizers is None else optimizers)
    points = choose_starts(landscape, start, starts, seed, each=len(field) * seeds, steps=steps)
    check_memory(len(field) * len(points) * seeds, steps, landscape.dim)
    runners = enlist(field, points, seed, seeds)
    check_device(device)
    return run(landscape, runners, steps, Noise(float(noise)), dtype, engine, device, progress)


def check_conditions(steps: int, seeds: int, seed: int, noise: float, dtype: str, engine: str) -> None:
    """Refuse conditions under which nothing can run, in a race and a sweep alike."""
    check_count("steps", steps)
    check_count("seeds", seeds)
    check_seed(seed, seeds)
    check_noise(noise)
    check_choice("dtype", dtype, DTYPES)
    check_choice("engine", engine, ENGINES)


def enlist(optimizers: Sequence[Any], points: Sequence[Point], seed: int, seeds: int) -> list[Runner]:
    """Return the runners in the order optimizer, start, seed."""
    return [
        Runner(optimizer, run_seed, point, index, name)
        for optimizer, name in zip(optimizers, labels(optimizers), strict=True)
        for index, point in enumerate(points)
        for run_seed in range(seed, seed + seeds)
    ]


def run(
    landscape: Landscape,
    runners: Sequence[Runner],
    steps: int,
    noise: Noise,
    dtype: str,
    engine: str,
    device: str,
    progress: Progress | None = None,
) -> Race:
    """Move ``runners`` with the engine asked for, and keep the record."""
    import torch

    from slalom import engines

    if engine == "auto":
        ruled = all(is_moved_by_rule(runner.optimizer) for runner in runners)
        engine = "fleet" if len(runners) > MANY and ruled and landscape.elementwise else "field"
    # A caller may stand inside no_grad or inference_mode; a race needs gradients all the same.
    with (
        blaming(landscape, [runner.optimizer for runner in runners]),
        torch.inference_mode(mode=False),
        torch.enable_grad(),
    ):
        trajectories = getattr(engines, engine)(
            landscape, runners, steps, noise=noise, dtype=getattr(torch, dtype), device=device, progress=progress
        )
    kept = range(len(trajectories.paths)) if trajectories.kept is None else trajectories.kept
    race = Race(
        course=landscape,
        runners=[runners[index] for index in kept],
        steps=trajectories.completed,
        engine=engine,
        trajectories=trajectories,
        noise_model=noise,
        dtype=dtype,
        device=device,
        versions=versions(),
        notes=trajectories.remarks,
    )
    if race.paths.size <= SMALL:
        with blaming(landscape, []):
            race.losses  # noqa: B018  looks for losses that are not finite, and ends their paths there
    return race


def is_moved_by_rule(optimizer: Optimizer) -> bool:
    """Whether the fleet can move an optimizer: it has an update rule, and its learning rate stays as it is."""
    return optimizer.rule is not None and not optimizer.schedule and not optimizer.sorts


@contextmanager
def blaming(landscape: Landscape, optimizers: Sequence[Any]) -> Iterator[None]:
    """Turn what an optimizer or a caller's function raises during a race into an InputError that names it."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        specs = list(dict.fromkeys(optimizer.spec for optimizer in optimizers))
        torchs = {o.spec for o in optimizers if getattr(o, "path", "").startswith("torch.optim.")}
        strangers = [spec for spec in specs if spec not in torchs] + [landscape.name] * (not landscape.traceable)
        if not strangers and _is_ours(error):
            raise
        told = quote(f"{type(error).__name__}: {error}", limit=200)
        raise InputError(f"{quote(', '.join(strangers or specs))} failed during the race with {told}.") from error


def _is_ours(error: Exception) -> bool:
    """Whether an error was raised in slalom's own code."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    file = trace.tb_frame.f_code.co_filename if trace is not None else ""
    return file.startswith((str(Path(__file__).parents[1]), "<slalom"))


def listed(starts: Any) -> list[Any] | int | None:
    """Return ``starts`` as a number, a list of points, or None."""
    if starts is None or isinstance(starts, bool):
        return starts
    if isinstance(starts, Integral):
        return int(starts)
    try:
        if isinstance(starts, str | bytes | dict | set):
            raise TypeError
        return list(starts)
    except TypeError:
        raise InputError(
            f"starts {quote(starts)}: give a list of points, or a whole number of points to draw."
        ) from None


def _first(starts: Sequence[Sequence[float]] | int | None) -> Sequence[float] | None:
    """The first of several starts given, from which a callable's dimension is read."""
    return starts[0] if starts is not None and not isinstance(starts, int) and len(starts) else None


def choose_starts(
    landscape: Landscape,
    start: Sequence[float] | None,
    starts: Sequence[Sequence[float]] | int | None,
    seed: int,
    *,
    each: int = 1,
    steps: int = 0,
) -> list[Point]:
    """Return the starting points: the one given, those given, those drawn, or the customary one.

    From each start ``each`` runners will make ``steps`` steps; whether their paths fit is checked before any is drawn.
    """
    if start is not None and starts is not None:
        raise InputError("`start` and `starts` were both given: give one point, or a list or number of them.")
    if starts is None:
        chosen = [landscape.starts[0] if start is None else start]
    elif isinstance(starts, int):
        check_count("starts", starts)
        check_memory(starts * each, steps, landscape.dim)
        low, high = np.array(landscape.domain, dtype=float).T
        drawn = np.random.default_rng(seed).uniform(low, high, (starts, landscape.dim))
        return [tuple(point) for point in drawn.tolist()]
    else:
        chosen = list(starts)
        if not chosen:
            raise InputError("`starts` is an empty list: give at least one point, or a number of points to draw.")
    return landscapes.check_starts(landscape, chosen)


def versions() -> dict[str, str]:
    """What a result depends on beside what was asked for."""
    import torch

    return {"slalom": __version__, "torch": str(torch.__version__), "python": platform.python_version()}

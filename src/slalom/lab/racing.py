"""``slalom.race``: many runners down one course."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np

from slalom import landscapes
from slalom.core import InputError, Landscape, Noise, Optimizer, Progress, Runner, describe_exception, interrupts, quote
from slalom.core.course import Point
from slalom.lab import courses, training
from slalom.lab.checks import (
    check_choice,
    check_count,
    check_device,
    check_directions,
    check_memory,
    check_noise,
    check_seed,
)
from slalom.lab.guarding import Guard
from slalom.lab.record import Race
from slalom.lab.versions import versions
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
    steps: int | None = None,
    epochs: int | None = None,
    seeds: int | None = None,
    seed: int = 0,
    noise: float = 0.0,
    evaluate_every: int | None = None,
    dtype: str | None = None,
    precision: str = "fp32",
    engine: str = "auto",
    device: str = "cpu",
    workers: int | None = None,
    data_dir: Any = None,
    progress: Progress | None = None,
) -> Any:
    """Race optimizers on a course together and return the record: a :class:`Race`, or a :class:`TaskRace`.

    ``course`` is a landscape: a catalogue name, an expression such as ``"x**2 + 10*y**2"``, ``"file.py:name"``, a
    callable on tensors or a :class:`slalom.Landscape`. Or it is a task: a catalogue name such as ``"digits-mlp"``, a
    :class:`slalom.Task`, ``"file.py:name"``, or a training loop of your own, a generator function
    ``train(make_optimizer, seed)``. ``optimizers`` are specs such as ``"adam:lr=0.1"``, optimizer classes, partials or
    callables taking parameters; without any, the six classics at their defaults. Seeds count from ``seed``.

    On a landscape the race lasts ``steps`` (500) from ``start``, or from ``starts``: a list of points, or a number of
    points to draw in the domain. Seeds matter where there is ``noise`` (the standard deviation of what is added to
    every gradient) or where starts are drawn. The dtype is float64 unless asked for otherwise.

    On a task it lasts ``epochs``, or ``steps``, or what the task says, is evaluated at every epoch or after every
    ``evaluate_every`` steps, in ``dtype`` float32, with ``precision`` "fp32" or "bf16"; each seed has its own
    initialisation and order of batches, shared by all optimizers. ``workers`` processes compute it (as many as there
    are cores, where it takes longer than some seconds). ``data_dir`` is where the files of an image set lie.

    Raises :class:`slalom.InputError` (a ``ValueError``), in one sentence, for anything that cannot be raced.
    """
    starts, seeds = listed(starts), 1 if seeds is None else seeds
    first = start if start is not None else _first(starts)
    guard = Guard(workers)
    guard.look_at(course, data_dir, first)
    found: Any = courses.find(course, data_dir, start=first)
    terms: dict[str, Any] = {"steps": steps, "epochs": epochs, "evaluate_every": evaluate_every, "dtype": dtype}
    given = {"start": start, "starts": starts, "data_dir": data_dir, "workers": workers, **terms}
    given |= changed(noise=(noise, 0.0), precision=(precision, "fp32"), engine=(engine, "auto"), device=(device, "cpu"))
    courses.refuse_unused(found, given)
    if courses.is_landscape(found):
        length, precise = STEPS if steps is None else steps, dtype or "float64"
        return _on_landscape(
            found, optimizers, start, starts, length, seeds, seed, noise, precise, engine, device, progress
        )
    training.check_terms(seeds, seed, engine, workers)
    field = guard.parse_all(optimizers)
    check_directions(field)
    counted = range(seed, seed + seeds)
    if courses.is_loop(found):
        return training.race_through_loop(found, field, counted, workers=workers, progress=progress)
    conditions = training.conditions(found, seed, **terms, precision=precision, device=device)
    return training.race_on_task(found, field, conditions, counted, engine=engine, workers=workers, progress=progress)


def changed(**pairs: tuple[Any, Any]) -> dict[str, Any]:
    """Return, of (value, default) by name, the values that differ."""
    return {name: value for name, (value, default) in pairs.items() if value != default}


def _on_landscape(
    landscape: Landscape,
    optimizers: Any,
    start: Sequence[float] | None,
    starts: Any,
    steps: int,
    seeds: int,
    seed: int,
    noise: float,
    dtype: str,
    engine: str,
    device: str,
    progress: Progress | None,
) -> Race:
    """Check, choose starts, enlist and run: the arguments are those of :func:`race`."""
    check_conditions(steps, seeds, seed, noise, dtype, engine)
    field = parse_all(CLASSICS if optimizers is None else optimizers)
    check_directions(field)
    points = choose_starts(landscape, start, starts, seed, each=len(field) * seeds, steps=steps)
    check_memory(len(field) * len(points) * seeds, steps, landscape.dim)
    runners = enlist(field, points, seed, seeds)
    check_device(device)
    race = run(landscape, runners, steps, Noise(float(noise)), dtype, engine, device, progress)
    refuse_if_all_failed([runner.optimizer.spec for runner in runners], race.trajectories.errors.values())
    return race


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
    kept_runners = [runners[index] for index in kept]
    specs = [runner.optimizer.spec for runner in kept_runners]
    race = Race(
        course=landscape,
        runners=kept_runners,
        steps=trajectories.completed,
        engine=engine,
        trajectories=trajectories,
        noise_model=noise,
        dtype=dtype,
        device=device,
        versions=versions(),
        notes=(
            *failures(specs, trajectories.errors),
            *trajectories.remarks,
        ),
    )
    if race.paths.size <= SMALL:
        with blaming(landscape, []):
            race.losses  # noqa: B018  looks for losses that are not finite, and ends their paths there
    return race


def refuse_if_all_failed(specs: Sequence[str], errors: Collection[str]) -> None:
    """Raise InputError where no run, of which ``specs`` names the optimizers, was left."""
    if errors and len(errors) == len(specs):
        told = next(iter(errors))
        raise InputError(
            f"{quote(', '.join(dict.fromkeys(specs)))} failed during the race with {quote(told, limit=200)}."
        )


def failures(specs: Sequence[str], errors: Mapping[int, str]) -> list[str]:
    """Return what made runs, of which ``specs`` names the optimizers, fail: each reason once."""
    reasons: dict[tuple[str, str], int] = {}
    for row, error in errors.items():
        key = specs[row], error
        reasons[key] = reasons.get(key, 0) + 1
    return [
        f"{quote(spec)} failed{f' in {count} runs' if count > 1 else ''}: {error}"
        for (spec, error), count in reasons.items()
    ]


def is_moved_by_rule(optimizer: Optimizer) -> bool:
    """Whether the fleet can move an optimizer: it has an update rule, and its learning rate stays as it is."""
    return optimizer.rule is not None and not optimizer.schedule and not optimizer.sorts


@contextmanager
def blaming(landscape: Landscape, optimizers: Sequence[Any]) -> Iterator[None]:
    """Turn what an optimizer or a caller's function raises during a race into an InputError that names it."""
    try:
        yield
    except interrupts(InputError):
        raise
    except BaseException as error:
        specs = list(dict.fromkeys(optimizer.spec for optimizer in optimizers))
        torchs = {o.spec for o in optimizers if getattr(o, "path", "").startswith("torch.optim.")}
        strangers = [spec for spec in specs if spec not in torchs] + [landscape.name] * (not landscape.traceable)
        if not strangers and _is_ours(error):
            raise
        told = quote(describe_exception(error, 240), limit=240)
        raise InputError(f"{quote(', '.join(strangers or specs))} failed during the race with {told}.") from error


def _is_ours(error: BaseException) -> bool:
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

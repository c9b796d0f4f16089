"""``selfcheck`` proves an installation: rules, engines, store, judge and one published problem, on this machine.

Every check has an authority: the real classes, the plain loop, what was written, published numbers, NumPy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slalom.core import Run, Runner, Training, describe_exception
from slalom.lab.checked import Check
from slalom.lab.checks import check_device
from slalom.lab.rule_checks import rule_checks

__all__ = ["Check", "selfcheck"]

CLASSICS = ("sgd:lr=0.1", "adagrad:lr=0.5", "rmsprop:lr=0.01", "adadelta:lr=1", "adam:lr=0.1", "adamw:lr=0.1")
LANDSCAPE, LANDSCAPE_STEPS = "ellipse", 200
TASK, TASK_STEPS, TASK_SEEDS = "digits-mlp", 20, 2

FIELD_LIMIT, FLEET_LIMIT = 0.0, 1e-10
"""Of the size of a path, on a landscape in float64 on the CPU: the field is exact."""

NETWORK_LIMIT = 1e-5
"""Of a loss, in float32: a few units in the last place, grown over the steps."""

GPU_LIMITS = (1e-10, 1e-10, 1e-4)
"""The same three on a GPU, whose kernels may add in another order when more is computed at once."""


def selfcheck(device: str = "cpu", report: Callable[[str], None] | None = None) -> tuple[Check, ...]:
    """Make every check on ``device``, and return them all; ``report`` is told what is being checked.

    A check that cannot be carried out has failed, and says why. Raises InputError for a device that is not there.
    """
    check_device(device)
    groups: dict[str, Callable[[], Iterator[Check]]] = {
        "update rules": lambda: rule_checks(device),
        "engines on a landscape": lambda: _landscape(device),
        "engines on a network": lambda: _network(device),
        "store": _store,
        "judge": _judge,
        "deepobs-quadratic-deep": lambda: _quadratic(device),
    }
    checks: list[Check] = []
    for name, group in groups.items():
        if report is not None:
            report(name)
        checks += _carried_out(name, group)
    return tuple(checks)


def _carried_out(name: str, group: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """Yield a group's checks; an installation that is broken may raise anything, and that is what is to be told."""
    try:
        yield from group()
    except Exception as problem:
        told = describe_exception(problem)
        yield Check(name, "", None, 0.0, "", failed=told)


def _landscape(device: str) -> Iterator[Check]:
    """Field and fleet against the plain loop: the largest distance between two paths, of the size of the path."""
    import slalom

    def paths(engine: str) -> np.ndarray:
        race = slalom.race(LANDSCAPE, list(CLASSICS), steps=LANDSCAPE_STEPS, engine=engine, device=device)
        return np.asarray(race.paths)

    solo = paths("solo")
    for engine, limit in zip(("field", "fleet"), _limits(device), strict=False):
        deviation = float(np.abs(paths(engine) - solo).max() / np.abs(solo).max())
        yield Check(f"{engine} on {LANDSCAPE}", "solo", deviation, limit, "of the path")


def _network(device: str) -> Iterator[Check]:
    """Field and fleet against the plain loop: the largest difference of a minibatch loss, of that loss."""
    from slalom import tasks
    from slalom.core import order_of
    from slalom.engines import networks
    from slalom.optimizers import parse

    task: Any = tasks.find(TASK)
    training = Training.of(TASK_STEPS, order_of(task, task.splits(0)).steps_per_epoch, device=device)
    # At rates at which nothing oscillates, so that rounding does not grow.
    specs = ("sgd:lr=0.1", "adagrad:lr=0.01", "rmsprop:lr=0.001", "adadelta:lr=1", "adam:lr=0.001", "adamw:lr=0.001")
    runners = [Runner(optimizer, seed) for optimizer in map(parse, specs) for seed in range(TASK_SEEDS)]
    solo = _losses(networks.solo(task, runners, training))
    for engine in ("field", "fleet"):
        together = _losses(getattr(networks, engine)(task, runners, training))
        deviation = float((np.abs(together - solo) / solo).max())
        yield Check(f"{engine} on {TASK}", "solo", deviation, _limits(device)[2], "of the loss")


def _losses(runs: Sequence[Run]) -> np.ndarray:
    return np.stack([run.losses for run in runs])


def _limits(device: str) -> tuple[float, float, float]:
    return (FIELD_LIMIT, FLEET_LIMIT, NETWORK_LIMIT) if device == "cpu" else GPU_LIMITS


def _store() -> Iterator[Check]:
    """Runs are written to a file, which is closed, opened again and read; whoever differs in a bit is counted."""
    from slalom import store as stores
    from slalom.store import RunSpec

    training = Training.of(40, 10)
    generator = np.random.default_rng(0)
    runs = {}
    for seed in range(20):
        losses = generator.random(40)
        losses[30:] = (0.1, np.nan, np.inf, -0.0)[seed % 4]  # what a careless format would change
        rows = [{"step": step, "test_loss": float(generator.random())} for step in training.evaluate_at]
        runs[RunSpec(TASK, "torch.optim.Adam", seed, {"lr": 0.1}, training=training)] = Run(
            losses=losses, evaluations=rows, completed=40, seconds=0.1 * seed
        )
    with tempfile.TemporaryDirectory(prefix="slalom-selfcheck-") as folder:
        path = Path(folder) / "runs.sqlite"
        with stores.open(path) as store:
            store.put_all(runs.items())
        with stores.open(path, create=False, readonly=True) as store:
            differing = sum(_differs(run, store.get(spec.key)) for spec, run in runs.items())
        report = stores.verify(path)
    yield Check("store, written and read", f"{len(runs)} runs", differing, 0, "runs differ")
    yield Check("store, verified", "its checksums", len(report.problems), 0, "problems")


def _differs(run: Run, kept: Any) -> bool:
    """Whether a run came back otherwise than it was; NaN equals NaN, and 0 is not −0."""
    if kept is None:
        return True
    same = kept.run.losses.tobytes() == run.losses.tobytes()
    rows = [dict(row) for row in kept.run.evaluations] == [dict(row) for row in run.evaluations]
    return not (same and rows and (kept.run.completed, kept.run.seconds) == (run.completed, run.seconds))


def _judge() -> Iterator[Check]:
    """Published numbers; deviations are in units of half their last printed digit."""
    from slalom import judge

    # Student (1908), Biometrika 6, and R's t.test of the same data
    first = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
    second = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])
    paired = judge.paired_difference(second, first)
    low, high = paired.interval()
    welch = judge.welch_difference(second, first)
    # Newcombe (1998), Statistics in Medicine 17, table I
    share = judge.wilson(81, 263)
    # Wright (1992), Biometrics 48
    holm = judge.holm([0.01, 0.04, 0.03, 0.005])
    constants = {
        "paired t": ("Student 1908", [(paired.mean / paired.error, 4.0621, 4), (paired.p, 0.002833, 6)]),
        "t interval": ("Student 1908", [(low, 0.7001142, 7), (high, 2.4598858, 7)]),
        "Welch t": ("Student 1908", [(welch.df, 17.776, 3), (welch.p, 0.07939, 5)]),
        "Wilson interval": ("Newcombe 1998", [(share.low or 0.0, 0.2553, 4), (share.high or 0.0, 0.3662, 4)]),
        "Holm": ("Wright 1992", [(p, known, 2) for p, known in zip(holm, (0.03, 0.06, 0.06, 0.02), strict=True)]),
        "exact sign flips": ("2 / 2¹⁰", [(judge.sign_flip_p(np.full(10, 0.7)), 2 / 2**10, 12)]),
    }
    for name, (source, pairs) in constants.items():
        deviation = max(abs(found - known) / (0.5 * 10.0**-digits) for found, known, digits in pairs)
        # a hair above 1, since the decimal numbers themselves are rounded
        yield Check(f"judge, {name}", source, deviation, 1.001, "half digits")


def _quadratic(device: str) -> Iterator[Check]:
    """The quadratic of DeepOBS against NumPy: its eigenvalues, its data, and its loss at the start."""
    from slalom import tasks
    from slalom.tasks.catalogue import deepobs

    name = "deepobs-quadratic-deep"
    draws = np.random.RandomState(42)
    drawn = np.sort([*draws.uniform(0, 1, 90), *draws.uniform(30, 60, 10)])
    eigenvalues = np.linalg.eigvalsh(deepobs.hessian())
    yield Check(f"{name}, eigenvalues", "NumPy", float(np.abs(eigenvalues - drawn).max()), 1e-11, "absolute")

    task: Any = tasks.find(name)
    inputs = task.examples().inputs[0]
    points = np.vstack([np.random.RandomState(seed).normal(0, 0.6, (1000, 100)) for seed in (42, 43)])[:1896]
    yield Check(f"{name}, data", "NumPy", float(np.abs(inputs.numpy() - points).max()), 2e-7, "absolute")

    model = task.model(0).to(device)
    loss = float(task.loss(model(inputs[:128].to(device)), None).detach())
    centred = 1 - points[:128]  # θ begins at 1
    expected = 0.5 * float(np.einsum("ni,ij,nj->n", centred, deepobs.hessian(), centred).mean())
    yield Check(f"{name}, loss", "NumPy", abs(loss - expected) / expected, 1e-5, "of the loss")

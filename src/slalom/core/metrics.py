"""What a path is measured by. NumPy arrays in, small records out; docs/metrics.md explains each in words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PATIENCE = 100
"""Steps for which the loss must stay below the tolerance before a runner counts as settled."""

TRUST = 5
"""A runner that has left is back only once it stays for this many times the patience, or to the end of the race."""


@dataclass(frozen=True)
class Excursion:
    """A settled runner leaves the minimum: when, for how long, how far."""

    step: int  # first step at which f − f* is no longer below the tolerance
    length: int | None  # steps until it is back (see TRUST); None where it never is within the race
    gap: float  # largest f − f* on the way


@dataclass(frozen=True)
class PathMetrics:
    """The measures of one runner. Lengths are in the units of the coordinates, times in steps.

    ``stays_from`` is the first step from which the runner is below the tolerance to the end of the race, however few
    steps that leaves: None where it ends above. ``steps_away`` counts all steps outside the tolerance after the runner
    had settled.
    ``straightness``, ``turns`` and ``length_until_settled`` look at the path up to the step at which the runner
    settled, or at all of it where it never did. ``overshoot`` is the farthest that a coordinate got past the minimum,
    seen from the start (None where no minimum is known). All gaps are None where there is no f* to measure from.
    """

    touches: int | None
    settles: int | None
    stays_from: int | None
    excursions: tuple[Excursion, ...]
    steps_away: int
    length: float
    length_until_settled: float
    straightness: float | None
    turns: int
    overshoot: float | None
    final_gap: float | None
    best_gap: float | None
    best_step: int
    evaluations: int

    @property
    def leaves(self) -> Excursion | None:
        """The first excursion, if any."""
        return self.excursions[0] if self.excursions else None

    @property
    def gone_from(self) -> int | None:
        """The step from which the runner is away for the rest of the race, if it is."""
        last = self.excursions[-1] if self.excursions else None
        return last.step if last is not None and last.length is None else None


def measure(
    path: np.ndarray,
    losses: np.ndarray,
    *,
    minimum: float | None,
    tolerance: float,
    target: tuple[float, ...] | None = None,
    patience: int = PATIENCE,
    evaluations: int | None = None,
) -> PathMetrics:
    """Measure one runner.

    ``path`` has shape [N + 1, dim] and ``losses`` shape [N + 1]; entries after a divergence are NaN. ``minimum`` is f*,
    None where the function has none; ``target`` is the place of the minimum that the runner went for. A runner that
    maximizes is measured by −f.
    """
    alive = np.isfinite(losses)
    count = len(losses) if alive.all() else int(np.argmin(alive))
    known = minimum is not None
    path, gaps = path[:count], losses[:count] - (minimum if minimum is not None else 0.0)
    diverged = count < len(losses)
    with np.errstate(over="ignore", invalid="ignore"):
        below = gaps < tolerance if known else np.zeros(count, dtype=bool)
        settles, excursions = _stays(below, gaps, patience, diverged)
        steps = np.diff(path, axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        until = count if settles is None else settles + 1
        until_length = float(lengths[: until - 1].sum())
        direct = float(np.linalg.norm(path[until - 1] - path[0])) if count else 0.0
        best = int(np.argmin(gaps)) if count else 0
        return PathMetrics(
            touches=int(np.argmax(below)) if below.any() else None,
            settles=settles,
            stays_from=None if diverged else _stays_from(below),
            excursions=excursions,
            steps_away=0 if settles is None else int(np.count_nonzero(~below[settles:])),
            length=float(lengths.sum()),
            length_until_settled=until_length,
            straightness=min(1.0, direct / until_length) if until_length > 0 else None,
            turns=_turns(steps[: until - 1]),
            overshoot=None if target is None else _overshoot(path, np.asarray(target)),
            final_gap=float(gaps[-1]) if known and count and not diverged else None,
            best_gap=float(gaps[best]) if known and count else None,
            best_step=best,
            evaluations=(count - 1) if evaluations is None else evaluations,
        )


def settling_steps(below: np.ndarray, patience: int) -> np.ndarray:
    """Return every step from which ``below`` stays true for ``patience`` steps, the step itself counted."""
    if len(below) < patience:
        return np.empty(0, dtype=int)
    sums = np.concatenate([[0], np.cumsum(below)])
    return np.flatnonzero(sums[patience:] - sums[:-patience] == patience)


def first_settled(below: np.ndarray, patience: int = PATIENCE) -> np.ndarray:
    """Return the step at which each row of ``below`` [R, N + 1] settles, shape [R], −1 where it does not."""
    if below.shape[1] < patience:
        return np.full(len(below), -1)
    sums = np.cumsum(below, axis=1, dtype=np.int32)
    sums[:, patience:] -= sums[:, :-patience].copy()
    whole = sums[:, patience - 1 :] == patience
    return np.where(whole.any(axis=1), np.argmax(whole, axis=1), -1)


def _stays_from(below: np.ndarray) -> int | None:
    """Return the first step from which ``below`` is true to the end, None where it ends false."""
    outside = np.flatnonzero(~below)
    first = int(outside[-1]) + 1 if len(outside) else 0
    return first if first < len(below) else None


def _stays(
    below: np.ndarray, gaps: np.ndarray, patience: int, diverged: bool
) -> tuple[int | None, tuple[Excursion, ...]]:
    """Return the step at which the runner settles, and every later excursion."""
    settling = settling_steps(below, patience)
    if not len(settling):
        return None, ()
    outside = np.flatnonzero(~below)
    back = _returning_steps(below, outside, patience)
    first = here = int(settling[0])
    excursions = []
    while (position := np.searchsorted(outside, here)) < len(outside):
        leaves = int(outside[position])
        position = np.searchsorted(back, leaves)
        if position == len(back):
            gap = float("inf") if diverged else float(gaps[leaves:].max())
            excursions.append(Excursion(leaves, None, gap))
            break
        here = int(back[position])
        excursions.append(Excursion(leaves, here - leaves, float(gaps[leaves:here].max())))
    return first, tuple(excursions)


def _returning_steps(below: np.ndarray, outside: np.ndarray, patience: int) -> np.ndarray:
    """Return every step from which ``below`` stays true for TRUST × ``patience`` steps, or for good."""
    lasting = settling_steps(below, TRUST * patience)
    last = int(outside[-1]) if len(outside) else -1
    if len(below) - 1 - last >= patience:
        lasting = np.append(lasting[lasting <= last], last + 1)
    return lasting


def _turns(steps: np.ndarray) -> int:
    """Count the sign changes of each coordinate's step; a step of zero neither turns nor ends a direction."""
    turns = 0
    for column in np.sign(steps).T:
        moving = column[column != 0]
        turns += int(np.count_nonzero(moving[1:] != moving[:-1]))
    return turns


def _overshoot(path: np.ndarray, target: np.ndarray) -> float:
    """Return the farthest that any coordinate got beyond ``target``, seen from the start."""
    side = np.sign(target - path[0])
    return float(np.maximum((path - target) * side, 0.0).max(initial=0.0))

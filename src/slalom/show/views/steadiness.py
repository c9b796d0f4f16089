"""What minibatch losses tell beyond where they end: how soon they fell, and how much they scatter."""

from __future__ import annotations

import numpy as np

from slalom.core import Run

WINDOW = 11
"""Steps over which a moving median is taken: one odd batch does not move it."""


def moving_median(losses: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """Return the median of the ``window`` entries (an odd number) around each entry, shape as given.

    Near the ends it is the median of as many as there are, the larger one of two in the middle. NaN, a loss after a
    divergence, counts as infinite.
    """
    half = window // 2
    filled = np.where(np.isnan(losses), np.inf, losses)
    windows = [np.sort(filled[max(0, k - half) : k + half + 1]) for k in range(len(filled))]
    # An entry of the window rather than a mean of two, so that infinite losses make no NaN.
    return np.array([entries[len(entries) // 2] for entries in windows], dtype=float)


def unsteadiness(run: Run, steps_per_epoch: int) -> float:
    """Return how much the minibatch losses of the last epoch scatter, relative to their size.

    That is the standard deviation of ln(loss) − ln(moving median of 11 steps) over the last epoch: about the standard
    deviation over the mean where it is small, but neither the trend nor a single spike decides it. NaN for a run that
    diverged, that made less than one epoch and less than 11 steps, or whose loss is not positive.

    Batches themselves differ, and the more so the smaller the loss: compare optimizers that saw the same batches.
    """
    losses = np.asarray(run.losses, dtype=float)
    span = max(steps_per_epoch, WINDOW)
    if run.diverged_at is not None or len(losses) < span:
        return float("nan")
    last = losses[-span - WINDOW // 2 :]
    middle = moving_median(last)
    if not (np.isfinite(last).all() and last.min() > 0):
        return float("nan")
    return float(np.std((np.log(last) - np.log(middle))[-span:]))


def steps_to(run: Run, level: float) -> int | None:
    """Return the step at which the minibatch loss first lies at or below ``level``, as the moving median of 11 steps.

    None where it never does; steps count from 1, as in ``Run.losses``.
    """
    below = moving_median(np.asarray(run.losses, dtype=float)) <= level
    return int(np.argmax(below)) + 1 if below.any() else None

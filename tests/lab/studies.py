"""The small study that several files of tests look at, and what of its runs must not change."""

from __future__ import annotations

from typing import Any

import slalom
from slalom.lab.studying import Study
from slalom.lab.studying.executing import Finished
from slalom.store import Store

PAIR = ["sgd", "adam"]
SHORT: dict[str, Any] = {"epochs": 2, "seeds": 5, "engine": "field", "workers": 1}


def small_study(store: Store) -> Study:
    """Carry out a real study of two optimizers; ``store`` keeps its runs."""
    return slalom.study("digits-mlp", PAIR, store=store, **SHORT)


def bits(one: Finished) -> tuple[Any, ...]:
    """Everything of a run but the clock: floats as text, so that every bit counts and NaN equals NaN."""
    run = one.run
    rows = [{name: repr(value) for name, value in row.items() if name != "seconds"} for row in run.evaluations]
    return (one.spec.key, run.losses.tobytes(), rows, run.diverged_at, run.completed, run.error, run.memory)

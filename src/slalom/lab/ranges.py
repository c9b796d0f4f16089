"""Over which values a hyperparameter is searched, for each family of optimizers; docs and studies follow it too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slalom.core import InputError, Optimizer, nearest, quote

RATES = {
    "sgd": (1e-3, 10.0),
    "asgd": (1e-3, 10.0),
    "momentum": (1e-4, 1.0),
    "nesterov": (1e-4, 1.0),
    **dict.fromkeys(("adam", "adamw", "nadam", "radam", "adamax", "rmsprop"), (1e-5, 1e-1)),
    "adagrad": (1e-3, 1.0),
    "adadelta": (1e-2, 10.0),
    **dict.fromkeys(("lion", "signsgd", "signum", "tiger"), (1e-6, 1e-2)),
    "muon": (1e-4, 1.0),
    **dict.fromkeys(("shampoo", "soap"), (1e-4, 1e-1)),
}
"""Learning rates by family; any other optimizer: a hundredth to a hundred times its default."""

FACTOR = 100.0
"""How far from its value any other hyperparameter is searched, up and down."""

LOG, LINEAR, ONE_MINUS = "log", "linear", "one minus"


@dataclass(frozen=True)
class Axis:
    """One hyperparameter and the values it is to take: rising, evenly spaced on ``scale``.

    A scale is ``"log"``, ``"linear"``, or ``"one minus"``: evenly spaced in log(1 − value).
    """

    name: str
    scale: str
    low: float
    high: float

    def values(self, count: int) -> np.ndarray:
        """Return ``count`` values, float64."""
        if self.scale == LINEAR:
            return np.linspace(self.low, self.high, count)
        if self.scale == LOG:
            return np.geomspace(self.low, self.high, count)
        return 1.0 - np.geomspace(1.0 - self.low, 1.0 - self.high, count)


NAMED = {
    "momentum": (ONE_MINUS, 0.0, 0.99),
    "beta1": (ONE_MINUS, 0.0, 0.99),
    "beta2": (ONE_MINUS, 0.8, 0.9999),
    "alpha": (ONE_MINUS, 0.8, 0.9999),
    "rho": (ONE_MINUS, 0.5, 0.9999),
    "dampening": (LINEAR, 0.0, 1.0),
    "weight_decay": (LOG, 1e-6, 1e-1),
    "eps": (LOG, 1e-10, 1e-1),
}
"""Hyperparameters whose range does not depend on the optimizer."""

_BETAS = ("beta1", "beta2")


def rate_range(optimizer: Optimizer) -> tuple[float, float]:
    """Return the learning rates over which an optimizer is searched. Raises InputError where it has none."""
    rate = optimizer.hyperparameters.get("lr")
    if not isinstance(rate, int | float) or isinstance(rate, bool) or rate <= 0:
        raise InputError(f"{quote(optimizer.spec)} has no positive learning rate `lr` to sweep over.")
    family = optimizer.family
    if family == "sgd" and optimizer.hyperparameters.get("momentum"):
        family = "momentum"
    return RATES.get(family, (rate / FACTOR, rate * FACTOR))


def axis(optimizer: Optimizer, name: str, wanted: Sequence[float] | None = None) -> Axis:
    """Return the axis of a numeric hyperparameter, over its usual range or the one ``wanted``. Raises InputError."""
    known = sweepable(optimizer)
    if name not in known:
        raise InputError(
            f"{quote(optimizer.spec)} has no number called {quote(name)} to sweep over.{nearest(name, known)} It has "
            f"{', '.join(known)}."
        )
    if name == "lr":
        if getattr(optimizer, "fixes_rate", False):
            raise InputError(
                f"{quote(optimizer.spec)}: its schedule sets the rate to max_lr, so a sweep over lr changes nothing: "
                "leave max_lr out, and it is lr."
            )
        scale, low, high = LOG, *rate_range(optimizer)
    elif name in NAMED:
        scale, low, high = NAMED[name]
        if name == "momentum" and optimizer.hyperparameters.get("nesterov"):
            low = 0.1  # Nesterov's is refused at 0
    else:
        value = optimizer.hyperparameters[name]
        if value <= 0:
            raise InputError(f"{quote(name)} of {quote(optimizer.spec)} has no usual range: give one with range.")
        scale, low, high = LOG, value / FACTOR, value * FACTOR
    return Axis(name, scale, low, high) if wanted is None else _checked(name, scale, wanted)


def _checked(name: str, scale: str, wanted: Sequence[float]) -> Axis:
    """Return an axis over the range that somebody gave."""
    numbers = [float(value) for value in wanted]
    if len(numbers) != 2 or not numbers[0] < numbers[1] or not np.isfinite(numbers).all():
        raise InputError(f"range {quote(list(wanted))}: give the lowest and the highest {name}, such as 0.001,1.")
    if scale == LOG and numbers[0] <= 0:
        raise InputError(f"range {quote(list(wanted))}: {name} is swept on a log scale and must be above 0.")
    if scale == ONE_MINUS and not 0 <= numbers[0] < numbers[1] < 1:
        raise InputError(f"range {quote(list(wanted))}: {name} lies between 0 and 1, 1 left out.")
    return Axis(name, scale, *numbers)


def sweepable(optimizer: Optimizer) -> list[str]:
    """Return the names of an optimizer's numeric hyperparameters; ``betas`` count as ``beta1`` and ``beta2``."""
    names = [
        name
        for name, value in optimizer.hyperparameters.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    betas = optimizer.hyperparameters.get("betas")
    return [*names, *(_BETAS if isinstance(betas, tuple | list) and len(betas) == 2 else ())]


def variant(optimizer: Optimizer, values: dict[str, float]) -> Optimizer:
    """Return an optimizer with other values; ``beta1`` and ``beta2`` are parts of ``betas``."""
    plain = {name: value for name, value in values.items() if name not in _BETAS}
    if any(name in values for name in _BETAS):
        betas = optimizer.hyperparameters["betas"]
        plain["betas"] = tuple(  # type: ignore[assignment]
            values.get(name, beta) for name, beta in zip(_BETAS, betas, strict=True)
        )
    return optimizer.replace(**plain)

"""What the page knows of each hyperparameter: its name in words, its slider, and what its class takes.

By the name alone where all rules agree; a pair (rule, name) goes before the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slalom.optimizers.notation import Sign

Key = str | tuple[str, str]

SCALES: dict[Key, tuple[float, float, str]] = {
    "lr": (1e-5, 10.0, "log"),
    "momentum": (0.0, 0.999, "one minus"),
    "dampening": (0.0, 1.0, "linear"),
    "weight_decay": (0.0, 0.5, "linear"),
    "lr_decay": (0.0, 0.5, "linear"),
    "initial_accumulator_value": (0.0, 1.0, "linear"),
    "eps": (1e-12, 1.0, "log"),
    ("rmsprop", "alpha"): (0.0, 0.9999, "one minus"),
    ("adadelta", "rho"): (0.0, 0.9999, "one minus"),
    "beta1": (0.0, 0.9999, "one minus"),
    "beta2": (0.0, 0.99999, "one minus"),
    "momentum_decay": (0.0, 0.1, "linear"),
    ("rprop", "eta_minus"): (0.05, 0.99, "linear"),
    ("rprop", "eta_plus"): (1.01, 2.0, "linear"),
    ("rprop", "step_size_min"): (1e-10, 1e-2, "log"),
    ("rprop", "step_size_max"): (1e-2, 1e3, "log"),
}
"""The range of each hyperparameter's slider and how it is divided; "one minus" divides 1 − value by its logarithm."""

LIMITS: dict[Key, dict[str, float]] = {
    ("lion", "lr"): {"above": 0},
    ("lion", "beta1"): {"least": 0, "most": 1},
    ("lion", "beta2"): {"least": 0, "most": 1},
    ("lion", "weight_decay"): {},
    "beta1": {"least": 0, "below": 1},
    "beta2": {"least": 0, "below": 1},
    ("rprop", "eta_minus"): {"above": 0, "below": 1},
    ("rprop", "eta_plus"): {"above": 1},
    ("adadelta", "rho"): {"least": 0, "most": 1},
    ("sgd", "dampening"): {},
    ("rprop", "step_size_min"): {},
    ("rprop", "step_size_max"): {},
}
"""What a class takes: ``least`` and ``most`` themselves are taken, ``above`` and ``below`` are not."""

ORDINARY = {"least": 0.0}
"""The limit of every other one."""

LONGEST = 24
"""Letters of a meaning that can stand beside a slider."""
LETTERS = ("alpha", "beta", "eps", "eta", "rho")
"""What is but the name of a Greek letter is written as that letter."""


def hyperparameter(rule: str, name: str, value: Any) -> dict[str, Any]:
    """Return label, default, and for a number its slider and limits. Raises ``ValueError`` where it has no slider."""
    about = next((sign.meaning for sign in _signs(rule, name) if sign.meaning), "")
    known = {"value": value, "label": label(rule, name), "about": about}
    if isinstance(value, bool):
        return {**known, "scale": "flag", "words": "True or False"}
    scale = _of(SCALES, rule, name)
    if scale is None:
        raise ValueError(f"rule {rule}: give {name} a slider in SCALES")
    limits = _of(LIMITS, rule, name)
    if limits is None:
        limits = ORDINARY
    return {**known, **dict(zip(("low", "high", "scale"), scale, strict=True)), **limits, "words": words(limits)}


def label(rule: str, name: str) -> str:
    """Return a hyperparameter in few words: what it means, its Greek letter, or its name as a person writes it."""
    from slalom.optimizers import catalogue

    signs = _signs(rule, name)
    for sign in signs:
        if 0 < len(sign.meaning) <= LONGEST:
            return sign.meaning
        if sign.text and name.rstrip("12").split("_")[0] in LETTERS:
            return sign.text
    entry = catalogue().get(name)
    if entry is not None and signs and not signs[-1].text:  # a switch by which an optimizer is known
        return entry.label
    return name.replace("_", " ")


def words(limits: Mapping[str, float]) -> str:
    """Return what is taken: "from 0 to 1", "at least 0 and below 1", "a finite number above 0"."""
    if "least" in limits and "most" in limits:
        return f"from {limits['least']:g} to {limits['most']:g}"
    tell = {"least": "at least", "above": "above", "below": "below", "most": "at most"}
    text = " and ".join(f"{tell[name]} {value:g}" for name, value in limits.items())
    if not text:
        return "a finite number"
    if {"below", "most"} & limits.keys():
        return text
    return f"a finite number {'of ' if 'least' in limits else ''}{text}"


def _signs(rule: str, name: str) -> list[Sign]:
    """Return how the formulas write a hyperparameter: the rule's own way, then that of all rules."""
    from slalom.optimizers.notation import HYPERPARAMETERS, PARTICULAR_HYPERPARAMETERS

    return [table[name] for table in (PARTICULAR_HYPERPARAMETERS.get(rule, {}), HYPERPARAMETERS) if name in table]


def _of(table: Mapping[Key, Any], rule: str, name: str) -> Any:
    return table.get((rule, name), table.get(name))

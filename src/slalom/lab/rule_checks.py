"""Every update rule against the real class, on this machine: one step at a time, from equal states."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from slalom.lab.checked import Check
from slalom.optimizers.rule import RULES

if TYPE_CHECKING:
    import torch

    from slalom.optimizers import SpecifiedOptimizer

STEPS = 40
VALUES = 512
"""Coordinates that are moved, of sizes from 0.001 to 1,000."""

LIMITS = {
    "Adagrad": 4, "Adadelta": 4, "Rprop": 4, "Lion": 4,
    "SGD": 15, "RMSprop": 15, "Adam": 15, "AdamW": 15, "RAdam": 15,
    "Adamax": 30, "NAdam": 38,
}  # fmt: skip
"""Largest deviations that rounding explains, in units of ε·max(|p|, |step|)."""

UNIT = "ε"

OPTIONS = {
    "torch.optim.SGD": ("momentum=0.9,dampening=0.3,weight_decay=0.1", "momentum=0.9,nesterov=True"),
    "torch.optim.Adagrad": ("lr_decay=0.01,initial_accumulator_value=0.5,weight_decay=0.1",),
    "torch.optim.RMSprop": ("momentum=0.9,weight_decay=0.1", "centered=True"),
    "torch.optim.Adadelta": ("rho=0.5,weight_decay=0.1",),
    "torch.optim.Adam": (
        "betas=(0.5,0.9),weight_decay=0.1", "amsgrad=True", "weight_decay=0.1,decoupled_weight_decay=True",
    ),
    "torch.optim.AdamW": ("weight_decay=0.1,amsgrad=True",),
    "torch.optim.Adamax": ("weight_decay=0.1",),
    "torch.optim.NAdam": ("weight_decay=0.1", "weight_decay=0.1,decoupled_weight_decay=True"),
    "torch.optim.RAdam": ("weight_decay=0.1", "weight_decay=0.1,decoupled_weight_decay=True"),
    "lion_pytorch.Lion": ("weight_decay=0.1",),
}  # fmt: skip
"""What every class is tried with, beside its defaults."""


def rule_checks(device: str) -> Iterator[Check]:
    """Yield a check per rule: the largest deviation over all its options, in float64."""
    for path in RULES:
        name = path.rpartition(".")[2]
        if importlib.util.find_spec(path.partition(".")[0]) is None:
            yield Check(f"rule {name}", path, None, LIMITS[name], UNIT, skipped="not installed")
            continue
        deviations = [deviation(spec, device) for spec in (path, *(f"{path}:{more}" for more in OPTIONS.get(path, ())))]
        yield Check(f"rule {name}", path, max(deviations), LIMITS[name], UNIT)


def deviation(spec: str, device: str) -> float:
    """Return the largest difference in one step from equal states, in units of ε·max(|p|, |step|)."""
    import torch

    from slalom.optimizers import parse

    optimizer = parse(spec)
    generator = torch.Generator().manual_seed(0)
    sizes = torch.logspace(-3, 3, VALUES, dtype=torch.float64)
    first = torch.randn(VALUES, generator=generator, dtype=torch.float64) * sizes
    p = torch.nn.Parameter(first.to(device))
    made = optimizer.make([p])
    worst = 0.0
    for t in range(1, STEPS + 1):
        gradient = torch.randn(VALUES, generator=generator, dtype=torch.float64) * sizes.flip(0)
        gradient[t % 7 :: 7] = 0.0  # a coordinate at rest, now and then
        p.grad = gradient.to(device)
        found = _one_step(optimizer, made, p, t)
        if math.isnan(found):
            return found
        worst = max(worst, found)
    return worst


def _one_step(optimizer: SpecifiedOptimizer, made: Any, p: torch.nn.Parameter, t: int) -> float:
    """Let rule and class make one step from the class's state; move on with the class."""
    import torch

    rule: Any = optimizer.rule
    h = rule.hyperparameters(optimizer.hyperparameters)
    assert p.grad is not None
    before = p.detach().clone()
    expected, state = rule.step(before, p.grad.clone(), _state_of(rule, made, p, h), t, h)
    made.step()
    after = p.detach()
    if torch.equal(before, after):
        return math.nan  # nothing has moved, so nothing has been compared
    difference = (expected - after).abs() / (torch.maximum(before.abs(), (after - before).abs()) * _epsilon())
    difference[expected == after] = 0.0
    if optimizer.hyperparameters.get("centered"):  # where v − m² cancels, nothing is left to compare
        difference = difference[state.v - state.mean**2 > 1e-3 * state.v]
    return float(difference.max())


def _state_of(rule: Any, made: Any, p: torch.nn.Parameter, h: Any) -> Any:
    """Return the class's state under the rule's names: floats spread over tensors, the product of momenta a number."""
    import torch

    from slalom.formula import State

    state = State()
    for name, value in rule.start(p, h).items():
        kept = made.state[p].get(rule.state[name])
        if name == "mu_product":
            state[name] = value if kept is None else float(kept)
        elif kept is None:
            state[name] = torch.full_like(p.detach(), value) if isinstance(value, float) else value
        else:
            state[name] = kept.clone()
    return state


def _epsilon() -> float:
    import torch

    return float(torch.finfo(torch.float64).eps)

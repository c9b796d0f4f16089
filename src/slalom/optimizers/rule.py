"""Which class has which update rule, and how its hyperparameters and its state are called there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from slalom.formula import Record, State
from slalom.optimizers import rules
from slalom.optimizers.checks import SWITCHES

ALWAYS_KNOWN = SWITCHES | {"maximize"}
"""Options that no rule reads: whoever maximizes negates the gradient, the rest do not change the result."""

_BETAS = {"betas": ("beta1", "beta2")}


@dataclass(frozen=True)
class UpdateRule:
    """One element-wise update rule. Satisfies :class:`slalom.core.Rule`."""

    name: str
    authority: str  # import path of the class it is checked against
    formula: Callable[..., tuple[Any, State]]  # a function of slalom.optimizers.rules
    options: tuple[str, ...]  # the hyperparameters of the class that the formula accounts for
    state: Mapping[str, str] = field(hash=False)  # its state: the formula's name -> the name in the class's own state
    unpack: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)  # pairs that become two names
    assumed: Mapping[str, Any] = field(default_factory=dict, hash=False)  # what the class fixes and the formula reads
    first: Mapping[str, float | str] = field(default_factory=dict, hash=False)  # a number, or a hyperparameter's name
    optional: Mapping[str, str] = field(default_factory=dict, hash=False)  # state kept only under this option

    def hyperparameters(self, values: Mapping[str, Any]) -> Record:
        """Return the record ``h``: every hyperparameter that the formula reads, pairs unpacked."""
        h = Record(self.assumed)
        for name, value in values.items():
            if name in self.unpack:
                h.update(zip(self.unpack[name], value, strict=True))
            elif name in self.options:
                h[name] = value
        return h

    def start(self, p: Any, h: Any) -> State:
        """Return the state before the first step. A float stands for a tensor full of it."""
        kept = (name for name in self.state if name not in self.optional or h[self.optional[name]])
        first = {name: self.first.get(name, 0.0) for name in kept}
        return State({name: h[value] if isinstance(value, str) else value for name, value in first.items()})

    def step(self, p: Any, g: Any, s: Any, t: Any, h: Any) -> tuple[Any, State]:
        """Return the new parameter and the new state; ``t`` counts from 1."""
        return self.formula(p, g, s, t, h)

    def reaches(self, typed: Mapping[str, Any]) -> bool:
        """Tell whether the formula accounts for every hyperparameter that was typed."""
        return all(name in self.options or name in ALWAYS_KNOWN for name in typed)


_MOMENTS = {"m": "exp_avg", "v": "exp_avg_sq"}
_ADAM = ("lr", "betas", "eps", "weight_decay")

_TABLE = (
    UpdateRule(
        "sgd",
        "torch.optim.SGD",
        rules.sgd,
        ("lr", "momentum", "dampening", "weight_decay", "nesterov"),
        {"m": "momentum_buffer"},
    ),
    UpdateRule(
        "adagrad",
        "torch.optim.Adagrad",
        rules.adagrad,
        ("lr", "lr_decay", "weight_decay", "initial_accumulator_value", "eps"),
        {"v": "sum"},
        first={"v": "initial_accumulator_value"},
    ),
    UpdateRule(
        "rmsprop",
        "torch.optim.RMSprop",
        rules.rmsprop,
        ("lr", "alpha", "eps", "weight_decay", "momentum", "centered"),
        {"v": "square_avg", "mean": "grad_avg", "m": "momentum_buffer"},
        optional={"mean": "centered"},
    ),
    UpdateRule(
        "adadelta",
        "torch.optim.Adadelta",
        rules.adadelta,
        ("lr", "rho", "eps", "weight_decay"),
        {"v": "square_avg", "u": "acc_delta"},
    ),
    UpdateRule(
        "adam",
        "torch.optim.Adam",
        rules.adam,
        (*_ADAM, "amsgrad", "decoupled_weight_decay"),
        {**_MOMENTS, "v_max": "max_exp_avg_sq"},
        _BETAS,
        assumed={"decoupled_weight_decay": False},  # before it became an option of Adam
        optional={"v_max": "amsgrad"},
    ),
    UpdateRule(
        "adamw",
        "torch.optim.AdamW",
        rules.adam,
        (*_ADAM, "amsgrad"),
        {**_MOMENTS, "v_max": "max_exp_avg_sq"},
        _BETAS,
        assumed={"decoupled_weight_decay": True},
        optional={"v_max": "amsgrad"},
    ),
    UpdateRule(
        "adamax",
        "torch.optim.Adamax",
        rules.adamax,
        _ADAM,
        {"m": "exp_avg", "u": "exp_inf"},
        _BETAS,
    ),
    UpdateRule(
        "nadam",
        "torch.optim.NAdam",
        rules.nadam,
        (*_ADAM, "momentum_decay", "decoupled_weight_decay"),
        {**_MOMENTS, "mu_product": "mu_product"},
        _BETAS,
        first={"mu_product": 1.0},
    ),
    UpdateRule(
        "radam",
        "torch.optim.RAdam",
        rules.radam,
        (*_ADAM, "decoupled_weight_decay"),
        _MOMENTS,
        _BETAS,
    ),
    UpdateRule(
        "rprop",
        "torch.optim.Rprop",
        rules.rprop,
        ("lr", "etas", "step_sizes"),
        {"g": "prev", "size": "step_size"},
        {"etas": ("eta_minus", "eta_plus"), "step_sizes": ("step_size_min", "step_size_max")},
        first={"size": "lr"},
    ),
    UpdateRule(
        "lion",
        "lion_pytorch.Lion",
        rules.lion,
        ("lr", "betas", "weight_decay", "decoupled_weight_decay"),
        {"m": "exp_avg"},
        _BETAS,
        assumed={"decoupled_weight_decay": False},
    ),
)

RULES: dict[str, UpdateRule] = {rule.authority: rule for rule in _TABLE}
"""Every rule by the import path of its class."""


def rule_for(path: str, typed: Mapping[str, Any]) -> UpdateRule | None:
    """Return the rule of the class at ``path``; None where it has none or ``typed`` is beyond its reach."""
    rule = RULES.get(path)
    return rule if rule and rule.reaches(typed) else None

"""Each update rule against the real class, which is the authority."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom.formula import State
from slalom.optimizers.imports import load
from slalom.optimizers.rule import RULES, UpdateRule, rule_for

EPSILON = torch.finfo(torch.float64).eps
ALLOWED = 64  # in units of ε·max(|p|, |step|), from equal states

rates = st.floats(1e-4, 2.0)
decays = st.one_of(st.just(0.0), st.floats(1e-4, 0.5))
# Torch keeps 1 − β only: of a β far below 1 the last digits are lost, ε/β of it. Nobody means such a β.
fractions = st.one_of(st.sampled_from([0.0, 0.6, 0.9, 0.999]), st.floats(0.2, 0.9999))
epsilons = st.sampled_from([1e-10, 1e-8, 1e-6, 1e-3])
adams = {"lr": rates, "betas": st.tuples(fractions, fractions), "eps": epsilons, "weight_decay": decays}

OPTIONS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "torch.optim.SGD": {
        "lr": rates,
        "momentum": st.one_of(st.just(0.0), st.floats(0.0, 1.5)),
        "dampening": decays,
        "weight_decay": decays,
        "nesterov": st.booleans(),
    },
    "torch.optim.Adagrad": {
        "lr": rates,
        "lr_decay": decays,
        "weight_decay": decays,
        "initial_accumulator_value": st.sampled_from([0.0, 0.1, 3.0]),
        "eps": epsilons,
    },
    "torch.optim.RMSprop": {
        "lr": rates,
        "alpha": fractions,
        "eps": epsilons,
        "weight_decay": decays,
        "momentum": decays,
        "centered": st.booleans(),
    },
    "torch.optim.Adadelta": {"lr": rates, "rho": fractions, "eps": epsilons, "weight_decay": decays},
    "torch.optim.Adam": {**adams, "amsgrad": st.booleans(), "decoupled_weight_decay": st.booleans()},
    "torch.optim.AdamW": {**adams, "amsgrad": st.booleans()},
    "torch.optim.Adamax": adams,
    "torch.optim.NAdam": {**adams, "momentum_decay": decays, "decoupled_weight_decay": st.booleans()},
    "torch.optim.RAdam": {**adams, "decoupled_weight_decay": st.booleans()},
    "torch.optim.Rprop": {
        "lr": rates,
        "etas": st.tuples(st.floats(0.1, 0.9), st.floats(1.05, 2.0)),
        "step_sizes": st.tuples(st.floats(1e-6, 1e-3), st.floats(1.0, 50.0)),
    },
    "lion_pytorch.Lion": {
        "lr": rates,
        "betas": st.tuples(fractions, fractions),
        "weight_decay": decays,
        "decoupled_weight_decay": st.booleans(),
    },
}
GRADIENTS = st.lists(
    st.lists(st.one_of(st.just(0.0), st.floats(-1e3, 1e3), st.floats(-1e-3, 1e-3)), min_size=3, max_size=3),
    min_size=1,
    max_size=12,
)


def full(state: Mapping[str, Any], like: torch.Tensor) -> State:
    """Return the state with floats spread over tensors, but for the product of momenta, which stays a number."""
    return State(
        {
            k: torch.full_like(like, v) if isinstance(v, float) and k != "mu_product" else v
            for k, v in state.items()
        }
    )


def state_of(rule: UpdateRule, optimizer: torch.optim.Optimizer, p: torch.Tensor, h: Any) -> State:
    """Return the real optimizer's state, under the rule's names."""
    state = full(rule.start(p, h), p)
    for name, key in rule.state.items():
        value = optimizer.state[p].get(key)
        if name in state and value is not None:
            state[name] = value.item() if name == "mu_product" else value.clone()
    return state


def valid(values: dict[str, Any]) -> dict[str, Any]:
    """Return the options without what SGD's constructor refuses: Nesterov needs momentum and no dampening."""
    if values.get("nesterov"):
        values = {**values, "dampening": 0.0, "momentum": values["momentum"] or 0.9}
    return values


def deviations(path: str, values: dict[str, Any], gradients: list[list[float]]) -> float:
    """Return the largest difference in one step from equal states, in units of ε·max(|p|, |step|)."""
    rule = RULES[path]
    h = rule.hyperparameters(values)
    p = torch.nn.Parameter(torch.tensor([1.0, -20.0, 1e-3], dtype=torch.float64))
    optimizer = load(path)([p], **values)
    worst = 0.0
    for t, gradient in enumerate(gradients, 1):
        p.grad = torch.tensor(gradient, dtype=torch.float64)
        before, state = p.detach().clone(), state_of(rule, optimizer, p, h)
        expected_p, expected_state = rule.step(before, p.grad.clone(), state, t, h)
        optimizer.step()
        after = p.detach()
        scale = torch.maximum(before.abs(), (after - before).abs()) * EPSILON
        comparable = (expected_p != after) & ~(expected_p.isnan() & after.isnan())
        if values.get("centered"):  # where v − m² cancels, nothing is left to compare
            v, mean = expected_state.v, expected_state.mean
            comparable &= v - mean**2 > 1e-3 * v
        difference = ((expected_p - after).abs() / scale)[comparable]
        assert not difference.isnan().any()
        worst = max([worst, *difference.tolist()])
    return worst


@pytest.mark.parametrize("path", OPTIONS)
def test_one_step_agrees_with_the_real_class_from_equal_states(path: str) -> None:
    @settings(max_examples=200, derandomize=True, deadline=None, database=None)
    @given(st.fixed_dictionaries(OPTIONS[path]), GRADIENTS)
    def agrees(values: dict[str, Any], gradients: list[list[float]]) -> None:
        assert deviations(path, valid(values), gradients) <= ALLOWED

    agrees()


@pytest.mark.slow
@pytest.mark.parametrize("path", OPTIONS)
def test_one_step_agrees_over_many_more_examples(path: str) -> None:
    @settings(max_examples=3000, derandomize=True, deadline=None, database=None)
    @given(st.fixed_dictionaries(OPTIONS[path]), GRADIENTS)
    def agrees(values: dict[str, Any], gradients: list[list[float]]) -> None:
        assert deviations(path, valid(values), gradients) <= ALLOWED

    agrees()

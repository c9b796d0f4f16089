"""Each update rule against the real class, which is the authority."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom.formula import State
from slalom.optimizers import parse
from slalom.optimizers.imports import load
from slalom.optimizers.rule import RULES, UpdateRule

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
        {k: torch.full_like(like, v) if isinstance(v, float) and k != "mu_product" else v for k, v in state.items()}
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


LONG = [
    "sgd:lr=0.05",
    "sgd:lr=0.05,momentum=0.9",
    "sgd:lr=0.05,momentum=0.9,dampening=0.3,weight_decay=0.1",
    "nesterov:lr=0.02",
    "adagrad:lr=1",
    "adagrad:lr=1,lr_decay=0.01,initial_accumulator_value=0.5",
    "rmsprop:lr=0.01",
    "rmsprop:lr=0.001,momentum=0.9,weight_decay=0.1",
    "rmsprop:lr=0.01,centered=True",
    "adadelta",
    "adadelta:lr=2,rho=0.5,weight_decay=0.1",
    "adam:lr=0.01",
    "adam:lr=0.01,weight_decay=0.1,betas=(0.5,0.9)",
    "adam:lr=0.01,weight_decay=0.1,decoupled_weight_decay=True",
    "amsgrad:lr=0.1",
    "adamw:lr=0.01",
    "adamax:lr=0.01",
    "nadam:lr=0.01",
    "radam:lr=0.01",
    "rprop",
    "lion:lr=0.01,weight_decay=0.1",
]
CURVATURES = torch.tensor([2.0, 0.5, 1.0], dtype=torch.float64)


def gradient(p: torch.Tensor, t: int) -> torch.Tensor:
    """Return the gradient of a quadratic whose minimum moves a little, so that no coordinate comes to rest."""
    return CURVATURES * (p - 0.1 * torch.sin(torch.tensor(0.01 * t, dtype=torch.float64)))


@pytest.mark.parametrize("spec", LONG)
def test_a_thousand_steps_agree_with_the_real_class(spec: str) -> None:
    optimizer = parse(spec)
    assert isinstance(optimizer.rule, UpdateRule)
    h = optimizer.rule.hyperparameters(optimizer.hyperparameters)
    real = torch.nn.Parameter(torch.tensor([-75.0, -10.0, 42.0], dtype=torch.float64))
    made = optimizer.make([real])
    p = real.detach().clone()
    state = full(optimizer.rule.start(p, h), p)
    for t in range(1, 1001):
        real.grad = gradient(real.detach(), t)
        made.step()
        p, state = optimizer.rule.step(p, gradient(p, t), state, t, h)
    assert (p - real.detach()).abs().max() <= 1e-10 * real.detach().abs().max()
    assert (p - torch.tensor([-75.0, -10.0, 42.0])).abs().min() > 1e-3  # it has moved


@pytest.mark.parametrize("path", OPTIONS)
def test_lanes_give_each_its_own_hyperparameters(path: str) -> None:
    """With every number a tensor of lanes, a lane's result is what floats give."""
    rule = RULES[path]

    @settings(max_examples=20, derandomize=True, deadline=None, database=None)
    @given(st.lists(st.fixed_dictionaries(OPTIONS[path]), min_size=3, max_size=3), GRADIENTS)
    def agrees(runners: list[dict[str, Any]], gradients: list[list[float]]) -> None:
        switches = {name: value for name, value in runners[0].items() if isinstance(value, bool)}
        hs = [rule.hyperparameters(valid({**runner, **switches})) for runner in runners]
        lanes = rule.hyperparameters(runners[0])
        for name in lanes:
            if not isinstance(hs[0][name], bool):
                lanes[name] = torch.tensor([h[name] for h in hs], dtype=torch.float64)
        start = torch.tensor([[1.0], [-20.0], [1e-3]], dtype=torch.float64)
        p, state = start.repeat(1, 3), full(rule.start(start, lanes), start)
        alone = [(start[:, 0], full(rule.start(start, h), start[:, 0])) for h in hs]
        for t, row in enumerate(gradients[:5], 1):
            g = torch.tensor(row, dtype=torch.float64)
            p, state = rule.step(p, g[:, None].expand(3, 3), state, t, lanes)
            alone = [rule.step(q, g, s, t, h) for (q, s), h in zip(alone, hs, strict=True)]
        expected = torch.stack([q for q, _ in alone], dim=1)
        if not lanes.get("centered"):  # centred, cancellation may show every last bit
            torch.testing.assert_close(p, expected, rtol=1e-9, atol=1e-12, equal_nan=True)
        assert p.shape == expected.shape == (3, 3)

    agrees()


@pytest.mark.parametrize("path", OPTIONS)
def test_the_same_text_runs_on_floats(path: str) -> None:
    rule = RULES[path]
    h = rule.hyperparameters(parse(path).hyperparameters)
    tensor = torch.tensor([1.5], dtype=torch.float64)
    p, s = 1.5, rule.start(1.5, h)
    q, r = tensor, full(rule.start(tensor, h), tensor)
    for t in range(1, 20):
        p, s = rule.step(p, 0.3 * p - 0.1, s, t, h)
        q, r = rule.step(q, 0.3 * q - 0.1, r, t, h)
    assert isinstance(p, float)
    assert p == pytest.approx(q.item(), rel=1e-13)
    assert p != 1.5


def test_radam_takes_a_beta2_at_which_its_rectification_would_divide_by_zero() -> None:
    rule = RULES["torch.optim.RAdam"]
    h = rule.hyperparameters({"lr": 0.1, "betas": (0.9, 0.6), "eps": 1e-8, "weight_decay": 0.0})
    h["decoupled_weight_decay"] = False
    p, _ = rule.step(1.0, 2.0, rule.start(1.0, h), 1, h)
    assert p == pytest.approx(1.0 - 0.1 * 2.0)


@pytest.mark.parametrize("path", OPTIONS)
def test_every_option_of_the_class_is_accounted_for(path: str) -> None:
    optimizer = parse(path)
    assert set(optimizer.hyperparameters) - {"maximize"} == set(RULES[path].options)
    assert set(OPTIONS[path]) == set(RULES[path].options)  # and tried above


def test_every_rule_is_checked() -> None:
    assert set(OPTIONS) == set(RULES)


def test_an_option_beyond_the_rule_leaves_the_class_without_one() -> None:
    rule = RULES["torch.optim.SGD"]
    assert rule.reaches({"lr": 0.1, "maximize": True, "foreach": False})
    assert not rule.reaches({"something_new": 1})


def test_the_rules_are_read_without_torch() -> None:
    program = "import sys, slalom.optimizers.rules, slalom.optimizers.rule; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"

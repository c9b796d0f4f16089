"""Recorded formulas: their values, derivatives and fast code against torch itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slalom import formula as f
from slalom.formula.compiled import RecordedFunction, compile_function, compile_gradient
from slalom.formula.compiled_rule import CompiledRule
from slalom.formula.functions import FUNCTIONS
from slalom.formula.graph import Graph
from slalom.formula.program import Layout
from slalom.landscapes import NAMES, find
from slalom.optimizers import parse

LANES = 32
Formula = Callable[..., Any]


def layout(dim: int, dtype: torch.dtype = torch.float64) -> Layout:
    return Layout(dim, LANES, dtype, "cpu")


UNARY = ["sqrt", "exp", "log", "sin", "cos", "tan", "arctan", "sinh", "cosh", "tanh", "absolute", "sign", "floor"]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]


@st.composite
def formulas(draw: st.DrawFn) -> Formula:
    """A function of two variables built from the grammar, as a closure over the functions of slalom.formula."""
    steps = draw(
        st.lists(
            st.tuples(
                st.sampled_from([*UNARY, *BINARY, "square", "cube", "constant", "choice"]),
                st.integers(0, 8),
                st.integers(0, 8),
                st.floats(-3, 3).filter(lambda x: abs(x) > 1e-3),
            ),
            min_size=1,
            max_size=8,
        )
    )

    def function(x: Any, y: Any) -> Any:
        values = [x, y]
        for operation, i, j, number in steps:
            values.append(apply(operation, values[i % len(values)], values[j % len(values)], number))
        return values[-1] + 0 * x + 0 * y

    return function


def apply(operation: str, a: Any, b: Any, number: float) -> Any:
    if operation in UNARY:
        return FUNCTIONS[operation](a)
    if operation in ("maximum", "minimum"):
        return FUNCTIONS[operation](a, b)
    plain = {
        "add": lambda: a + b, "subtract": lambda: a - b, "multiply": lambda: a * b, "divide": lambda: a / b,
        "square": lambda: a**2, "cube": lambda: number - a**3, "constant": lambda: number * a + number,
        "choice": lambda: f.where(a > number, b, number * a),
    }  # fmt: skip
    return plain[operation]()


def points(dim: int, seed: int = 5, dtype: torch.dtype = torch.float64) -> list[torch.Tensor]:
    drawn = np.random.default_rng(seed).uniform(-3, 3, (dim, LANES))
    return [row.contiguous() for row in torch.from_numpy(drawn).to(dtype)]


@given(formulas())
def test_exact_code_gives_the_very_bits_of_the_formula(function: Formula) -> None:
    rows = points(2)
    recorded = RecordedFunction.of(function, 2)
    program = compile_function([recorded.value], recorded.variables, layout(2), fused=False)
    out = torch.empty(LANES, dtype=torch.float64)
    with np.errstate(all="ignore"):
        program(*rows, out)
    assert torch.equal(out.nan_to_num(nan=0.25), function(*rows).nan_to_num(nan=0.25))


@given(formulas())
def test_fused_code_agrees_up_to_rounding(function: Formula) -> None:
    """Compared in units of what rounding one ulp of the inputs does, since formulas may be ill-conditioned."""
    rows = points(2)
    recorded = RecordedFunction.of(function, 2)
    program = compile_function([recorded.value], recorded.variables, layout(2), fused=True)
    out = torch.empty(LANES, dtype=torch.float64)
    with np.errstate(all="ignore"):
        program(*rows, out)
    value = function(*rows)
    shaken = [function(*(row * (1 + sign * 4e-13) for row in rows)) for sign in (-1, 1)]
    wobble = torch.stack([(other - value).abs() for other in shaken]).amax(dim=0)
    tolerance = 1e-9 * (1 + value.abs()) + 10 * wobble
    agrees = ((out - value).abs() <= tolerance) | ~value.isfinite() | ~tolerance.isfinite()
    # a choice or a floor may fall the other way where its argument sits on the edge
    assert agrees.float().mean() >= 0.9


@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_derivative_is_autograds(name: str) -> None:
    landscape = find(name)
    low, high = np.array(landscape.domain, dtype=float).T
    drawn = np.random.default_rng(1).uniform(low, high, (LANES, landscape.dim)).T
    leaves = [torch.tensor(row.copy(), requires_grad=True) for row in drawn]
    landscape.function(*leaves).sum().backward()
    expected = torch.stack([leaf.grad if leaf.grad is not None else torch.zeros(LANES) for leaf in leaves])
    recorded = RecordedFunction.of(landscape.function, landscape.dim)
    for fused, tolerance in ((False, 1e-13), (True, 1e-11)):
        out = torch.empty_like(expected)
        with np.errstate(all="ignore"):
            compile_gradient(recorded, layout(landscape.dim), fused=fused)(torch.from_numpy(drawn.copy()), out)
        scale = expected.abs().amax().clamp(min=1.0)
        assert float((out - expected).abs().amax() / scale) <= tolerance


def test_a_separable_landscape_is_swept_at_once() -> None:
    assert RecordedFunction.of(find("sphere").function, 2).alike is not None
    assert RecordedFunction.of(find("rastrigin").function, 3).alike is not None
    assert RecordedFunction.of(find("ravine").function, 2).alike is None
    assert RecordedFunction.of(find("booth").function, 2).alike is None


def test_an_operation_without_a_derivative_is_told() -> None:
    with pytest.raises(NotImplementedError, match="no derivative of float32"):
        RecordedFunction.of(lambda x: f.float32(x), 1)


def test_a_choice_between_lanes_needs_where() -> None:
    x = Graph().tensor("x")
    with pytest.raises(TypeError, match="where"):
        bool(x > 0)


def test_guards_notice_when_a_choice_of_scalars_changes() -> None:
    """A rule that changes its formula at step 4 is compiled twice, and both are right at their steps."""

    class Changing:
        name = "changing"

        def start(self, p: Any, h: Any) -> Any:
            return f.State(m=0.0)

        def step(self, p: Any, g: Any, s: Any, t: Any, h: Any) -> Any:
            m = f.where(t > 3, s.m + g, s.m - g)
            return p - h.lr * m, f.State(m=m)

    rule = Changing()
    compiled = CompiledRule(rule, f.Record(lr=0.1), layout(1))
    p, plain, state = torch.ones(1, LANES, dtype=torch.float64), 1.0, f.State(m=0.0)
    for t in range(1, 9):
        out = torch.empty_like(p)
        compiled.step(t, p, torch.full_like(p, 0.5), out)
        plain, state = rule.step(plain, 0.5, state, t, f.Record(lr=0.1))
        p = out
        assert torch.allclose(p, torch.full_like(p, plain), rtol=1e-14)


@pytest.mark.parametrize("spec", ["adam:lr=0.1", "nadam:lr=0.1", "radam:lr=0.1", "rprop:lr=0.1", "adadelta:lr=1",
                                  "rmsprop:lr=0.1,centered=True", "adam:lr=0.1,maximize=True", "adamax:lr=0.1",
                                  "adam:lr=0.1,betas=(0.0,0.0)", "adam:lr=0.0", "adamw:lr=0.1,weight_decay=0.5",
                                  "sgd:lr=0.1,momentum=0.9,nesterov=True,weight_decay=0.01"])  # fmt: skip
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_compiled_rule_follows_the_real_class(spec: str, dtype: torch.dtype) -> None:
    optimizer = parse(spec)
    assert optimizer.rule is not None
    h = optimizer.rule.hyperparameters(optimizer.hyperparameters)
    climbs = bool(optimizer.hyperparameters.get("maximize"))
    compiled = CompiledRule(optimizer.rule, h, layout(2, dtype), maximize=climbs)
    generator = torch.Generator().manual_seed(4)
    start = torch.rand(2, LANES, dtype=dtype, generator=generator)
    parameter = torch.nn.Parameter(start.clone())
    real, p = optimizer.make([parameter]), start
    for _ in range(2):  # the second time from begin(), with the programs already compiled
        compiled.begin({})
        parameter = torch.nn.Parameter(start.clone())
        real, p = optimizer.make([parameter]), start
        for t in range(1, 13):
            g = torch.rand(2, LANES, dtype=dtype, generator=generator) + 0.5
            parameter.grad = g.clone()
            real.step()
            out = torch.empty_like(p)
            compiled.step(t, p, g, out)
            p = out
        tolerance = 1e-12 if dtype == torch.float64 else 1e-5
        assert torch.allclose(p, parameter.detach(), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [*UNARY, "asin", "acos"])
@given(x=st.floats(-700, 700))
def test_functions_agree_on_floats_arrays_and_tensors(name: str, x: float) -> None:
    function = FUNCTIONS[name]
    tensor = float(function(torch.tensor(x, dtype=torch.float64)))
    with np.errstate(all="ignore"):
        array = float(function(np.array([x]))[0])
    for value in (function(x), array):
        assert value == tensor or math.isclose(value, tensor, rel_tol=1e-14) or (value != value and tensor != tensor)


def test_float_functions_never_raise() -> None:
    assert math.isnan(f.sqrt(-1.0))
    assert f.log(0.0) == -math.inf
    assert f.exp(1e6) == math.inf
    assert math.isnan(f.maximum(math.nan, 1.0))
    assert f.float32(0.1) == float(np.float32(0.1))
    assert f.where(True, 1.0, 2.0) == 1.0

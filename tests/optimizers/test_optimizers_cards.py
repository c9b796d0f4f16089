"""What `slalom show` prints of an optimizer."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import pytest
import sympy
import torch

from slalom.formula.printing import columns
from slalom.optimizers import catalogue, describe, parse
from slalom.optimizers.cards import OptimizerCard
from slalom.optimizers.notation import signs
from slalom.optimizers.rule import RULES, UpdateRule
from slalom.optimizers.tracing import Trace, trace

WITHOUT_RULE = {"asgd", "adafactor", "lbfgs", "muon", "sparseadam"}


def formula(spec: str) -> list[str]:
    return [line.text for line in describe(spec).formula]


def test_adam_reads_as_in_its_paper() -> None:
    card = describe("adam")
    assert card.start == "m = 0, v = 0"
    assert formula("adam") == [
        "m ← β₁·m + (1 − β₁)·g",
        "v ← β₂·v + (1 − β₂)·g²",
        "m̂ ← m / (1 − β₁ᵗ)",
        "v̂ ← v / (1 − β₂ᵗ)",
        "θ ← θ − η·m̂ / (√v̂ + ε)",
    ]
    assert card.latex() == "\n".join(
        [
            r"\begin{aligned}",
            r"  & m = 0, \; v = 0 \quad \text{before the first step} \\",
            r"  m &\leftarrow \beta_1 \, m + \left(1 - \beta_1\right) \, g \\",
            r"  v &\leftarrow \beta_2 \, v + \left(1 - \beta_2\right) \, g^{2} \\",
            r"  \hat m &\leftarrow \frac{m}{1 - \beta_1^{t}} \\",
            r"  \hat v &\leftarrow \frac{v}{1 - \beta_2^{t}} \\",
            r"  \theta &\leftarrow \theta - \frac{\eta \, \hat m}{\sqrt{\hat v} + \varepsilon}",
            r"\end{aligned}",
        ]
    )


def test_typed_options_shape_the_formula() -> None:
    assert formula("sgd") == ["θ ← θ − η·g"]
    assert formula("sgd:momentum=0.9,nesterov=True,weight_decay=0.1") == [
        "g ← g + λ·θ",
        "m ← ⎧ g         if t = 1\n    ⎩ μ·m + g   otherwise",
        "d ← g + μ·m",
        "θ ← θ − η·d",
    ]
    assert "vₘₐₓ ← max(vₘₐₓ, v)" in formula("adam:amsgrad=True")
    assert formula("adam:amsgrad=True") == formula("amsgrad")
    assert formula("adamw")[0] == "θ ← θ·(1 − η·λ)"
    assert formula("adam:maximize=True")[0] == "g ← −g"


def test_options_that_are_off_show_the_lines_they_would_change() -> None:
    options = {option.option: [line.text for line in option.lines] for option in describe("adam").options}
    assert options == {
        "weight_decay=λ": ["g ← g + λ·θ"],
        "amsgrad=True": ["vₘₐₓ ← max(vₘₐₓ, v)", "v̂ ← vₘₐₓ / (1 − β₂ᵗ)"],
        "weight_decay=λ, decoupled_weight_decay=True": ["θ ← θ·(1 − η·λ)"],
    }


def compute(expression: Any, known: dict[str, Any]) -> float:
    """Compute one printed expression with plain floats."""
    symbols = sorted(expression.free_symbols, key=str)
    functions = {"sqrt": lambda x: math.sqrt(x) if x >= 0 else math.nan, "sign": lambda x: (x > 0) - (x < 0)}
    return sympy.lambdify(symbols, expression, [functions, "math"])(*(known[symbol.name] for symbol in symbols))


def evaluate(lines: Trace, values: dict[str, Any], steps: int) -> float:
    """Compute by the traced lines alone: what a reader with pencil and paper would get."""
    remembered = {name for line in lines.lines for name in _names(line.value) if name.startswith("s.")}
    memory = dict.fromkeys(remembered, math.nan)
    memory |= {line.name: compute(line.value, values) for line in lines.start}
    p = 1.5
    for t in range(1, steps + 1):
        known = {**values, **memory, "t": t, "p": p, "g": 0.3 * p - 0.1}
        assigned = set()
        for line in lines.lines:
            known[line.name] = compute(line.value, known)
            assigned.add(line.name)
        memory = {name: known[name if name in assigned else name.removeprefix("s.")] for name in remembered}
        p = known["p"]
    return p


def _names(expression: Any) -> set[str]:
    return {symbol.name for symbol in expression.free_symbols}


@pytest.mark.parametrize(
    "spec",
    [
        "sgd:lr=0.1",
        "sgd:lr=0.1,momentum=0.9,dampening=0.1,weight_decay=0.1",
        "nesterov:lr=0.1",
        "adagrad:lr=0.1,lr_decay=0.1,initial_accumulator_value=0.1",
        "rmsprop:lr=0.1",
        "rmsprop:lr=0.1,centered=True,momentum=0.5",
        "adadelta",
        "adam:lr=0.1",
        "amsgrad:lr=0.1",
        "adamw:lr=0.1",
        "adamax:lr=0.1",
        "nadam:lr=0.1",
        "radam:lr=0.1,betas=(0.9,0.99)",
        "rprop",
        "lion:lr=0.1,weight_decay=0.1",
    ],
)
def test_the_printed_lines_compute_what_the_real_class_computes(spec: str) -> None:
    """The oracle of a formula on a card is torch itself, for eight steps."""
    optimizer = parse(spec)
    rule = optimizer.rule
    assert isinstance(rule, UpdateRule)
    numbers = {k: v for k, v in optimizer.hyperparameters.items() if k in rule.options}
    lines = trace(rule, numbers, frozenset(k for k, v in numbers.items() if v != 0))
    p = torch.nn.Parameter(torch.tensor([1.5], dtype=torch.float64))
    made = optimizer.make([p])
    for _ in range(8):
        p.grad = 0.3 * p.detach() - 0.1
        made.step()
    values = {f"h.{name}": value for name, value in rule.hyperparameters(numbers).items()}
    assert evaluate(lines, values, 8) == pytest.approx(p.item(), rel=1e-6)  # NAdam keeps float32 inside
    assert p.item() != 1.5


@pytest.mark.parametrize("path", RULES)
def test_no_line_uses_the_old_state_once_its_name_means_the_new(path: str) -> None:
    rule = RULES[path]
    values = parse(path).hyperparameters
    for flags in (False, True):
        switched = {k: flags if isinstance(v, bool) else v for k, v in values.items()}
        assigned: set[str] = set()
        table = signs(rule.name)
        for line in trace(rule, switched, frozenset(values)).lines:
            old = {n for n in _names(line.value) if n.startswith("s.") and n.removeprefix("s.") in assigned}
            assert not {n for n in old if table[n].text == table[n.removeprefix("s.")].text}
            assigned.add(line.name)


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_card_is_complete(name: str) -> None:
    card = describe(name)
    assert isinstance(card, OptimizerCard)
    assert card.traced is (name not in WITHOUT_RULE)
    assert card.formula
    formulas = [*card.formula, *(line for option in card.options for line in option.lines)]
    for raw in ("h.", "s.", "_hat", "_max", "_product"):  # every quantity has been given its sign
        assert not any(raw in line.text for line in formulas)
    assert card.description
    assert card.paper
    assert card.remarks
    assert all(row.meaning for row in card.hyperparameters)
    assert {row.name for row in card.hyperparameters} == set(parse(name).hyperparameters)
    latex = card.latex()
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left(") == latex.count(r"\right)")


@pytest.mark.parametrize("width", [80, 96])
@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_card_fits_its_terminal(name: str, width: int) -> None:
    rows = describe(name).text(width).split("\n")
    formula_width = 4 + max(columns(row) for line in describe(name).formula for row in line.text.split("\n"))
    assert max(map(columns, rows)) <= max(width, formula_width)
    assert all(row == row.rstrip() for row in rows)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sgd", "without the learning rate inside"),
        ("adam", "ε is added outside the root"),
        ("adam", "with the power of β"),
        ("adamw", "scaled by the learning rate"),
        ("rmsprop", "centered=True subtracts the squared mean"),
        ("adadelta", "the paper has none"),
        ("nesterov", "Nesterov's form evaluates no gradient ahead"),
    ],
)
def test_it_says_what_pytorch_does_where_descriptions_differ(name: str, words: str) -> None:
    assert any(words in remark for remark in describe(name).remarks)
    assert words in " ".join(describe(name).text().split())


def test_a_class_without_formula_says_so() -> None:
    class Mine(torch.optim.SGD):
        """Mine own. With more words."""

    text = describe(Mine).text()
    assert text.startswith("Mine")
    assert "slalom has no formula for this class" in text


def test_sympy_is_not_imported_before_a_card_is_asked_for() -> None:
    program = "import sys; from slalom.optimizers import parse; print('torch' in sys.modules, 'sympy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]

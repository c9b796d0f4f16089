"""Expressions against Python's own arithmetic, and against everything a person may mistype."""

import math
import pickle
import re

import numpy as np
import pytest
import sympy
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from slalom.core import InputError
from slalom.landscapes import check_start, describe, find
from slalom.landscapes.expressions import FUNCTIONS, parse
from slalom.landscapes.notation import latex, unicode_text

ORACLE = {name: getattr(math, name, None) for name in FUNCTIONS} | {
    "abs": math.fabs, "max": max, "min": min, "sign": lambda x: math.copysign(1.0, x) if x else 0.0,
    "pi": math.pi, "e": math.e,
}  # fmt: skip

numbers = st.sampled_from(["0.5", "1", "2", "3", "10", "1e-3", "2.75", "pi", "e"])
variables = st.sampled_from(["x", "y"])


def combined(inner):
    single = [name for name in FUNCTIONS if name not in ("max", "min")]
    return st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("({})".format, inner),
        st.builds("({})**{}".format, inner, st.sampled_from(["2", "3", "4", "5", "6", "7", "12", "-1", "-4", "0.5"])),
        st.builds("-{}".format, inner),
        st.builds("{}({})".format, st.sampled_from(single), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["max", "min"]), inner, inner),
        st.builds("{}**({})".format, numbers, inner),
    )


texts = st.recursive(st.one_of(numbers, variables), combined, max_leaves=12)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(text=texts, x=st.floats(-3, 3), y=st.floats(-3, 3))
@example(text="-x**2", x=3.0, y=0.0)
@example(text="2**-x", x=3.0, y=0.0)
@example(text="x - y - 1", x=3.0, y=0.5)
@example(text="x / y / 2 * 3", x=3.0, y=0.5)
@example(text="2*3*x**2**2", x=1.5, y=0.5)
@example(text="max(x, y, 2)", x=1.5, y=0.5)
def test_expressions_compute_what_python_computes(text, x, y):
    """Where Python's own arithmetic gives a real number, so does the expression, and the same one."""
    try:
        # Whole numbers as floats: Python's own would grow without bound in 10**(10**(10**3)).
        decimal = re.sub(r"(?<![\w.])(?<!e-)(\d+)(?![\w.])", r"\1.0", text)
        expected = eval(decimal, {"__builtins__": {}}, {**ORACLE, "x": x, "y": y})
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):  # the last of complex numbers
        assume(False)
    assume(not isinstance(expected, complex) and math.isfinite(expected) and abs(expected) < 1e100)
    try:
        expression = parse(text)
    except InputError as problem:
        refused = str(problem)
    else:
        refused = ""
    if refused:
        causes = ("no variable", "magnitude", "finite real", "divides by zero", "must be positive")
        assert any(cause in refused for cause in causes)
        return
    point = (x, y)[: expression.dim]
    assert expression(*point) == pytest.approx(expected, rel=1e-8, abs=1e-8)
    tensor = expression(*torch.tensor(point, dtype=torch.float64).unbind())
    assert float(tensor) == pytest.approx(expected, rel=1e-8, abs=1e-8)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(text=texts)
def test_notation_is_balanced(text):
    """The notation of an expression is never empty, and its brackets and LaTeX braces are balanced."""
    try:
        expression = parse(text)
    except InputError:
        assume(False)
    printed, formula = unicode_text(expression.tree), latex(expression.tree)
    assert printed
    assert printed.count("(") == printed.count(")")
    assert formula.count("{") == formula.count("}")
    assert formula.count(r"\left") == formula.count(r"\right")


def is_one_sentence(text):
    """One line of reasonable length that begins with what was typed."""
    return "\n" not in text and 10 < len(text) < 400 and text[0] in "`A" and text[-1] in ".?"


alphabet = st.sampled_from(
    [*"xyz0123456789.+-*/()e, ", "**", "sin", "log", "max(", "x0", "pi", "^", "²", "if", "e9", "j"]
)


@settings(max_examples=600, deadline=None, derandomize=True)
@given(text=st.one_of(st.text(max_size=80), st.lists(alphabet, max_size=30).map("".join)))
@example(text="9**9**9**9*x")
@example(text="x\x00y")
@example(text="(" * 400 + "x")
@example(text="-" * 999 + "x")
@example(text="((" * 80 + "x" + "+1)*2)" * 80)
@example(text="x" + "**2" * 300)
@example(text="9" * 999)
@example(text="9" * 998 + "*x")
@example(text="1e999*x")
@example(text="1e308*10*x")
@example(text="10**300*10**300*x")
@example(text="floor(1e300)*floor(1e300)*x")
@example(text="__import__('os').system('true')")
@example(text="x if x else y")
@example(text="(lambda: x)()")
@example(text="[x for x in y]")
@example(text="x := 3")
@example(text="f'{x}'")
@example(text="\ud800")
def test_any_text_is_read_or_refused_in_one_sentence(text):
    """No text, however strange, causes anything but a landscape or an InputError."""
    try:
        landscape = find(text)
    except InputError as problem:
        refused = str(problem)
    else:
        refused = ""
        assert landscape.values(landscape.starts).shape == (len(landscape.starts),)
    assert not refused or is_one_sentence(refused)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x +", "`x +`: it ends too early."),
        ("2x", "`2x` at character 1: this number cannot be read (a product is written 2*x)."),
        ("x^2 + y", "`x^2 + y` at character 2: `^` cannot be read; write **."),
        ("x² + y", "`x² + y` at character 2: `²` cannot be read; write **2."),
        ("x + (y", "`x + (y` at character 5: '(' was never closed."),
        ("  x + foo", "`x + foo` at character 7: unknown name `foo`; the variables are x, y, z or x0, x1 "
         "and so on. Did you mean `floor`?"),
        ("snh(x)", "`snh(x)` at character 1: unknown function `snh`. Did you mean `sinh` or `sin`?"),
        ("math.sin(x)", "`math.sin(x)` at character 1: only a function may stand before brackets, "
         "write sin(x), not math.sin(x)."),
        ("x + x0", "`x + x0` at character 5: `x` and `x0` do not mix, write x, y or x0, x1."),
        ("x**y", "`x**y` at character 4: an exponent must be a constant; for x**y write exp(y*log(x))."),
        ("x**1001", "`x**1001` at character 4: an exponent is at most 1,000 in magnitude."),
        ("(-2)**x", "`(-2)**x` at character 1: a constant base must be positive where the exponent varies."),
        ("(-8)**(1/3)*x", "`(-8)**(1/3)*x` at character 1: this constant is not a finite real number."),
        ("1e999*x", "`1e999*x` at character 1: this constant is not a finite real number."),
        ("x/(1 - 1)", "`x/(1 - 1)` at character 1: this divides by zero."),
        ("sin", "`sin` at character 1: `sin` is a function, write sin(x)."),
        ("sin(x, y)", "`sin(x, y)` at character 1: `sin` takes one argument, it has 2."),
        ("max(x)", "`max(x)` at character 1: `max` takes two arguments or more, it has 1."),
        ("5 + pi", "`5 + pi`: there is no variable; write x, y, z or x0, x1 and so on."),
        ("x and y", "`x and y` at character 1: there may be numbers, variables, functions and + - * / **, "
         "nothing else."),
        ("3j*x", "`3j*x` at character 1: `3j` is not a real number."),
        ("x1000 + 1", "`x1000 + 1` at character 1: the last possible variable is x999, not `x1000`."),
        ("-" * 60 + "x", f"`{'-' * 59}…` at character 52: it is nested too deeply, 50 levels are the most."),
        ("", "An expression cannot be empty: write x**2 + y**2, for instance."),
    ],
)  # fmt: skip
def test_errors_say_where_and_what_to_do(text, message):
    """The whole sentence, not its first words."""
    with pytest.raises(InputError) as problem:
        find(text)
    assert str(problem.value) == message


def test_an_error_beyond_the_quoted_beginning_shows_its_surroundings():
    """A quote is cut at 60 characters; what comes later is quoted on its own."""
    with pytest.raises(InputError) as problem:
        find("x" + " + x" * 30 + " + oops(x)")
    beginning = "x" + " + x" * 14 + " +…"
    assert str(problem.value).startswith(f"`{beginning}` at character 125, near `+ x + x + oops(x)`: ")
    assert "unknown function `oops`" in str(problem.value)


def test_the_longest_expression():
    """A thousand characters are read, however long the sum; one more is not."""
    longest = "+".join(["x*y"] * 250)
    assert len(longest) == 999
    assert find(longest).values([2.0, 3.0]) == 250 * 6
    with pytest.raises(InputError, match="at most 1,000 characters, this one has 1,001;"):
        find(longest + "+1")


@pytest.mark.parametrize(
    ("text", "dim"), [("x**2", 1), ("y**2", 2), ("z + x", 3), ("x0*x2", 3), ("x11", 12), ("x*y", 2)]
)
def test_dimension_is_the_highest_variable(text, dim):
    """As many coordinates as the highest variable says; ``dim`` may add some, never take any away."""
    landscape = find(text)
    assert landscape.dim == dim == len(landscape.starts[0]) == len(landscape.domain)
    assert find(text, dim=dim + 1).dim == dim + 1
    if dim > 1:
        with pytest.raises(InputError, match=rf"has {dim} coordinates: dim cannot be `{dim - 1}`"):
            find(text, dim=dim - 1)


def test_defaults_of_an_expression():
    """Start (1.5, 1), a domain of [−3, 3], no known minimum, a title in textbook notation."""
    landscape = find("x**2 + 10*y**2 + sin(3*x)")
    assert landscape.starts == ((1.5, 1.0),)
    assert landscape.domain == ((-3.0, 3.0), (-3.0, 3.0))
    assert landscape.minima == ()
    assert landscape.title == "x² + 10y² + sin(3x)"
    assert landscape.name == "x**2 + 10*y**2 + sin(3*x)"
    assert landscape.traceable
    assert landscape.elementwise
    assert find("x0*x1*x2").starts == ((1.5, 1.0, 1.5),)
    assert find("x").starts == ((1.5,),)


def test_the_domain_holds_the_start():
    """A far start widens the domain, the same for every coordinate."""
    landscape = find("x**2 + y**2", start=(-75, -10))
    assert landscape.starts == ((-75.0, -10.0),)
    assert landscape.domain == ((-150.0, 150.0), (-150.0, 150.0))


@pytest.mark.parametrize("exponent", [4, 5, 6, 7, 12, -2, -3, 20])
def test_powers_have_the_same_bits_one_by_one_and_together(exponent):
    """torch's own x**5 does not: its vectorised loop and its scalar one round differently."""
    expression = parse(f"x**{exponent}")
    points = torch.tensor(np.random.default_rng(0).normal(size=1001), requires_grad=True)
    values = expression(points)
    (slopes,) = torch.autograd.grad(values.sum(), points)
    for index in range(0, 1001, 10):
        point = points[index].detach().clone().requires_grad_()
        value = expression(point)
        assert value.item() == values[index].item()
        assert torch.autograd.grad(value, point)[0].item() == slopes[index].item()
    np.testing.assert_allclose(values.detach(), points.detach() ** exponent, rtol=1e-14)


def test_outside_its_domain_a_function_is_nan():
    """The root of a negative number is NaN for every kind of argument, and such a start is refused."""
    expression = parse("sqrt(x) + x**0.5 + log(x)")
    assert math.isnan(expression(-1.0))
    assert math.isnan(expression(torch.tensor(-1.0)))
    assert np.isnan(find("sqrt(x)").values([[-1.0], [4.0]])).tolist() == [True, False]
    assert parse("1/x")(0.0) == math.inf
    assert parse("exp(x)")(1000.0) == math.inf
    with pytest.raises(
        InputError, match=r"^`log\(x\) \+ y` is nan at the start \(-1, 2\); start where it is finite\.$"
    ):
        check_start(find("log(x) + y"), (-1, 2))


@pytest.mark.parametrize(
    ("text", "printed", "formula"),
    [
        ("2*x*y", "2xy", "2 x y"),
        ("x*x + 3*y*y**2*x", "x·x + 3y·y²x", "x x + 3 y y^{2} x"),
        ("x/2*y", "x/2·y", r"\frac{x}{2} y"),
        ("-(x + y)**2", "−(x + y)²", r"-\left(x + y\right)^{2}"),
        ("(-x)**2", "(−x)²", r"\left(-x\right)^{2}"),
        ("x - (y - 1)", "x − (y − 1)", r"x - \left(y - 1\right)"),
        ("sin(x)**2*cos(y)", "sin²(x) cos(y)", r"\sin^{2}\left(x\right) \cos\left(y\right)"),
        ("sqrt(x**2 + y**2)", "√(x² + y²)", r"\sqrt{x^{2} + y^{2}}"),
        ("abs(x) + floor(y)", "|x| + ⌊y⌋", r"\left|x\right| + \left\lfloor y \right\rfloor"),
        ("x0*x10**-2", "x₀x₁₀⁻²", "x_{0} x_{10}^{-2}"),
        ("e**(2*x) + 1e-3*y", "e^(2x) + 1e-3y", r"e^{2 x} + 1 \cdot 10^{-3} y"),
        ("2*pi*x/(3*y)", "2πx/(3y)", r"\frac{2 \pi x}{3 y}"),
        ("max(x, y, 0)", "max(x, y, 0)", r"\max\left(x, y, 0\right)"),
    ],
)
def test_notation(text, printed, formula):
    """What a textbook would print, as text and as LaTeX."""
    tree = parse(text).tree
    assert unicode_text(tree) == printed
    assert latex(tree) == formula
    assert describe(text).formula == printed
    assert describe(text).latex() == formula


def test_long_titles_are_cut():
    """A picture has room for about sixty characters."""
    title = find(" + ".join(f"x{i}" for i in range(40))).title
    assert len(title) == 60
    assert title.endswith("…")


def test_expressions_can_be_pickled_and_traced():
    """Worker processes get them by pickle; SymPy sees their formula."""
    landscape = pickle.loads(pickle.dumps(find("2**x + y**4")))
    assert landscape.values([3.0, 2.0]) == pytest.approx(24.0)
    x, y = sympy.symbols("x y")
    assert sympy.simplify(find("x**2*y + sin(y)").function(x, y) - (x**2 * y + sympy.sin(y))) == 0

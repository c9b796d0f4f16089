"""From what is typed to a landscape: names, options, files, starts, and the card of each."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom.core import InputError
from slalom.landscapes import NAMES, check_start, describe, find


@pytest.mark.parametrize("typed", ["Sphere", " sphere ", "SPHERE"])
def test_names_in_any_case(typed):
    """Case and blanks around a name do not matter, nor an underscore for a hyphen."""
    assert find(typed).name == "sphere"
    assert find("six_hump_camel").name == "six-hump-camel"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("spher", "`spher` is not a landscape. Did you mean `sphere`?"),
        ("six-hump", "`six-hump` is not a landscape. Did you mean `six-hump-camel`?"),
        ("spher:dim=3", "`spher` is not a landscape. Did you mean `sphere`?"),
        (
            "qqqq",
            "`qqqq` is not a landscape. Give one that `slalom list landscapes` shows, an expression or file.py:name.",
        ),
        ("rastrigin:dim=0", "`rastrigin`: dim must be from 1 to 1000, got `0`."),
        ("rastrigin:dim=2.5", "`rastrigin`: dim must be from 1 to 1000, got `2.5`."),
        ("rastrigin:dim=abc", "`rastrigin:dim=abc`: dim must be a number, got `abc`."),
        ("rastrigin:", "`rastrigin:`: `` is not key=value, as in rastrigin:dim=5."),
        ("rastrigin:dim=2,dim=3", "`rastrigin:dim=2,dim=3`: dim is given twice."),
        (
            "rastrigin:dm=3",
            "`rastrigin:dm=3`: there is no `dm`, rastrigin has the options dim. Did you mean `dim`?",
        ),
        ("beale:a=3", "`beale:a=3`: there is no `a`, beale has no options."),
        ("beale:dim=3", "`beale`: dim must be 2: it is defined for no other number, got `3`."),
        ("ellipse:condition=-1", "`ellipse`: condition must be a positive number, got `-1`."),
        ("ellipse:condition=1e999", "`ellipse`: condition must be a positive number, got `inf`."),
        ("course.py:f", "`course.py:f`: there is no such file."),
        (r"C:\courses\mine.py:f", r"`C:\courses\mine.py:f`: there is no such file."),
        ("course.py", "`course.py` does not say which function: write `course.py:name`."),
    ],
)
def test_what_is_not_found_is_told(typed, message):
    """The whole sentence for each mistake."""
    with pytest.raises(InputError) as problem:
        find(typed)
    assert str(problem.value) == message


def test_dim_said_twice_must_agree():
    """A spec and a keyword that contradict each other are refused."""
    assert find("rastrigin:dim=3", dim=3).dim == 3
    with pytest.raises(InputError, match=r"^`rastrigin:dim=3` says dim=3, but dim=4 was asked for\.$"):
        find("rastrigin:dim=3", dim=4)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(["sphere", "ellipse", "beale", "spher"]),
    options=st.text(alphabet="dimcont=,:. 0159eE-+_'\"()[]xé", max_size=25),
)
def test_any_options_are_read_or_refused(name, options):
    """Options, however strange, cause nothing but a landscape or one sentence."""
    sentence = ""
    try:
        landscape = find(f"{name}:{options}")
    except InputError as problem:
        sentence = str(problem)
    else:
        assert find(landscape.name).dim == landscape.dim
    assert "\n" not in sentence
    assert len(sentence) < 400


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ((1, 2, 3), "`sphere` takes 2 coordinates, 3 were given: (1, 2, 3)."),
        ((1,), "`sphere` takes 2 coordinates, 1 was given: (1)."),
        ("1,2", "`1,2` is not a start: give one number for each coordinate, as in (1.5, 1)."),
        (3, "`3` is not a start: give one number for each coordinate, as in (1.5, 1)."),
        ((1, "a"), "`(1, 'a')` is not a start: every coordinate must be a number."),
        ((float("nan"), 1), "`(nan, 1)` is not a start: every coordinate must be finite."),
        ((10**400, 1), f"`(1{'0' * 57}…` is not a start: every coordinate must be a number."),
        ((1e200, 1), "`sphere` is inf at the start (1e+200, 1); start where it is finite."),
        ((), "A start needs at least one coordinate."),
    ],
)
def test_wrong_starts(start, message):
    """Dimension, kind, finiteness and the value at the start are checked."""
    with pytest.raises(InputError) as problem:
        check_start(find("sphere"), start)
    assert str(problem.value) == message


def test_starts_of_any_kind():
    """Lists, arrays and tensors are starts."""
    for start in ([1, 2], np.array([1, 2]), torch.tensor([1, 2])):
        assert check_start(find("sphere"), start) == (1.0, 2.0)


@pytest.mark.parametrize("name", NAMES)
def test_every_card_is_complete(name):
    """Name, formula, domain, minima, starts, source and lesson, none of them empty; LaTeX that balances."""
    card = describe(name)
    labels = [label for label, _ in card.rows()]
    assert {"formula", "variables", "domain", "minima", "starts", "teaches", "source"} <= set(labels)
    assert card.text().startswith(name)
    assert max(map(len, card.text().splitlines())) <= 100
    formula = card.latex()
    assert formula
    assert formula.count("{") == formula.count("}")
    assert formula.count(r"\left") == formula.count(r"\right")


def test_a_card_as_text():
    """What the terminal shows."""
    assert describe("ravine").text().splitlines() == [
        "ravine",
        "  formula     x²/20 + y²",
        "  type        x**2/20 + y**2",
        "  variables   2",
        "  domain      [-10, 10] for every variable",
        "  minima      0 at (0, 0)",
        "  starts      (-7, 2)  (9, 1)",
        "  teaches     A long shallow valley: steps across it are large, steps along it small.",
        "  source      Saito (2016), Deep learning from scratch, chapter 6",
    ]
    assert describe("saddle").rows()[4] == ("minima", "none, it falls without end")
    assert describe("x**2").rows()[-2] == ("minima", "not known")


@pytest.fixture
def course_file(tmp_path):
    path = tmp_path / "course.py"
    path.write_text(
        "import dataclasses\nimport beside\nimport slalom.landscapes\n"
        "def bowl(x, y):\n    return beside.square(x) + y**2\n"
        "own = slalom.landscapes.Landscape(bowl, minima=[((0, 0), 0)], starts=[(2, 2)])\n"
        "number = 3\n"
    )
    (tmp_path / "beside.py").write_text("def square(x):\n    return x**2\n")
    yield path
    sys.modules.pop("beside", None)


def test_a_function_from_a_file(course_file):
    """file.py:name takes a function, which may use modules beside it; the import path stays as it was."""
    before = list(sys.path)
    landscape = find(f"{course_file}:bowl", start=(3, 4))
    assert sys.path == before
    assert landscape.values([3, 4]) == 25
    assert (landscape.title, landscape.name) == ("bowl", f"{course_file}:bowl")
    assert landscape.starts == ((3.0, 4.0),)


def test_a_landscape_from_a_file(course_file):
    """file.py:name takes a whole landscape, with its minima and starts."""
    landscape = find(f"{course_file}:own")
    assert landscape.minima[0].point == (0.0, 0.0)
    assert landscape.starts == ((2.0, 2.0),)
    assert landscape.name == f"{course_file}:own"


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("bowll", "def bowl(x, y):\n    return x\n", "the file has no `bowll`. Did you mean `bowl`?"),
        ("zzz", "def bowl(x, y):\n    return x\n", "the file has no `zzz`. It has `bowl`."),
        ("zzz", "a = 1\n", "the file has no `zzz`. It defines no function."),
        ("a", "a = 1\n", "`a` is neither a function nor a slalom.Landscape."),
        ("f", "x = 1\ndef f(:\n", "the file is not valid Python, line 2: `invalid syntax`."),
        ("f", "x = 1\n\n1 / 0\n", "running the file raised `ZeroDivisionError: division by zero (bad.py, line 3)`."),
        ("f", "import sys\nsys.exit(3)\n", "running the file raised `SystemExit: 3 (bad.py, line 2)`."),
        (
            "f",
            "import no_such_module\n",
            "raised `ModuleNotFoundError: No module named 'no_such_module' (bad.py, line 1)`.",
        ),
        ("f", "a = '\0'\n", "source code string cannot contain null bytes"),
        ("", "a = 1\n", "does not say which function: write"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, monkeypatch, name, source, message):
    """A missing name, a syntax error, an exception at import: one sentence each, with the line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text(source)
    modules = set(sys.modules)
    with pytest.raises(InputError) as problem:
        find(f"bad.py:{name}")
    assert message in str(problem.value)
    assert str(problem.value).startswith("`bad.py:")
    assert "\n" not in str(problem.value)
    assert all(new.startswith("slalom.core.user_files") for new in set(sys.modules) - modules)


def test_names_and_expressions_need_no_torch():
    """Listing, describing and evaluating the catalogue does not wait for torch to be imported."""
    code = (
        "import sys; from slalom.landscapes import describe, find; describe('ackley').text();"
        "find('x**2 + sin(y)').values([1, 2]); sys.exit('torch' in sys.modules or 'sympy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""What callers hand in: specs, classes, partials, callables; and what is said when it cannot be meant."""

from __future__ import annotations

import functools
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom.core import InputError
from slalom.optimizers import SpecifiedOptimizer, catalogue, format_spec, labels, parse, parse_all
from slalom.optimizers.checks import RANGES
from slalom.optimizers.grammar import read_spec


def parameter() -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.ones(2, dtype=torch.float64))


def test_a_spec_makes_the_real_class_with_just_what_was_typed() -> None:
    optimizer = parse("sgd:lr=0.1,momentum=0.9,nesterov=True")
    made = optimizer.make([parameter()])
    assert type(made) is torch.optim.SGD
    group = made.param_groups[0]
    assert (group["lr"], group["momentum"], group["nesterov"]) == (0.1, 0.9, True)
    assert optimizer.typed == {"lr": 0.1, "momentum": 0.9, "nesterov": True}
    assert optimizer.code() == "torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)"


@pytest.mark.parametrize(
    "spec", ["adam:betas=(0,0.999)", "adamw:betas=(0.9,0)", "nadam:betas=(0,0)", "rprop:etas=(0.5,2)"]
)
def test_a_whole_number_stands_for_a_float_where_the_class_takes_floats_only(spec: str) -> None:
    group = parse(spec).make([parameter()]).param_groups[0]
    (pair,) = (group[name] for name in ("betas", "etas") if name in group)
    assert all(isinstance(value, float) for value in pair)


def test_values_are_python_literals_with_commas_inside_brackets() -> None:
    optimizer = parse(" adam : lr = 1 , betas = (0.5, 0.9) ")
    assert optimizer.hyperparameters["betas"] == (0.5, 0.9)
    assert optimizer.hyperparameters["lr"] == 1
    assert optimizer.spec == "adam : lr = 1 , betas = (0.5, 0.9)"


def test_a_bare_word_is_text() -> None:
    assert parse("lbfgs:line_search_fn=strong_wolfe").hyperparameters["line_search_fn"] == "strong_wolfe"


def test_switches_of_the_implementation_are_no_hyperparameters_unless_typed() -> None:
    assert "foreach" not in parse("adam").hyperparameters
    optimizer = parse("adam:foreach=True")
    assert optimizer.hyperparameters["foreach"] is True
    assert optimizer.rule is not None


@pytest.mark.parametrize(
    ("given", "spec", "name", "family"),
    [
        ("torch.optim.NAdam:lr=0.01", "torch.optim.NAdam:lr=0.01", "NAdam", "nadam"),
        ("lion_pytorch.Lion:lr=1e-3", "lion_pytorch.Lion:lr=1e-3", "Lion", "lion"),
        ("Adam", "Adam", "Adam", "adam"),
        ("amsgrad", "amsgrad", "AMSGrad", "amsgrad"),
        (torch.optim.Adam, "adam", "Adam", "adam"),
        (functools.partial(torch.optim.SGD, lr=0.5), "sgd:lr=0.5", "SGD", "sgd"),
        (lambda p: torch.optim.SGD(p, lr=0.5), "lambda", "SGD", "sgd"),
    ],
)
def test_classes_partials_and_callables_will_do(given: Any, spec: str, name: str, family: str) -> None:
    optimizer = parse(given)
    assert (optimizer.spec, optimizer.name, optimizer.family) == (spec, name, family)
    optimizer.make([parameter()]).zero_grad()


def test_a_callable_has_the_hyperparameters_it_passes_on_and_no_rule() -> None:
    optimizer = parse(lambda p: torch.optim.SGD(p, lr=0.5))
    assert optimizer.hyperparameters["lr"] == 0.5
    assert optimizer.rule is None


def test_a_function_of_the_users_that_shares_a_known_name_is_not_taken_for_it() -> None:
    def adam(params: Any, lr: float = 3.0) -> torch.optim.Optimizer:
        return torch.optim.SGD(params, lr=lr)

    optimizer = parse(adam)
    assert (optimizer.rule, optimizer.hyperparameters["lr"]) == (None, 3.0)
    assert type(optimizer.replace(lr=1.0).make([parameter()])) is torch.optim.SGD


def test_a_parsed_optimizer_stays_itself() -> None:
    optimizer = parse("adam")
    assert parse(optimizer) is optimizer
    assert parse_all("adam") == [optimizer] == parse_all([optimizer])


@pytest.mark.parametrize("spec", ["adam:lr=0.1", "nesterov", "lion_pytorch.Lion", torch.optim.RAdam])
def test_it_pickles(spec: Any) -> None:
    optimizer = parse(spec)
    again = pickle.loads(pickle.dumps(optimizer))
    assert again == optimizer
    assert hash(again) == hash(optimizer)
    assert again.rule == optimizer.rule


def test_replace_gives_what_would_have_been_typed() -> None:
    assert parse("adam:lr=0.1").replace(lr=0.2, amsgrad=True) == parse("adam:lr=0.2,amsgrad=True")
    assert parse("nesterov").replace(lr=0.2) == parse("nesterov:lr=0.2")
    assert parse("nesterov").replace(momentum=0.5) == parse("nesterov:momentum=0.5")
    with pytest.raises(InputError, match=r"lr must be a finite number, got `nan`"):
        parse("adam").replace(lr=float("nan"))


def test_replace_on_a_callable_without_hyperparameters_says_why_not() -> None:
    with pytest.raises(InputError) as error:
        parse(lambda p: torch.optim.SGD(p, lr=0.5)).replace(lr=1.0)
    assert str(error.value) == "`lambda:lr=1.0`: lambda takes no hyperparameters, so `lr` cannot be set."


def test_labels_tell_namesakes_apart() -> None:
    given = ["sgd:lr=0.1", "sgd:lr=1.5", "adam", "adam:amsgrad=True", "adamw"]
    assert labels(parse_all(given)) == ["SGD lr 0.1", "SGD lr 1.5", "Adam", "Adam amsgrad", "AdamW"]
    assert labels(parse_all(["sgd", "sgd", "adam"])) == ["SGD", "SGD (2)", "Adam"]
    assert labels(parse_all(["adam:betas=(0.5,0.9)", "adam"])) == ["Adam betas (0.5, 0.9)", "Adam"]
    made = [lambda p: torch.optim.SGD(p, lr=0.5), lambda p: torch.optim.SGD(p, lr=1.0)]
    assert labels(parse_all(made)) == ["SGD lr 0.5", "SGD lr 1"]


SENTENCES = {
    "": "The optimizer's spec is empty. Name one, such as `adam` or `sgd:lr=0.1,momentum=0.9`.",
    "adm": "`adm` is no optimizer in the catalogue. Did you mean `adam` or `radam` or `nadam`?",
    "sgd lr=0.1": "`sgd lr=0.1`: a spec begins with an optimizer's name or import path, such as `adam` or "
    "`torch.optim.Adam`, not with `sgd lr=0.1`.",
    "sgd:": "`sgd:`: after the colon comes `key=value`; without hyperparameters write `sgd`.",
    "sgd:lr": "`sgd:lr`: `lr` has no `=`; hyperparameters are `key=value`.",
    "sgd:lr=": "`sgd:lr=`: lr has no value; write `lr=0.1`.",
    "sgd:lr=0.1,": "`sgd:lr=0.1,`: there is a comma too many; hyperparameters are `key=value,key=value`.",
    "sgd:0=1": "`sgd:0=1`: `0` is not the name of a hyperparameter; write `key=value`.",
    "sgd:lr=0.1,lr=0.2": "`sgd:lr=0.1,lr=0.2`: lr is given twice. Keep one of them.",
    "adam:betas=(0.9,": "`adam:betas=(0.9,`: a bracket is never closed; `)` is missing.",
    "adam:betas=0.9)": "`adam:betas=0.9)`: the `)` after `betas=0.9` opens nowhere.",
    "sgd:lr='a": "`sgd:lr='a`: a quotation mark `'` is never closed.",
    "sgd:lr=2*3": "`sgd:lr=2*3`: the value of lr must be a Python literal, such as 0.1, True or (0.9, 0.999), "
    "got `2*3`.",
    "sgd:lr=-1": "`sgd:lr=-1`: lr must be at least 0, got -1. SGD's default is lr=0.001.",
    "sgd:lr=nan": "`sgd:lr=nan`: lr must be a finite number, got `nan`. SGD's default is lr=0.001.",
    "sgd:lr=1e999": "`sgd:lr=1e999`: lr must be a finite number, got `inf`. SGD's default is lr=0.001.",
    "sgd:lr=abc": "`sgd:lr=abc`: lr must be a number, got `abc`. SGD's default is lr=0.001.",
    "sgd:lr=None": "`sgd:lr=None`: lr must be a number, got `None`. SGD's default is lr=0.001.",
    "sgd:lr=True": "`sgd:lr=True`: lr must be a number, got `True`. SGD's default is lr=0.001.",
    "sgd:lr=1j": "`sgd:lr=1j`: lr must be a number, got `1j`. SGD's default is lr=0.001.",
    "sgd:momentun=1": "`sgd:momentun=1`: SGD has no hyperparameter `momentun`. Did you mean `momentum`?",
    "sgd:nesterov=True": "`sgd:nesterov=True`: SGD refuses this: Nesterov momentum requires a momentum and zero "
    "dampening.",
    "adam:amsgrad=abc": "`adam:amsgrad=abc`: amsgrad must be True or False, got `abc`. "
    "Adam's default is amsgrad=False.",
    "adam:amsgrad=1": "`adam:amsgrad=1`: amsgrad must be True or False, got `1`. Adam's default is amsgrad=False.",
    "adam:betas=(0.9,1.5)": "`adam:betas=(0.9,1.5)`: betas must each be at least 0 and below 1, got (0.9, 1.5). "
    "Adam's default is betas=(0.9, 0.999).",
    "adam:betas=(0.9,0.9,0.9)": "`adam:betas=(0.9,0.9,0.9)`: betas must be a pair of values, got 3: "
    "`(0.9, 0.9, 0.9)`. Adam's default is betas=(0.9, 0.999).",
    "adam:betas=(0.9,'x')": "`adam:betas=(0.9,'x')`: betas must be a pair of values; its entry 2 must be a number, "
    "got `x`. Adam's default is betas=(0.9, 0.999).",
    "lbfgs:max_iter=2.5": "`lbfgs:max_iter=2.5`: max_iter must be a whole number, got `2.5`. "
    "LBFGS's default is max_iter=20.",
    "lbfgs:line_search_fn=foo": "`lbfgs:line_search_fn=foo`: LBFGS refuses this: only 'strong_wolfe' is supported.",
    "muon:adjust_lr_fn=foo": "`muon:adjust_lr_fn=foo`: Muon refuses this: Adjust learning rate function foo is not "
    "supported.",
    "lion:lr=0": "`lion:lr=0`: Lion refuses this: lr > 0.",
    "torch.optim": "`torch.optim` is a module; name the class in it, as in `torch.optim.Adam`.",
    "torch.optim.adam": "`torch.optim.adam`: `torch.optim` has no `adam`. Did you mean `Adam` or `RAdam` or `NAdam`?",
    "nowhere.to.Be": "`nowhere.to.Be`: there is no installed package `nowhere`. Install it, or name a file of your "
    "own, as in `my_file.py:MyOptimizer`.",
    "sys.exit": "`sys.exit`: `sys` belongs to Python's standard library, which is never imported for a spec. An import "
    "path names a subclass of torch.optim.Optimizer in an installed package; anything else is named by its file, as in "
    "`my_file.py:MyOptimizer`.",
    "torch.manual_seed": "`torch.manual_seed` is no subclass of torch.optim.Optimizer. An import path names a subclass "
    "of torch.optim.Optimizer in an installed package; anything else is named by its file, as in "
    "`my_file.py:MyOptimizer`.",
    "mine.py": "`mine.py` does not say what in the file: write `mine.py:MyOptimizer`.",
    "mine.py:lr=0.1": "`mine.py:lr=0.1` does not say what in the file: write `mine.py:MyOptimizer`.",
    "mine.py:Mine:lr=0.1": "`mine.py:Mine`: there is no such file.",
}


@pytest.mark.parametrize("spec", SENTENCES)
def test_an_error_quotes_states_the_rule_and_the_way_out(spec: str) -> None:
    with pytest.raises(InputError) as error:
        parse(spec)
    assert str(error.value) == SENTENCES[spec]


def test_a_spec_without_end_is_cut_in_its_error() -> None:
    with pytest.raises(InputError) as error:
        parse("sgd:lr=" + "9" * 1_000_000)
    assert "has at most 2,000 characters, this one 1,000,007" in str(error.value)
    assert len(str(error.value)) < 200


def test_a_number_beyond_all_floats_is_not_finite() -> None:
    with pytest.raises(InputError, match="lr must be a finite number, got `9999"):
        parse("sgd:lr=" + "9" * 500)


@pytest.mark.parametrize("given", [5, None, [1], {}])
def test_what_is_no_spec_at_all_is_refused(given: Any) -> None:
    with pytest.raises(InputError, match=r"an optimizer is a spec such as `adam:lr=0\.1`, a class, "):
        parse(given)


def test_a_callable_that_returns_no_optimizer_is_refused() -> None:
    with pytest.raises(InputError) as error:
        parse(lambda p: 5)
    assert str(error.value) == (
        "`lambda`: lambda must return an optimizer, with step() and param_groups, when it is given parameters; "
        "it returned int."
    )


def test_lion_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lion_pytorch", None)
    with pytest.raises(InputError) as error:
        parse("lion")
    assert str(error.value) == (
        '`lion` is lion_pytorch.Lion, which is not installed: `pip install "slalom[optimizers]"` brings it.'
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "raise RuntimeError('out of order')",
            "importing `broken` failed with `RuntimeError: out of order (broken.py, line 1)`.",
        ),
        ("import sys; sys.exit(3)", "importing `broken` failed with `SystemExit: 3 (broken.py, line 1)`."),
        ("import nowhere_at_all", "importing `broken` failed, for it needs the module `nowhere_at_all`, which is "
         "not installed."),
    ],
)  # fmt: skip
def test_a_module_that_fails_to_import_is_quoted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str
) -> None:
    install(tmp_path, "broken", text)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError) as error:
        parse("broken.Thing:lr=1")
    assert str(error.value) == f"`broken.Thing`: {sentence}"


def install(folder: Path, package: str, text: str) -> None:
    """Let a module be part of an installed distribution that requires torch, as pip would leave it."""
    (folder / f"{package}.py").write_text(text)
    about = folder / f"{package}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\nRequires-Dist: torch>=2\n")
    (about / "RECORD").write_text(f"{package}.py,,\n")


def test_a_class_of_an_installed_package_is_found_by_its_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(
        tmp_path,
        "my_optimizers",
        "import torch\n\nclass Mine(torch.optim.SGD):\n"
        "    def __init__(self, params, lr, strength=1.0):\n        super().__init__(params, lr * strength)\n",
    )
    monkeypatch.syspath_prepend(tmp_path)
    optimizer = parse("my_optimizers.Mine:lr=0.5")
    assert (optimizer.name, optimizer.family) == ("Mine", "mine")
    assert optimizer.hyperparameters == {"lr": 0.5, "strength": 1.0}
    assert optimizer.rule is None
    with pytest.raises(InputError) as error:
        parse("my_optimizers.Mine")
    assert str(error.value) == "`my_optimizers.Mine`: Mine needs a value for lr: `my_optimizers.Mine:lr=0.1`."


def test_what_merely_diverges_is_allowed() -> None:
    assert parse("sgd:lr=1e6,momentum=2").hyperparameters["momentum"] == 2


@pytest.mark.parametrize("name", ["sgd", "adagrad", "rmsprop", "adadelta", "adam", "adamax", "nadam", "rprop"])
def test_the_ranges_in_words_are_those_of_torch(name: str) -> None:
    """Whatever a class refuses just below 0 or beyond 1 is said to be out of range, and 0 is accepted."""
    optimizer = parse(name)
    tried = 0
    for key, rule in RANGES.items():
        default = optimizer.hyperparameters.get(key)
        if default is None:
            continue
        tried += 1
        if key == "etas":
            wrong: Any = (1.5, 1.2)
        else:
            wrong = (-0.1, default[1]) if isinstance(default, tuple) else -0.1
        with pytest.raises(InputError, match=f"{key} {rule}"):
            optimizer.replace(**{key: wrong})
        if key != "etas":
            optimizer.replace(**{key: (0.0, default[1]) if isinstance(default, tuple) else 0.0})
    assert tried


VALUES = st.one_of(
    st.booleans(),
    st.none(),
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
)
KEYS = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@settings(derandomize=True, deadline=None, database=None)
@given(st.dictionaries(KEYS, st.one_of(VALUES, st.lists(VALUES, max_size=3).map(tuple)), max_size=4))
def test_a_formatted_spec_reads_back(typed: dict[str, Any]) -> None:
    assert read_spec(format_spec("adam", typed)) == ("adam", typed)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    returns_or_refuses(text)


@settings(max_examples=300, derandomize=True, deadline=None, database=None)
@given(
    st.sampled_from([name for name in catalogue() if name not in ("lbfgs", "muon")]),
    st.text(alphabet="lrmoentu=,.:()[]{}'\"0123456789e-+ \\#\n_aTrue", max_size=30),
)
def test_any_options_are_parsed_or_refused(name: str, options: str) -> None:
    returns_or_refuses(f"{name}:{options}")


def returns_or_refuses(spec: str) -> None:
    try:
        optimizer = parse(spec)
    except InputError as refusal:
        sentence = str(refusal)
    else:
        assert isinstance(optimizer, SpecifiedOptimizer)
        assert parse(format_spec(optimizer.head, optimizer.typed)).hyperparameters == optimizer.hyperparameters
        return
    assert 20 < len(sentence) < 700
    assert "\n" not in sentence

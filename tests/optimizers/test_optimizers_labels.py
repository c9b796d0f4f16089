"""Labels tell recipes apart, whole and shortened."""

from __future__ import annotations

import sys
import types
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slalom.optimizers import labels, parse_all
from slalom.show.views.words import short_names

RATES = st.sampled_from([0.1, 0.01, 0.001, 1e-05])
STAGES = st.sampled_from(
    ["", " | cosine", " | warmup:steps=10 | cosine", " | warmup:steps=100 | cosine", " | step:step_size=30"]
)
HEADS = st.sampled_from(["sgd:momentum=0.9", "sgd:momentum=0.95", "sgd:nesterov=True,momentum=0.9", "sgd:momentum=0"])
SPECS = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["adam", "adamw", "rmsprop"]), STAGES),
    st.builds("{},lr={}{}".format, HEADS, RATES, STAGES),
    st.builds("{}:lr={}{}".format, st.sampled_from(["adam", "adamw", "nadam"]), RATES, STAGES),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(SPECS, min_size=1, max_size=8), st.integers(10, 30))
def test_labels_of_a_race_differ_and_still_do_so_when_they_are_shortened(specs: list[str], most: int) -> None:
    whole = labels(parse_all(specs))
    assert len(set(whole)) == len(whole)
    short = short_names(whole, most)
    assert len(set(short)) == len(short)
    assert all(len(name) <= most for name in short)
    assert all(name == cut for name, cut in zip(whole, short, strict=True) if len(name) <= most)
    assert len({name[0] for name in whole} - {name[0] for name in short}) == 0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("ab ,01", min_size=1, max_size=40), min_size=1, max_size=9), st.integers(8, 20))
def test_any_names_stay_apart(names: list[str], most: int) -> None:
    short = short_names(names, most)
    assert all(len(name) <= most for name in short)
    assert len(set(short)) == len(set(names))
    assert all(
        (a == b) == (c == d) for a, c in zip(names, short, strict=True) for b, d in zip(names, short, strict=True)
    )


@pytest.mark.parametrize(
    ("specs", "expected"),
    [
        (["sgd:momentum=0.9 | cosine", "sgd:momentum=0.9"], ["SGD cosine", "SGD"]),
        (["sgd:momentum=0.9 | cosine", "sgd"], ["SGD momentum 0.9, cosine", "SGD"]),
        (["sgd:lr=0.1,momentum=0.9", "sgd:lr=0.2"], ["SGD lr 0.1, momentum 0.9", "SGD lr 0.2"]),
        (["adam", "adam", "adam"], ["Adam", "Adam (2)", "Adam (3)"]),
    ],
)
def test_labels(specs: Sequence[str], expected: list[str]) -> None:
    assert labels(parse_all(specs)) == expected


def test_a_class_with_the_name_of_one_of_torchs_is_told_by_its_package() -> None:
    def package(name: str, *classes: str) -> types.ModuleType:
        module = types.ModuleType(name)
        for one in classes:
            setattr(module, one, type(one, (torch.optim.SGD,), {"__module__": name}))
        sys.modules[name] = module
        return module

    a, b = package("package_a", "AdamW", "Lamb"), package("package_b", "Lamb")
    assert labels(parse_all([a.AdamW])) == ["AdamW (package_a)"]
    assert labels(parse_all(["adamw", a.AdamW])) == ["AdamW", "AdamW (package_a)"]
    assert labels(parse_all([a.Lamb])) == ["Lamb"]
    assert labels(parse_all([a.Lamb, b.Lamb])) == ["Lamb (package_a)", "Lamb (package_b)"]


def test_a_long_name_keeps_the_part_that_differs() -> None:
    names = ["AdamW lr 0.1, warmup steps 100, cosine", "AdamW lr 0.1, warmup steps 10, cosine"]
    one, other = short_names(names, 20)
    assert one != other
    assert (one, other) == ("AdamW…steps 100…", "AdamW…steps 10…")
    names = ["SGD momentum 0.9, cosine", "SGD momentum 0.9, linear", "SGD"]
    one, other, _ = short_names(names, 18)
    assert "cosine" in one
    assert "linear" in other
    assert short_names(["AdamW (pytorch_optimizer)", "AdamW"], 18) == ["AdamW (pytorch_op…", "AdamW"]

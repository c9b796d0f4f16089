"""Equal specifications have equal keys, and whatever a run depends on changes the key."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_runs import TRAINING, run, spec

from slalom.core import InputError, Training
from slalom.store import RunSpec
from slalom.store.canonical import _finite, canonical, plain, restored
from slalom.store.series import pack, unpack

plain_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_the_key_is_the_sha256_of_the_canonical_json() -> None:
    told = json.loads(spec().text)
    text = json.dumps(told, sort_keys=True, separators=(",", ":"))
    assert spec().key == hashlib.sha256(text.encode()).hexdigest()
    assert told["training"] == {
        "steps": 40,
        "steps_per_epoch": 10,
        "evaluate": 10,
        "dtype": "float32",
        "precision": "fp32",
    }


def test_the_key_of_a_known_specification_never_changes() -> None:
    """Stores that people have would not find their runs again."""
    assert spec(7, form=1).key == "cde15979c0cd1072d3e8598b5a529f3b7f6644a2c7a7f679a147a45b393a328b"
    assert spec(7).key == "3892b6d49710afebbcd63dd402feef574a6ff7ab60d7adc7fc7bd8e9ba68ce81"


def test_the_order_of_hyperparameters_does_not_matter_and_lists_are_tuples() -> None:
    first = spec(hyperparameters={"lr": 0.1, "betas": (0.9, 0.999)})
    second = spec(hyperparameters={"betas": [0.9, np.float64(0.999)], "lr": 0.1})
    assert first == second
    assert first.key == second.key
    assert hash(first) == hash(second)


CHANGES: list[dict[str, Any]] = [
    {"company": "0123456789abcdef"},
    {"course": "mnist-mlp"},
    {"optimizer": "torch.optim.sgd.SGD"},
    {"seed": 1},
    {"hyperparameters": {"lr": 0.002}},
    {"hyperparameters": {"lr": math.nextafter(0.001, 1)}},
    {"stages": ("cosine",)},
    {"training": None},
    {"training": dataclasses.replace(TRAINING, steps=41)},
    {"training": dataclasses.replace(TRAINING, evaluate_at=(0, 40))},
    {"training": dataclasses.replace(TRAINING, evaluate_at=(0, 3, 40))},
    {"training": dataclasses.replace(TRAINING, dtype="float64")},
    {"training": dataclasses.replace(TRAINING, precision="bf16")},
    {"training": dataclasses.replace(TRAINING, device="cuda:0")},
    {"start": (1.0, 2.0)},
    {"noise": 0.1},
    {"engine": "fleet"},
    {"engine": "fleet", "lanes": ("lr",)},
    {"width": 8},
    {"threads": 2},
    {"course_fingerprint": "ab"},
    {"optimizer_fingerprint": "ab"},
    {"versions": {"torch": "2.12.0"}},
    {"form": 1},
]


def test_each_thing_that_a_run_depends_on_changes_the_key() -> None:
    keys = {spec(**change).key for change in CHANGES}
    assert len(keys) == len(CHANGES)
    assert spec().key not in keys
    assert {name for change in CHANGES for name in change} - {"device"} == {
        field.name for field in dataclasses.fields(RunSpec) if field.name != "device"
    }


def test_which_of_several_gpus_computes_does_not_matter() -> None:
    first, second = (dataclasses.replace(TRAINING, device=f"cuda:{k}") for k in (0, 1))
    assert spec(training=first).key == spec(training=second).key
    assert spec(training=first, device="H100").key != spec(training=first, device="H200").key


@pytest.mark.parametrize("change", [{}, *CHANGES])
def test_a_specification_comes_back_from_its_text(change: dict[str, Any]) -> None:
    original = spec(**change)
    back = RunSpec.from_text(original.text)
    assert back == original
    if original.training is not None and original.training.device == "cpu":
        assert back.training == original.training


@given(plain_values)
def test_any_plain_value_comes_back_from_its_canonical_text(value: Any) -> None:
    text = canonical(value)
    assert text.isascii()
    assert canonical(restored(text)) == text
    assert repr(restored(text)) == repr(value) or isinstance(value, dict) or "{" in repr(value)


@pytest.mark.parametrize("value", [len, object(), {1: 2}, {"a": {3}}, np.zeros(2), b"bytes"])
def test_what_has_no_text_is_refused(value: object) -> None:
    with pytest.raises(InputError, match=r"a hyperparameter of `torch.optim.adam.Adam`"):
        spec(hyperparameters={"foreach": value})


class Named(str):
    """A text that says something else of itself."""

    def __repr__(self) -> str:
        return "named"


class Rate(float):
    """As above."""

    def __repr__(self) -> str:
        return "rate"


ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.text().map(Named),
    st.floats().map(Rate),
    st.floats().map(np.float64),
    st.integers(-9, 9).map(np.int32),
)
VALUES = st.recursive(
    ATOMS, lambda some: st.lists(some) | st.lists(some).map(tuple) | st.dictionaries(st.text(), some), max_leaves=20
)


@given(VALUES)
def test_what_is_plain_already_has_the_text_that_copying_it_gives(value: Any) -> None:
    """Most values are written as they are; the text must not depend on whether."""
    copied = json.dumps(_finite(plain(value)), sort_keys=True, separators=(",", ":"), allow_nan=False)
    assert canonical(value) == copied


@pytest.mark.parametrize("value", [{1: 2}, {"a": {None: 1}}, [{True: 1}], ({1.5: []},)])
def test_a_key_that_is_no_text_is_refused_at_any_depth(value: object) -> None:
    """JSON itself would make a text of it."""
    with pytest.raises(InputError, match="keys of what is stored are texts"):
        canonical(value)


@pytest.mark.parametrize("seed", [-1, 2**63, True])
def test_a_seed_that_does_not_fit_is_refused(seed: int) -> None:
    with pytest.raises(InputError, match="seed must be a whole number of at least 0"):
        spec(seed)


@given(st.lists(st.floats() | st.floats(width=32)), st.booleans())
def test_any_losses_come_back_bit_for_bit(values: list[float], single: bool) -> None:
    array = np.array(values, dtype=np.float64)
    losses, rates, rows = unpack(pack(run(losses=array, learning_rates=array if single else None, evaluations=[])))
    assert losses.tobytes() == array.tobytes()
    assert (rates is not None) is single
    assert rows == []


scalars = st.integers(-(2**63), 2**63 - 1) | st.floats() | st.booleans() | st.none() | st.text(max_size=3)


@given(st.lists(st.dictionaries(st.sampled_from(["step", "a", "b"]), scalars)))
def test_any_evaluations_come_back(rows: list[dict[str, Any]]) -> None:
    _, _, back = unpack(pack(run(evaluations=rows)))
    assert [{name: repr(value) for name, value in row.items()} for row in back] == [
        {name: repr(value) for name, value in row.items()} for row in rows
    ]


@given(st.binary(max_size=200))
def test_bytes_that_are_no_series_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no series"):
        unpack(data)


def test_losses_of_single_precision_take_half_the_room() -> None:
    single = len(pack(run(losses=np.random.default_rng(0).random(5000, dtype=np.float32).astype(float))))
    double = len(pack(run(losses=np.random.default_rng(0).random(5000))))
    assert single < 0.55 * double


def test_evenly_spaced_evaluations_are_told_by_their_distance() -> None:
    assert len(spec(training=Training.of(100_000, 10)).text) == len(spec(training=Training.of(100_000, 20)).text)


def test_the_store_can_be_used_where_torch_is_not_installed() -> None:
    code = "import sys; sys.modules['torch'] = None; import slalom.store; print(slalom.store.MemoryStore().count())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr


def test_a_run_of_an_earlier_form_is_read_and_keeps_its_key_but_is_no_run_of_today() -> None:
    """An earlier slalom averaged metrics over pieces of the data: its numbers must not stand in for today's."""
    now = RunSpec("digits-mlp", "torch.optim.Adam", 3)
    before = RunSpec.from_text(now.text.replace(f'"form":{now.form}', '"form":1'))
    assert before.form == 1
    assert before.key != now.key
    assert RunSpec.from_text(before.text).key == before.key
    with pytest.raises(ValueError, match="another form"):
        RunSpec.from_text(now.text.replace(f'"form":{now.form}', '"form":99'))

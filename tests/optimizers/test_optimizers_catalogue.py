"""The catalogue against the installed torch.optim."""

from __future__ import annotations

import inspect

import pytest
import torch

from slalom.optimizers import CLASSICS, catalogue, parse
from slalom.optimizers.catalogue import _TABLE, entry_of, import_path, torch_classes
from slalom.optimizers.checks import SWITCHES


def test_every_class_of_torch_optim_is_in_the_catalogue() -> None:
    classes = {
        name
        for name, value in vars(torch.optim).items()
        if inspect.isclass(value) and issubclass(value, torch.optim.Optimizer) and name != "Optimizer"
    }
    assert len(classes) >= 15
    assert {entry.path.rpartition(".")[2] for entry in catalogue().values()} >= classes
    assert all(name.lower() in catalogue() for name in classes)


def test_every_class_of_torch_optim_is_described_in_the_table() -> None:
    described = {entry.path for entry in _TABLE}
    assert {import_path(cls) for cls in torch_classes()} <= described
    assert all(entry.description.endswith(".") and entry.paper for entry in _TABLE)


def test_a_class_that_nobody_described_is_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    class Novel(torch.optim.SGD):
        pass

    monkeypatch.setattr(torch.optim, "Novel", Novel, raising=False)
    catalogue.cache_clear()
    try:
        assert catalogue()["novel"].path == "torch.optim.Novel"
    finally:
        monkeypatch.undo()
        catalogue.cache_clear()
    assert "novel" not in catalogue()


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_defaults_are_those_of_the_real_signature(name: str) -> None:
    optimizer = parse(name)
    parameters = list(inspect.signature(optimizer.factory).parameters.values())[1:]
    expected = {p.name: p.default for p in parameters if p.name not in SWITCHES}
    assert optimizer.hyperparameters == {**expected, **catalogue()[name].preset}
    assert optimizer.typed == {}


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_name_makes_its_real_class(name: str) -> None:
    optimizer = parse(name)
    parameter = torch.nn.Parameter(torch.ones(1, 2))
    made = optimizer.make([parameter])
    assert import_path(type(made)) == catalogue()[name].path
    for key, value in optimizer.hyperparameters.items():
        if value is not None:  # LBFGS works out max_eval itself
            assert made.param_groups[0].get(key, value) == value


def test_variants_differ_from_their_class_by_their_preset() -> None:
    group = parse("nesterov").make([torch.nn.Parameter(torch.ones(2))]).param_groups[0]
    assert (group["momentum"], group["nesterov"]) == (0.9, True)
    assert entry_of("torch.optim.SGD") == catalogue()["sgd"]
    assert [parse(name).family for name in ("momentum", "nesterov", "amsgrad")] == [
        "momentum",
        "nesterov",
        "amsgrad",
    ]


def test_the_classics_are_six_known_names() -> None:
    assert len(CLASSICS) == 6
    assert set(CLASSICS) <= set(catalogue())
    assert [parse(name).name for name in CLASSICS] == [
        "SGD",
        "Adagrad",
        "RMSprop",
        "Adadelta",
        "Adam",
        "AdamW",
    ]

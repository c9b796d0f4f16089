"""Parameters that are treated unequally: against groups and loops written by hand, bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from slalom.core import InputError
from slalom.optimizers import describe, parse
from slalom.optimizers.divided import DividedOptimizer


class Small(nn.Module):
    """An embedding, a convolution, two hidden matrices, a norm and an output layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.mix = nn.Conv1d(4, 4, 3, padding=1)
        self.first = nn.Linear(4, 8)
        self.norm = nn.LayerNorm(8)
        self.second = nn.Linear(8, 8)
        self.head = nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mixed = self.mix(self.embed(tokens).transpose(1, 2)).mean(dim=2)
        return self.head(torch.tanh(self.second(self.norm(self.first(mixed)))))


TOKENS = torch.arange(60).remainder(10).reshape(12, 5)
TARGET = torch.arange(12).remainder(3)

HIDDEN = ("first.weight", "second.weight")


def network() -> Small:
    torch.manual_seed(0)
    return Small()


def train(model: nn.Module, step: Callable[[], None], steps: int = 12) -> dict[str, torch.Tensor]:
    """Return the parameters after a few steps of the plain loop."""
    for _ in range(steps):
        model.zero_grad()
        nn.functional.cross_entropy(model(TOKENS), TARGET).backward()
        step()
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def equipped(spec: str, steps: int = 12) -> tuple[dict[str, torch.Tensor], Any]:
    """Train as the networks' engines do."""
    model, optimizer = network(), parse(spec)
    made = optimizer.equip(model.named_parameters())
    scheduler = optimizer.scheduler(made, steps, 4)

    def step() -> None:
        made.step()
        if scheduler is not None:
            scheduler.step()

    return train(model, step, steps), made


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
    assert one.keys() == other.keys()
    for name in one:
        assert torch.equal(one[name], other[name]), name


def halves(model: nn.Module) -> tuple[list[Any], list[Any]]:
    named = dict(model.named_parameters())
    return [named[n] for n in HIDDEN], [p for n, p in named.items() if n not in HIDDEN]


def test_equipping_without_stages_is_making() -> None:
    model = network()
    made = parse("adamw:lr=0.01").equip(model.named_parameters())
    assert type(made) is torch.optim.AdamW
    assert len(made.param_groups) == 1
    by_hand = network()
    assert_same(train(model, made.step), train(by_hand, torch.optim.AdamW(by_hand.parameters(), lr=0.01).step))


def test_nodecay_leaves_vectors_alone() -> None:
    found, _ = equipped("adamw:lr=0.01,weight_decay=0.3 | nodecay")
    model = network()
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in model.parameters() if p.ndim >= 2]},
            {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
        ],
        lr=0.01,
        weight_decay=0.3,
    )
    assert_same(found, train(model, optimizer.step))
    with_decay, _ = equipped("adamw:lr=0.01,weight_decay=0.3")
    assert not torch.equal(found["norm.weight"], with_decay["norm.weight"])


def test_nodecay_by_name_leaves_those_names_alone() -> None:
    found, _ = equipped("sgd:lr=0.1,weight_decay=0.3 | nodecay:match=('bias','norm','embed')")
    model = network()
    spared = {n for n, _ in model.named_parameters() if "bias" in n or "norm" in n or "embed" in n}
    optimizer = torch.optim.SGD(
        [
            {"params": [p for n, p in model.named_parameters() if n not in spared]},
            {"params": [p for n, p in model.named_parameters() if n in spared], "weight_decay": 0.0},
        ],
        lr=0.1,
        weight_decay=0.3,
    )
    assert_same(found, train(model, optimizer.step))


def test_a_name_that_matches_nothing_is_refused() -> None:
    with pytest.raises(InputError) as error:
        parse("adamw | nodecay:match='bais'").equip(nn.Linear(2, 2).named_parameters())
    assert str(error.value) == (
        "`adamw | nodecay:match='bais'`: no parameter of the network has `bais` in its name; they are `weight, bias`."
    )


def test_muon_moves_hidden_matrices_and_adamw_the_rest() -> None:
    found, made = equipped("muon:lr=0.02,rest_lr=3e-3,rest_weight_decay=0.1")
    model = network()
    hidden, rest = halves(model)
    muon, adamw = torch.optim.Muon(hidden, lr=0.02), torch.optim.AdamW(rest, lr=3e-3, weight_decay=0.1)

    def step() -> None:
        muon.step()
        adamw.step()

    assert_same(found, train(model, step))
    assert [type(part) for part in made.parts] == [torch.optim.Muon, torch.optim.AdamW]


@pytest.mark.parametrize("schedule", ["cosine", "onecycle", "step:step_size=1,gamma=0.5,per=epoch"])
def test_a_schedule_moves_both_parts(schedule: str) -> None:
    found, _ = equipped(f"muon:lr=0.02,rest_lr=3e-3 | {schedule}")
    model = network()
    hidden, rest = halves(model)
    parts = [torch.optim.Muon(hidden, lr=0.02), torch.optim.AdamW(rest, lr=3e-3)]
    make: Callable[[Any], Any] = {
        "cosine": lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 12),
        "onecycle": lambda o: torch.optim.lr_scheduler.OneCycleLR(o, o.param_groups[0]["lr"], 12),
    }.get(schedule, lambda o: torch.optim.lr_scheduler.StepLR(o, 1, 0.5))
    every = [make(part) for part in parts]
    made = 0

    def step() -> None:
        nonlocal made
        made += 1
        for part, scheduler in zip(parts, every, strict=True):
            part.step()
            if "epoch" not in schedule or made % 4 == 0:
                scheduler.step()

    assert_same(found, train(model, step))


def test_muon_and_nodecay_go_together() -> None:
    found, made = equipped("muon:lr=0.02 | nodecay")
    model = network()
    hidden, rest = halves(model)
    muon = torch.optim.Muon(hidden, lr=0.02)
    adamw = torch.optim.AdamW(
        [
            {"params": [p for p in rest if p.ndim >= 2]},
            {"params": [p for p in rest if p.ndim < 2], "weight_decay": 0.0},
        ]
    )

    def step() -> None:
        muon.step()
        adamw.step()

    assert_same(found, train(model, step))
    assert len(made.param_groups) == 3


def test_it_tells_what_went_where() -> None:
    division = parse("muon | nodecay:match=bias").division(network().named_parameters())
    assert division["Muon"] == HIDDEN
    assert division["AdamW"][:3] == ("embed.weight", "mix.weight", "mix.bias")
    assert "head.weight" in division["AdamW"]
    assert all("bias" in name for name in division["without weight decay"])
    assert parse("adam").division(nn.Linear(2, 2).named_parameters()) == {"Adam": ("weight", "bias")}
    assert any("hidden layers" in remark for remark in describe("muon").remarks)


@pytest.mark.parametrize("name", ["embed", "tok_emb", "token", "position", "wte", "pos_embedding"])
def test_an_embedding_is_known_by_its_name(name: str) -> None:
    model = nn.ModuleDict({name: nn.Embedding(5, 4), "inner": nn.Linear(4, 4), "outer": nn.Linear(4, 5)})
    assert parse("muon").division(model.named_parameters())["Muon"] == ("inner.weight",)


def test_a_single_matrix_is_hidden_and_without_any_it_is_refused() -> None:
    single = nn.Linear(3, 2)
    assert parse("muon").division(single.named_parameters()) == {"Muon": ("weight",), "AdamW": ("bias",)}
    made = parse("muon").equip(nn.Linear(3, 2, bias=False).named_parameters())
    assert len(made.parts) == 1
    with pytest.raises(InputError) as error:
        parse("muon").equip(nn.LayerNorm(3).named_parameters())
    assert str(error.value) == (
        "`muon`: it moves the matrices of hidden layers, and this network has none: choose another optimizer, such "
        "as `adamw`."
    )


def test_the_parts_are_one_optimizer() -> None:
    """State, groups and state_dict are those of the parts; a scheduler of torch's scales all of them."""
    model = network()
    made = parse("muon:lr=0.02").equip(model.named_parameters())
    assert isinstance(made, DividedOptimizer)

    def closure() -> torch.Tensor:
        made.zero_grad()
        loss = nn.functional.cross_entropy(model(TOKENS), TARGET)
        loss.backward()
        return loss

    assert made.step(closure).item() > 0
    assert {id(p) for p in made.state} == {id(p) for p in model.parameters()}
    torch.optim.lr_scheduler.ConstantLR(made, factor=0.5)
    assert [part.param_groups[0]["lr"] for part in made.parts] == [0.01, 0.0005]


def test_the_parts_go_on_where_a_saved_state_left_off() -> None:
    straight, _ = equipped("muon:lr=0.02 | nodecay", steps=12)
    optimizer, model = parse("muon:lr=0.02 | nodecay"), network()
    first = optimizer.equip(model.named_parameters())
    train(model, first.step, steps=5)
    second = optimizer.equip(model.named_parameters())
    second.load_state_dict(first.state_dict())
    assert_same(straight, train(model, second.step, steps=7))


@pytest.mark.parametrize("spec", ["muon:lr=0.02,rest_lr=3e-3", "muon | nodecay", "adamw:lr=0.01 | nodecay:match=bias",
                                  "sgd:lr=0.1,weight_decay=0.1 | nodecay | cosine", "muon | onecycle"])  # fmt: skip
def test_the_code_to_paste_trains_alike(spec: str) -> None:
    found, _ = equipped(spec)
    scope: dict[str, Any] = {"torch": torch, "steps": 12, "model": network()}
    exec(parse(spec).code(), scope)

    def step() -> None:
        for name in ("optimizer", "rest", "scheduler", "rest_scheduler"):
            if name in scope:
                scope[name].step()

    assert_same(found, train(scope["model"], step))


def test_options_of_the_rest_belong_to_the_spec() -> None:
    optimizer = parse("muon:lr=0.02,rest_lr=1e-3")
    assert optimizer.hyperparameters["rest_lr"] == 1e-3
    assert optimizer.replace(rest_lr=2e-3) == parse("muon:lr=0.02,rest_lr=0.002")
    assert (parse("muon").sorts, parse("adamw | nodecay").sorts, parse("adamw").sorts) == (True, True, False)
    with pytest.raises(InputError) as error:
        parse("muon:rest_betas=3")
    assert str(error.value) == (
        "`muon:rest_betas=3`: betas must be a pair of values, got `3`. AdamW's default is betas=(0.9, 0.999)."
    )

"""Learning-rate schedules: the same scheduler of torch's, driven by hand, is the authority."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as torchs

import slalom
from slalom.core import InputError
from slalom.optimizers import SpecifiedOptimizer, labels, parse, parse_all, schedulers

STEPS = 30

Make = Callable[[Any], Any]

BY_HAND: dict[str, Make] = {
    "StepLR:step_size=7,gamma=0.5": lambda o: torchs.StepLR(o, 7, 0.5),
    "multistep:milestones=(5,12)": lambda o: torchs.MultiStepLR(o, [5, 12]),
    "constant:factor=0.5,total_iters=4": lambda o: torchs.ConstantLR(o, 0.5, 4),
    "linear:start_factor=0.1,total_iters=10": lambda o: torchs.LinearLR(o, 0.1, total_iters=10),
    "linear:start_factor=1,end_factor=0": lambda o: torchs.LinearLR(o, 1, 0, total_iters=STEPS),
    "exponential:gamma=0.9": lambda o: torchs.ExponentialLR(o, 0.9),
    "polynomial:power=2": lambda o: torchs.PolynomialLR(o, STEPS, 2),
    "cosine": lambda o: torchs.CosineAnnealingLR(o, STEPS),
    "CosineAnnealingLR:T_max=12,eta_min=1e-4": lambda o: torchs.CosineAnnealingLR(o, 12, 1e-4),
    "restarts:T_0=5,T_mult=2": lambda o: torchs.CosineAnnealingWarmRestarts(o, 5, 2),
    "onecycle": lambda o: torchs.OneCycleLR(o, 0.1, STEPS),
    "OneCycleLR:max_lr=0.3,pct_start=0.5,anneal_strategy=linear": lambda o: torchs.OneCycleLR(
        o, 0.3, STEPS, pct_start=0.5, anneal_strategy="linear"
    ),
    "cyclic:base_lr=1e-3,step_size_up=4,mode=triangular2": lambda o: torchs.CyclicLR(
        o, 1e-3, 0.1, 4, mode="triangular2"
    ),
    "linear:start_factor=0.1,total_iters=10 | cosine": lambda o: torchs.ChainedScheduler(
        [torchs.LinearLR(o, 0.1, total_iters=10), torchs.CosineAnnealingLR(o, STEPS)]
    ),
    "warmup:steps=6": lambda o: torchs.LinearLR(o, 0.01, total_iters=6),
    "warmup:steps=6 | cosine": lambda o: torchs.SequentialLR(
        o, [torchs.LinearLR(o, 0.01, total_iters=6), torchs.CosineAnnealingLR(o, STEPS - 6)], [6]
    ),
    "warmup:steps=6,start_factor=0.5 | constant:factor=1,steps=10 | linear:start_factor=1,end_factor=0": lambda o: (
        torchs.SequentialLR(
            o,
            [
                torchs.LinearLR(o, 0.5, total_iters=6),
                torchs.ConstantLR(o, 1, 10),
                torchs.LinearLR(o, 1, 0, STEPS - 16),
            ],
            [6, 16],
        )
    ),
    "warmup:steps=6 | restarts:T_0=5": lambda o: torchs.SequentialLR(
        o, [torchs.LinearLR(o, 0.01, total_iters=6), torchs.CosineAnnealingWarmRestarts(o, 5)], [6]
    ),
    "torch.optim.swa_utils.SWALR:swa_lr=0.01": lambda o: torch.optim.swa_utils.SWALR(o, 0.01),
}


def loop(spec: str, make: Make) -> tuple[np.ndarray, np.ndarray]:
    """Return path and rates on the sphere of the loop that anybody would write."""
    point = torch.tensor([3.0, -2.0], dtype=torch.float64, requires_grad=True)
    optimizer = parse(spec).make([point])
    scheduler = make(optimizer)
    path, rates = [point.tolist()], []
    for _ in range(STEPS):
        optimizer.zero_grad()
        (point[0] ** 2 + point[1] ** 2).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
        path.append(point.tolist())
    return np.array(path), np.array(rates)


@pytest.mark.parametrize("schedule", BY_HAND)
def test_rates_and_path_are_those_of_the_loop_by_hand(schedule: str) -> None:
    """Momentum that a scheduler cycles included."""
    path, rates = loop("adam:lr=0.1", BY_HAND[schedule])
    spec = f"adam:lr=0.1 | {schedule}"
    found = parse(spec).rates(STEPS, 0)
    assert found is not None
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, rates)
    for engine in ("solo", "field"):
        race = slalom.race("sphere", [spec], start=(3, -2), steps=STEPS, engine=engine)
        np.testing.assert_array_equal(race.paths[0], path)


def test_every_scheduler_that_can_be_named_is_held_against_torch() -> None:
    tested = {type(make(parse("adam").make([torch.nn.Parameter(torch.ones(1))]))) for make in BY_HAND.values()}
    assert {entry.path.rpartition(".")[2] for entry in schedulers().values()} <= {cls.__name__ for cls in tested}
    assert all(entry.description.endswith(".") for entry in schedulers().values())


@pytest.mark.parametrize("name", ["cosine", "CosineAnnealing", "cosineannealinglr", "COSINE",
                                  "torch.optim.lr_scheduler.CosineAnnealingLR"])  # fmt: skip
def test_names_are_read_with_and_without_their_ending_and_in_any_case(name: str) -> None:
    (stage,) = parse(f"adam | {name}").schedulers
    assert stage.factory is torchs.CosineAnnealingLR


def test_a_stage_per_epoch_is_stepped_after_each_epoch_and_counts_epochs() -> None:
    rates = parse("sgd:lr=1 | cosine:per=epoch").rates(10, 3)  # 3 + 3 + 3 + 1 steps: four epochs
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1)
    scheduler = torchs.CosineAnnealingLR(optimizer, 4)
    expected = []
    for _ in range(4):
        expected += [optimizer.param_groups[0]["lr"]] * 3
        optimizer.step()
        scheduler.step()
    np.testing.assert_array_equal(rates, expected[:10])


def test_stages_per_step_and_per_epoch_multiply() -> None:
    mixed = parse("sgd:lr=1 | exponential:gamma=0.5 | step:step_size=1,gamma=0.1,per=epoch").rates(6, 2)
    np.testing.assert_allclose(mixed, [1, 0.5, 0.025, 0.0125, 0.000625, 0.0003125], rtol=1e-12)


def test_without_a_schedule_there_are_no_rates() -> None:
    optimizer = parse("adam")
    assert (optimizer.schedule, optimizer.changes, optimizer.rates(5, 0)) == ("", frozenset(), None)
    assert optimizer.scheduler(None, 5, 0) is None


def test_it_tells_what_else_a_scheduler_changes() -> None:
    assert parse("adam | cosine").changes == {"lr"}
    assert parse("adam | onecycle").changes == {"lr", "betas"}
    assert parse("momentum | onecycle").changes == {"lr", "momentum"}
    assert parse("adam | onecycle:cycle_momentum=False").changes == {"lr"}


def test_a_schedule_tells_whether_it_fixes_the_rate() -> None:
    assert parse("adam | onecycle:max_lr=0.1").fixes_rate
    assert not parse("adam | onecycle").fixes_rate


def test_replace_keeps_the_stages_and_a_cycle_follows_the_new_rate() -> None:
    optimizer = parse("adamw:lr=0.1 | onecycle | nodecay").replace(lr=0.2)
    assert optimizer == parse("adamw:lr=0.2 | onecycle | nodecay")
    rates = optimizer.rates(20, 0)
    assert rates is not None
    assert rates.max() == pytest.approx(0.2)


def test_a_specified_schedule_pickles_and_is_equal_to_itself() -> None:
    optimizer = parse("adam:lr=0.1 | warmup:steps=3 | cosine | nodecay:match='bias'")
    again = pickle.loads(pickle.dumps(optimizer))
    assert again == optimizer == parse(optimizer.spec)
    assert hash(again) == hash(optimizer)
    assert again.schedule == "warmup:steps=3 | cosine"


def test_the_spec_is_what_was_typed_in_whatever_order() -> None:
    optimizer = parse(" adamw:lr=0.1|nodecay |cosine ")
    assert optimizer.spec == "adamw:lr=0.1|nodecay |cosine"
    assert optimizer.stages == ("cosine", "nodecay")


def test_labels_show_the_stages_in_which_namesakes_differ() -> None:
    assert labels(parse_all(["adam", "adam | cosine", "sgd | cosine"])) == ["Adam", "Adam cosine", "SGD"]
    given = ["adam | cosine", "adam | cosine:eta_min=0.1", "adam | warmup:steps=3 | cosine", "adam | nodecay"]
    assert labels(parse_all(given)) == [
        "Adam cosine", "Adam cosine eta min 0.1", "Adam warmup, cosine", "Adam nodecay",
    ]  # fmt: skip
    same = ["adam:lr=0.1 | cosine", "adam:lr=0.2 | cosine"]
    assert labels(parse_all(same)) == ["Adam lr 0.1", "Adam lr 0.2"]


@pytest.mark.parametrize("spec", ["adam:lr=0.1 | cosine", "sgd:lr=0.1 | warmup:steps=4 | cosine", "adamw | onecycle",
                                  "sgd:lr=1 | linear | exponential:gamma=0.9",
                                  "adamw:weight_decay=0.1 | nodecay | polynomial"])  # fmt: skip
def test_the_code_to_paste_gives_the_same_rates(spec: str) -> None:
    scope: dict[str, Any] = {"torch": torch, "steps": STEPS, "model": torch.nn.Linear(2, 2)}
    exec(parse(spec).code(), scope)
    rates = []
    for _ in range(STEPS):
        rates.append(scope["optimizer"].param_groups[0]["lr"])
        scope["optimizer"].step()
        scope["scheduler"].step()
    np.testing.assert_array_equal(parse(spec).rates(STEPS, 0), rates)


def test_a_scheduler_of_the_users_own_takes_part(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_schedulers.py").write_text(
        "from torch.optim.lr_scheduler import LRScheduler\n\nclass Halving(LRScheduler):\n"
        "    def __init__(self, optimizer, every=2):\n        self.every = every\n        super().__init__(optimizer)\n"
        "    def get_lr(self):\n        return [lr * 0.5 ** (self.last_epoch // self.every) for lr in self.base_lrs]\n"
    )
    monkeypatch.chdir(tmp_path)
    np.testing.assert_array_equal(parse("sgd:lr=1 | my_schedulers.py:Halving:every=3").rates(7, 0),
                                  [1, 1, 1, 0.5, 0.5, 0.5, 0.25])  # fmt: skip
    with pytest.raises(InputError) as error:
        parse("sgd | my_schedulers.py:Halving:each=3")
    assert str(error.value) == (
        "`my_schedulers.py:Halving:each=3`: Halving has no hyperparameter `each`. It has every."
    )


def test_a_card_of_a_scheduled_optimizer_is_that_of_the_optimizer() -> None:
    assert slalom.optimizers.describe("adam:lr=0.1 | cosine").title == "Adam"


RACES = {
    "adam | cosine:per=epoch": "`cosine:per=epoch`: a landscape has no epochs: leave per=epoch out.",
    "adam | warmup:steps=30 | cosine": "`warmup:steps=30`: the stages before `cosine` last 30 steps, and the race has "
    "30: give them fewer, or the race more.",
    "adam | onecycle:total_steps=9": "`onecycle:total_steps=9`: OneCycleLR ends after 9 steps, and the race has 30: "
    "leave its length out, and it is the race's.",
    "adamw | nodecay": "`adamw | nodecay`: `nodecay` sorts the parameters of a network, and here there are only "
    "coordinates: leave it out.",
    "muon:rest_lr=0.1": "`muon:rest_lr=0.1`: `rest_lr` sorts the parameters of a network, and here there are only "
    "coordinates: leave it out.",
}


@pytest.mark.parametrize("engine", ["auto", "solo", "field"])
@pytest.mark.parametrize("spec", RACES)
def test_what_does_not_fit_a_landscape_is_refused(spec: str, engine: str) -> None:
    with pytest.raises(InputError) as error:
        slalom.race("sphere", [spec], steps=STEPS, engine=engine)
    assert str(error.value) == RACES[spec]


def test_a_spec_with_stages_is_taken_wherever_a_spec_is() -> None:
    (optimizer,) = parse_all("adam | cosine")
    assert isinstance(optimizer, SpecifiedOptimizer)
    race = slalom.race("sphere", ["adam", "adam | cosine"], steps=5)
    assert [runner.name for runner in race.runners] == ["Adam", "Adam cosine"]

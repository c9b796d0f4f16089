"""``slalom.race`` on tasks and training loops as a user calls it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import slalom
from conftest import missing
from slalom.core import InputError, Metric

PAIR = ["sgd:lr=0.1", "adam:lr=0.01"]


@pytest.fixture(scope="module")
def race() -> slalom.TaskRace:
    return slalom.race("digits-mlp", [*PAIR, "sgd:lr=1e30"], seeds=2, seed=3, epochs=2)


def net() -> torch.nn.Module:
    return torch.nn.Linear(4, 2)


def small_task(**options: Any) -> slalom.Task:
    x = torch.arange(160.0).reshape(40, 4).sin()
    return slalom.Task(model=net, train=(x, (x.sum(1) > 0).long()), batch_size=8, epochs=2, **options)


def train(make_optimizer: Any, seed: int) -> Iterator[dict[str, float]]:
    """A training loop of the caller's own: least squares, and nothing that slalom knows of."""
    weight = torch.nn.Parameter(torch.full((2,), float(seed)))
    optimizer = make_optimizer([weight])
    for _ in range(3):
        loss = ((weight - 1) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield {"train_loss": loss.item(), "test_accuracy": 0.5, "length": float(weight.detach().norm())}


def test_runners_come_in_the_order_optimizer_seed(race: slalom.TaskRace) -> None:
    assert [(r.optimizer.spec, r.seed) for r in race.runners] == [
        (spec, seed) for spec in [*PAIR, "sgd:lr=1e30"] for seed in (3, 4)
    ]
    assert (race.steps, race.dtype, race.precision, race.device) == (36, "float32", "fp32", "cpu")
    assert race.losses.shape == (6, 36)
    assert race.losses.dtype == np.float64
    assert (race.measures, race.splits) == (("loss", "accuracy"), ("train", "validation", "test"))


def test_a_seed_is_one_initialisation_and_one_order_of_batches(race: slalom.TaskRace) -> None:
    first = race.losses[:, 0].reshape(3, 2)
    np.testing.assert_allclose(first, np.broadcast_to(first[0], first.shape), rtol=1e-6)
    assert first[0, 0] != first[0, 1]


def test_losses_and_evaluations_are_those_of_a_plain_loop() -> None:
    """The oracle is the loop that a person would write, with nothing of slalom's but the data and their order."""
    task = small_task(validation=8, test=8)
    found = slalom.race(task, ["sgd:lr=0.5"], epochs=3, engine="solo")
    splits, examples = task.splits(0), task.examples()
    model, losses = task.model(0), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    order = slalom.core.order_of(task, splits)
    for step in range(1, 10):
        batch = splits.train[order.batch(0, step)]
        loss = torch.nn.functional.cross_entropy(model(examples.inputs[0][batch]), examples.target[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    np.testing.assert_array_equal(found.losses[0], np.array(losses, dtype=np.float32))
    with torch.no_grad():
        outputs = model(examples.inputs[0][splits.test])
    right = (outputs.argmax(1) == examples.target[splits.test]).double().mean().item()
    assert found.final("test_accuracy") == [pytest.approx(right)]


def test_a_diverged_runner_stays_in_the_record(race: slalom.TaskRace) -> None:
    assert [str(status) for status in race.statuses[:4]] == ["finished"] * 4
    assert all(status.kind == "diverged" for status in race.statuses[4:])
    assert np.isnan(race.final("test_loss")[4:]).all()
    assert (race.final("test_accuracy")[:4] > 0.5).all()
    rows = race.table().rows
    assert [row["diverged"] for row in rows] == [0, 0, 2]
    assert rows[2]["test accuracy"] == -np.inf
    assert race.table().texts[2][2:4] == ("2 of 2", "–")


def test_json_follows_the_published_shape(race: slalom.TaskRace, tmp_path: Path) -> None:
    race.save(tmp_path / "race.json")
    content = json.loads((tmp_path / "race.json").read_text())
    assert set(content) == {
        "course", "title", "steps", "steps_per_epoch", "batch_size", "dtype", "precision", "device", "engine",
        "measures", "splits", "higher_is_better", "versions", "remarks", "runners",
    }  # fmt: skip
    assert (content["course"], content["steps"], content["steps_per_epoch"]) == ("digits-mlp", 36, 18)
    first, last = content["runners"][0], content["runners"][-1]
    assert set(first) == {
        "name", "optimizer", "hyperparameters", "seed", "status", "seconds", "gradient_evaluations", "memory", "train",
        "evaluations",
    }  # fmt: skip
    assert first["train"]["step"] == list(range(1, 37))
    assert first["train"]["loss"] == race.losses[0].tolist()
    assert [evaluation["step"] for evaluation in first["evaluations"]] == [0, 18, 36]
    assert [evaluation["epoch"] for evaluation in first["evaluations"]] == [0, 1, 2]
    assert list(first["evaluations"][0]) == [
        "step", "epoch", "seconds", "train_loss", "validation_loss", "test_loss", "train_accuracy",
        "validation_accuracy", "test_accuracy",
    ]  # fmt: skip
    assert first["gradient_evaluations"] == 36
    assert last["status"].startswith("diverged at step")
    assert last["evaluations"][-1]["test_loss"] is None
    assert last["train"]["loss"][-1] is None


def test_what_is_not_held_out_is_null() -> None:
    content = json.loads(slalom.race(small_task(validation=0), ["sgd"], epochs=1).to_json())
    evaluation = content["runners"][0]["evaluations"][-1]
    assert content["splits"] == ["train"]
    assert evaluation["validation_loss"] is evaluation["test_accuracy"] is None
    assert evaluation["train_loss"] > 0


def test_csv_has_a_line_per_runner_and_evaluation(race: slalom.TaskRace, tmp_path: Path) -> None:
    race.save(tmp_path / "race.csv")
    with (tmp_path / "race.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(run.evaluations) for run in race.runs)
    assert list(rows[0])[:6] == ["runner", "optimizer", "seed", "step", "epoch", "seconds"]
    assert rows[2]["optimizer"] == "sgd:lr=0.1"
    assert float(rows[2]["test_loss"]) == race.final("test_loss")[0]
    assert rows[-1]["test_loss"] == ""


def test_parquet_has_a_line_per_runner_and_step(race: slalom.TaskRace, tmp_path: Path) -> None:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        missing("pyarrow")
    race.save(tmp_path / "race.parquet")
    table = parquet.read_table(tmp_path / "race.parquet").to_pydict()
    first = [index for index, runner in enumerate(table["runner"]) if runner == 0]
    assert [table["step"][k] for k in first] == list(range(37))
    assert [table["minibatch_loss"][k] for k in first] == [None, *race.losses[0].tolist()]
    assert [k for k in first if table["test_accuracy"][k] is not None] == [0, 18, 36]


def test_a_race_on_a_task_shows_itself(race: slalom.TaskRace, tmp_path: Path) -> None:
    assert race._repr_html_().startswith('<img src="data:image/png;base64,')
    assert repr(race).startswith(f"digits, fully connected, {race.engine} engine\noptimizer")
    for picture in ("curves", "final"):
        assert race.save(tmp_path / f"{picture}.png", picture).stat().st_size > 10_000
    assert race.sentence


def test_evaluations_come_as_often_as_asked_for() -> None:
    found = slalom.race(small_task(), ["sgd"], steps=7, evaluate_every=3)
    assert found.runs[0].series("step").tolist() == [0, 3, 6, 7]


def test_a_rate_that_changes_is_in_the_record() -> None:
    found = json.loads(slalom.race(small_task(), ["sgd:lr=0.5 | cosine"], steps=10).to_json())
    rates = found["runners"][0]["learning_rates"]
    assert len(rates) == 10
    assert rates[0] == 0.5
    assert rates == sorted(rates, reverse=True)


def test_metrics_of_the_user_s_own_have_their_direction() -> None:
    task = small_task(metrics={"error": Metric(lambda out, y: (out.argmax(1) != y).double().mean(), False)})
    found = slalom.race(task, ["sgd"], steps=2)
    assert found.higher_is_better == {"loss": False, "error": False}
    assert 0 <= found.final("train_error")[0] <= 1


def test_what_cannot_be_computed_together_runs_alone_and_says_so_once() -> None:
    def noisy() -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 2))

    x = torch.arange(160.0).reshape(40, 4).sin()
    found = slalom.race(
        slalom.Task(model=noisy, train=(x, (x.sum(1) > 0).long())), PAIR, seeds=2, steps=3, engine="field"
    )
    assert found.engine == "solo"
    assert found.remarks == (
        "the networks are computed one after another: they draw random numbers while they train, as dropout does",
    )


def test_bf16_is_an_explicit_choice_that_results_tell() -> None:
    found = slalom.race(small_task(), ["sgd"], steps=2, precision="bf16")
    assert found.precision == "bf16"
    assert any("precision bf16" in remark for remark in found.remarks)
    assert json.loads(found.to_json())["precision"] == "bf16"


class Weary(torch.optim.SGD):
    """Gives up after more steps than it takes to find out what it needs."""

    calls = 0

    def step(self, closure: Any = None) -> Any:
        self.calls += 1
        if self.calls > 200:
            raise RuntimeError("late boom")
        return super().step(closure)


def test_an_optimizer_that_raises_leaves_its_run_and_hurts_nobody() -> None:
    found = slalom.race(small_task(), [Weary, "sgd"], steps=250)
    assert [status.kind for status in found.statuses] == ["failed", "finished"]
    assert any(remark.startswith("Weary, seed 0 failed: RuntimeError: late boom") for remark in found.remarks)
    assert "late boom" in json.loads(found.to_json())["runners"][0]["error"]


def test_a_training_loop_of_the_user_s_own_is_a_course() -> None:
    found = slalom.race(train, PAIR, seeds=2, seed=3, workers=1)
    assert found.measures == ("train_loss", "test_accuracy", "length")
    assert found.higher_is_better == {"train_loss": False, "test_accuracy": True}
    assert (found.splits, found.training, found.steps) == ((), None, 3)
    by_hand = torch.tensor([3.0, 3.0]) - 0.1 * 2 * torch.tensor([2.0, 2.0])
    assert found.runs[0].series("length")[0] == pytest.approx(by_hand.norm().item())
    content = json.loads(found.to_json())
    assert list(content["runners"][0]["evaluations"][0]) == [
        "step", "epoch", "seconds", "train_loss", "test_accuracy", "length",
    ]  # fmt: skip
    assert "train" not in content["runners"][0]
    assert len(found.table().rows) == 2
    assert found.sentence


def test_a_file_gives_a_task_a_factory_or_a_loop(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch, slalom\n"
        "def net(): return torch.nn.Linear(2, 1)\n"
        "x = torch.ones(20, 2)\n"
        "task = slalom.Task(net, (x, x.sum(1, keepdim=True)))\n"
        "def make(): return slalom.Task(net, (x, x.sum(1, keepdim=True)))\n"
        "def train(make_optimizer, seed):\n"
        "    make_optimizer(net())\n"
        "    yield {'test_loss': 1.0 + seed}\n"
        "def bowl(x, y): return x**2 + y**2\n"
    )
    for name in ("task", "make"):
        assert slalom.race(f"{tmp_path}/mine.py:{name}", ["sgd"], steps=2).measures == ("loss",)
    assert slalom.race(f"{tmp_path}/mine.py:train", ["sgd"], seeds=2, workers=1).final("test_loss").tolist() == [1, 2]
    assert slalom.race(f"{tmp_path}/mine.py:bowl", ["sgd"], steps=2).paths.shape == (1, 3, 2)


UNUSED = {
    ("digits-mlp", "start", (1, 2)): "start `(1, 2)` has no part in a race on a task: leave it out.",
    ("digits-mlp", "starts", 3): "starts `3` has no part in a race on a task: leave it out.",
    ("digits-mlp", "noise", 0.1): "noise `0.1` has no part in a race on a task: leave it out.",
    ("sphere", "epochs", 3): "epochs `3` has no part in a race on a landscape: leave it out.",
    ("sphere", "evaluate_every", 3): "evaluate_every `3` has no part in a race on a landscape: leave it out.",
    ("sphere", "precision", "bf16"): "precision `bf16` has no part in a race on a landscape: leave it out.",
    ("sphere", "data_dir", "here"): "data_dir `here` has no part in a race on a landscape: leave it out.",
    ("sphere", "workers", 2): "workers `2` has no part in a race on a landscape: leave it out.",
    (train, "steps", 3): "steps `3` has no part in a race on a training loop: leave it out.",
    (train, "engine", "fleet"): "engine `fleet` has no part in a race on a training loop: leave it out.",
}


@pytest.mark.parametrize(("course", "name", "value"), list(UNUSED))
def test_arguments_without_a_meaning_are_refused(course: Any, name: str, value: Any) -> None:
    with pytest.raises(InputError) as error:
        slalom.race(course, ["sgd"], **{name: value})
    assert str(error.value) == UNUSED[course, name, value]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"steps": 3, "epochs": 1}, "`steps` and `epochs` were both given: say how long in one of them."),
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got `0`."),
        ({"evaluate_every": 0}, "evaluate_every must be a whole number of at least 1, got `0`."),
        ({"seeds": 0}, "seeds must be a whole number of at least 1, got `0`."),
        ({"workers": 0}, "workers must be a whole number of at least 1, got `0`."),
        ({"dtype": "float16"}, "dtype `float16` is not known: choose one of float32, float64."),
        ({"precision": "fp8"}, "precision `fp8` is not known: choose one of fp32, bf16."),
        (
            {"precision": "bf16", "dtype": "float64"},
            "precision `bf16` computes in bfloat16 beside float32: leave dtype `float64` out.",
        ),
        ({"engine": "warp"}, "engine `warp` is not known: choose one of auto, solo, field, fleet."),
        ({"device": "gpu"}, "device `gpu` is none that torch knows: use `cpu`, or `cuda` for a GPU."),
        ({"optimizers": []}, "no optimizer was given: name at least one, such as `adam:lr=0.1`."),
    ],
)
def test_what_cannot_be_raced_on_a_task_is_told_in_one_sentence(arguments: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as error:
        slalom.race("digits-mlp", **{"optimizers": ["sgd"], **arguments})
    assert str(error.value) == sentence


def test_a_race_that_does_not_fit_is_refused_before_anything_is_allocated() -> None:
    with pytest.raises(InputError) as error:
        slalom.race("digits-mlp", ["sgd"], steps=10**13)
    before, _, after = str(error.value).partition(" of memory for their record and ")
    assert before == "10,000,000,000,000 steps with 555,555,555,555 evaluations would need 578.0 TiB"
    assert after.endswith(" are free: ask for fewer steps, evaluations or seeds.")


def test_a_measure_that_there_is_not_is_told(race: slalom.TaskRace) -> None:
    with pytest.raises(InputError) as error:
        race.final("test_error")
    assert str(error.value) == (
        "`test_error` was not measured here: choose one of train_loss, validation_loss, test_loss, train_accuracy, "
        "validation_accuracy, test_accuracy."
    )


@pytest.mark.parametrize(
    ("course", "sentence"),
    [
        ("digits-mpl", "`digits-mpl` is not a task. Did you mean `digits-mlp` or `digits-cnn` or `digits-logreg`? "
         "`slalom list tasks` shows all."),
        ("sphre", "`sphre` is not a landscape. Did you mean `sphere`?"),
    ],
)  # fmt: skip
def test_a_course_that_there_is_not_resembles_one(course: str, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        slalom.race(course)
    assert str(error.value) == sentence


class Double(torch.nn.Module):
    """Recurrent, with a first state in double precision, as in torch's example of sine waves."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.last = torch.nn.GRUCell(1, 3).double(), torch.nn.Linear(3, 1).double()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        state = torch.zeros(len(x), 3, dtype=torch.float64)
        for column in x.split(1, dim=1):
            state = self.cell(column, state)
        return self.last(state)


def test_a_network_of_double_precision_is_trained_in_float64_and_else_refused_with_what_to_type() -> None:
    x = torch.linspace(0, 6, 40, dtype=torch.float64).sin().reshape(10, 4)
    task = slalom.Task(Double, (x[:, :3], x[:, 3:]), validation=0, batch_size=10)
    race = slalom.race(task, ["sgd:lr=0.1"], steps=3, dtype="float64")
    model = task.model(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(3):  # by hand; the data of a task are kept in float32, and the one batch is in an order by chance
        loss = (model(x.float().double()[:, :3]) - x.float().double()[:, 3:]).square().mean()
        assert race.runs[0].losses[step] == pytest.approx(loss.item(), rel=1e-12)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with pytest.raises(InputError, match=r"--dtype float64"):
        slalom.race(task, ["sgd:lr=0.1"], steps=3)


class Stopped(torch.optim.SGD):
    """Descends until Ctrl-C comes in its 34th step."""

    def step(self, closure=None):
        self.made = getattr(self, "made", 0) + 1
        if self.made == 34:
            raise KeyboardInterrupt
        return super().step(closure)


def test_an_interrupted_race_names_the_steps_that_it_reached() -> None:
    x = torch.linspace(-1, 1, 40)[:, None]
    task = slalom.Task(lambda: torch.nn.Linear(1, 1), (x, x), validation=0, batch_size=10)
    race = slalom.race(task, [Stopped], steps=100, engine="solo", workers=1)
    assert race.runs[0].completed == 33
    for text in (race.sentence, str(race.table())):
        assert "at most 33 steps" in text
        assert "100" not in text
        assert "25 epochs" not in text

"""What is measured, against the exact metric by hand; schedules on networks; what slalom says of data and loops."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import counting_tasks
import numpy as np
import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

import slalom
from slalom import InputError
from slalom.core import BatchOrder, order_of

DRAWN = torch.Generator().manual_seed(1)
X = torch.randn(900, 40, generator=DRAWN)
REAL = X[:, :1] - 2 * X[:, 1:2]
LABELS = (X[:, 0] + torch.randn(900, generator=DRAWN) > 1).long()
WEIGHTS = torch.tensor([0.1, 1.0])


def linear() -> nn.Module:
    return nn.Linear(40, 2)


def rmse(outputs: Any, target: Any) -> float:
    return float(np.sqrt(np.mean((outputs.numpy() - target.numpy()) ** 2)))


def auc(outputs: Any, target: Any) -> float:
    """Return the area under the ROC curve by ranks; a single class has none."""
    scores, right = (outputs[:, 1] - outputs[:, 0]).numpy(), target.numpy() == 1
    if right.all() or not right.any():
        return float("nan")
    ranks = scores.argsort().argsort() + 1
    positives = int(right.sum())
    return float((ranks[right].sum() - positives * (positives + 1) / 2) / (positives * (len(right) - positives)))


def trained(task: slalom.Task, seed: int, steps: int, make: Any) -> tuple[nn.Module, list[float]]:
    """Train a network by hand; ``make`` returns the optimizer and its schedulers."""
    model, examples, splits = task.model(seed), task.examples(), task.splits(seed)
    order, losses = order_of(task, splits), []
    optimizer, schedulers = make(model)
    for step in range(1, steps + 1):
        chosen = splits.train[order.batch(seed, step)]
        optimizer.zero_grad()
        loss = task.loss(model(*(x[chosen] for x in examples.inputs)), examples.target[chosen])
        loss.backward()
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
        losses.append(loss.item())
    return model.eval(), losses


TASKS = {
    "rmse": lambda: slalom.Task(
        lambda: nn.Linear(40, 1), (X, REAL), test=0.3, metrics={"rmse": slalom.Metric(rmse, higher_is_better=False)}
    ),
    "auc": lambda: slalom.Task(linear, (X, LABELS), test=0.3, metrics={"auc": auc}),
    "weighted": lambda: slalom.Task(
        linear, (X, LABELS), test=0.3, loss=nn.CrossEntropyLoss(weight=WEIGHTS), metrics={}
    ),
    "ignored": lambda: slalom.Task(linear, (X, torch.where(X[:, 3] > 0, LABELS, -100)), test=0.3, metrics={}),
}


@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
@pytest.mark.parametrize("name", TASKS)
def test_a_measure_that_is_no_mean_is_that_of_the_whole_split(name: str, engine: str) -> None:
    task = TASKS[name]()
    race = slalom.race(task, ["sgd:lr=0.1", "sgd:lr=0.01"], steps=4, seeds=2, engine=engine)
    assert race.engine == engine
    for runner, run in zip(race.runners, race.runs, strict=True):
        rate = runner.optimizer.hyperparameters["lr"]
        model, _ = trained(task, runner.seed, 4, lambda m, rate=rate: (torch.optim.SGD(m.parameters(), lr=rate), []))
        for split, indices in task.splits(runner.seed).named().items():
            with torch.no_grad():
                outputs, target = model(X[indices]), task.examples().target[indices]
            assert run.last[f"{split}_loss"] == pytest.approx(float(task.loss(outputs, target)), rel=1e-5)
            for metric, known in task.metrics.items():
                assert run.last[f"{split}_{metric}"] == pytest.approx(known.function(outputs, target), rel=1e-4)


def test_a_declared_mean_is_computed_in_pieces_and_all_else_is_called_once_for_each_split(tmp_path: Path) -> None:
    def counting(name: str) -> Any:  # in a file: what Python objects keep is put back after a run
        def metric(outputs: Any, target: Any) -> Any:
            with (tmp_path / name).open("a") as file:
                print(len(target), file=file)
            return (outputs.argmax(1) == target).float().mean()

        return metric

    metrics = {"mean": slalom.Metric(counting("mean"), mean=True), "whole": counting("whole")}
    x = torch.randn(2_000, 400, generator=DRAWN)
    task = slalom.Task(lambda: nn.Linear(400, 2), (x, (x[:, 0] > 0).long()), validation=0, test=1_000, metrics=metrics)
    task.check()
    for name in metrics:
        (tmp_path / name).unlink()
    (run,) = slalom.race(task, ["sgd"], steps=1).runs
    assert run.last["test_mean"] == pytest.approx(run.last["test_whole"])
    sizes = {name: list(map(int, (tmp_path / name).read_text().split())) for name in metrics}
    assert sum(size < 100 for size in sizes["mean"]) > 40
    assert sorted(sizes["whole"])[-4:] == [1_000] * 4  # training and test examples, before and after the step


@pytest.mark.parametrize("engine", ["auto", "solo", "field"])
def test_batch_normalisation_without_running_statistics_sees_a_whole_split(engine: str) -> None:
    def net() -> nn.Module:
        return nn.Sequential(
            nn.Linear(400, 3, bias=False), nn.BatchNorm1d(3, track_running_stats=False), nn.Linear(3, 2)
        )

    x = torch.randn(1_500, 400, generator=torch.Generator().manual_seed(2))
    task = slalom.Task(net, (x, (x[:, 0] > 0).long()), validation=0, test=700, batch_size=50)
    race = slalom.race(task, ["sgd:lr=0.1"], steps=2, seeds=2, engine=engine)
    model, split = task.model(0).eval(), task.splits(0)
    assert split.test is not None
    with torch.no_grad():
        loss = float(task.loss(model(x[split.test]), (x[split.test][:, 0] > 0).long()))
    first = race.runs[0].evaluations[0]
    assert first["test_loss"] == pytest.approx(loss, rel=1e-6)


def test_a_metric_that_is_not_finite_is_named() -> None:
    task = slalom.Task(linear, (X[:60], torch.zeros(60, dtype=torch.int64)), test=20, metrics={"auc": auc})
    race = slalom.race(task, ["sgd"], steps=2)
    assert any("auc" in remark and "not finite" in remark for remark in race.remarks)


STEPS = 24
ADAM = 1e-2


def schedulers_of(*makers: Any) -> Any:
    def make(model: nn.Module) -> Any:
        optimizer = torch.optim.Adam(model.parameters(), lr=ADAM)
        return optimizer, [maker(optimizer) for maker in makers]

    return make


def after_warm_up(optimizer: Any) -> Any:
    parts = [
        lr_scheduler.LinearLR(optimizer, start_factor=0.01, total_iters=10),
        lr_scheduler.CosineAnnealingLR(optimizer, T_max=STEPS - 10),
    ]
    return lr_scheduler.SequentialLR(optimizer, parts, milestones=[10])


SCHEDULES = {
    "cosine": schedulers_of(lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS)),
    "step:step_size=5": schedulers_of(lambda o: lr_scheduler.StepLR(o, step_size=5)),
    "multistep:milestones=[4,9]": schedulers_of(lambda o: lr_scheduler.MultiStepLR(o, milestones=[4, 9])),
    "exponential:gamma=0.9": schedulers_of(lambda o: lr_scheduler.ExponentialLR(o, gamma=0.9)),
    "polynomial:power=2": schedulers_of(lambda o: lr_scheduler.PolynomialLR(o, total_iters=STEPS, power=2)),
    "constant": schedulers_of(lambda o: lr_scheduler.ConstantLR(o, total_iters=STEPS)),
    "linear | exponential:gamma=0.99": schedulers_of(
        lambda o: lr_scheduler.ChainedScheduler(
            [lr_scheduler.LinearLR(o, total_iters=STEPS), lr_scheduler.ExponentialLR(o, gamma=0.99)]
        )
    ),
    "onecycle": schedulers_of(lambda o: lr_scheduler.OneCycleLR(o, max_lr=ADAM, total_steps=STEPS)),
    "cosineannealingwarmrestarts:T_0=7": schedulers_of(lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, T_0=7)),
    "cyclic:base_lr=0.001,max_lr=0.01,step_size_up=4,cycle_momentum=False": schedulers_of(
        lambda o: lr_scheduler.CyclicLR(o, base_lr=0.001, max_lr=0.01, step_size_up=4, cycle_momentum=False)
    ),
    "warmup:steps=10 | cosine": schedulers_of(after_warm_up),
    "step:step_size=1,per=epoch": schedulers_of(lambda o: lr_scheduler.LambdaLR(o, lambda step: 0.1 ** (step // 12))),
}


@pytest.mark.parametrize("engine", ["auto", "field", "fleet"])
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_on_a_network_is_that_of_the_loop_by_hand(schedule: str, engine: str) -> None:
    task = slalom.Task(linear, (X[:200], LABELS[:200]), batch_size=16, epochs=1)
    ruled = engine != "fleet" or not schedule.startswith("onecycle")  # which changes the betas too
    race = slalom.race(task, [f"adam:lr={ADAM} | {schedule}", "sgd"], steps=STEPS, engine=engine if ruled else "field")
    losses = trained(task, 0, STEPS, SCHEDULES[schedule])[1]
    if race.engine == "solo":
        assert race.runs[0].losses.tolist() == losses
    assert race.runs[0].losses == pytest.approx(losses, rel=1e-4)


def test_warm_up_longer_than_a_part_of_the_run_is_studied_with_halving_and_planned(tmp_path: Path) -> None:
    """Trials that stop after a ninth of the steps follow the schedule of the whole run."""
    rates: dict[int, np.ndarray] = {}
    study = slalom.study(
        "digits-mlp", ["adam | warmup:steps=30 | cosine", "sgd"], steps=45, seeds=2, halving=True, engine="fleet",
        store=str(tmp_path / "runs.sqlite"), workers=1,
    )  # fmt: skip
    for done in study.runs():
        if done.runner.optimizer.schedule and done.run.diverged_at is None:
            rates[done.run.completed] = done.run.learning_rates / done.runner.optimizer.hyperparameters["lr"]
    assert sorted(rates) == [5, 15, 45]
    for shorter, longer in itertools.pairwise(sorted(rates)):
        assert rates[shorter] == pytest.approx(rates[longer][:shorter])


# -- what slalom says of loops and data ----------------------------------------------------------------------------


def idle(make_optimizer: Any, seed: int) -> Any:
    yield {"validation_loss": 1.0}


def several(make_optimizer: Any, seed: int) -> Any:
    """Adam is better by the training loss, SGD by what was measured on validation examples."""
    optimizer = make_optimizer([nn.Parameter(torch.ones(2))])
    adam = isinstance(optimizer, torch.optim.Adam)
    yield {"train_loss": 1.0 - adam, "val_accuracy": 0.2 if adam else 0.8, "val_zorp": 1.0 + adam}


def unknown(make_optimizer: Any, seed: int) -> Any:
    for measured in several(make_optimizer, seed):
        yield {"train_loss": measured["train_loss"], "val_zorp": measured["val_zorp"]}


def test_a_loop_that_never_calls_make_optimizer_is_refused() -> None:
    with pytest.raises(InputError, match="never calls make_optimizer"):
        slalom.race(idle, ["sgd", "adam"], workers=1)


def test_a_race_of_a_loop_ranks_by_what_a_study_would_use_or_not_at_all() -> None:
    assert slalom.race(several, ["adam", "sgd"], workers=1).sentence.startswith(
        "After one step SGD leads with 80.0 % val accuracy"
    )
    told = slalom.race(unknown, ["adam", "sgd"], workers=1).sentence
    assert "val zorp is 2 with Adam and 1 with SGD" in told
    assert "lead" not in told
    assert "lowest" not in told


class Augmented(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return 60

    def __getitem__(self, index: int) -> Any:
        return X[index] + torch.randn(40), int(LABELS[index])


def test_frozen_randomness_is_noted_and_plain_data_are_not() -> None:
    race = slalom.race(slalom.Task(linear, Augmented()), ["sgd"], steps=1)
    assert any("its randomness is frozen" in remark for remark in race.remarks)
    pairs = torch.utils.data.Subset(torch.utils.data.TensorDataset(X, LABELS), range(60))
    assert not any(
        "randomness" in remark for remark in slalom.race(slalom.Task(linear, pairs), ["sgd"], steps=1).remarks
    )


def test_of_several_targets_the_error_says_that_the_last_is_the_target() -> None:
    with pytest.raises(InputError, match="the last of the data is the target"):
        slalom.race(slalom.Task(linear, (X, LABELS, LABELS)), ["sgd"], steps=1)


def test_an_array_larger_than_memory_is_refused_before_it_is_copied(tmp_path: Path) -> None:
    shape = (2**38, 4)
    mapped = np.memmap(tmp_path / "x.bin", mode="w+", dtype="float32", shape=shape)
    with pytest.raises(InputError, match=r"takes 4\.0 TiB in memory, and .* are free"):
        slalom.race(slalom.Task(linear, (mapped, LABELS)), ["sgd"], steps=1)


def test_where_nothing_is_held_out_for_validation_a_study_says_what_chooses() -> None:
    task = slalom.Task(linear, (X, LABELS), validation=0, test=0.2)
    study = slalom.study(task, ["sgd", "adam"], steps=2, seeds=2, track="defaults")
    assert any("no validation examples: the training accuracy chooses" in remark for remark in study.remarks)


@pytest.mark.parametrize("engine", ["auto", "field"])
def test_the_factory_is_called_once_for_each_run_and_three_times_more_at_most(engine: str) -> None:
    calls: list[int] = []

    def make() -> nn.Module:
        calls.append(1)
        return nn.Linear(40, 2)

    task = slalom.Task(make, (X, LABELS))
    slalom.race(task, ["sgd", "adam"], steps=60, seeds=3, engine=engine, workers=1)
    assert len(calls) <= 6 + 3
    calls.clear()
    study = slalom.study(task, ["sgd", "adam"], steps=10, seeds=2, engine=engine, workers=1)
    assert len(calls) <= len(study.runs()) + 3


def test_where_auto_takes_the_plain_loop_the_output_says_so() -> None:
    race = slalom.race(slalom.Task(linear, (X, LABELS)), ["sgd", "adam"], steps=30)
    assert race.engine == "solo"
    assert any(remark.startswith("plain loop: ") for remark in race.remarks)


@pytest.mark.parametrize("engine", ["auto", "solo", "field", "fleet"])
@pytest.mark.parametrize("kind", counting_tasks.KINDS)
def test_code_that_counts_its_calls_counts_those_of_its_own_run(kind: str, engine: str) -> None:
    """Every run equals a loop by hand in which the count begins at 0, also where another came before."""
    task = counting_tasks.task(kind)
    race = slalom.race(task, ["sgd:lr=0.5"], seeds=2, steps=80, evaluate_every=80, engine=engine)
    for seed, run in enumerate(race.runs):
        calls, own = 0, task.model(seed)
        layer = getattr(own, "layer", own)
        order = BatchOrder(80, 20, reshuffle=False)
        train = task.splits(seed).train

        def scaled(outputs: Any, target: Any, calls: int) -> Any:
            factor = 1.0 if calls < counting_tasks.LATE else 0.1
            if kind == "network":
                return torch.nn.functional.cross_entropy(outputs * factor, target)
            return torch.nn.functional.cross_entropy(outputs, target) * factor

        calls += 1  # the evaluation before the first step
        losses = []
        for step in range(1, 81):
            chosen = torch.from_numpy(train[order.batch(seed, step)])
            calls += 1
            loss = scaled(layer(counting_tasks.X[chosen]), counting_tasks.Y[chosen], calls)
            layer.zero_grad()
            loss.backward()
            with torch.no_grad():
                for p in layer.parameters():
                    p -= 0.5 * p.grad
            losses.append(loss.item())
        np.testing.assert_array_equal(run.losses, losses)
    assert counting_tasks.CALLS == [0]
    assert any("keeps track" in remark for remark in race.remarks) is (engine in ("field", "fleet"))


class Focal(nn.CrossEntropyLoss):
    """Inherits from a loss that is a mean, and is none."""

    def forward(self, outputs: Any, target: Any) -> Any:
        return super().forward(outputs, target) ** 2


@pytest.mark.parametrize("engine", ["solo", "field"])
def test_a_loss_that_inherits_from_a_mean_is_called_with_the_whole_split(engine: str) -> None:
    task = slalom.Task(linear, (X.repeat(2, 1), LABELS.repeat(2)), validation=0, loss=Focal(), metrics={})
    (run, _) = slalom.race(task, ["sgd:lr=0.1"], seeds=2, steps=2, engine=engine).runs
    with torch.no_grad():
        expected = torch.nn.functional.cross_entropy(task.model(0)(X), LABELS).item() ** 2
    assert run.evaluations[0]["train_loss"] == pytest.approx(expected, rel=1e-6)


class CountsOnItsClass(torch.optim.SGD):
    steps = 0

    def step(self, closure: Any = None) -> Any:
        CountsOnItsClass.steps += 1
        for group in self.param_groups:
            group["lr"] = 0.1 / CountsOnItsClass.steps
        return super().step(closure)


def bowl(make_optimizer: Any, seed: int) -> Any:
    p = nn.Parameter(torch.ones(2))
    optimizer = make_optimizer([p])
    for _ in range(5):
        optimizer.zero_grad()
        p.square().sum().backward()
        optimizer.step()
        yield {"train_loss": p.detach().square().sum()}


def test_runs_of_a_loop_share_no_state_of_the_optimizers_class() -> None:
    race = slalom.race(bowl, [CountsOnItsClass], seeds=3)
    x, expected = 1.0, []
    for step in range(1, 6):
        x -= 0.1 / step * 2 * x
        expected.append(2 * x * x)
    for run in race.runs:
        np.testing.assert_allclose([e["train_loss"] for e in run.evaluations], expected, rtol=1e-5)
    assert CountsOnItsClass.steps == 0

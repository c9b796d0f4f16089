"""The engines on networks: held against a loop written out here, and against one another."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_tasks import SmallTask, small_tasks
from torch import nn

from slalom.core import InputError, Runner, Training, order_of
from slalom.engines import networks
from slalom.engines.networks.crowd import Crowd
from slalom.engines.networks.field import Movers as FieldMovers
from slalom.engines.networks.fleet import Movers as FleetMovers
from slalom.optimizers import catalogue, parse

TASKS = small_tasks()
APART = {
    "dropout": "they draw random numbers while they train, as dropout does",
    "recurrent": "torch has no rule that maps lstm over several networks",
    "value dependent": "their Python code depends on the values of tensors",
    "counting": "their Python code keeps track of something from call to call",
    "rolling": "they draw random numbers while they train, as dropout does",
    "hooked": "their parameters have gradient hooks, which only a network alone calls",
}
TOGETHER = [name for name in TASKS if name not in APART]
STEPS = 14
RULED = sorted(name for name in catalogue() if parse(name).rule is not None)
TOLERANCE = 2e-6
"""Between engines, in losses near 1: a few units in the last place of float32, grown over STEPS steps."""


def training(task: SmallTask, steps: int = STEPS, **conditions: Any) -> Training:
    return Training.of(steps, order_of(task, task.splits(0)).steps_per_epoch, **conditions)


def runners(*specs: str, seeds: int = 2) -> list[Runner]:
    return [Runner(optimizer, seed) for optimizer in map(parse, specs) for seed in range(seeds)]


def plain_loop(task: SmallTask, spec: str, seed: int, steps: int) -> tuple[list[float], list[torch.Tensor]]:
    """Train as a person would; return the minibatch losses and the final parameters."""
    splits = task.splits(seed)
    order = order_of(task, splits)
    x, y = task.data.inputs[0], task.data.target
    model = task.model(seed)
    optimizer = parse(spec).make(model.parameters())
    losses = []
    for step in range(1, steps + 1):
        chosen = torch.from_numpy(splits.train[order.batch(seed, step)])
        optimizer.zero_grad()
        loss = task.criterion(model(x[chosen]), y[chosen])
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, [parameter.detach() for parameter in model.parameters()]


def final_parameters(movers: Any, task: SmallTask, field: list[Runner], conditions: Training) -> torch.Tensor:
    """Train a crowd with the field's or the fleet's movers; return [runners, numbers]."""
    with torch.no_grad():
        crowd = Crowd(task, field, conditions, swift=movers is FleetMovers)
        crowd.run(movers(crowd), None)
    rows = [
        torch.cat([crowd.stack.view(row, name).flatten() for name in crowd.stack.names]) for row in crowd.parameters
    ]
    return torch.stack(rows[: len(field)])


def largest_difference(left: Any, right: Any) -> float:
    """Return the largest difference between two runs' losses and evaluations."""
    numbers = [np.abs(left.losses - right.losses).max()]
    for a, b in zip(left.evaluations, right.evaluations, strict=True):
        assert a.keys() == b.keys()
        numbers += [abs(a[key] - b[key]) for key in a if key != "seconds"]
    return float(max(numbers))


def test_solo_is_the_loop_that_a_person_would_write_bit_for_bit() -> None:
    task = TASKS["perceptron"]
    for spec in ("sgd:lr=0.1,momentum=0.9", "adam:lr=0.01"):
        run = networks.solo(task, [Runner(parse(spec), 3)], training(task))[0]
        assert run.losses.tolist() == plain_loop(task, spec, 3, STEPS)[0]


def test_from_equal_gradients_the_field_makes_the_plain_loops_steps_bit_for_bit(monkeypatch: Any) -> None:
    """Matrix products of several networks round otherwise than those of one; all else is the same arithmetic."""
    task, specs = TASKS["perceptron"], ("sgd:lr=0.1,momentum=0.9", "adam:lr=0.01", "adagrad:lr=0.1", "rmsprop:lr=0.01")
    models = [task.model(runner.seed) for runner in runners(*specs)]

    def differentiate(crowd: Crowd, step: int) -> None:
        for lane, (model, runner) in enumerate(zip(models, crowd.runners, strict=True)):
            batch = crowd.material.batch(runner.seed, step)
            with torch.enable_grad():
                for name, parameter in model.named_parameters():
                    parameter.detach().copy_(crowd.stack.view(crowd.parameters[lane], name))
                gradients = torch.autograd.grad(task.loss(model(*batch.inputs), batch.target), [*model.parameters()])
            for name, gradient in zip(crowd.stack.names, gradients, strict=True):
                crowd.stack.view(crowd.gradients[lane], name).copy_(gradient)
        crowd.losses[step - 1] = 0.0

    monkeypatch.setattr(Crowd, "differentiate", differentiate)
    found = final_parameters(FieldMovers, task, runners(*specs), training(task))
    for row, runner in zip(found, runners(*specs), strict=True):
        expected = torch.cat([p.flatten() for p in plain_loop(task, runner.optimizer.spec, runner.seed, STEPS)[1]])
        assert torch.equal(row, expected)


@pytest.mark.parametrize("engine", ["field", "fleet"])
@pytest.mark.parametrize("name", TOGETHER)
def test_networks_computed_together_agree_with_the_plain_loop(name: str, engine: str) -> None:
    task, field = TASKS[name], runners("sgd:lr=0.1", "adam:lr=0.01")
    assert networks.obstacle(task, training(task)) == ""
    together = getattr(networks, engine)(task, field, training(task))
    for run, alone in zip(together, networks.solo(task, field, training(task)), strict=True):
        assert largest_difference(run, alone) < TOLERANCE


@pytest.mark.parametrize("spec", RULED)
def test_every_rule_trains_a_network_as_its_class_does(spec: str) -> None:
    task, field = TASKS["perceptron"], runners(spec, seeds=3)
    alone = networks.solo(task, field, training(task))
    for engine in (networks.field, networks.fleet):
        for run, reference in zip(engine(task, field, training(task)), alone, strict=True):
            assert largest_difference(run, reference) < 10 * TOLERANCE


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_every_optimizer_of_the_catalogue_trains_in_the_field_as_alone(name: str) -> None:
    task, field = TASKS["convolution"], runners(name, seeds=2)
    alone = networks.solo(task, field, training(task))
    together = networks.field(task, field, training(task))
    for run, reference in zip(together, alone, strict=True):
        assert not reference.error
        assert not run.error
        assert largest_difference(run, reference) < 50 * TOLERANCE


@pytest.mark.parametrize(("name", "words"), APART.items())
def test_what_cannot_be_computed_together_is_told_and_runs_solo(name: str, words: str) -> None:
    task = TASKS[name]
    assert networks.obstacle(task, training(task)) == words
    choice = networks.choose(task, runners("adam"), training(task))
    assert (choice.engine, choice.width) == ("solo", 1)
    assert networks.solo(task, runners("adam:lr=0.01"), training(task))[0].error == ""


@pytest.mark.parametrize("name", ["perceptron", "convolution", "attention"])
@pytest.mark.parametrize("movers", [FieldMovers, FleetMovers])
def test_a_network_does_not_know_its_neighbours(name: str, movers: Any) -> None:
    """Neither how many there are, nor which seeds and learning rates they have."""
    task = TASKS[name]
    many = [Runner(parse(f"adam:lr={0.001 * (1 + index)}"), index % 3) for index in range(11)]
    crowded = final_parameters(movers, task, many, training(task))
    for index in (0, 4, 10):
        alone = final_parameters(movers, task, [many[index]], training(task))
        of_another_seed = final_parameters(movers, task, [many[index], many[(index + 1) % 11]], training(task))
        of_the_same = final_parameters(movers, task, [many[index], many[(index + 3) % 11]], training(task))
        assert torch.equal(crowded[index], alone[0])
        assert torch.equal(crowded[index], of_another_seed[0])
        assert torch.equal(crowded[index], of_the_same[0])


@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
def test_a_diverged_runner_ends_there_and_hurts_nobody(engine: str) -> None:
    task = TASKS["regression"]
    wild, tame = parse("sgd:lr=1e6"), parse("sgd:lr=0.01")
    run = getattr(networks, engine)
    first, second = run(task, [Runner(wild, 0), Runner(tame, 0)], training(task, steps=80))
    assert first.diverged_at is not None
    assert len(first.losses) == first.completed == first.gradient_evaluations == first.diverged_at
    assert np.isnan(first.losses[-1])
    assert np.isfinite(first.losses[:-1]).all()
    assert first.last["step"] == first.diverged_at
    assert math.isnan(first.last["test_loss"])
    (alone,) = run(task, [Runner(tame, 0)], training(task, steps=80))
    assert second.diverged_at is None
    assert second.losses.tolist() == alone.losses.tolist()


def test_all_engines_record_a_divergence_alike() -> None:
    task, field = TASKS["regression"], runners("sgd:lr=1e3", "sgd:lr=1e8", seeds=2)
    ends = [
        [(run.diverged_at, run.completed, [e["step"] for e in run.evaluations]) for run in engine(task, field, terms)]
        for engine in (networks.solo, networks.field, networks.fleet)
        for terms in [training(task, steps=80)]
    ]
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
def test_equal_seeds_give_equal_runs_and_different_seeds_differ(engine: str) -> None:
    task, run = TASKS["perceptron"], getattr(networks, engine)
    first = run(task, runners("adam"), training(task))
    again = run(task, runners("adam"), training(task))
    assert [r.losses.tolist() for r in first] == [r.losses.tolist() for r in again]
    assert first[0].losses.tolist() != first[1].losses.tolist()


@pytest.mark.parametrize("switch", ["fused", "foreach", "maximize"])
def test_every_switch_of_a_class_trains_in_the_field_as_alone(switch: str) -> None:
    task, field = TASKS["perceptron"], runners(f"adam:lr=0.01,{switch}=True", seeds=3)
    alone = networks.solo(task, field, training(task))
    for run, reference in zip(networks.field(task, field, training(task)), alone, strict=True):
        assert largest_difference(run, reference) < 10 * TOLERANCE


def test_optimizers_that_look_at_the_shape_of_a_parameter_are_not_merged() -> None:
    class Centred(torch.optim.SGD):
        """Takes the mean of each row off the gradients of matrices."""

        def step(self, closure: Any = None) -> Any:
            for parameter in self.param_groups[0]["params"]:
                if parameter.ndim > 1:
                    parameter.grad -= parameter.grad.mean(dim=tuple(range(1, parameter.ndim)), keepdim=True)
            return super().step(closure)

    task, field = TASKS["perceptron"], [Runner(parse(Centred).replace(lr=0.1), seed) for seed in range(3)]
    field = [Runner(field[0].optimizer, seed) for seed in range(3)]
    alone = networks.solo(task, field, training(task))
    for run, reference in zip(networks.field(task, field, training(task)), alone, strict=True):
        assert largest_difference(run, reference) < TOLERANCE


def test_a_rule_whose_state_begins_with_the_learning_rate_takes_that_of_the_first_step() -> None:
    task, field = TASKS["perceptron"], runners("rprop:lr=0.01 | warmup:steps=5 | cosine")
    alone = networks.solo(task, field, training(task))
    for run, reference in zip(networks.fleet(task, field, training(task)), alone, strict=True):
        assert largest_difference(run, reference) < 10 * TOLERANCE


def test_betas_near_one_lose_nothing_in_a_fleet() -> None:
    task = TASKS["perceptron"]
    field = [Runner(parse(f"radam:lr=0.01,betas=(0.9,{beta})"), 0) for beta in (0.99, 0.9999, 0.99999)]
    together = networks.fleet(task, field, training(task), lanes=networks.lanes_of(field))
    for run, reference in zip(together, networks.solo(task, field, training(task)), strict=True):
        assert largest_difference(run, reference) < 10 * TOLERANCE


def test_python_and_numpy_draw_the_same_at_the_same_step() -> None:
    task = TASKS["rolling"]
    first = networks.solo(task, runners("sgd:lr=0.1", seeds=1), training(task))
    again = networks.solo(task, runners("adam", "sgd:lr=0.1", seeds=1), training(task))
    assert first[0].losses.tolist() == again[1].losses.tolist()


def test_optimizers_of_one_seed_begin_alike_and_meet_the_same_batches_and_dropout() -> None:
    """With a learning rate of zero nothing moves, so all see the same losses at every step."""
    task = TASKS["dropout"]
    runs = networks.solo(task, runners("sgd:lr=0.0", "adam:lr=0.0", seeds=1), training(task))
    assert runs[0].losses.tolist() == runs[1].losses.tolist()
    assert len(set(runs[0].losses.tolist())) == STEPS


def test_training_leaves_the_callers_random_numbers_and_threads_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    for engine in (networks.solo, networks.field, networks.fleet):
        engine(TASKS["perceptron"], runners("adam"), training(TASKS["perceptron"]))
    assert torch.equal(torch.rand(1), expected)
    assert torch.get_num_threads() == threads


def test_evaluations_come_when_they_were_asked_for() -> None:
    task = TASKS["perceptron"]
    for engine in (networks.solo, networks.field, networks.fleet):
        (run, _) = engine(task, runners("adam"), training(task, steps=10, every=4))
        assert [e["step"] for e in run.evaluations] == [0, 4, 8, 10]
        assert [e["epoch"] for e in run.evaluations] == [0, 4 / 6, 8 / 6, 10 / 6]
        assert list(run.evaluations[0])[3:] == [
            "train_loss", "train_accuracy", "validation_loss", "validation_accuracy", "test_loss", "test_accuracy",
        ]  # fmt: skip
        assert run.evaluations[0]["seconds"] == 0.0 < run.evaluations[1]["seconds"] <= run.seconds


def test_losses_and_metrics_are_those_of_the_whole_split() -> None:
    task = TASKS["perceptron"]
    (run,) = networks.solo(task, runners("adam", seeds=1), training(task))
    model, splits = task.model(0), task.splits(0)
    x, y = task.data.inputs[0][splits.test], task.data.target[splits.test]
    with torch.no_grad():
        outputs = model(x)
    assert run.evaluations[0]["test_loss"] == pytest.approx(float(nn.functional.cross_entropy(outputs, y)), abs=1e-7)
    assert run.evaluations[0]["test_accuracy"] == pytest.approx(float((outputs.argmax(1) == y).double().mean()))


@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
def test_an_interruption_keeps_what_has_been_done(engine: str) -> None:
    task = TASKS["perceptron"]

    def interrupt(done: int, total: int) -> None:
        if done >= 5:
            raise KeyboardInterrupt

    runs = getattr(networks, engine)(task, runners("adam", "sgd"), training(task), progress=interrupt)
    assert runs[0].interrupted
    assert 0 < runs[0].completed < STEPS
    assert len(runs[0].losses) == runs[0].completed == runs[0].last["step"]


def test_an_optimizer_that_raises_is_recorded_and_the_others_go_on() -> None:
    class Failing(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            self.steps = getattr(self, "steps", 0) + 1
            if self.steps == 7 and len(self.param_groups[0]["params"]) > 1:  # not while it is probed
                raise RuntimeError("no more")
            return super().step(closure)

    task = TASKS["perceptron"]
    for engine in (networks.solo, networks.field):
        failed, fine = engine(task, [Runner(parse(Failing), 0), Runner(parse("sgd"), 0)], training(task))
        assert failed.error.startswith("RuntimeError: no more (")
        assert (failed.completed, len(failed.losses), failed.last["step"]) == (6, 6, 6)
        assert not fine.error
        assert len(fine.losses) == STEPS


def test_an_optimizer_that_cannot_be_made_is_recorded_and_the_others_go_on() -> None:
    def choosy(parameters: Any) -> torch.optim.Optimizer:
        listed = list(parameters)
        if len(listed) > 1:  # not while it is probed
            raise ValueError("too many")
        return torch.optim.SGD(listed, lr=0.1)

    task = TASKS["perceptron"]
    for engine in (networks.solo, networks.field):
        failed, fine = engine(task, [Runner(parse(choosy), 0), Runner(parse("sgd"), 0)], training(task))
        assert (failed.error.partition(" (")[0], failed.completed) == ("ValueError: too many", 0)
        assert len(fine.losses) == STEPS


def test_closures_are_evaluated_and_counted() -> None:
    task = TASKS["regression"]
    for engine in (networks.solo, networks.field):
        (run,) = engine(task, runners("lbfgs:lr=0.1,max_iter=4", seeds=1), training(task))
        assert run.gradient_evaluations > STEPS
        assert run.last["train_loss"] < 0.5 * run.evaluations[0]["train_loss"]


@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
def test_a_schedule_is_followed_and_recorded(engine: str) -> None:
    task = TASKS["perceptron"]
    (run,) = getattr(networks, engine)(task, runners("sgd:lr=0.1 | cosine", seeds=1), training(task))
    expected = [0.05 * (1 + math.cos(math.pi * step / STEPS)) for step in range(STEPS)]
    assert run.learning_rates is not None
    assert run.learning_rates == pytest.approx(expected, rel=1e-6)
    (constant,) = getattr(networks, engine)(task, runners("sgd:lr=0.1", seeds=1), training(task))
    assert constant.learning_rates is None
    assert abs(run.losses[-1] - constant.losses[-1]) > 1e-4


def test_the_fleet_refuses_what_no_rule_describes() -> None:
    task = TASKS["perceptron"]
    with pytest.raises(InputError) as refused:
        networks.fleet(task, runners("muon"), training(task))
    assert str(refused.value) == (
        "`muon`: the fleet engine moves update rules, and none describes Muon on a network: "
        "use the engine field or solo."
    )


def test_bfloat16_is_close_and_float64_is_closer() -> None:
    task, field = TASKS["convolution"], runners("sgd:lr=0.05")
    exact = networks.solo(task, field, training(task, dtype="float64"))
    single = networks.solo(task, field, training(task))
    half = networks.solo(task, field, training(task, precision="bf16"))
    assert np.abs(exact[0].losses - single[0].losses).max() < 1e-5
    assert 1e-5 < np.abs(exact[0].losses - half[0].losses).max() < 0.1
    for run, alone in zip(networks.field(task, field, training(task, dtype="float64")), exact, strict=True):
        assert largest_difference(run, alone) < 1e-13
    for run, alone in zip(networks.fleet(task, field, training(task, precision="bf16")), half, strict=True):
        assert np.abs(run.losses - alone.losses).max() < 0.1


def test_what_does_not_fit_into_memory_is_done_in_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    task, field, sizes = TASKS["perceptron"], runners("adam", seeds=5), []
    whole = networks.field(task, field, training(task))
    original = Crowd.run

    def run(self: Crowd, *arguments: Any) -> Any:
        sizes.append(len(self.runners))
        if len(self.runners) > 2:
            raise torch.OutOfMemoryError("made up")
        return original(self, *arguments)

    monkeypatch.setattr(Crowd, "run", run)
    halved = networks.field(task, field, training(task))
    assert sizes == [5, 2, 3, 1, 2]
    assert [r.losses.tolist() for r in halved] == [r.losses.tolist() for r in whole]


def test_parameters_that_the_loss_does_not_depend_on_are_left_alone() -> None:
    """The plain loop gives them no gradient, so that weight decay does not touch them."""
    task = TASKS["an idle layer"]
    with torch.no_grad():
        crowd = Crowd(task, runners("adamw:weight_decay=0.5"), training(task), swift=False)
        crowd.run(FieldMovers(crowd), None)
    assert crowd.stack.names == ["layer.weight", "layer.bias"]
    for lane in (0, 1):
        assert torch.equal(crowd.stack.fixed["idle.weight"][lane], task.model(lane).idle.weight)


def test_memory_counts_parameters_gradients_and_state() -> None:
    task = TASKS["perceptron"]
    numbers = sum(parameter.numel() for parameter in task.model(0).parameters())
    (run,) = networks.solo(task, runners("adam", seeds=1), training(task))
    steps_kept = 4 * 4  # Adam keeps one count for each of the four parameters
    assert run.memory == 4 * 4 * numbers + steps_kept


def test_cross_entropy_that_ignores_examples_keeps_doing_so_in_a_fleet() -> None:
    task = TASKS["perceptron"]
    target = task.data.target.clone()
    target[::5] = -100
    ignoring = replace(task, data=task.data._replace(target=target), metrics={})
    field = runners("adam:lr=0.01")
    together = networks.fleet(ignoring, field, training(ignoring))
    for run, alone in zip(together, networks.solo(ignoring, field, training(ignoring)), strict=True):
        assert largest_difference(run, alone) < TOLERANCE


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU on this machine")
@pytest.mark.parametrize("engine", ["solo", "field", "fleet"])
def test_a_gpu_gives_what_the_cpu_gives(engine: str) -> None:
    task, field = TASKS["perceptron"], runners("adam:lr=0.01")
    here = getattr(networks, engine)(task, field, training(task))
    there = getattr(networks, engine)(task, field, training(task, device="cuda"))
    for run, reference in zip(there, here, strict=True):
        assert np.abs(run.losses - reference.losses).max() < 1e-3

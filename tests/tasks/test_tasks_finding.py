"""file.py:name, and training loops of the user's own."""

import functools
import math
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from slalom import InputError, tasks
from slalom.tasks import Loop, Task

FILE = '''
import torch
from torch import nn
from slalom import Task

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x)

data = torch.arange(60.0).reshape(20, 3), torch.arange(20) % 2
task = Task(model=Net, train=data, batch_size=4)
unnamed = Task(model=lambda: nn.Linear(3, 2), train=data)
titled = Task(model=Net, train=data, title="a title")

def make_task():
    return Task(model=Net, train=lambda: data, epochs=3)

def train(make_optimizer, seed):
    """Two lines of a line."""
    net = Net()
    optimizer = make_optimizer(net.parameters())
    for _ in range(2):
        yield {"loss": float(net.layer.weight.detach().sum())}

def bowl(x, y):
    return x**2 + y**2

def nothing():
    return None

def broken():
    raise OSError("no disk")

number = 3
'''


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my_task.py"
    path.write_text(FILE)
    return path


def refused(function, *arguments):
    with pytest.raises(InputError) as problem:
        function(*arguments)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def test_a_task_from_a_file(file, monkeypatch):
    """A task, a function that makes one, each under the name that was typed."""
    monkeypatch.chdir(file.parent)
    task = tasks.find("my_task.py:task")
    assert (task.name, task.title, task.source) == ("my_task.py:task", "my_task.py:task", f"{file}:task")
    assert tasks.find("my_task.py:make_task").epochs == 3
    assert tasks.find("my_task.py:unnamed").title == "my_task.py:unnamed"
    assert tasks.find("my_task.py:titled").title == "a title"
    task.check()


def test_a_loop_from_a_file(file):
    """A generator function is a training loop."""
    loop = tasks.find(f"{file}:train")
    assert isinstance(loop, Loop)
    assert (loop.name, loop.title) == (f"{file}:train", "my_task.py:train")
    assert len(list(loop.follow(torch.optim.SGD, 0))) == 2
    assert tasks.describe(loop).rows()[0] == ("teaches", "Two lines of a line.")


def test_another_process_makes_the_same_from_what_was_pickled(file):
    """A task and a loop of a file travel as the text that finds them."""
    for name in ("task", "unnamed", "train"):
        (file.parent / f"{name}.pickle").write_bytes(pickle.dumps(tasks.find(f"{file}:{name}")))
    expected = tasks.find(f"{file}:task").model(3).layer.weight.sum().item()
    code = (
        "import pickle; task, unnamed, train = (pickle.load(open(f'{name}.pickle', 'rb')) for name in "
        "('task', 'unnamed', 'train')); print(task.model(3).layer.weight.sum().item(), unnamed.title, train.title)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=file.parent, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [repr(expected), "my_task.py:unnamed", "my_task.py:train"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "bowl",
            "`my_task.py:bowl`: `bowl` is neither a slalom.Task, nor a function that returns one, nor a generator "
            "function train(make_optimizer, seed).",
        ),
        (
            "number",
            "`my_task.py:number`: `number` is neither a slalom.Task, nor a function that returns one, nor a generator "
            "function train(make_optimizer, seed).",
        ),
        ("broken", "`my_task.py:broken`: making the task raised `OSError: no disk (my_task.py, line 36)`."),
        ("tsk", "`my_task.py:tsk`: the file has no `tsk`. Did you mean `task`?"),
        ("", "`my_task.py:` does not say which function: write `my_task.py:name`."),
    ],
)
def test_what_a_file_does_not_give(file, monkeypatch, name, sentence):
    """One sentence each."""
    monkeypatch.chdir(file.parent)
    assert refused(tasks.find, f"my_task.py:{name}").startswith(sentence)


def test_a_file_that_raises(tmp_path, monkeypatch):
    """With the line."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text("import torch\nraise RuntimeError('no GPU')\n")
    assert refused(tasks.find, "bad.py:task") == (
        "`bad.py:task`: running the file raised `RuntimeError: no GPU (bad.py, line 2)`."
    )


def test_what_is_not_ours_is_left_to_others():
    """A function of coordinates may be a landscape."""
    assert tasks.from_object(lambda x, y: x, "f") is None
    assert tasks.from_object(lambda: 3, "f") is None
    assert tasks.from_object(3, "three") is None
    assert tasks.from_object(Task, "Task") is None


def test_loops_of_any_make():
    """A generator function, a partial one, an object whose call is one, a method."""

    class Trainer:
        def __call__(self, make_optimizer, seed):
            yield {"loss": seed}

        def run(self, make_optimizer, seed):
            yield {"loss": seed}

    def three(scale, make_optimizer, seed):
        yield {"loss": scale * seed}

    for function in (Trainer(), Trainer().run, functools.partial(three, 1)):
        assert list(tasks.find(function).follow(None, 4)) == [{"loss": 4.0}]


def test_a_loop_draws_the_same_numbers_for_every_optimizer_and_disturbs_nothing():
    """It is seeded before it begins; between evaluations the caller's generators are the caller's."""

    def train(make_optimizer, seed):
        for _ in range(3):
            yield {"a": torch.rand(()), "b": np.random.rand(), "c": random.random()}

    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    expected = [torch.rand(()).item(), np.random.rand(), random.random()]
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    first, second, found = Loop(train).follow(None, 7), Loop(train).follow(None, 7), []
    for one, two in zip(first, second, strict=True):  # in turn, and still alike
        assert one == two
        found.append(one)
    assert found[0] != found[1]
    assert found != list(Loop(train).follow(None, 8))
    assert [torch.rand(()).item(), np.random.rand(), random.random()] == expected


def test_metrics_become_floats():
    """Tensors, arrays and integers of one number; what is infinite becomes NaN, as for any diverged run."""

    def train(make_optimizer, seed):
        yield {"a": torch.tensor([2.5], requires_grad=True), "b": np.int64(3), "c": math.inf, "d": True}

    (found,) = Loop(train).follow(None, 0)
    assert {key: found[key] for key in "abd"} == {"a": 2.5, "b": 3.0, "d": 1.0}
    assert math.isnan(found["c"])
    assert all(type(value) is float for value in found.values())


@pytest.mark.parametrize(
    ("yielded", "sentence"),
    [
        (0.3, '`train` yielded `0.3`: yield a mapping such as {"validation_loss": 0.3}.'),
        ({}, '`train` yielded `{}`: yield a mapping such as {"validation_loss": 0.3}.'),
        ({3: 0.1}, "`train` yielded a metric called `3`: names are words."),
        ({"loss": "low"}, "`train` yielded `str` as `loss`: a metric is one real number."),
        ({"loss": None}, "`train` yielded `NoneType` as `loss`: a metric is one real number."),
        ({"loss": 1j}, "`train` yielded `complex` as `loss`: a metric is one real number."),
        ({"loss": torch.zeros(2)}, "`train` yielded `Tensor` of shape [2] as `loss`: a metric is one real number."),
    ],
)
def test_what_a_loop_must_not_yield(yielded, sentence):
    """The whole sentence for each."""

    def train(make_optimizer, seed):
        yield yielded

    assert refused(list, Loop(train).follow(None, 0)) == sentence


def test_loops_that_cannot_be():
    """No generator, other parameters, no evaluation."""

    def silent(make_optimizer, seed):
        return
        yield

    def other(make_optimizer):
        yield {}

    shape = "a training loop is a generator function train(make_optimizer, seed) that yields metrics"
    assert refused(list, Loop(silent).follow(None, 0)) == (
        "`silent` ended without an evaluation: yield its metrics at least once."
    )
    assert (
        refused(Loop, other) == f"`other` cannot be called with two arguments (too many positional arguments): {shape}."
    )
    assert refused(Loop, math.sin) == f"`sin` is not a generator function: {shape}."


def test_what_a_loop_raises_is_its_own():
    """It passes through, and the caller's generators are restored."""

    def train(make_optimizer, seed):
        torch.rand(3)
        raise ZeroDivisionError("mine")
        yield {}

    torch.manual_seed(2)
    expected = torch.rand(2)
    torch.manual_seed(2)
    with pytest.raises(ZeroDivisionError, match="mine"):
        list(Loop(train).follow(None, 0))
    assert torch.equal(torch.rand(2), expected)

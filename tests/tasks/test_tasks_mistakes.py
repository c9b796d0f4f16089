"""What is wrong with a task is told in one sentence, before hours are spent."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from slalom import InputError, Task

torch.manual_seed(0)
X = torch.randn(40, 6)
LABELS = (X[:, 0] > 0).long()
FLOATS = X[:, :1].clone()


def net(outputs=2):
    return nn.Linear(6, outputs)


def task(model=net, train=(X, LABELS), **more):
    return Task(model, train, name="t", **more)


class Nan(nn.Linear):
    def __init__(self):
        super().__init__(6, 2)
        self.weight.data.fill_(float("nan"))


class Ragged:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return torch.zeros(index + 1), 0


class Endless:
    def __len__(self):
        raise NotImplementedError("endless")

    def __getitem__(self, index):
        return X[0], 0


class Broken:
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return [(X[0], 0), (X[1], 1)][index]


def replaced(column, index, value):
    changed = column.clone()
    changed[index] = value
    return changed


def raising():
    raise KeyError("no config")


FIXED = net()
GENERATOR = torch.Generator()
GIVE = (
    "give a tuple of tensors or arrays (inputs, target), one tensor, a map-style data set, or a function without "
    "parameters that returns one of these"
)

CONSTRUCTION = {
    "a network, not a factory": (
        lambda: task(net()),
        "`t`: model is a network that exists already, and every seed needs a fresh one: give a function that makes it, "
        "such as `lambda: Net(10)`, or its class.",
    ),
    "no factory": (lambda: task(3), "`t`: model cannot be `3`: give a function that makes the network."),
    "no data": (lambda: task(train=None), "`t`: train is None: a task needs examples to train on."),
    "batch size": (
        lambda: task(batch_size=2.5),
        "`t`: batch_size must be a whole number from 1, got `2.5`.",
    ),
    "epochs": (lambda: task(epochs=True), "`t`: epochs must be a whole number from 1, got `True`."),
    "a switch": (lambda: task(drop_last="no"), "`t`: drop_last must be True or False, got `no`."),
    "validation": (
        lambda: task(validation=1.5),
        "`t`: validation must be a number of examples, a fraction below 1, a data set or None, got `1.5`.",
    ),
    "test": (
        lambda: task(test=-3),
        "`t`: test must be a number of examples, a fraction below 1, a data set or None, got `-3`.",
    ),
    "a loss class": (
        lambda: task(loss=nn.CrossEntropyLoss),
        "`t`: loss is the class CrossEntropyLoss: give an instance, CrossEntropyLoss().",
    ),
    "a loss name": (
        lambda: task(loss="cross_entropy"),
        "`t`: loss cannot be `cross_entropy`: give a function of (outputs, target), such as "
        "torch.nn.functional.cross_entropy.",
    ),
    "a metric's name": (
        lambda: task(metrics="acuracy"),
        '`t`: the metric `acuracy` cannot be `acuracy`: give a function of (outputs, target), or "accuracy". '
        "Did you mean `accuracy`?",
    ),
    "a metric called loss": (
        lambda: task(metrics={"loss": functional.l1_loss}),
        "`t`: a metric cannot be called `loss`: the loss is always measured.",
    ),
    "a metric with a blank": (
        lambda: task(metrics={"top 5": functional.l1_loss}),
        "`t`: a metric cannot be called `top 5`: it is a word of letters, digits and underscores.",
    ),
    "metrics": (
        lambda: task(metrics=7),
        "`t`: metrics cannot be `7`: give a mapping from names to functions of (outputs, target), or names such as "
        '"accuracy".',
    ),
    "optimum": (lambda: task(optimum=float("nan")), "`t`: optimum must be a finite number, got `nan`."),
}

DATA = {
    "different lengths": (
        lambda: task(train=(X, LABELS[:30])),
        "`t`: train has different numbers of examples (40 for input, 30 for target): each input needs its target.",
    ),
    "different lengths of several inputs": (
        lambda: task(train=(X, X[:3], LABELS)),
        "`t`: train has different numbers of examples (40 for input 1, 3 for input 2, 40 for target): each input needs "
        "its target.",
    ),
    "empty": (lambda: task(train=(X[:0], LABELS[:0])), "`t`: train is empty: at least one example is needed."),
    "an empty list": (lambda: task(train=[]), f"`t`: train is empty: {GIVE}."),
    "an empty tuple": (lambda: task(train=()), f"`t`: train is empty: {GIVE}."),
    "pixels as bytes": (
        lambda: task(train=(torch.zeros(40, 6, dtype=torch.uint8), LABELS)),
        "`t`: train, input is of the type uint8, and pixels are not scaled behind your back: write x.float() / 255, or "
        "x.long() where they are indices.",
    ),
    "words": (
        lambda: task(train=(np.array(["a", "b"]), np.array([0, 1]))),
        "`t`: train, input is not an array of numbers (",
    ),
    "complex": (
        lambda: task(train=(X.to(torch.complex64), LABELS)),
        "`t`: train, input is a sparse or complex tensor: make it a dense one of real numbers.",
    ),
    "a scalar": (
        lambda: task(train=(torch.tensor(1.0), LABELS)),
        "`t`: train, input is a single number: its first dimension must count the examples.",
    ),
    "a loader": (
        lambda: task(train=DataLoader(TensorDataset(X, LABELS))),
        "`t`: train is a DataLoader: give its data set; batch_size and order are the task's.",
    ),
    "a stream": (
        lambda: task(train=iter([(X[0], 0)])),
        f"`t`: train cannot be `list_iterator`: {GIVE}.",
    ),
    "a path": (lambda: task(train="images.npz"), f"`t`: train cannot be `str`: {GIVE}."),
    "a class": (lambda: task(train=Ragged), "`t`: train is the class Ragged: give an instance, Ragged(…)."),
    "an unknown length": (
        lambda: task(train=Endless()),
        "`t`: train does not tell its length (`NotImplementedError: endless (test_tasks_mistakes.py, line ",
    ),
    "dictionaries": (
        lambda: task(train=[{"x": X[0], "y": 0}]),
        "`t`: train: its examples are `dict`, not tuples (input, …, target) of tensors or numbers: wrap the data set "
        "in one that returns such tuples.",
    ),
    "ragged": (lambda: task(train=Ragged()), "`t`: train: examples 0 to 2 cannot be put into one tensor ("),
    "a data set that raises": (
        lambda: task(train=Broken()),
        "`t`: train: reading example 2 raised `IndexError: list index out of range (test_tasks_mistakes.py, line ",
    ),
    "a function that raises": (
        lambda: task(train=raising),
        "`t`: train: the function that gives the data raised `KeyError: 'no config' (test_tasks_mistakes.py, line ",
    ),
    "another shape in test": (
        lambda: task(test=(X[:, :5], LABELS)),
        "`t`: test holds examples of another shape or type ([5] float32, [] int64) than train ([6] float32, [] int64).",
    ),
    "too few to hold out": (
        lambda: task(validation=30, test=10),
        "`t`: 40 examples are too few to hold out 30 for validation and 10 for the test: hold out fewer, or "
        "validation=0.",
    ),
    "not finite": (
        lambda: task(train=(replaced(X, (7, 2), float("inf")), LABELS)),
        "`t`: input of example 7 is not finite: clean the data first.",
    ),
    "a target that is not finite": (
        lambda: task(lambda: net(1), (X, replaced(FLOATS, 3, float("nan")))),
        "`t`: the target of example 3 is not finite: clean the data first.",
    ),
    "no whole batch": (
        lambda: task(batch_size=64, drop_last=True),
        "`t`: batch_size 64 is larger than the 36 training examples, and drop_last leaves no batch: make batches "
        "smaller, or drop_last=False.",
    ),
}

MODEL = {
    "a factory that raises": (
        lambda: task(raising),
        "`t`: making the model raised `KeyError: 'no config' (test_",
    ),
    "a factory with parameters": (
        lambda: task(nn.Linear),
        "`t`: making the model raised `TypeError: Linear.__init__() missing 2 required positional arguments",
    ),
    "something else": (
        lambda: task(lambda: "net"),
        "`t`: model made `str`: it must return a torch.nn.Module.",
    ),
    "nothing to train": (lambda: task(nn.ReLU), "`t`: the model has no parameters that could be trained."),
    "one network for all seeds": (
        lambda: task(lambda: FIXED),
        "`t`: model returns the same network at every call, and every seed needs a fresh one: make it inside the "
        "function.",
    ),
    "a hidden generator": (
        lambda: task(lambda: with_weights(GENERATOR)),
        "`t`: two networks of the same seed differ: draw initial weights from the global generators of torch, NumPy or "
        "Python, which are seeded before every call.",
    ),
    "the wrong width": (
        lambda: task(lambda: nn.Linear(5, 2)),
        "`t`: the model, given a batch of shape [36, 6] float32, raised `RuntimeError: mat1 and mat2 shapes cannot be "
        "multiplied (36x6 and 5x2)`.",
    ),
    "lazy layers that do not fit": (
        lambda: task(lambda: nn.Sequential(nn.LazyConv2d(2, 3))),
        "`t`: the model's lazy layers, given two examples, raised `RuntimeError: ",
    ),
    "nan at once": (
        lambda: task(Nan),
        "`t`: the model returns nan or infinity before its first step: look at its initial weights.",
    ),
    "a last batch of one": (
        lambda: task(lambda: nn.Sequential(nn.Linear(6, 2), nn.BatchNorm1d(2)), batch_size=7, validation=4),
        "`t`: the last batch of an epoch is one example, and the model then raised `ValueError: Expected more than 1 "
        "value per channel when training, got input size torch.Size([1, 2])`: say drop_last=True, or another "
        "batch_size.",
    ),
}

LOSS = {
    "labels out of range": (
        lambda: task(train=(X, replaced(LABELS, 33, 2))),
        "`t`: the model has 2 outputs, so that classes are 0 to 1, but example 33 has the class 2.",
    ),
    "labels below zero": (
        lambda: task(train=(X, replaced(LABELS, 5, -1)), loss=nn.CrossEntropyLoss()),
        "`t`: the model has 2 outputs, so that classes are 0 to 1, but example 5 has the class -1.",
    ),
    "classes as a column": (
        lambda: task(train=(X, LABELS[:, None])),
        "`t`: cross-entropy compares outputs [N, classes, ...] with classes [N, ...], got [36, 2] and [36, 1]: one "
        "output for each class, and one class for each example.",
    ),
    "classes last": (
        lambda: task(lambda: nn.Embedding(9, 9), (torch.zeros(40, 5).long(), torch.zeros(40, 5).long())),
        "`t`: cross-entropy compares outputs [N, classes, ...] with classes [N, ...], got [36, 5, 9] and [36, 5]: let "
        "the model return outputs.movedim(-1, 1).",
    ),
    "float labels": (
        lambda: task(train=(X, LABELS.float()), loss=functional.cross_entropy),
        "`t`: outputs of shape [36, 2] against a target of [36] of floating numbers: cross-entropy needs classes, "
        "write y.long().",
    ),
    "a target that would be broadcast": (
        lambda: task(lambda: net(1), (X, FLOATS[:, 0])),
        "`t`: outputs of shape [36, 1] against a target of [36]: the mean squared error needs equal shapes.",
    ),
    "a target that a loss of torch would broadcast": (
        lambda: task(lambda: net(1), (X, FLOATS[:, 0]), loss=functional.l1_loss),
        "`t`: the loss, given outputs of shape [36, 1] and a target of [36] float32, raised `UserWarning: Using a "
        "target size",
    ),
    "not a scalar": (
        lambda: task(loss=lambda outputs, target: functional.cross_entropy(outputs, target, reduction="none")),
        "`t`: the loss must be one floating number, got shape [36] of float32: take its mean, for instance.",
    ),
    "a plain number": (
        lambda: task(loss=lambda outputs, target: functional.cross_entropy(outputs, target).item()),
        "`t`: the loss is `float`, not a tensor: compute it with torch, without .item().",
    ),
    "detached": (
        lambda: task(loss=lambda outputs, target: (outputs.argmax(1) != target).float().mean()),
        "`t`: the loss does not depend on the model's parameters: something detaches it (.detach(), .item(), no_grad, "
        "argmax).",
    ),
    "infinite": (
        lambda: task(loss=lambda outputs, target: (outputs.mean() * 0).log()),
        "`t`: the loss is -inf before the first step: look at the initial weights.",
    ),
    "a gradient of nan": (
        lambda: task(loss=lambda outputs, target: (outputs * 0).norm(dim=1).mean() + (outputs * 0).abs().sqrt().mean()),
        "`t`: the gradient is nan or infinite at the first step: look at the initial weights.",
    ),
    "a loss that raises": (
        lambda: task(loss=lambda outputs, target: outputs[:, target.shape[0]].mean()),
        "`t`: the loss, given outputs of shape [36, 2] and a target of [36] int64, raised `IndexError: index 36 is out "
        "of bounds for dimension 1 with size 2 (test_tasks_mistakes.py, line ",
    ),
    "a metric that raises": (
        lambda: task(metrics={"far": lambda outputs, target: outputs[:, 9]}),
        "`t`: far of the validation examples raised `IndexError: index 9 is out of bounds for dimension 1 with size 2 "
        "(test_",
    ),
    "a metric of many numbers": (
        lambda: task(metrics={"each": lambda outputs, target: (outputs.argmax(1) == target).float()}),
        "`t`: each of the validation examples is `Tensor` of shape [4]: a measure is one number, take the mean "
        "for instance.",
    ),
    "a metric that is no number": (
        lambda: task(metrics={"word": lambda outputs, target: "good"}),
        "`t`: word of the validation examples is `str`: a measure is one number, take the mean for instance.",
    ),
    "a model of several outputs without a loss": (
        lambda: task(lambda: nn.GRU(6, 2)),
        "`t`: the model returns `tuple`, not a tensor: give a loss that takes it.",
    ),
}


def with_weights(generator):
    layer = net()
    layer.weight.data.normal_(generator=generator)
    return layer


def refused(make):
    with pytest.raises(InputError) as problem:
        make()
    sentence = str(problem.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("mistake", CONSTRUCTION)
def test_what_a_task_cannot_be_made_of(mistake):
    """Refused where it is written, without looking at the data."""
    make, sentence = CONSTRUCTION[mistake]
    assert refused(make) == sentence


@pytest.mark.parametrize("mistake", [*DATA, *MODEL, *LOSS])
def test_what_a_check_finds(mistake):
    """Data, network and loss: each mistake has its sentence; one that quotes torch or NumPy begins like it."""
    make, sentence = {**DATA, **MODEL, **LOSS}[mistake]
    found = refused(lambda: make().check())
    assert found == sentence if sentence.endswith(".") else found.startswith(sentence)


def test_a_class_to_be_ignored_is_no_mistake():
    """cross_entropy leaves out −100, or what its ignore_index says."""
    task(train=(X, replaced(LABELS, 3, -100))).check()
    task(train=(X, replaced(LABELS, 3, 9)), loss=nn.CrossEntropyLoss(ignore_index=9)).check()


def test_data_that_would_not_fit_are_refused_before_they_are_read(monkeypatch):
    """The size is told from the first example."""
    monkeypatch.setattr("slalom.tasks.datasets.available_memory", lambda: 2**20)

    class Large:
        def __len__(self):
            return 1_000_000

        def __getitem__(self, index):
            assert index < 256, "read on"
            return torch.zeros(1000), 0

    sentence = refused(lambda: task(train=Large()).examples())
    assert sentence.startswith("`t`: train: 1,000,000 examples need about 7.5 GB of memory while they are read, 0.0 GB")

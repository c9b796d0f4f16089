"""Tasks of the user's own: any network, any data, any loss; each is checked and makes one step of SGD."""

import pickle
import random

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.utils.data import Dataset, Subset, TensorDataset

from slalom import InputError, Task
from slalom.core import Metric, order_of

torch.manual_seed(0)
X = torch.randn(40, 6)
LABELS = (X[:, 0] > 0).long()


def classifier():
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))


class TwoInputs(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(6, 3), nn.Embedding(4, 3)

    def forward(self, numbers, kinds):
        return (self.first(numbers) * self.second(kinds)).sum(-1, keepdim=True)


class Tied(nn.Module):
    """Embedding and output layer share their weights; returns [N, tokens, T]."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(7, 8)
        self.mix = nn.GRU(8, 8, batch_first=True)
        self.out = nn.Linear(8, 7, bias=False)
        self.out.weight = self.embed.weight

    def forward(self, tokens):
        return self.out(self.mix(self.embed(tokens))[0]).movedim(-1, 1)


class Normalised(nn.Module):
    """A buffer of its own, batch statistics and dropout."""

    def __init__(self):
        super().__init__()
        self.register_buffer("scale", torch.full((6,), 2.0))
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 2))

    def forward(self, x):
        return self.layers(x * self.scale)


TOKENS = torch.randint(0, 7, (40, 5))
KINDS = {
    "classes": lambda: Task(classifier, (X, LABELS), batch_size=8),
    "a class as the factory": lambda: Task(Normalised, (X, LABELS), batch_size=8),
    "several inputs and regression": lambda: Task(TwoInputs, (X, LABELS, X[:, :1] * 2), batch_size=8),
    "one tensor, its own target": lambda: Task(
        lambda: nn.Sequential(nn.Linear(6, 2), nn.Linear(2, 6)), X, batch_size=8
    ),
    "a sequence, tied weights": lambda: Task(Tied, (TOKENS[:, :-1], TOKENS[:, 1:]), batch_size=8),
    "arrays of float64 and int32": lambda: Task(
        classifier, (X.double().numpy(), LABELS.numpy().astype(np.int32)), batch_size=8
    ),
    "arrays in another byte order": lambda: Task(classifier, (X.numpy().astype(">f4"), LABELS.numpy()), batch_size=8),
    "labels as bytes": lambda: Task(classifier, (X, LABELS.to(torch.uint8)), batch_size=8),
    "a list of pairs": lambda: Task(classifier, [(x, int(y)) for x, y in zip(X, LABELS, strict=True)], batch_size=8),
    "a tensor data set": lambda: Task(classifier, TensorDataset(X, LABELS), batch_size=8),
    "part of a data set": lambda: Task(classifier, Subset(TensorDataset(X, LABELS), range(30)), batch_size=8),
    "a function that gives data": lambda: Task(classifier, lambda: (X, LABELS), batch_size=8),
    "lazy layers": lambda: Task(
        lambda: nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2)), (X, LABELS), batch_size=8
    ),
    "a loss module": lambda: Task(
        classifier, (X, LABELS), loss=nn.CrossEntropyLoss(label_smoothing=0.1), batch_size=8
    ),
    "yes or no": lambda: Task(
        lambda: nn.Linear(6, 1), (X, LABELS[:, None].float()), loss=functional.binary_cross_entropy_with_logits,
        metrics={"right": lambda outputs, target: ((outputs > 0) == target).float().mean()}, batch_size=8,
    ),
    "several outputs": lambda: Task(
        TwoHeads, (X, LABELS), metrics={},
        loss=lambda outputs, target: functional.cross_entropy(outputs[0], target) + outputs[1].square().mean(),
    ),
    "images, channels last": lambda: Task(
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(32, 2)),
        (torch.randn(40, 1, 6, 6), LABELS), channels_last=True,
    ),
}  # fmt: skip


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Linear(6, 2), nn.Linear(6, 3)

    def forward(self, x):
        return self.one(x), self.other(x)


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_of_task_is_checked_and_learns(kind):
    """Constructed, checked, and a step of SGD on a batch lowers that batch's loss."""
    task = KINDS[kind]()
    task.check()
    model, examples, splits = task.model(1), task.examples(), task.splits(1)
    batch = splits.train[order_of(task, splits).batch(1, 1)]
    inputs, target = tuple(x[batch] for x in examples.inputs), examples.target[batch]

    def loss_now():
        torch.manual_seed(2)  # the same dropout
        return task.loss(model(*inputs), target)

    before = loss_now()
    before.backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter -= 0.01 * parameter.grad
    assert float(loss_now().detach()) < float(before.detach())


def test_losses_and_metrics_by_default():
    """Classes: cross-entropy and accuracy, sequences included. Floating targets: mean squared error, no metric."""
    sequence = KINDS["a sequence, tied weights"]()
    outputs, target = torch.randn(3, 7, 4), torch.randint(0, 7, (3, 4))
    assert torch.equal(sequence.loss(outputs, target), functional.cross_entropy(outputs, target))
    right = sum(int(outputs[n, :, t].argmax() == target[n, t]) for n in range(3) for t in range(4))
    assert float(sequence.metrics["accuracy"].function(outputs, target)) == pytest.approx(right / 12)
    regression = KINDS["several inputs and regression"]()
    assert regression.metrics == {}
    assert float(regression.loss(torch.ones(2, 1), torch.zeros(2, 1))) == 1.0


def test_metrics_as_given():
    """By name, as a function, or with the direction that is better."""
    wrong = Metric(lambda outputs, target: (outputs.argmax(1) != target).float().mean(), higher_is_better=False)
    task = Task(classifier, (X, LABELS), metrics={"error": wrong, "accuracy": "accuracy"})
    assert list(task.metrics) == ["error", "accuracy"]
    assert [metric.higher_is_better for metric in task.metrics.values()] == [False, True]
    assert list(Task(classifier, (X, LABELS), metrics=["accuracy"]).metrics) == ["accuracy"]


def test_a_network_is_a_function_of_the_seed_and_disturbs_nothing():
    """Equal seeds give equal weights, different ones differ; what the caller draws next is as without slalom."""

    def factory():
        net = classifier()
        net[0].bias.data += random.random() + np.random.rand()
        return net

    task = Task(factory, (X, LABELS))
    torch.manual_seed(5), random.seed(5), np.random.seed(5)
    expected = torch.rand(3), random.random(), np.random.rand()
    torch.manual_seed(5), random.seed(5), np.random.seed(5)
    one, same, other = task.model(1), task.model(1), task.model(2)
    task.check()
    assert torch.equal(torch.rand(3), expected[0])
    assert (random.random(), np.random.rand()) == expected[1:]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one[0].weight, other[0].weight)
    torch.manual_seed(1)
    assert torch.equal(Task(classifier, (X, LABELS)).model(1)[0].weight, classifier()[0].weight)


def test_splits_are_drawn_anew_and_share_nothing():
    """Sizes do not depend on the seed, the parts are disjoint and are all examples together."""
    task = Task(classifier, (X, LABELS), validation=0.25, test=7)
    splits = [task.splits(seed) for seed in (0, 0, 1)]
    for split in splits:
        assert (len(split.train), len(split.validation), len(split.test)) == (23, 10, 7)
        assert sorted(np.concatenate([split.train, split.validation, split.test])) == list(range(40))
    assert np.array_equal(splits[0].test, splits[1].test)
    assert set(splits[0].test) != set(splits[2].test)


@given(
    size=st.integers(1, 60),
    validation=st.none() | st.integers(0, 70) | st.floats(0, 0.999),
    test=st.none() | st.integers(0, 70) | st.floats(0, 0.999),
    seeds=st.tuples(st.integers(0, 2**63), st.integers(0, 2**63)),
)
def test_any_shares_are_held_out_or_refused(size, validation, test, seeds):
    """Whatever is asked for: disjoint parts of the same sizes for every seed, or one sentence."""
    task = Task(classifier, (torch.zeros(size, 6), torch.zeros(size)), validation=validation, test=test)
    sizes = set()
    for seed in seeds:
        try:
            split = task.splits(seed)
        except InputError as problem:
            sizes.add(str(problem))
            continue
        parts = [part for part in (split.train, split.validation, split.test) if part is not None]
        assert sorted(np.concatenate(parts)) == list(range(size))
        assert len(split.train) > 0
        sizes.add(tuple(map(len, parts)))
    assert len(sizes) == 1


def test_masks_stay_masks():
    """An input of the type bool is handed on as it is; a target of that type holds classes."""
    examples = Task(classifier, (X, X > 0, LABELS.bool())).examples()
    assert [x.dtype for x in (*examples.inputs, examples.target)] == [torch.float32, torch.bool, torch.int64]


def test_data_sets_that_are_given_stay_whole():
    """Given validation and test sets follow the training examples, and no seed mixes them."""
    task = Task(classifier, (X, LABELS), validation=(X[:5] + 1, LABELS[:5]), test=(X[:3] + 2, LABELS[:3]))
    split = task.splits(3)
    assert sorted(split.train) == list(range(40))
    assert torch.equal(task.examples().inputs[0][split.validation], X[:5] + 1)
    assert torch.equal(task.examples().inputs[0][split.test], X[:3] + 2)
    alone = Task(classifier, (X, LABELS), validation=0)
    assert alone.splits(0).validation is None
    assert alone.splits(0).test is None


def test_at_most_five_thousand_training_examples_are_watched():
    """The first of the seed's order; all of them where there are fewer."""
    many = Task(classifier, (torch.zeros(12_000, 6), torch.zeros(12_000, dtype=torch.int64)), validation=None)
    split = many.splits(0)
    assert np.array_equal(split.watched, split.train[:5_000])
    small = Task(classifier, (X, LABELS)).splits(0)
    assert np.array_equal(small.watched, small.train)


class Augmented(Dataset):
    """Draws its noise from torch's generator, and counts how often it is read."""

    def __init__(self):
        self.read = 0

    def __len__(self):
        return 300

    def __getitem__(self, index):
        self.read += 1
        return torch.full((6,), float(index)) + torch.rand(6), index % 2


def test_a_data_set_is_read_once_in_order_and_its_augmentation_is_frozen():
    """Once per task; two readings draw the same numbers; the caller's generator stays as it was."""
    data = Augmented()
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    task = Task(classifier, data)
    first = task.examples()
    assert task.examples() is first
    assert data.read <= 300 + 16, "some are read twice, to see whether they differ"
    assert torch.equal(torch.rand(2), expected)
    assert torch.equal(first.inputs[0].floor()[:, 0], torch.arange(300.0))
    assert torch.equal(Task(classifier, Augmented()).examples().inputs[0], first.inputs[0])


def test_floating_data_are_float32_and_integers_int64():
    """Whatever they were; the caller's own are not changed."""
    examples = Task(TwoInputs, (X.double(), LABELS.to(torch.int16), X[:, :1].half())).examples()
    assert [x.dtype for x in (*examples.inputs, examples.target)] == [torch.float32, torch.int64, torch.float32]
    array = X.numpy().copy()
    Task(classifier, (array, LABELS)).examples().inputs[0].zero_()
    assert np.array_equal(array, X.numpy())


def test_a_task_is_pickled_by_its_parts():
    """Where its parts can be pickled the copy gives the same network, data and splits."""
    task = Task(Normalised, (X, LABELS), test=5, batch_size=8, loss=nn.CrossEntropyLoss(), name="mine")
    task.examples()
    copy = pickle.loads(pickle.dumps(task))
    assert (copy.name, copy.batch_size, copy.source) == ("mine", 8, "")
    assert torch.equal(copy.examples().inputs[0], X)
    assert np.array_equal(copy.splits(2).test, task.splits(2).test)
    assert torch.equal(copy.model(4).layers[0].weight, task.model(4).layers[0].weight)


def test_a_common_case_takes_few_lines():
    """Name, title and everything else have defaults."""
    task = Task(model=Normalised, train=(X, LABELS), test=(X, LABELS))
    assert (task.name, task.title, task.batch_size, task.epochs) == ("Normalised", "Normalised", 64, 10)
    with pytest.raises(InputError, match=r"^`Normalised`: batch_size must be a whole number from 1, got `0`\.$"):
        Task(model=Normalised, train=(X, LABELS), batch_size=0)

"""The named tasks: what they are made of, and that their optima and their data are what they say."""

import gzip
import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

import slalom.tasks
from slalom import InputError, tasks
from slalom.core import order_of
from slalom.tasks.catalogue import CATALOGUE, digits, modular_addition
from slalom.tasks.files import FASHION_MNIST

OFFLINE = ("digits-mlp", "digits-cnn", "digits-logreg", "deepobs-quadratic-deep", "modadd-transformer")
IMAGES = tuple(name for name in tasks.NAMES if name not in OFFLINE)


def batch_of(task, size=16):
    """Return a batch such as the task's, without its data where these are not at hand."""
    entry = CATALOGUE[task.name]
    if task.name in OFFLINE:
        examples = task.examples()
        return tuple(x[:size] for x in examples.inputs), examples.target[:size]
    generator = torch.Generator().manual_seed(0)
    return (torch.rand((size, *entry.example), generator=generator),), torch.arange(size) % 10


def test_the_names():
    """Those that were promised."""
    assert set(tasks.NAMES) == {
        "digits-mlp", "digits-cnn", "digits-logreg", "mnist-mlp", "mnist-cnn", "fashion-mnist-mlp", "fashion-mnist-cnn",
        "deepobs-quadratic-deep", "deepobs-mnist-mlp", "deepobs-fmnist-mlp", "deepobs-mnist-2c2d",
        "deepobs-fmnist-2c2d", "modadd-transformer",
    }  # fmt: skip


@pytest.mark.parametrize("name", OFFLINE)
def test_tasks_without_foreign_files_are_whole(name):
    """They pass their own check, and their splits have the sizes that the catalogue tells."""
    task = tasks.find(name)
    task.check()
    split = task.splits(3)
    sizes = tuple(0 if part is None else len(part) for part in (split.train, split.validation, split.test))
    assert sizes == CATALOGUE[name].splits


@pytest.mark.parametrize("name", [name for name in IMAGES if "mnist" in name and ("fashion" in name or "fm" in name)])
def test_tasks_on_fashion_mnist_are_whole(name):
    """Where Debian's package is installed: the check, and the sizes that the catalogue tells."""
    from conftest import missing

    if not Path(FASHION_MNIST.system[0]).is_dir():
        missing("Debian's package dataset-fashion-mnist")
    task = tasks.find(name)
    task.check()
    split = task.splits(0)
    sizes = tuple(0 if part is None else len(part) for part in (split.train, split.validation, split.test))
    assert sizes == CATALOGUE[name].splits
    low, high = (0.0, 1.0) if name.startswith("deepobs") else (-1.0, 1.0)
    pixels = task.examples().inputs[0]
    assert (float(pixels.min()), float(pixels.max())) == (low, high)


@pytest.mark.parametrize("name", tasks.NAMES)
def test_networks_have_the_parameters_that_are_told(name):
    """And give as many outputs as there are classes."""
    task = tasks.find(name)
    model = task.model(0)
    assert sum(parameter.numel() for parameter in model.parameters()) == CATALOGUE[name].parameters
    inputs, target = batch_of(task)
    assert math.isfinite(float(task.loss(model(*inputs), target).detach()))


@pytest.mark.parametrize("name", tasks.NAMES)
def test_networks_can_be_trained_together(name):
    """The gradients of two networks under vmap are those of each by itself, within float32's rounding."""
    task = tasks.find(name)
    inputs, target = batch_of(task, size=4)
    models = [task.model(seed) for seed in range(2)]
    parameters, buffers = stack_module_state(models)
    together = vmap(
        grad(lambda p, b: task.loss(functional_call(models[0], (p, b), inputs), target)), randomness="error"
    )(parameters, buffers)
    for lane, model in enumerate(models):
        task.loss(model(*inputs), target).backward()
        for key, parameter in model.named_parameters():
            scale = float(parameter.grad.abs().max())
            apart = (together[key][lane].detach() - parameter.grad).abs()
            assert float(apart.max()) <= 1e-4 * scale + 1e-7, key


@pytest.mark.parametrize("name", ["mnist-mlp", "mnist-cnn", "fashion-mnist-mlp", "fashion-mnist-cnn"])
def test_conditions_of_the_image_tasks(name):
    """Batch 256, five epochs, a new order in each."""
    task = tasks.find(name)
    assert (task.batch_size, task.epochs, task.reshuffle, task.drop_last) == (256, 5, True, False)
    assert task.channels_last == name.endswith("cnn")


def test_the_digits_are_those_of_uci():
    """Against the counts that the data's own description gives for its test set (optdigits.names)."""
    images, labels = tasks.find("digits-mlp").examples()[0][0], tasks.find("digits-mlp").examples().target
    assert torch.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    pixels = (images + 1) * 8
    assert torch.equal(pixels, pixels.round())
    assert (float(pixels.min()), float(pixels.max())) == (0.0, 16.0)
    data = Path(slalom.tasks.__file__).parent / "data"
    assert gzip.decompress((data / "digits.csv.gz").read_bytes()).count(b"\n") == 1797
    told = (data / "ATTRIBUTION.md").read_text()
    assert "CC BY 4.0" in told
    assert "10.24432/C50P49" in told


def test_the_optimum_of_logistic_regression():
    """Found anew by Newton's method in float64, written out in NumPy: to 1e-8, and its gradient vanishes there."""
    task = tasks.find("digits-logreg")
    train = task.splits(0).train
    assert sorted(train) == sorted(task.splits(1).train) == list(range(1152))
    X = np.hstack([task.examples().inputs[0][train].double().numpy(), np.ones((1152, 1))])
    Y = np.eye(10)[task.examples().target[train]]
    W, penalty = np.zeros((65, 10)), 1e-3
    for _ in range(10):
        scores = X @ W
        P = np.exp(scores - scores.max(axis=1, keepdims=True))
        P /= P.sum(axis=1, keepdims=True)
        value = -np.log((P * Y).sum(axis=1)).mean() + penalty / 2 * (W**2).sum()
        gradient = X.T @ (P - Y) / len(X) + penalty * W
        spread = (X[:, :, None] * P[:, None, :]).reshape(len(X), 650)
        hessian = penalty * np.eye(650) - spread.T @ spread / len(X)
        for c in range(10):
            hessian[c::10, c::10] += spread[:, c::10].T @ X / len(X)
        W = W - np.linalg.solve(hessian, gradient.ravel()).reshape(65, 10)
    assert np.abs(gradient).max() < 1e-12
    assert task.optimum == pytest.approx(value, abs=1e-10)

    model = task.model(0).double()
    with torch.no_grad():
        model.linear.weight.copy_(torch.tensor(W[:64].T))
        model.linear.bias.copy_(torch.tensor(W[64]))
    loss = task.loss(model(torch.tensor(X[:, :64])), torch.tensor(Y.argmax(axis=1)))
    assert float(loss.detach()) == pytest.approx(task.optimum, abs=1e-8)
    loss.backward()
    assert all(float(parameter.grad.abs().max()) < 1e-12 for parameter in model.parameters())


def test_logistic_regression_is_measured_without_its_penalty():
    """Accuracy looks at the ten logits, not at the column of the penalty."""
    outputs = torch.zeros(3, 11)
    outputs[torch.arange(3), torch.tensor([1, 2, 3])] = 1.0
    outputs[:, 10] = 9.0
    assert float(digits.accuracy_of_logits(outputs, torch.tensor([1, 2, 4]))) == pytest.approx(2 / 3)


def test_modular_addition_has_all_sums():
    """Every pair once, its sum modulo 59."""
    tokens, target = modular_addition.sums()
    assert len({tuple(row) for row in tokens[:, :2].tolist()}) == 59**2
    assert all((a + b) % 59 == c for (a, b, _), c in zip(tokens.tolist(), target.tolist(), strict=True))
    assert set(tokens[:, 2].tolist()) == {59}


def test_the_transformer_attends_as_torch_does():
    """The attention that is written out equals torch's scaled_dot_product_attention."""
    model = tasks.find("modadd-transformer").model(0)
    x = torch.randn(5, 3, 64, generator=torch.Generator().manual_seed(0))
    q, k, v = model.queries_keys_values(x).split(64, dim=-1)
    heads = [part.unflatten(-1, (4, 16)).transpose(1, 2) for part in (q, k, v)]
    expected = nn.functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
    assert torch.allclose(model._attention(x), expected, atol=1e-6)


@pytest.mark.slow
def test_adam_learns_modular_addition_and_sgd_does_not():
    """Within the default budget, at the best of a decade of learning rates for SGD."""
    task = tasks.find("modadd-transformer")

    def accuracy_after(make):
        model, examples, splits = task.model(0), task.examples(), task.splits(0)
        order, optimizer = order_of(task, splits), make(model.parameters())
        for step in range(1, task.epochs * order.steps_per_epoch + 1):
            batch = splits.train[order.batch(0, step)]
            optimizer.zero_grad()
            task.loss(model(examples.inputs[0][batch]), examples.target[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            outputs = model(examples.inputs[0][splits.test])
        return float(task.metrics["accuracy"].function(outputs, examples.target[splits.test]))

    adam = accuracy_after(lambda parameters: torch.optim.Adam(parameters, lr=1e-3))
    sgd = max(accuracy_after(lambda p, lr=lr: torch.optim.SGD(p, lr=lr)) for lr in (0.03, 0.1, 0.3))
    assert adam > 0.75
    assert adam > sgd + 0.2


def test_the_same_name_is_the_same_task():
    """Its data are read once in a process; spelling does not matter."""
    assert tasks.find("digits-mlp") is tasks.find(" Digits_MLP ")
    copy = pickle.loads(pickle.dumps(tasks.find("digits-mlp")))
    assert copy is tasks.find("digits-mlp")
    assert copy.source == "digits-mlp"


def test_names_that_are_not_there():
    """Told with what is near."""
    with pytest.raises(InputError, match=r"^`digits-mpl` is not a task\. Did you mean `digits-mlp`"):
        tasks.find("digits-mpl")
    with pytest.raises(InputError, match=r"^`q` is not a task\. Give one that `slalom list tasks` shows, or file\.py"):
        tasks.find("q")
    with pytest.raises(InputError, match=r"^`3` is not a task: give a name that `slalom list tasks` shows"):
        tasks.find(3)


def test_listing_needs_neither_torch_nor_data():
    """Names and rows are there at once, and every row can be written as JSON."""
    code = (
        "import json, sys; from slalom import tasks; rows = tasks.rows(); json.dumps(rows, allow_nan=False);"
        "assert [row['name'] for row in rows] == list(tasks.NAMES); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", tasks.NAMES)
def test_every_card_is_complete(name):
    """Network, parameters, data, splits, batches, budget, loss, source, within the width of a page; no data needed."""
    card = tasks.describe(name)
    labels = {label for label, _ in card.rows()}
    assert {"network", "parameters", "data", "splits", "batches", "budget", "loss", "teaches", "source"} <= labels
    assert card.text().startswith(name)
    assert max(map(len, card.text().splitlines())) <= 100
    assert sum(count for _, _, count in card.layers) == card.parameters
    assert ("optimum" in labels) == (name in ("digits-logreg", "deepobs-quadratic-deep"))


def test_a_card_as_text():
    """What the terminal shows."""
    assert tasks.describe("digits-mlp").text().splitlines() == [
        "digits-mlp   digits, fully connected",
        "  network     64–32–10, ReLU",
        "  parameters  2,410",
        "              Linear(in_features=64, out_features=32, bias=True)  32  2,080",
        "              ReLU()                                              32",
        "              Linear(in_features=32, out_features=10, bias=True)  10    330",
        "  initial     PyTorch's own",
        "  data        1,797 digits of 8×8 pixels (UCI Optical Recognition of Handwritten Digits), scaled to",
        "              [−1, 1]",
        "  splits      train 1,152, validation 285, test 360",
        "  held out    drawn anew by every seed",
        "  batches     64 examples, a new order every epoch, the last one may be smaller",
        "  budget      20 epochs of 18 steps: 360 steps",
        "  loss        cross-entropy, mean over the batch",
        "  metrics     accuracy",
        "  teaches     The smallest network worth training: seconds for ten seeds of six optimizers.",
        "  source      Alpaydin and Kaynak (1998), UCI Machine Learning Repository, doi:10.24432/C50P49, CC",
        "              BY 4.0",
    ]


def test_a_card_of_a_task_of_the_users_own():
    """What can be told of it: layers, shapes of the data, sizes of the splits."""
    task = tasks.Task(
        lambda: nn.Sequential(nn.Linear(3, 1)), (torch.zeros(50, 3), torch.zeros(50, 1)), name="mine", test=5
    )
    assert tasks.describe(task).rows() == [
        ("parameters", "4"),
        ("data", "50 examples: [3] float32, target [1] float32"),
        ("splits", "train 40, validation 5, test 5"),
        ("held out", "validation and test drawn anew by every seed"),
        ("batches", "64 examples, a new order every epoch, the last one may be smaller"),
        ("budget", "10 epochs of 1 step: 10 steps"),
        ("loss", "mean squared error"),
        ("metrics", "none"),
    ]

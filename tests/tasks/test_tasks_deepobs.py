"""DeepOBS's problems against a plain transcription of their description, and their published first numbers."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from slalom import tasks
from slalom.core import order_of
from slalom.tasks.catalogue import deepobs


def transcribed_hessian():
    """Q as the description has it, with plain loops and whole matrices."""
    draws = np.random.RandomState(42)
    eigenvalues = [draws.uniform(0, 1) for _ in range(90)] + [draws.uniform(30, 60) for _ in range(10)]
    t = 2 * math.pi * draws.uniform()
    R = np.array([[math.cos(t), math.sin(t)], [-math.sin(t), math.cos(t)]])
    for d in range(2, 100):
        v = np.array([draws.normal() for _ in range(d + 1)])
        v = v / math.sqrt(sum(v * v))
        e1 = np.zeros(d + 1)
        e1[0] = 1
        x = (e1 - v) / math.sqrt(sum((e1 - v) ** 2))
        embedded = np.zeros((d + 1, d + 1))
        embedded[0, 0] = 1
        embedded[1:, 1:] = R
        R = (np.eye(d + 1) - 2 * np.outer(x, x)) @ embedded
    R = -R
    return R.T @ np.diag(eigenvalues) @ R, eigenvalues, R


def test_the_matrix_is_the_one_of_the_description():
    """Entry by entry; its eigenvalues are those drawn; the rotation is one."""
    Q, eigenvalues, R = transcribed_hessian()
    assert np.allclose(deepobs.hessian(), Q, atol=1e-11)
    assert np.allclose(np.linalg.eigvalsh(deepobs.hessian()), sorted(eigenvalues), atol=1e-11)
    assert np.allclose(R @ R.T, np.eye(100), atol=1e-12)
    generator = np.random.RandomState(0)
    for dimension in (2, 3, 7):
        rotation = deepobs.random_rotation(generator, dimension)
        assert np.allclose(rotation @ rotation.T, np.eye(dimension), atol=1e-13)
    assert eigenvalues[0] == pytest.approx(0.3745401188)  # the first number of RandomState(42), as NumPy documents it


def test_the_data_of_the_quadratic():
    """N(0, 0.6²) from the seeds 42 and 43, in the order of NumPy's generator; tested on the first 896."""
    task = tasks.find("deepobs-quadratic-deep")
    x = task.examples().inputs[0].numpy()
    assert x.shape == (1896, 100)
    train = np.random.RandomState(42).normal(0, 0.6, (1000, 100))
    test = np.random.RandomState(43).normal(0, 0.6, (1000, 100))
    assert np.allclose(x, np.vstack([train, test[:896]]), atol=1e-7)
    assert x[0, 0] == pytest.approx(0.6 * 0.4967141530)  # the first normal of RandomState(42)


def test_the_loss_of_the_quadratic():
    """0.5 (θ − x)ᵀ Q (θ − x), averaged; θ begins at 1; the smallest training loss is that at the mean."""
    task = tasks.find("deepobs-quadratic-deep")
    model = task.model(5)
    assert torch.equal(model.theta.detach(), torch.ones(100))
    x = task.examples().inputs[0][:7].double().numpy()
    Q = transcribed_hessian()[0]
    expected = np.mean([0.5 * (1 - row) @ Q @ (1 - row) for row in x])
    loss = task.loss(model(task.examples().inputs[0][:7]), None)
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)

    train = task.examples().inputs[0][:1000].double()
    with torch.no_grad():
        model.double().theta.copy_(train.mean(dim=0))
    best = task.loss(model(train), None)
    assert float(best.detach()) == pytest.approx(task.optimum, rel=1e-6)
    best.backward()
    assert float(model.theta.grad.abs().max()) < 1e-5


@pytest.mark.parametrize("name", [name for name in tasks.NAMES if name.startswith("deepobs")])
def test_conditions(name):
    """Batch 128, the incomplete last one dropped, one order for all epochs, nothing held out, 100 epochs."""
    task = tasks.find(name)
    assert (task.batch_size, task.epochs, task.reshuffle, task.drop_last) == (128, 100, False, True)
    assert task.validation is None


def test_one_order_is_kept_for_all_epochs():
    """Seven batches of 128; the second epoch repeats the first."""
    task = tasks.find("deepobs-quadratic-deep")
    splits = task.splits(0)
    order = order_of(task, splits)
    assert order.steps_per_epoch == 7
    assert np.array_equal(order.batch(0, 3), order.batch(0, 10))
    assert splits.validation is None


@pytest.mark.parametrize(("kind", "deviation", "bias"), [("mlp", 0.03, 0.0), ("2c2d", 0.05, 0.05)])
def test_weights_are_drawn_from_a_truncated_normal(kind, deviation, bias):
    """Cut at two standard deviations, as TensorFlow does: then the standard deviation is 0.8796 of the nominal one."""
    model = tasks.find(f"deepobs-mnist-{kind}").model(0)
    weights = [parameter for name, parameter in model.named_parameters() if name.endswith("weight")]
    biases = [parameter for name, parameter in model.named_parameters() if name.endswith("bias")]
    largest = max(weights, key=torch.numel).detach()
    assert float(largest.abs().max()) <= 2 * deviation
    assert float(largest.abs().max()) > 1.99 * deviation
    assert float(largest.std()) == pytest.approx(0.87962566 * deviation, rel=0.01)
    assert all(bool((parameter == bias).all()) for parameter in biases)


def test_layers_have_the_shapes_of_the_description():
    """784–1000–500–100–10; conv 5×5×32 and 5×5×64, each keeping its size, then pooled, 3136–1024–10."""
    perceptron = [tuple(p.shape) for p in tasks.find("deepobs-fmnist-mlp").model(0).parameters() if p.dim() > 1]
    assert perceptron == [(1000, 784), (500, 1000), (100, 500), (10, 100)]
    model = tasks.find("deepobs-fmnist-2c2d").model(0)
    assert [tuple(p.shape) for p in model.parameters() if p.dim() > 1] == [
        (32, 1, 5, 5), (64, 32, 5, 5), (1024, 3136), (10, 1024),
    ]  # fmt: skip
    sizes, x = [], torch.zeros(1, 1, 28, 28)
    for layer in model:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            sizes.append(tuple(x.shape[1:]))
    assert sizes == [(32, 28, 28), (32, 14, 14), (64, 14, 14), (64, 7, 7)]

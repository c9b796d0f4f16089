"""Tasks on the 8×8 digits, which ship with the package."""

from __future__ import annotations

from typing import Any

from slalom.core import Metric
from slalom.tasks.catalogue.entry import Entry
from slalom.tasks.catalogue.networks import perceptron, small_convolutional
from slalom.tasks.images import digits
from slalom.tasks.task import Task

_SPLITS = (1152, 285, 360)  # 1,152 = 18 · 64: batches come out even
_DATA = "1,797 digits of 8×8 pixels (UCI Optical Recognition of Handwritten Digits), scaled to [−1, 1]"
_SOURCE = "Alpaydin and Kaynak (1998), UCI Machine Learning Repository, doi:10.24432/C50P49, CC BY 4.0"

PENALTY = 1e-3
"""λ of ``digits-logreg``."""

LOGREG_OPTIMUM = 0.10960760059037841
"""The smallest loss of ``digits-logreg``: Newton's method in float64, whose gradient ends below 1e-16.

tests/tasks/test_tasks_optima.py computes it anew.
"""


def mlp(name: str, data_dir: str | None) -> Task:
    return Task(
        lambda: perceptron(64, 32, 10), digits, validation=_SPLITS[1], test=_SPLITS[2], metrics="accuracy",
        batch_size=64, epochs=20, name=name, title="digits, fully connected",
    )  # fmt: skip


def cnn(name: str, data_dir: str | None) -> Task:
    return Task(
        _convolutional, digits, validation=_SPLITS[1], test=_SPLITS[2], metrics="accuracy",
        batch_size=64, epochs=20, name=name, title="digits, convolutional", channels_last=True,
    )  # fmt: skip


def _convolutional() -> Any:
    from torch import nn

    return small_convolutional(8, nn.Unflatten(1, (1, 8, 8)))


def logreg(name: str, data_dir: str | None) -> Task:
    """Return the convex task. The split is fixed, so that the optimum is the same for every seed."""
    ends = _SPLITS[0], _SPLITS[0] + _SPLITS[1]
    return Task(
        _logistic_regression, lambda: tuple(column[: ends[0]] for column in digits()),
        validation=lambda: tuple(column[ends[0] : ends[1]] for column in digits()),
        test=lambda: tuple(column[ends[1] :] for column in digits()),
        loss=Metric(penalised_cross_entropy, mean=True),
        metrics={"accuracy": Metric(accuracy_of_logits, mean=True)}, optimum=LOGREG_OPTIMUM,
        batch_size=64, epochs=20, name=name, title="digits, logistic regression",
    )  # fmt: skip


def _logistic_regression() -> Any:
    from slalom.tasks.catalogue.modules import LogisticRegression

    return LogisticRegression(64, 10, PENALTY)


def penalised_cross_entropy(outputs: Any, target: Any) -> Any:
    """Return the cross-entropy of the logits plus the penalty that stands in the last column."""
    from torch.nn import functional

    return functional.cross_entropy(outputs[:, :-1], target) + outputs[:, -1].mean()


def accuracy_of_logits(outputs: Any, target: Any) -> Any:
    """Return the share of images whose largest logit is that of their class."""
    return (outputs[:, :-1].argmax(dim=1) == target).float().mean()


ENTRIES = {
    "digits-mlp": Entry(
        build=mlp, network="64–32–10, ReLU", parameters=2_410, data=_DATA, splits=_SPLITS, example=(64,),
        teaches="The smallest network worth training: seconds for ten seeds of six optimizers.",
        source=_SOURCE,
    ),
    "digits-cnn": Entry(
        build=cnn, network="conv 3×3×8, pool, conv 3×3×16, pool, 64–10, ReLU", parameters=1_898, data=_DATA,
        splits=_SPLITS, example=(64,),
        teaches="A convolutional network that runs anywhere, offline.",
        source=_SOURCE,
    ),
    "digits-logreg": Entry(
        build=logreg, network="64–10", parameters=650, data=_DATA, splits=_SPLITS, example=(64,),
        loss="cross-entropy + (λ/2)‖θ‖², λ = 0.001, over all weights and biases",
        held_out="fixed: the last 360 images for the test, the 285 before them for validation",
        teaches="Convex, with a known optimum: how near does an optimizer come, and how fast?",
        source=_SOURCE,
    ),
}  # fmt: skip

"""Small networks on MNIST and Fashion-MNIST."""

from __future__ import annotations

from slalom.tasks.catalogue.entry import Entry
from slalom.tasks.catalogue.networks import flattened, perceptron, small_convolutional
from slalom.tasks.files import FASHION_MNIST, MNIST, Published
from slalom.tasks.images import published
from slalom.tasks.task import Task

SOURCES = {
    "MNIST": "LeCun, Bottou, Bengio and Haffner (1998), Gradient-based learning applied to document recognition",
    "Fashion-MNIST": "Xiao, Rasul and Vollgraf (2017), Fashion-MNIST, arXiv:1708.07747",
}
_VALIDATION = 5_000


def of(name: str) -> Published:
    """Return the data set that a task's name speaks of."""
    return FASHION_MNIST if "fashion" in name or "fmnist" in name else MNIST


def mlp(name: str, data_dir: str | None) -> Task:
    return Task(
        lambda: flattened(perceptron(784, 128, 10)), lambda: published(of(name), data_dir, centred=True),
        validation=_VALIDATION, metrics="accuracy", batch_size=256, epochs=5, name=name,
        title=f"{of(name).name}, fully connected",
    )  # fmt: skip


def cnn(name: str, data_dir: str | None) -> Task:
    return Task(
        lambda: small_convolutional(28), lambda: published(of(name), data_dir, centred=True),
        validation=_VALIDATION, metrics="accuracy", batch_size=256, epochs=5, name=name,
        title=f"{of(name).name}, convolutional", channels_last=True,
    )  # fmt: skip


def _entries(name: str) -> dict[str, Entry]:
    wanted = of(name)
    data = f"70,000 images of 28×28 pixels ({wanted.name}), scaled to [−1, 1]"
    splits = (60_000 - _VALIDATION, _VALIDATION, 10_000)
    held_out = "validation drawn anew by every seed, test as published"
    return {
        f"{name}-mlp": Entry(
            build=mlp, network="784–128–10, ReLU", parameters=101_770, data=data, splits=splits, held_out=held_out,
            example=(1, 28, 28), source=SOURCES[wanted.name],
            teaches="A fully connected network on real images.",
        ),
        f"{name}-cnn": Entry(
            build=cnn, network="conv 3×3×8, pool, conv 3×3×16, pool, 784–10, ReLU", parameters=9_098, data=data,
            splits=splits, held_out=held_out, example=(1, 28, 28), source=SOURCES[wanted.name],
            teaches="A small convolutional network on real images.",
        ),
    }  # fmt: skip


ENTRIES = {**_entries("mnist"), **_entries("fashion-mnist")}

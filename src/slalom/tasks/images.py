"""The images of the catalogue's tasks, as tensors; each set is read once in a process."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from slalom.core import Examples
from slalom.tasks import idx, sharing
from slalom.tasks.datasets import Pool
from slalom.tasks.downloads import fetch
from slalom.tasks.files import Published

DIGITS = "data/digits.csv.gz"
"""Ships with the package: one line per image, 64 pixels from 0 to 16, then the label. See data/ATTRIBUTION.md."""


@lru_cache(maxsize=1)
def digits() -> tuple[Any, Any]:
    """Return the 8×8 digits: images [1797, 64] float32 in [−1, 1], and labels [1797] int64."""
    import torch

    with resources.files("slalom.tasks").joinpath(DIGITS).open("rb") as packed, gzip.open(packed) as file:
        table = np.loadtxt(file, delimiter=",", dtype=np.int64)
    return to_plus_minus_one(torch.from_numpy(table[:, :-1]).float() / 16), torch.from_numpy(table[:, -1].copy())


def to_plus_minus_one(pixels: Any) -> Any:
    """Return pixels from [0, 1] scaled to [−1, 1]: (x − 0.5)/0.5."""
    return (pixels - 0.5) / 0.5


@lru_cache(maxsize=4)
def published(wanted: Published, data_dir: str | None, centred: bool, tested: int | None = None) -> Pool:
    """Return MNIST or its like: images [N, 1, 28, 28] float32, labels [N] int64, first those to train on.

    Pixels are in [−1, 1] where ``centred``, else in [0, 1]. ``tested`` takes the first so many of the test images.
    """
    import torch

    read = fetch(wanted, data_dir)
    pictures, classes = [], []
    for (image_path, image_raw), (label_path, label_raw) in (read[:2], read[2:]):
        pictures.append(idx.images(image_raw, image_path, side=28))
        classes.append(idx.labels(label_raw, label_path, classes=10, count=len(pictures[-1])))
    pictures[1], classes[1] = pictures[1][:tested], classes[1][:tested]
    pixels = sharing.room((sum(map(len, pictures)), 1, 28, 28), torch.float32)  # 200 MB: once for all processes
    np.concatenate(pictures, out=pixels[:, 0].numpy(), casting="safe")
    pixels.div_(255)
    if centred:
        pixels.sub_(0.5).div_(0.5)
    target = torch.from_numpy(np.concatenate(classes).astype(np.int64))
    return Pool(Examples((pixels,), target), train=len(pictures[0]), test=len(pictures[1]))

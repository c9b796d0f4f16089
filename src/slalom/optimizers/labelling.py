"""Short labels for optimizers that are shown side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import count

from slalom.core import one_line
from slalom.optimizers.catalogue import catalogue
from slalom.optimizers.specs import SpecifiedOptimizer


def labels(optimizers: Sequence[SpecifiedOptimizer]) -> list[str]:
    """Return short labels, all different: where names agree, the hyperparameters and stages that differ are added.

    ``["SGD lr 0.1", "SGD lr 1.5, cosine", "Adam"]``. A class of another package that has the name of one of torch's, or
    of a third package's in the same list, is told by its package: ``"AdamW (pytorch_optimizer)"``.
    """
    named = [_named(optimizer, optimizers) for optimizer in optimizers]
    result = []
    for optimizer, name in zip(optimizers, named, strict=True):
        alike = [other for other, other_name in zip(optimizers, named, strict=True) if other_name == name]
        result.append(one_line(f"{name} {', '.join(_distinctions(optimizer, alike))}"))
    taken = set(result)
    seen: dict[str, int] = {}
    for index, label in enumerate(result):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] > 1:
            number = next(k for k in count(seen[label]) if f"{label} ({k})" not in taken)
            result[index] = f"{label} ({number})"
            taken.add(result[index])
    return result


def _named(optimizer: SpecifiedOptimizer, others: Sequence[SpecifiedOptimizer]) -> str:
    """Return the name of a class, with its package where another class has the name too."""
    home = _home(optimizer)
    met = {_home(other) for other in others if other.name == optimizer.name}
    if home == TORCH or (len(met) == 1 and optimizer.name not in _torch_names()):
        return optimizer.name
    return f"{optimizer.name} ({home})"


TORCH = "torch"


def _home(optimizer: SpecifiedOptimizer) -> str:
    """Return the package of an optimizer's class, or the file that it is in."""
    if not isinstance(optimizer.factory, type):
        return TORCH  # a function is not another class of that name
    path = optimizer.path
    return path.partition(":")[0].rpartition("/")[2] if ".py:" in path else path.partition(".")[0]


@cache
def _torch_names() -> frozenset[str]:
    """Return the labels of torch's own classes."""
    import torch

    own = {name for name in vars(torch.optim) if name[:1].isupper()}
    return frozenset(own | {entry.label for entry in catalogue().values() if entry.module == "torch.optim"})


def _distinctions(optimizer: SpecifiedOptimizer, alike: Sequence[SpecifiedOptimizer]) -> list[str]:
    """Return the hyperparameters in which ``optimizer`` differs from its namesakes, in words."""
    parts = []
    for name in dict.fromkeys(key for other in alike for key in other.hyperparameters):
        values = [other.hyperparameters.get(name) for other in alike]
        chosen = optimizer.typed if isinstance(optimizer.factory, type) else optimizer.hyperparameters
        if all(value == values[0] for value in values) or name not in chosen:
            continue  # what was left at its default needs no words: "SGD" beside "SGD momentum 0.9"
        value = optimizer.hyperparameters[name]
        words = name.replace("_", " ")
        if isinstance(value, bool):
            parts += [words] if value else []
        else:
            parts.append(f"{words} {value:.6g}" if isinstance(value, float) else f"{words} {value}")
    return parts + _distinctive_stages(optimizer, alike)


def _distinctive_stages(optimizer: SpecifiedOptimizer, alike: Sequence[SpecifiedOptimizer]) -> list[str]:
    """Return the stages in words, where namesakes have others: ``["warmup", "cosine"]``, with options if need be."""
    stages = {other.stages for other in alike}
    if len(stages) < 2 or not optimizer.stages:
        return []
    names = [stage.partition(":")[0].strip() for stage in optimizer.stages]
    for other in stages - {optimizer.stages}:
        if [stage.partition(":")[0].strip() for stage in other] == names:
            return [stage.replace(":", " ").replace("=", " ").replace("_", " ") for stage in optimizer.stages]
    return names

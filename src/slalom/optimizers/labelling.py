"""Short labels for optimizers that are shown side by side."""

from __future__ import annotations

from collections.abc import Sequence

from slalom.optimizers.specs import SpecifiedOptimizer


def labels(optimizers: Sequence[SpecifiedOptimizer]) -> list[str]:
    """Return short labels, all different: where names agree, the hyperparameters that differ are added.

    ``["SGD lr 0.1", "SGD lr 1.5", "Adam"]``
    """
    result = []
    for optimizer in optimizers:
        alike = [other for other in optimizers if other.name == optimizer.name]
        result.append(" ".join([optimizer.name, *_distinctions(optimizer, alike)]))
    seen: dict[str, int] = {}
    for index, label in enumerate(result):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] > 1:
            result[index] = f"{label} ({seen[label]})"
    return result


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
    parts += _distinctive_stages(optimizer, alike)
    if not parts and len({other.path for other in alike}) > 1:
        parts.append(f"from {optimizer.path.partition('.')[0]}")
    return parts


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

"""The loss and the metric that a task has unless told otherwise, and how a caller names others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from slalom.core import InputError, Metric, nearest, quote

IGNORED = -100
"""The class that ``cross_entropy`` leaves out."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def standard_loss(outputs: Any, target: Any) -> Any:
    """Return the mean cross-entropy where the target holds classes, the mean squared error where it is floating.

    Classes are integers, and the outputs are logits of shape [N, classes, ...], as ``torch.nn.functional`` has them.
    """
    from torch.nn import functional

    if target.is_floating_point():
        return functional.mse_loss(outputs, target)
    return functional.cross_entropy(outputs, target)


def accuracy(outputs: Any, target: Any) -> Any:
    """Return the share of the targets, shape [N, ...], whose class has the largest of the outputs [N, classes, ...]."""
    return (outputs.argmax(dim=1) == target).float().mean()


METRICS = {"accuracy": Metric(accuracy, mean=True)}
"""Metrics that can be asked for by name."""

Wanted = str | Iterable[str] | Mapping[str, Metric | Callable[[Any, Any], Any] | str]


def is_cross_entropy(loss: Any) -> bool:
    """Is it a loss that compares integer classes with one output each?"""
    from torch import nn
    from torch.nn import functional

    known = (nn.CrossEntropyLoss, nn.NLLLoss)
    return loss in (standard_loss, functional.cross_entropy, functional.nll_loss) or isinstance(loss, known)


def is_mean(loss: Any, target: Any) -> bool:
    """Return whether a loss is known to be the mean of its examples' losses.

    The cross-entropy is no such mean with class weights, nor where it ignores targets: it divides by what is left.
    """
    from torch import nn
    from torch.nn import functional

    functions = (functional.mse_loss, functional.l1_loss, functional.smooth_l1_loss, functional.huber_loss)
    binary = (functional.binary_cross_entropy, functional.binary_cross_entropy_with_logits)
    modules = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss)
    if loss in (*functions, *binary):
        return True
    if type(loss) in modules:
        return bool(loss.reduction == "mean")
    if not is_cross_entropy(loss) or (isinstance(loss, nn.Module) and not type(loss).__module__.startswith("torch.")):
        return False  # a class that inherits from torch's may compute anything
    if isinstance(loss, nn.Module) and (loss.weight is not None or loss.reduction != "mean"):
        return False
    ignored = getattr(loss, "ignore_index", IGNORED)
    return target.is_floating_point() or not bool((target == ignored).any())


def as_loss(loss: Any, name: str) -> Callable[[Any, Any], Any]:
    """Return the loss that the caller gave, or the standard one for None."""
    if loss is None:
        return standard_loss
    if isinstance(loss, type):
        raise InputError(f"{quote(name)}: loss is the class {loss.__name__}: give an instance, {loss.__name__}().")
    if not callable(loss):
        raise InputError(
            f"{quote(name)}: loss cannot be {quote(loss)}: give a function of (outputs, target), such as "
            "torch.nn.functional.cross_entropy."
        )
    return loss


def as_metrics(wanted: Wanted, name: str) -> dict[str, Metric]:
    """Return the metrics that the caller gave: names, or a mapping from names to functions of (outputs, target)."""
    if isinstance(wanted, str):
        wanted = [wanted]
    if not isinstance(wanted, Mapping):
        try:
            wanted = {item: item for item in wanted}
        except TypeError:
            raise InputError(
                f"{quote(name)}: metrics cannot be {quote(wanted)}: give a mapping from names to functions of "
                '(outputs, target), or names such as "accuracy".'
            ) from None
    return {str(key): _as_metric(str(key), value, name) for key, value in wanted.items()}


def _as_metric(key: str, value: Any, name: str) -> Metric:
    if not _NAME.fullmatch(key) or key == "loss":
        rule = "the loss is always measured" if key == "loss" else "it is a word of letters, digits and underscores"
        raise InputError(f"{quote(name)}: a metric cannot be called {quote(key)}: {rule}.")
    if isinstance(value, Metric):
        return value
    if isinstance(value, str) and value in METRICS:
        return METRICS[value]
    if isinstance(value, type) or not callable(value):
        shown = value.__name__ if isinstance(value, type) else value
        raise InputError(
            f"{quote(name)}: the metric {quote(key)} cannot be {quote(shown)}: give a function of (outputs, target), "
            f'or "accuracy".{nearest(str(shown), METRICS)}'
        )
    return Metric(value)

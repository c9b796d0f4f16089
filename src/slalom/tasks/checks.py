"""A trial of a task before hours are spent on it: one batch forward and backward, and an evaluation."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from slalom.core import BatchOrder, InputError, Metric, Splits, Task, interrupts, one_number, order_of, quote
from slalom.core.memory import available_memory, readable_bytes
from slalom.isolation import own_state
from slalom.tasks.chance import Chance
from slalom.tasks.datasets import raised
from slalom.tasks.losses import IGNORED, is_cross_entropy, standard_loss

TRIED = 2**20
"""Numbers of input on which metrics that need a whole split are tried at most."""

PIECE = 1_000
"""Examples that are looked at together: looking takes twice their memory."""


def check(task: Task, seed: int, dtype: str = "float32") -> None:
    """Make the network of ``seed`` and try it. Raises InputError at the first thing that is wrong.

    In float32 the network is tried as it is made: one of double precision that computes with the data is refused, since
    it would be trained in less than it asks for.
    """
    label = quote(task.name)
    _check_finite(task, label)
    splits = task.splits(seed)
    order = order_of(task, splits)
    if order.steps_per_epoch == 0:
        raise InputError(
            f"{label}: batch_size {task.batch_size:,} is larger than the {order.size:,} training examples, and "
            "drop_last leaves no batch: make batches smaller, or drop_last=False."
        )
    model = task.model(seed)
    _check_fresh(task, model, seed, label)
    if dtype != "float32":
        model = model._apply(lambda tensor: _in(tensor, dtype))
    with Chance(seed), own_state(task, model):  # dropout draws, and a loss may count its calls
        outputs, target = _forward(task, model, splits.train[: task.batch_size], label, dtype)
        _check_outputs(task, outputs, target, label)
        _check_loss(task, model, _loss(task, outputs, target, label), label)
        _check_last_batch(task, model, splits, order, label, dtype)
        _check_evaluation(task, model, splits, label, dtype)


def _check_finite(task: Task, label: str) -> None:
    examples = task.examples()
    several = len(examples.inputs) > 1
    named = [(f"input {i}" if several else "input", x) for i, x in enumerate(examples.inputs, start=1)]
    for part, column in [*named, ("the target", examples.target)]:
        if not column.is_floating_point():
            continue
        for low, piece in zip(range(0, len(column), PIECE), column.split(PIECE), strict=True):
            if not bool(piece.isfinite().all()):
                bad = low + int((~piece.isfinite()).nonzero()[0, 0])
                raise InputError(f"{label}: {part} of example {bad:,} is not finite: clean the data first.")


def _check_fresh(task: Task, model: Any, seed: int, label: str) -> None:
    """Is it a network that can be trained, made anew and alike each time?"""

    own = dict(model.named_parameters())
    if not any(parameter.requires_grad for parameter in own.values()):
        raise InputError(f"{label}: the model has no parameters that could be trained.")
    again = task.model(seed)
    others = dict(again.named_parameters())
    if again is model or any(own[name] is others.get(name) for name in own):
        raise InputError(
            f"{label}: model returns the same network at every call, and every seed needs a fresh one: make it inside "
            "the function."
        )
    if any(name not in others or not _same(own[name], others[name]) for name in own):
        raise InputError(
            f"{label}: two networks of the same seed differ: draw initial weights from the global generators of "
            "torch, NumPy or Python, which are seeded before every call."
        )


def _in(tensor: Any, dtype: str) -> Any:
    """Return a tensor in the precision ``dtype``; complex numbers stay complex, and whole numbers what they are."""
    import torch

    kind = getattr(torch, dtype)
    if tensor.is_complex():
        return tensor.to(kind.to_complex())
    return tensor.to(kind) if tensor.is_floating_point() else tensor


def _forward(task: Task, model: Any, indices: np.ndarray, label: str, dtype: str) -> tuple[Any, Any]:
    examples = task.examples()
    inputs, target = tuple(_in(x[indices], dtype) for x in examples.inputs), _in(examples.target[indices], dtype)
    try:
        return model(*inputs), target
    except interrupts():
        raise
    except BaseException as problem:
        shapes = " and ".join(f"{list(x.shape)} {str(x.dtype)[6:]}" for x in inputs)
        several = len(inputs) > 1 and isinstance(problem, TypeError)
        hint = ": the last of the data is the target, all before it are the model's inputs" if several else ""
        if dtype == "float32" and re.search(r"\b(double|float64)\b", str(problem), re.IGNORECASE):
            hint = ": slalom computes in float32 unless told otherwise, and --dtype float64 does so"
        raise InputError(
            f"{label}: the model, given a batch of shape {shapes}, raised {raised(problem)}{hint}."
        ) from problem


def _tensors(outputs: Any) -> Iterable[Any]:
    import torch

    if isinstance(outputs, torch.Tensor):
        yield outputs
    elif isinstance(outputs, dict):
        yield from (tensor for value in outputs.values() for tensor in _tensors(value))
    elif isinstance(outputs, list | tuple):
        yield from (tensor for value in outputs for tensor in _tensors(value))


def _check_outputs(task: Task, outputs: Any, target: Any, label: str) -> None:
    import torch

    if any(not bool(tensor.isfinite().all()) for tensor in _tensors(outputs) if tensor.is_floating_point()):
        raise InputError(
            f"{label}: the model returns nan or infinity before its first step: look at its initial weights."
        )
    if not is_cross_entropy(task.loss_function):
        return
    shape = list(outputs.shape) if isinstance(outputs, torch.Tensor) else quote(type(outputs).__name__)
    if not isinstance(outputs, torch.Tensor):
        raise InputError(f"{label}: the model returns {shape}, not a tensor: give a loss that takes it.")
    if target.is_floating_point():
        _check_same_shape(task, outputs, target, label)
    elif outputs.dim() < 2 or outputs.shape[:1] + outputs.shape[2:] != target.shape:
        hint = _classes_last(outputs, target) or ": one output for each class, and one class for each example"
        raise InputError(
            f"{label}: cross-entropy compares outputs [N, classes, ...] with classes [N, ...], got {shape} and "
            f"{list(target.shape)}{hint}."
        )
    else:
        _check_classes(task, outputs.shape[1], label)


def _classes_last(outputs: Any, target: Any) -> str:
    last = outputs.dim() > 2 and outputs.shape[:-1] == target.shape
    return ": let the model return outputs.movedim(-1, 1)" if last else ""


def _check_same_shape(task: Task, outputs: Any, target: Any, label: str) -> None:
    if outputs.shape == target.shape:
        return
    shapes = f"outputs of shape {list(outputs.shape)} against a target of {list(target.shape)}"
    if task.loss_function is standard_loss:
        raise InputError(f"{label}: {shapes}: the mean squared error needs equal shapes.")
    raise InputError(f"{label}: {shapes} of floating numbers: cross-entropy needs classes, write y.long().")


def _check_classes(task: Task, classes: int, label: str) -> None:
    """Look at the labels of all examples, not of the first batch alone."""
    target = task.examples().target
    ignored = getattr(task.loss_function, "ignore_index", IGNORED)
    wrong = ((target < 0) | (target >= classes)) & (target != ignored)
    if bool(wrong.any()):
        place = tuple(int(index) for index in wrong.nonzero()[0])
        raise InputError(
            f"{label}: the model has {classes} outputs, so that classes are 0 to {classes - 1}, but example "
            f"{place[0]:,} has the class {int(target[place])}."
        )


def _loss(task: Task, outputs: Any, target: Any, label: str) -> Any:
    try:
        with warnings.catch_warnings():
            # mse_loss and its kin broadcast [N, 1] against [N] to [N, N], and only warn.
            warnings.filterwarnings("error", "Using a target size")
            return task.loss(outputs, target)
    except interrupts():
        raise
    except BaseException as problem:
        shapes = " and ".join(str(list(tensor.shape)) for tensor in _tensors(outputs)) or type(outputs).__name__
        raise InputError(
            f"{label}: the loss, given outputs of shape {shapes} and a target of {list(target.shape)} "
            f"{str(target.dtype)[6:]}, raised {raised(problem)}."
        ) from problem


def _check_loss(task: Task, model: Any, loss: Any, label: str) -> None:
    import torch

    if not isinstance(loss, torch.Tensor):
        raise InputError(
            f"{label}: the loss is {quote(type(loss).__name__)}, not a tensor: compute it with torch, without .item()."
        )
    if loss.dim() > 0 or not loss.is_floating_point():
        raise InputError(
            f"{label}: the loss must be one floating number, got shape {list(loss.shape)} of {str(loss.dtype)[6:]}: "
            "take its mean, for instance."
        )
    if not bool(loss.isfinite()):
        raise InputError(
            f"{label}: the loss is {float(loss.detach())} before the first step: look at the initial weights."
        )
    if not loss.requires_grad:
        raise InputError(
            f"{label}: the loss does not depend on the model's parameters: something detaches it (.detach(), .item(), "
            "no_grad, argmax)."
        )
    try:
        loss.backward()
    except interrupts():
        raise
    except BaseException as problem:
        raise InputError(f"{label}: the loss cannot be differentiated: {raised(problem)}.") from problem
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    if not gradients:
        raise InputError(f"{label}: the loss does not depend on the model's parameters.")
    if any(not bool(gradient.isfinite().all()) for gradient in gradients if not gradient.is_sparse):
        raise InputError(f"{label}: the gradient is nan or infinite at the first step: look at the initial weights.")


def _check_last_batch(task: Task, model: Any, splits: Splits, order: BatchOrder, label: str, dtype: str) -> None:
    """Try the last batch of an epoch where it is a single example: BatchNorm cannot train on one."""
    if task.drop_last or order.size % task.batch_size != 1:
        return
    try:
        model.train()(*(_in(x[splits.train[:1]], dtype) for x in task.examples().inputs))
    except interrupts():
        raise
    except BaseException as problem:
        raise InputError(
            f"{label}: the last batch of an epoch is one example, and the model then raised {raised(problem)}: "
            "say drop_last=True, or another batch_size."
        ) from problem


def _check_evaluation(task: Task, model: Any, splits: Splits, label: str, dtype: str) -> None:
    """Try the loss and the metrics on a batch of every split, those that need a whole split on the smallest of them."""
    import torch

    model.eval()
    measures = {"loss": Metric(task.loss, mean=task.loss_is_mean), **task.metrics}
    named = splits.named()
    smallest = min(named, key=lambda part: len(named[part]))
    most = max(task.batch_size, TRIED // max(1, *(x[0].numel() for x in task.examples().inputs)))
    for part, indices in named.items():
        whole = [name for name, metric in measures.items() if not metric.mean]
        tried = indices[: most if part == smallest and whole else task.batch_size]
        with torch.no_grad():
            outputs, target = _forward(task, model, tried, label, dtype)
            _check_room(outputs, len(tried), max(map(len, named.values())), whole, label)
            for name, metric in measures.items():
                if metric.mean or part == smallest:
                    _check_measure(metric.function, outputs, target, f"{label}: {name} of the {part} examples")


def _check_room(outputs: Any, tried: int, most: int, whole: list[str], label: str) -> None:
    """Refuse a measure for which the outputs of the largest split would not fit into memory."""
    needed = sum(x.numel() * x.element_size() for x in _tensors(outputs)) * most // tried
    if whole and 2 * needed > available_memory():
        raise InputError(
            f"{label}: {whole[0]} needs the outputs of all {most:,} examples of a split at once: "
            f"{readable_bytes(2 * needed)}, and {readable_bytes(available_memory())} of memory are free. Hold "
            "out fewer examples, or declare it a mean over examples with slalom.Metric(function, mean=True)."
        )


def _check_measure(function: Any, outputs: Any, target: Any, label: str) -> None:
    try:
        value = function(outputs, target)
    except interrupts():
        raise
    except BaseException as problem:
        raise InputError(f"{label} raised {raised(problem)}: give other metrics, {{}} for none.") from problem
    one_number(label, value)


def _same(one: Any, other: Any) -> bool:
    """Are two parameters alike to the last bit?"""
    import torch

    return one.shape == other.shape and one.dtype == other.dtype and torch.allclose(one, other, 0, 0, equal_nan=True)

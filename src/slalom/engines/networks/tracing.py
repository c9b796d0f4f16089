"""The gradient of many networks at once, as a short list of tensor operations.

``torch.func`` maps loss and gradient over the lanes; the operations that this comes down to are recorded once and then
called directly, without the cost of mapping and differentiating anew at every step. What is recorded computes, lane by
lane, what the plain loop computes. *Swift* recordings replace a few functions by the same mathematics in a form that is
faster for many small networks; they agree up to rounding.
"""

from __future__ import annotations

import inspect
import operator
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from slalom.core import Task, Training
from slalom.engines.networks.material import Material
from slalom.engines.networks.measuring import Measures, tensors_of
from slalom.engines.networks.recordings import Recordings
from slalom.engines.networks.solo import precision_context

aten = torch.ops.aten

Tensors = dict[str, torch.Tensor]


class Gradient:
    """Loss and gradient of stacked networks: a recording for each shape of batch it meets.

    Called with parameters and fixed tensors (name to [lanes, …]), inputs and target [lanes, batch, …], and views into
    which the gradients go. Returns the losses [lanes]; buffers that the network renews (batch normalisation's
    statistics) are renewed in place.
    """

    def __init__(self, task: Task, training: Training, model: torch.nn.Module, *, swift: bool):
        self.task, self.training = weakref.proxy(task), training
        self.model, self.swift = model, swift
        self._recordings = Recordings(self._record)

    @staticmethod
    def of(task: Task, training: Training, model: torch.nn.Module, *, swift: bool) -> Gradient:
        """Return the gradient of a task under these conditions; its recordings are kept for the next to ask."""
        return _kept(task, training, ("gradient", swift), lambda: Gradient(task, training, model, swift=swift))

    def __call__(
        self, parameters: Tensors, fixed: Tensors, inputs: tuple[torch.Tensor, ...], target: torch.Tensor, into: Tensors
    ) -> torch.Tensor:
        shapes = _lanes(parameters), tuple(tuple(x.shape[1:]) for x in (*inputs, target))
        gradients, loss, renewed = self._recordings.of(*shapes, (parameters, fixed, inputs, target))
        for name, gradient in gradients.items():
            into[name].copy_(gradient)
        for name, value in renewed.items():
            fixed[name].copy_(value)
        return loss

    def _record(self, *arguments: Any) -> torch.fx.GraphModule:
        from torch.func import functional_call, grad, vmap

        changing = {name for name, _ in self.model.named_buffers()}

        def loss(parameters: Tensors, fixed: Tensors, inputs: Any, target: Any) -> Any:
            own = {name: value.clone() if name in changing else value for name, value in fixed.items()}
            with precision_context(self.training), Swiftly() if self.swift else nullcontext():
                outputs = functional_call(self.model, (parameters, own), inputs)
                value = self.task.loss(outputs, target)
            return value, (value.detach(), {name: own[name] for name in own if name in changing})

        def gradient(*stacked: Any) -> Any:
            gradients, (value, renewed) = vmap(grad(loss, has_aux=True))(*stacked)
            return gradients, value, renewed

        return pruned(recorded(gradient, arguments))


class Judgement:
    """Outputs, losses and metrics of stacked networks on examples that all lanes share: a recording for each shape.

    Called with parameters, fixed tensors, inputs and target. Returns the measures that are means over examples, shape
    [measures, lanes], float64, and the tensors [lanes, …] among the outputs where other measures need them.
    ``structure`` is what :func:`slalom.engines.networks.measuring.restored` needs to put these back into their place.
    """

    def __init__(self, task: Task, training: Training, model: torch.nn.Module, *, swift: bool):
        self.training, self.swift, self.model = training, swift, model
        self.measures = Measures(weakref.proxy(task))
        self.structure: Any = None
        self._recordings = Recordings(self._record)

    @staticmethod
    def of(task: Task, training: Training, model: torch.nn.Module, *, swift: bool) -> Judgement:
        """Return the judgement of a task under these conditions; its recordings are kept for the next to ask."""
        return _kept(task, training, ("judgement", swift), lambda: Judgement(task, training, model, swift=swift))

    def __call__(
        self, parameters: Tensors, fixed: Tensors, inputs: tuple[torch.Tensor, ...], target: torch.Tensor
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        shapes = _lanes(parameters), tuple(tuple(x.shape) for x in (*inputs, target))
        means, outputs = self._recordings.of(*shapes, (parameters, fixed, inputs, target))
        return means.T, outputs

    def _record(self, *arguments: Any) -> torch.fx.GraphModule:
        from torch.func import functional_call, vmap

        def judge(parameters: Tensors, fixed: Tensors, inputs: Any, target: Any) -> Any:
            with precision_context(self.training), Swiftly() if self.swift else nullcontext():
                outputs = functional_call(self.model, (parameters, fixed), inputs)
                means = self.measures.means(outputs, target)
            if not self.measures.whole:
                return means, []
            tensors, self.structure = tensors_of(outputs)
            return means, tensors

        was_training = self.model.training
        self.model.eval()
        try:
            graph = recorded(vmap(judge, in_dims=(0, 0, None, None)), arguments)
        finally:
            self.model.train(was_training)
        return pruned(graph)


def unused_parameters(task: Task, training: Training, model: torch.nn.Module) -> frozenset[str]:
    """Return the names of parameters that the loss does not depend on. ``model`` is left as it was.

    In the plain loop they have no gradient, and an optimizer leaves them alone; a gradient of zero would not be the
    same, under weight decay for one.
    """

    def find() -> frozenset[str]:
        named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        batch = Material.of(task, training).batch(0, 1)
        with buffers_kept(model), torch.enable_grad(), torch.random.fork_rng(devices=[]), precision_context(training):
            loss = task.loss(model(*batch.inputs), batch.target)
            gradients = torch.autograd.grad(loss, list(named.values()), allow_unused=True)
        return frozenset(name for name, g in zip(named, gradients, strict=True) if g is None)

    found: frozenset[str] = _kept(task, training, ("unused",), find)
    return found


@contextmanager
def buffers_kept(model: torch.nn.Module) -> Iterator[None]:
    """Put a network's buffers back afterwards: batch normalisation renews its statistics."""
    before = [(buffer, buffer.clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


_KEPT: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()


def _kept(task: Task, training: Training, key: Any, make: Callable[[], Any]) -> Any:
    """Return what was made for a task under conditions that come to the same computation."""
    of_task = _KEPT.setdefault(task, {})
    whole = (*key, training.dtype, training.precision, training.device)
    if whole not in of_task:
        of_task[whole] = make()
    return of_task[whole]


class Swiftly(TorchFunctionMode):
    """Record a few functions in a form that is faster for many small networks, the same up to rounding."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.nn.functional.cross_entropy:
            bound = _CROSS_ENTROPY.bind(*args, **kwargs)
            bound.apply_defaults()
            if _is_plain_classification(**bound.arguments):
                return swift_cross_entropy(bound.arguments["input"], bound.arguments["target"])
        return function(*args, **kwargs)


_CROSS_ENTROPY = inspect.signature(torch.nn.functional.cross_entropy)

MANY_CLASSES = 256
"""With more classes than this, torch's own log-softmax is vectorised well."""


def _is_plain_classification(input: torch.Tensor, target: torch.Tensor, **options: Any) -> bool:
    """Whether a cross entropy is the mean over [batch, classes] against class numbers, without any option."""
    plain = all(value is _CROSS_ENTROPY.parameters[name].default for name, value in options.items())
    of_classes = input.ndim == 2 and target.ndim == 1 and not target.is_floating_point()
    return plain and of_classes and input.shape[1] <= MANY_CLASSES


def swift_cross_entropy(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy of [batch, classes] with class numbers, classes first in memory.

    Along a short last dimension torch's log-softmax goes number by number; with the batch last it is vectorised.
    """
    exact = outputs.float() if outputs.dtype in (torch.bfloat16, torch.float16) else outputs
    upright = exact.t().contiguous()
    return (torch.logsumexp(upright, 0) - upright.gather(0, target.unsqueeze(0)).squeeze(0)).mean()


def _lanes(parameters: Tensors) -> int:
    return next(iter(parameters.values())).shape[0]


def recorded(function: Callable[..., Any], arguments: tuple[Any, ...]) -> torch.fx.GraphModule:
    """Record what ``function`` does with ``arguments``.

    One description of tensors without data serves the whole recording: torch makes one for every operation otherwise,
    with a look at the whole call stack, which takes half of the time.
    """
    from torch.fx.experimental.proxy_tensor import make_fx

    with _one_description():
        return make_fx(function)(*arguments)


def _one_description() -> Any:
    """Return the context of that; a torch in which it is called otherwise only takes longer."""
    try:
        from torch._guards import TracingContext, tracing
        from torch._subclasses.fake_tensor import FakeTensorMode

        return tracing(TracingContext(FakeTensorMode(allow_fallback_kernels=True)))
    except (ImportError, AttributeError, TypeError):
        return nullcontext()


def pruned(graph: torch.fx.GraphModule) -> torch.fx.GraphModule:
    """Take out of a recording what changes nothing: views of the same shape, factors of one, transposes undone.

    Pooling over images gets them channels last, which is many times faster on the CPU and gives the same numbers.
    """
    for node in list(graph.graph.nodes):
        if node.op != "call_function" or not node.args or not isinstance(node.args[0], torch.fx.Node):
            continue
        source = node.args[0]
        if _changes_nothing(node, source):
            node.replace_all_uses_with(source)
        elif _undoes(node, source):
            node.replace_all_uses_with(source.args[0])
        elif node.target is aten.max_pool2d_with_indices.default:
            _pool_channels_last(graph.graph, node, source)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph


def _pool_channels_last(graph: torch.fx.Graph, pool: torch.fx.Node, source: torch.fx.Node) -> None:
    """Give a pooling its images channels last, and what comes after it the order that it expects."""

    def copied(node: torch.fx.Node, order: torch.memory_format) -> torch.fx.Node:
        copy = graph.call_function(aten.clone.default, (node,), {"memory_format": order})
        copy.meta = dict(node.meta)
        return copy

    with graph.inserting_before(pool):
        pool.update_arg(0, copied(source, torch.channels_last))
    for result in list(pool.users):
        with graph.inserting_after(result):
            copy = copied(result, torch.contiguous_format)
        for user in [user for user in result.users if user is not copy]:
            user.replace_input_with(result, copy)


_RESHAPING = (aten.view.default, aten.expand.default, aten._unsafe_view.default, aten.reshape.default)


def _changes_nothing(node: torch.fx.Node, source: torch.fx.Node) -> bool:
    before, after = source.meta.get("val"), node.meta.get("val")
    if node.target in _RESHAPING:
        return before is not None and after is not None and before.shape == after.shape
    return node.target is aten.mul.Scalar and bool(node.args[1] == 1)


def _undoes(node: torch.fx.Node, source: torch.fx.Node) -> bool:
    if node.target is not aten.transpose.int or source.target is not aten.transpose.int:
        return False
    dimensions = source.meta["val"].ndim
    axes, before = ({operator.mod(axis, dimensions) for axis in n.args[1:]} for n in (node, source))
    return axes == before

"""One real optimizer with parameters of its own, given gradients that were computed together with those of others.

The class meets what it meets in the plain loop: parameters that nobody else shares and new gradients at every step. So
it may rebind or change ``.grad`` and ``.data``, keep gradients, and look at shapes. What the plain loop alone can give
(hooks on gradients, settings or class state changed for later steps) makes it ``unfit``: its run is then computed
again by the plain loop, from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from slalom.core import InputError, Optimizer, begin_training, describe_exception, exception_text, interrupts
from slalom.isolation import ClassState, Settings, is_foreign, seed_everything, step_seed


def may_share(optimizer: Optimizer) -> bool:
    """Whether one real optimizer may move the rows of several runs, its parameters stacked.

    Only what an update rule describes goes element by element for certain: others may look at a parameter's shape. A
    fused kernel takes memory to be contiguous, which the rows of a parameter are not.
    """
    needs, fused = optimizer.needs, optimizer.hyperparameters.get("fused")
    return optimizer.rule is not None and not (fused or needs.matrix or needs.modes or optimizer.sorts)


class Single:
    """One run's optimizer and parameters. ``error`` says why it could go no further, ``unfit`` why it must go alone."""

    def __init__(self, optimizer: Optimizer, seed: int, parameters: Sequence[torch.nn.Parameter]):
        self.spec, self.seed, self.parameters = optimizer, seed, list(parameters)
        self.optimizer: Any = None
        self.scheduler: Any = None
        self.error, self.unfit = "", ""
        self.failed_at: int | None = None  # the last step made by one that failed
        self._foreign = is_foreign(optimizer)
        self._like = [(p.shape, p.dtype, p.device) for p in self.parameters]
        with torch.enable_grad():
            self._settings = Settings.now(at_every_step=True)

    @property
    def stopped(self) -> bool:
        return bool(self.error or self.unfit)

    def make(self, optimizer: Callable[[], Any], scheduler: Callable[[Any], Any]) -> None:
        """Make the optimizer and its scheduler."""

        def both() -> None:
            self.optimizer = optimizer()
            self.scheduler = scheduler(self.optimizer)
            if self.spec.needs.modes:
                begin_training(self.optimizer)

        self.call(both, 0)

    def call(self, function: Callable[[], Any], step: int) -> None:
        """Call what runs the class's code at ``step``, with its random numbers; note an exception as ``error``."""
        if self.stopped:
            return
        if self._foreign:
            seed_everything(step_seed(self.seed, step))
        with torch.enable_grad():
            try:
                function()
            except interrupts(InputError):
                raise
            except BaseException as problem:
                if is_out_of_memory(problem):
                    raise
                self.error, self.failed_at = describe_exception(problem), max(step - 1, 0)
            finally:
                changed = self._settings.put_back() if self._foreign else ()
        if changed and not self.error:
            self.unfit = f"it changes {', '.join(changed)}"
        elif not self.error:
            self.unfit = self.unfit or self._obstacle()

    def step(self, gradients: Sequence[torch.Tensor | None]) -> None:
        """Make a step with these gradients, as the plain loop does; to be called through :meth:`call`."""
        if self._foreign:  # its groups may hold other parameters than these, and its zero_grad may do something else
            self.optimizer.zero_grad()
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            if not self._foreign:
                parameter.grad = None
            if gradient is None:
                continue
            if parameter.grad is None:
                parameter.grad = torch.empty_like(parameter, requires_grad=False).copy_(gradient)
            else:  # zero_grad left it there: backward adds
                if bool(parameter.grad.any()):  # and noise is added after that: other roundings
                    self.unfit = "it lets gradients add up"
                with torch.no_grad():
                    parameter.grad += gradient
        self.optimizer.step()
        if self.scheduler is not None:
            self.scheduler.step()

    def _obstacle(self) -> str:
        """Return why gradients that were computed elsewhere no longer do what a backward pass would."""
        for parameter, like in zip(self.parameters, self._like, strict=True):
            if parameter._backward_hooks or getattr(parameter, "_post_accumulate_grad_hooks", None):
                return "it hooks into the computation of gradients"
            if not parameter.requires_grad:
                return "it switches gradients of parameters off"
            if (parameter.shape, parameter.dtype, parameter.device) != like:
                return "it changes the shape, the dtype or the device of parameters"
        return ""


class SharedState:
    """Watches over the class state of several :class:`Single` that move together, which must not know each other."""

    def __init__(self, optimizers: Sequence[Optimizer]):
        self._settings = Settings.now()
        foreign = {id(o): o for o in optimizers if is_foreign(o) and not may_share(o)}
        self._states = {key: ClassState(getattr(o, "factory", o)) for key, o in foreign.items()}
        self.changed: dict[int, tuple[str, ...]] = {}
        self._next = 0

    def look(self, singles: Sequence[Single], step: int) -> None:
        """Compare after steps 0, 1, 2, 4, 8 … ; those whose class has changed become unfit where they are several."""
        if step < self._next or not self._states:
            return
        self._next = max(1, 2 * step)
        self.compare(singles)

    def compare(self, singles: Sequence[Single]) -> None:
        """Compare now."""
        for key, state in self._states.items():
            own = [single for single in singles if id(single.spec) == key and not single.stopped]
            if own and len(singles) > 1 and state.has_changed():
                for single in own:
                    single.unfit = "its class keeps state that its runs would share"

    def put_back(self) -> tuple[str, ...]:
        """Put class state and settings back, at the end; return the names of the settings that had changed."""
        for state in self._states.values():
            state.put_back()
        return self._settings.put_back() if self._states else ()


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an error says that memory ran out; on the CPU torch tells it in words alone."""
    return isinstance(problem, torch.OutOfMemoryError | MemoryError) or "not enough memory" in exception_text(problem)

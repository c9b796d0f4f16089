"""Optimizer classes that do what a loop may not expect: one for each thing. All are gradient descent at heart."""

from __future__ import annotations

import functools
import os
import random
import signal
import sys
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import torch


class Descent(torch.optim.Optimizer):
    """Gradient descent; the others change what ``move`` does with one parameter."""

    def __init__(self, params: Any, lr: float = 0.01):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.state[p]["k"] = self.state[p].get("k", 0) + 1
                    self.move(p, group["lr"], self.state[p])

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        p.add_(p.grad, alpha=-lr)


class TakesTheGradientAway(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        super().move(p, lr, state)
        p.grad = None


class ZeroesInsideStep(Descent):
    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        super().step()
        self.zero_grad()


class ZeroesInPlace(Descent):
    """Keeps gradients, which its zero_grad sets to zero in place."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        super().zero_grad(set_to_none=False)

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        before = state.get("before")
        super().move(p, lr if before is None else lr * (1 + float(before.abs().sum() > 1)), state)
        state["before"] = p.grad


class EmptiesItsGroups(Descent):
    """Moves parameters that its groups no longer hold, so that zero_grad() does not reach them."""

    def __init__(self, params: Any, lr: float = 0.01):
        super().__init__(params, lr)
        (group,) = self.param_groups
        self.moved, group["params"] = group["params"], []

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        for p in self.moved:
            p.add_(p.grad, alpha=-0.02 * self.param_groups[0]["lr"])


class StopsZeroing(Descent):
    """Replaces its zero_grad once it has come some way."""

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        if state["k"] == 20:
            self.zero_grad = lambda set_to_none=True: None  # type: ignore[method-assign]
        super().move(p, 0.1 * lr, state)


class NeverZeroes(Descent):
    """Lets gradients add up: momentum without decay."""

    def zero_grad(self, set_to_none: bool = True) -> None:
        pass


class RebindsTheGradient(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        p.grad = p.grad / (1 + p.grad.norm())
        super().move(p, lr * 5, state)


class ChangesTheGradient(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        p.grad.add_(p, alpha=0.1)
        super().move(p, lr, state)


class RebindsData(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        p.data = p.data - lr * p.grad


class SetsStorage(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        p.set_((p - lr * p.grad).clone())


class SwapsStorage(Descent):
    """Rebinds only once it has come some way, as classes that switch algorithm do."""

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        if state["k"] == 30:
            p.data = p.data.clone()
        super().move(p, lr, state)


class KeepsGradients(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        history = state.setdefault("history", [])
        history.append(p.grad)
        p.add_(sum(history[-5:]), alpha=-lr / 5)


class LooksAtDimensions(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        super().move(p, lr * (1 if p.ndim == 1 else 0.1) / (1 + 0.01 * p.numel()), state)


class SwitchesLate(Descent):
    """Scales by the norm of the whole parameter, but only from step 40 on."""

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        super().move(p, lr / (1 + float(p.grad.norm())) if state["k"] > 40 else lr, state)


class Draws(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        noise = torch.randn_like(p) + random.random() + np.random.rand()
        p.add_(p.grad + 0.1 * noise, alpha=-lr)


class DrawsWhenMade(Descent):
    def __init__(self, params: Any, lr: float = 0.01):
        super().__init__(params, lr * (1 + float(torch.rand(()))) * (1 + random.random()))


class MovesWhenMade(Descent):
    def __init__(self, params: Any, lr: float = 0.01):
        super().__init__(params, lr)
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p.mul_(0.9)


class CountsOnTheClass(Descent):
    steps = 0

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        CountsOnTheClass.steps += 1
        super().move(p, lr / CountsOnTheClass.steps**0.5, state)


class CountsInstances(Descent):
    instances: ClassVar[list[int]] = []

    def __init__(self, params: Any, lr: float = 0.01):
        self.instances.append(1)
        super().__init__(params, lr / len(self.instances))


CACHE: dict[str, float] = {}


class CachesInTheModule(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        CACHE["scale"] = 0.9 * CACHE.get("scale", 1.0) + 0.1 * float(p.grad.norm())
        super().move(p, lr / (1 + CACHE["scale"]), state)


class Slots:
    """What has no ``__dict__``."""

    __slots__ = ("steps",)

    def __init__(self) -> None:
        self.steps = 0


SLOTS, SPACE = Slots(), SimpleNamespace(steps=0)


@functools.cache
def counter() -> list[int]:
    return [0]


class CountsInASlot(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        SLOTS.steps += 1
        super().move(p, lr / (1 + 0.1 * SLOTS.steps), state)


class CountsInANamespace(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        SPACE.steps += 1
        super().move(p, lr / (1 + 0.1 * SPACE.steps), state)


class CountsInACachedList(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        counter()[0] += 1
        super().move(p, lr / (1 + 0.1 * counter()[0]), state)


class DrawsFromTheClass(Descent):
    chance = random.Random(1)

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        super().move(p, lr * self.chance.random(), state)


class ChangesItsDefault(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any], seen: list[float] = []) -> None:  # noqa: B006
        seen.append(float(p.grad.norm()))
        super().move(p, lr / (1 + sum(seen[-9:])), state)


class AddsToItsClass(Descent):
    """Keeps a total on the class, under a name that is not there at first."""

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        cls: Any = type(self)
        cls.total = getattr(cls, "total", 0.0) + float(p.grad.abs().sum())
        super().move(p, lr / (1 + 0.01 * cls.total), state)


class HooksGradients(Descent):
    def __init__(self, params: Any, lr: float = 0.01):
        super().__init__(params, lr)
        for group in self.param_groups:
            for p in group["params"]:
                p.register_hook(lambda gradient: gradient / 2)


class CannotBeToldEarly(Descent):
    """Has train() and eval(), which need what the first step makes."""

    def train(self) -> None:
        self._swap("z")

    def eval(self) -> None:
        self._swap("x")

    def _swap(self, name: str) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                p.data.copy_(self.state[p][name])

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        super().move(p, lr, state)
        state["z"] = p.detach().clone()
        state["x"] = 0.9 * state.get("x", state["z"]) + 0.1 * state["z"]


class FailsLate(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        if state["k"] > 20:
            raise ValueError("too late")
        super().move(p, lr, state)


class ExitsLate(Descent):
    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        if state["k"] > 20:
            sys.exit("enough")
        super().move(p, lr, state)


class ForMatrices(Descent):
    """Its step takes matrices only."""

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        rows, columns = p.grad.shape
        p.add_(p.grad, alpha=-lr / (rows + columns) ** 0.5)


class InGroups(torch.optim.Optimizer):
    """Takes groups that say which matrices it orthogonalizes, and nothing else."""

    def __init__(self, params: Any):
        groups = list(params)
        for group in groups:
            if "use_muon" not in group:
                raise ValueError("every group says use_muon")
            group.setdefault("lr", 0.02 if group["use_muon"] else 0.003)
        super().__init__(groups, {})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                direction = p.grad / (p.grad.norm() + 1e-9) if group["use_muon"] else p.grad
                p.add_(direction, alpha=-group["lr"])


class ChangesSettings(Descent):
    """Changes, at its third step and for good, whatever it can of the process."""

    def move(self, p: Any, lr: float, state: dict[str, Any]) -> None:
        if state["k"] == 3:
            torch.set_default_dtype(torch.float64)
            torch.set_num_threads(3)
            torch.use_deterministic_algorithms(True, warn_only=True)
            torch.set_float32_matmul_precision("medium")
            sys.path.insert(0, "/nowhere")
            os.chdir("/")
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            warnings.simplefilter("error")
            np.seterr(all="raise")
            random.seed(1), np.random.seed(1), torch.manual_seed(1)
        p.add_(torch.full((), lr).double().to(p) * p.grad, alpha=-1)


class ChangesSettingsWhenMade(ChangesSettings):
    def __init__(self, params: Any, lr: float = 0.01):
        super().__init__(params, lr)
        torch.set_default_dtype(torch.float64)
        os.chdir("/")


ALONE = [
    TakesTheGradientAway,
    ZeroesInsideStep,
    ZeroesInPlace,
    RebindsTheGradient,
    ChangesTheGradient,
    RebindsData,
    SetsStorage,
    SwapsStorage,
    KeepsGradients,
    LooksAtDimensions,
    SwitchesLate,
    Draws,
    DrawsWhenMade,
    MovesWhenMade,
    ForMatrices,
    InGroups,
    CannotBeToldEarly,
]
"""Classes whose runs can be computed together with others."""

PLAIN = [
    EmptiesItsGroups,
    StopsZeroing,
    NeverZeroes,
    CountsInASlot,
    CountsInANamespace,
    CountsInACachedList,
    CountsOnTheClass,
    CountsInstances,
    CachesInTheModule,
    DrawsFromTheClass,
    ChangesItsDefault,
    AddsToItsClass,
    HooksGradients,
    ChangesSettings,
    ChangesSettingsWhenMade,
]
"""Classes that only the plain loop does justice, each run by itself."""

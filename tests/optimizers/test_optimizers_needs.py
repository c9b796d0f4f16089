"""What classes ask of the loop: what is known agrees with what is found by trying."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from slalom.core import InputError, Needs
from slalom.optimizers import parse
from slalom.optimizers.catalogue import import_path, torch_classes
from slalom.optimizers.imports import load
from slalom.optimizers.needs import KNOWN, probe


@pytest.mark.parametrize("path", KNOWN)
def test_what_is_known_is_what_trying_finds(path: str) -> None:
    assert probe(load(path)) == KNOWN[path]


def test_every_class_of_torch_optim_is_known() -> None:
    assert {import_path(cls) for cls in torch_classes()} <= set(KNOWN)


class Shared(torch.optim.SGD):
    """Clips by the norm over all parameters, so coordinates mix: it needs nothing, but may share with none."""

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        torch.nn.utils.clip_grad_norm_([p for group in self.param_groups for p in group["params"]], 0.1)
        return super().step(closure)


class Schedule(torch.optim.SGD):
    """Must be told whether it trains."""

    training = False

    def train(self) -> None:
        self.training = True

    def eval(self) -> None:
        self.training = False

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        if not self.training:
            raise RuntimeError("call train() first")
        return super().step(closure)


class Curvature(torch.optim.Optimizer):
    """Divides by the Hessian's diagonal, so it differentiates the gradient."""

    def __init__(self, params: Any, lr: float = 1.0) -> None:
        super().__init__(params, {"lr": lr})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        for group in self.param_groups:
            for p in group["params"]:
                (curvature,) = torch.autograd.grad(p.grad.sum(), p)
                with torch.no_grad():
                    p -= group["lr"] * p.grad.detach() / curvature


class Impossible(torch.optim.Optimizer):
    def __init__(self, params: Any) -> None:
        super().__init__(params, {})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        raise RuntimeError("not today")


@pytest.mark.parametrize(
    ("cls", "needs"),
    [
        (Shared, Needs()),
        (Schedule, Needs(modes=True)),
        (Curvature, Needs(create_graph=True)),
    ],
)
def test_what_an_unknown_class_needs_is_found_by_trying(cls: type, needs: Needs) -> None:
    assert parse(cls).needs == needs


def test_a_class_that_cannot_be_driven_is_refused_with_its_own_words() -> None:
    with pytest.raises(InputError) as error:
        parse(Impossible)
    assert str(error.value) == ("`test_optimizers_needs.Impossible`: Impossible refuses this: not today.")


def test_trying_leaves_the_random_numbers_alone() -> None:
    class Noisy(torch.optim.SGD):
        def step(self, closure: Callable[[], Any] | None = None) -> Any:
            torch.rand(3)
            return super().step(closure)

    torch.manual_seed(0)
    expected = torch.rand(4)
    torch.manual_seed(0)
    parse(Noisy)
    assert torch.equal(torch.rand(4), expected)


def test_the_default_dtype_is_never_touched() -> None:
    assert torch.get_default_dtype() == torch.float32

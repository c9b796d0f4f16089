"""Networks side by side: the parameters of several runners as rows of one tensor."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch

ALIGNED = 16
"""Every parameter begins at a multiple of so many numbers, so that matrix products meet aligned memory."""

REGISTERS = 64
"""A row is a multiple of so many numbers, so that none of it falls into a vector loop's remainder."""


class Stack:
    """One row of numbers per runner, and the named parameters as views into the rows.

    ``flat`` has shape [lanes, numbers]; between the parameters there may be spare numbers, which stay zero. Buffers,
    and parameters that nobody moves (frozen ones, and the ``unused`` that the loss does not depend on), are kept
    beside it in ``fixed``, each of shape [lanes, …].
    """

    def __init__(self, models: Sequence[torch.nn.Module], unused: Collection[str] = ()):
        first = models[0]
        named = dict(first.named_parameters())  # tied weights come once
        self.names = [name for name, parameter in named.items() if parameter.requires_grad and name not in unused]
        self.trainable = [name for name, parameter in named.items() if parameter.requires_grad]
        self.strides = {name: named[name].stride() for name in self.trainable}
        self.shapes = {name: tuple(named[name].shape) for name in self.names}
        self.places: dict[str, tuple[int, int]] = {}
        end = 0
        for name in self.names:
            self.places[name] = (end, end + named[name].numel())
            end += -(-named[name].numel() // ALIGNED) * ALIGNED
        self.lanes, self.numbers = len(models), -(-end // REGISTERS) * REGISTERS
        like = named[self.names[0]]
        self.flat = torch.zeros((self.lanes, self.numbers), dtype=like.dtype, device=like.device)
        views = self.views(self.flat)
        parameters = [dict(model.named_parameters()) for model in models]
        for lane, own in enumerate(parameters):
            for name, view in views.items():
                view[lane].copy_(own[name].detach())
        beside = [
            {name: own[name].detach() for name in own if name not in views} | dict(model.named_buffers())
            for own, model in zip(parameters, models, strict=True)
        ]
        self.fixed = {name: torch.stack([own[name] for own in beside]) for name in beside[0]}

    def views(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the named parameters, each of shape [lanes, …], as views into a tensor of ``flat``'s shape."""
        return {name: self.view(flat, name) for name in self.names}

    def own_parameters(self, lane: int) -> dict[str, torch.nn.Parameter]:
        """Return copies of a lane's trainable parameters, the ``unused`` too, as its network has them."""
        parameters = {}
        for name, strides in self.strides.items():
            value = self.view(self.flat[lane], name) if name in self.places else self.fixed[name][lane]
            own = torch.empty_strided(value.shape, strides, dtype=value.dtype, device=value.device)
            parameters[name] = torch.nn.Parameter(own.copy_(value))
        return parameters

    def view(self, rows: torch.Tensor, name: str) -> torch.Tensor:
        """Return one parameter of some rows, shape [rows, …]."""
        low, high = self.places[name]
        return (
            rows[..., low:high].unflatten(-1, self.shapes[name] or (1,)).reshape(*rows.shape[:-1], *self.shapes[name])
        )

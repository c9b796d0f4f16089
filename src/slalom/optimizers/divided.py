"""One optimizer made of several, each of which moves its own parameters: Muon for matrices, AdamW for the rest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch


class DividedOptimizer(torch.optim.Optimizer):
    """Real optimizers side by side, as one. Groups and states are the parts' own, not copies."""

    def __init__(self, parts: Sequence[torch.optim.Optimizer]):
        self.parts = tuple(parts)
        super().__init__([dict(group) for part in self.parts for group in part.param_groups], {})
        self.param_groups = [group for part in self.parts for group in part.param_groups]
        self._share()

    def _share(self) -> None:
        """Let every part work on this optimizer's groups and state."""
        low = 0
        for part in self.parts:
            high = low + len(part.param_groups)
            part.param_groups = self.param_groups[low:high]
            part.state = self.state
            low = high

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Make a step of every part; ``closure`` is evaluated once, before them."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.parts:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load what ``state_dict`` returned."""
        super().load_state_dict(state_dict)
        self._share()

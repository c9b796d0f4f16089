"""The random numbers of code that is not ours: networks, data sets and loops draw from the global generators."""

from __future__ import annotations

import random
from types import TracebackType
from typing import Any

import numpy as np


class Chance:
    """Within a ``with`` block the global generators of Python, NumPy and torch are as ``seed`` sets them.

    Outside they are as if nothing had been drawn. Entered again, the block goes on where it was left.
    """

    def __init__(self, seed: int):
        self._seed = seed
        self._inside: Any = None
        self._outside: Any = None

    def __enter__(self) -> Chance:
        import torch

        self._outside = _states()
        if self._inside is None:
            random.seed(self._seed)
            np.random.seed(self._seed % 2**32)
            torch.manual_seed(self._seed)
        else:
            _restore(self._inside)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._inside = _states()
        _restore(self._outside)


def _states() -> tuple[Any, ...]:
    import torch

    # Asking for the GPU's generators would start CUDA; where nobody has started it, nothing has been drawn from them.
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else None
    return random.getstate(), np.random.get_state(), torch.get_rng_state(), cuda


def _restore(states: tuple[Any, ...]) -> None:
    import torch

    python, numpy, cpu, cuda = states
    random.setstate(python)
    np.random.set_state(numpy)
    torch.set_rng_state(cpu)
    if cuda is not None:
        torch.cuda.set_rng_state_all(cuda)

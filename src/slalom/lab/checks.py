"""Checks of what a caller asks for, made before anything runs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from slalom.core import InputError, Optimizer, maximizes, quote
from slalom.core.memory import available_memory, readable_bytes


def check_count(name: str, value: object) -> int:
    """Return ``value`` if it is a whole number from 1 to 10^15."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{name} must be a whole number of at least 1, got {quote(value)}.")
    if value > 10**15:
        raise InputError(f"{name} may be at most 1,000,000,000,000,000: ask for fewer.")
    return value


def check_seed(seed: object, seeds: int) -> None:
    """Seeds are whole numbers from 0 to 2^63 − 1, the last of them included."""
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63 - seeds:
        raise InputError(f"seed must be a whole number of at least 0 and below 2**63, got {quote(seed)}.")


def check_noise(noise: object) -> None:
    """Noise is a standard deviation: finite, not negative."""
    if isinstance(noise, bool) or not isinstance(noise, int | float) or not 0 <= noise < math.inf:
        raise InputError(f"noise is a standard deviation: a finite number of at least 0, got {quote(noise)}.")


def check_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """``value`` is one of ``choices``."""
    if value not in choices:
        raise InputError(f"{name} {quote(value)} is not known: choose one of {', '.join(choices)}.")


def check_directions(optimizers: Sequence[Optimizer]) -> bool:
    """Return whether the optimizers maximize; some of them alone cannot be ranked beside others that minimize."""
    climbing = [optimizer for optimizer in optimizers if maximizes(optimizer)]
    if climbing and len(climbing) < len(optimizers):
        other = next(optimizer for optimizer in optimizers if not maximizes(optimizer))
        raise InputError(
            f"{quote(climbing[0].spec)} maximizes and {quote(other.spec)} minimizes, so no order ranks both: run them "
            "apart, or give every optimizer the same `maximize`."
        )
    return bool(climbing)


def check_device(device: str) -> None:
    """The device exists and torch can use it here."""
    import torch

    try:
        known = torch.device(device)
    except (RuntimeError, TypeError):
        raise InputError(f"device {quote(device)} is none that torch knows: use `cpu`, or `cuda` for a GPU.") from None
    try:
        torch.zeros(1, device=known).cpu()
    except (RuntimeError, AssertionError, NotImplementedError):
        raise InputError(
            f"device {quote(device)} is not to be had here: torch finds no such device; use `cpu`."
        ) from None


def check_memory(runners: int, steps: int, dim: int) -> None:
    """Refuse a race whose paths would not fit, before anything is allocated."""
    needed = runners * (steps + 1) * dim * 8 * 3  # the paths, their losses, and the copies that computing needs
    room = available_memory()
    if needed > room:
        raise InputError(
            f"{runners:,} runners × {steps:,} steps in {dim} coordinates would need {readable_bytes(needed)} of memory "
            f"and {readable_bytes(room)} are free: ask for fewer steps, starts or seeds."
        )

"""What an optimizer class does outside of its parameters and its own state: seen, put back, kept from other runs.

A published class may draw random numbers, keep state on the class, or change torch's default dtype. A run is to depend
on its optimizer, its seed and its course alone, so :mod:`slalom.isolation.chance` makes random numbers a function of
(seed, step), :mod:`slalom.isolation.settings` puts settings of the process back, and
:mod:`slalom.isolation.class_state` does the same for what classes and their modules keep.
"""

from slalom.isolation.chance import own_chance, seed_everything, step_seed
from slalom.isolation.class_state import ClassState
from slalom.isolation.runs import all_isolated, code_of, is_foreign, isolated, own_state
from slalom.isolation.settings import Settings

__all__ = [
    "ClassState",
    "Settings",
    "all_isolated",
    "code_of",
    "is_foreign",
    "isolated",
    "own_chance",
    "own_state",
    "seed_everything",
    "step_seed",
]

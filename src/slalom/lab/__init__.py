"""The laboratory: race, sweep and study put courses, optimizers and engines together."""

from slalom.lab.racing import race
from slalom.lab.record import Race
from slalom.lab.sweeping import sweep

__all__ = ["Race", "race", "sweep"]

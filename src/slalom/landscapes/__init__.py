"""What is descended: the catalogue, expressions as typed, and the user's own functions."""

from slalom.landscapes.catalogue import NAMES
from slalom.landscapes.finding import describe, find
from slalom.landscapes.landscape import Landscape, check_start

__all__ = ["NAMES", "Landscape", "check_start", "describe", "find"]

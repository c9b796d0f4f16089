"""What is descended: the catalogue, expressions as typed, and the user's own functions."""

from slalom.landscapes.cards import LandscapeCard, describe
from slalom.landscapes.catalogue import NAMES
from slalom.landscapes.finding import find
from slalom.landscapes.landscape import Landscape, check_start, check_starts

__all__ = ["NAMES", "Landscape", "LandscapeCard", "check_start", "check_starts", "describe", "find"]

"""Drawings: each function takes the numbers of a picture (see :mod:`slalom.show.views`), returns a figure."""

from slalom.show.canvas import png, write
from slalom.show.plots.comparisons import comparison
from slalom.show.plots.path_cards import path_card
from slalom.show.plots.surfaces import surface

__all__ = ["comparison", "path_card", "png", "surface", "write"]

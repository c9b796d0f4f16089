"""Drawings: each function takes the numbers of a picture (from :mod:`slalom.show.views`) and returns a
figure.
"""

from slalom.show.canvas import png, write
from slalom.show.plots.comparisons import comparison

__all__ = ["comparison", "png", "write"]

"""Drawings: each function takes the numbers of a picture (see :mod:`slalom.show.views`), returns a figure."""

from slalom.show.canvas import png, write
from slalom.show.plots.basins import basin_map, fan
from slalom.show.plots.comparisons import comparison
from slalom.show.plots.final_results import final_results
from slalom.show.plots.ladders import ladder
from slalom.show.plots.path_cards import path_card
from slalom.show.plots.profiles import profiles
from slalom.show.plots.sensitivities import sensitivity
from slalom.show.plots.study_cards import budget_curves, study_card
from slalom.show.plots.surfaces import surface
from slalom.show.plots.trainability_maps import trainability
from slalom.show.plots.training import training_curves
from slalom.show.plots.verdict_strips import verdict

__all__ = [
    "basin_map",
    "budget_curves",
    "comparison",
    "fan",
    "final_results",
    "ladder",
    "path_card",
    "png",
    "profiles",
    "sensitivity",
    "study_card",
    "surface",
    "trainability",
    "training_curves",
    "verdict",
    "write",
]

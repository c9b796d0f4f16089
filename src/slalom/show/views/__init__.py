"""The numbers of each picture, as small records: tests test them; plots and animation only draw them.

From a race: ``comparison(record)``, ``path_card(record, runner)``, ``surface(course, record)``, ``fan(record)`` and
``synchronised_race(record, frames)``. From sweeps, whose results come as arrays: ``ladder(races, factors)``,
``sensitivity(sweeps, course, ...)`` of :class:`RateSweep`, ``basin_map(sweeps, course, ...)`` of :class:`StartSweep`.

From a race on a task, or in a training loop of the caller's own: ``training_curves(record)``, ``final_results(record)``
and ``training_sentence(record)``. From sweeps over networks: ``network_sensitivity(sweep)`` of a :class:`NetworkSweep`,
``trainability(grid)`` of a :class:`TrainabilityGrid`.

From a study: ``study_card(record)`` of a :class:`StudyRecord`, and its parts ``verdict(record)``,
``study_results(record)``, ``study_sensitivity(record)`` and ``budget_curves(record)``. From several:
``profiles(across, ...)``.

Nothing here imports torch or matplotlib: results can be read, and put into words, where neither is installed.
"""

from slalom.show.views.basins import Basins, Fan, StartSweep, basin_map, fan
from slalom.show.views.comparisons import Comparison, comparison
from slalom.show.views.final_results import FinalResults, final_results
from slalom.show.views.ladders import FACTORS, Ladder, ladder
from slalom.show.views.moving import MovingRace, synchronised_race
from slalom.show.views.network_sensitivities import network_sensitivity
from slalom.show.views.path_cards import PathCard, path_card
from slalom.show.views.profiles import ProfilesPicture, profiles
from slalom.show.views.sensitivities import RateSweep, Sensitivity, sensitivity
from slalom.show.views.study_cards import StudyCard, study_card
from slalom.show.views.study_curves import BudgetCurves, budget_curves
from slalom.show.views.study_records import StudyRecord
from slalom.show.views.study_results import study_results
from slalom.show.views.study_sensitivities import study_sensitivity
from slalom.show.views.study_sentences import study_sentence
from slalom.show.views.surfaces import Surface, surface
from slalom.show.views.sweeps import NetworkSweep, TrainabilityGrid
from slalom.show.views.trainability_maps import Trainability, trainability
from slalom.show.views.training import TrainingCurves, training_curves
from slalom.show.views.training_sentences import training_sentence
from slalom.show.views.verdict_strips import VerdictPicture, verdict

__all__ = [
    "FACTORS",
    "Basins",
    "BudgetCurves",
    "Comparison",
    "Fan",
    "FinalResults",
    "Ladder",
    "MovingRace",
    "NetworkSweep",
    "PathCard",
    "ProfilesPicture",
    "RateSweep",
    "Sensitivity",
    "StartSweep",
    "StudyCard",
    "StudyRecord",
    "Surface",
    "Trainability",
    "TrainabilityGrid",
    "TrainingCurves",
    "VerdictPicture",
    "basin_map",
    "budget_curves",
    "comparison",
    "fan",
    "final_results",
    "ladder",
    "network_sensitivity",
    "path_card",
    "profiles",
    "sensitivity",
    "study_card",
    "study_results",
    "study_sensitivity",
    "study_sentence",
    "surface",
    "synchronised_race",
    "trainability",
    "training_curves",
    "training_sentence",
    "verdict",
]

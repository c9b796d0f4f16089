"""The laboratory: race, sweep and study put courses, optimizers and engines together.

* :mod:`slalom.lab.courses`   what is raced on, from what names it
* :mod:`slalom.lab.racing`    ``race``, and :mod:`slalom.lab.record`, what it returns on a landscape
* :mod:`slalom.lab.training`  a race on a task, and :mod:`slalom.lab.task_record`, what it returns
* :mod:`slalom.lab.workers`   worker processes
* :mod:`slalom.lab.sweeping`  ``sweep``, and :mod:`slalom.lab.sweeps`, what it returns on a landscape
* :mod:`slalom.lab.task_sweeping`  sweeps over networks, and :mod:`slalom.lab.task_sweeps`, what they return
* :mod:`slalom.lab.demonstration`  ``demo``
* :mod:`slalom.lab.files`     results as files, whole or not at all
"""

from slalom.lab.demonstration import demo
from slalom.lab.pictures import check_savable, check_wishes
from slalom.lab.racing import race
from slalom.lab.record import Race
from slalom.lab.sweeping import sweep
from slalom.lab.sweeps import BasinSweep, LadderSweep, SensitivitySweep
from slalom.lab.task_record import TaskRace
from slalom.lab.task_sweeps import NetworkSensitivity, TrainabilityMap

__all__ = [
    "BasinSweep",
    "LadderSweep",
    "NetworkSensitivity",
    "Race",
    "SensitivitySweep",
    "TaskRace",
    "TrainabilityMap",
    "check_savable",
    "check_wishes",
    "demo",
    "race",
    "sweep",
]

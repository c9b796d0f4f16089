"""The laboratory: race, sweep and study put courses, optimizers and engines together.

* :mod:`slalom.lab.racing`    ``race``, and :mod:`slalom.lab.record`, what it returns
* :mod:`slalom.lab.sweeping`  ``sweep``, and :mod:`slalom.lab.sweeps`, what it returns
* :mod:`slalom.lab.demonstration`  ``demo``
* :mod:`slalom.lab.files`     results as files, whole or not at all
"""

from slalom.lab.demonstration import demo
from slalom.lab.pictures import check_savable
from slalom.lab.racing import race
from slalom.lab.record import Race
from slalom.lab.sweeping import sweep
from slalom.lab.sweeps import BasinSweep, LadderSweep, SensitivitySweep

__all__ = ["BasinSweep", "LadderSweep", "Race", "SensitivitySweep", "check_savable", "demo", "race", "sweep"]

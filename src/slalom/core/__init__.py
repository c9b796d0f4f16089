"""The nouns: what a course, an optimizer, a runner and its record are. Nothing here imports torch.

Everything else in slalom speaks in these words, so this is the room to read first:

* :mod:`slalom.core.course`    what is descended
* :mod:`slalom.core.runner`    who descends it, and what an engine hands back
* :mod:`slalom.core.metrics`   what a path is measured by
* :mod:`slalom.core.race`      the whole record of a race
* :mod:`slalom.core.errors`    how a caller's mistake is told
"""

from slalom.core.course import Landscape, Minimum
from slalom.core.errors import InputError, nearest, quote
from slalom.core.metrics import Excursion, PathMetrics, measure
from slalom.core.race import RaceRecord
from slalom.core.runner import Ends, Needs, Noise, Optimizer, Progress, Rule, Runner, Status, Trajectories

__all__ = [
    "Ends",
    "Excursion",
    "InputError",
    "Landscape",
    "Minimum",
    "Needs",
    "Noise",
    "Optimizer",
    "PathMetrics",
    "Progress",
    "RaceRecord",
    "Rule",
    "Runner",
    "Status",
    "Trajectories",
    "measure",
    "nearest",
    "quote",
]

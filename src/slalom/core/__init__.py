"""The nouns: what a course, an optimizer, a runner and its record are. Nothing here imports torch.

Everything else in slalom speaks in these words, so this is the room to read first:

* :mod:`slalom.core.course`    what is descended: a landscape
* :mod:`slalom.core.task`      what is descended: a network with data and loss, and the record of a run on it
* :mod:`slalom.core.runner`    who descends it, and what an engine hands back
* :mod:`slalom.core.metrics`   what a path is measured by
* :mod:`slalom.core.race`      the whole record of a race
* :mod:`slalom.core.python_files`  how a Python file of the user's is named and run
* :mod:`slalom.core.user_files`    its modules, the text that each was run from, and what it depends on
* :mod:`slalom.core.errors`    how a caller's mistake is told
"""

from slalom.core.course import Landscape, Minimum
from slalom.core.directions import compared_by, known_direction, split_direction
from slalom.core.errors import InputError, nearest, one_line, printable, quote
from slalom.core.metrics import Excursion, PathMetrics, measure
from slalom.core.race import RaceRecord, TrainingRecord
from slalom.core.raised import describe_exception, exception_text, interrupts
from slalom.core.runner import (
    Ends,
    Needs,
    Noise,
    Optimizer,
    Progress,
    Rule,
    Runner,
    Status,
    Trajectories,
    begin_training,
    maximizes,
)
from slalom.core.task import (
    BatchOrder,
    Evaluation,
    Examples,
    Metric,
    Run,
    Splits,
    Task,
    Training,
    TrainingLoop,
    one_number,
    order_of,
)

__all__ = [
    "BatchOrder",
    "Ends",
    "Evaluation",
    "Examples",
    "Excursion",
    "InputError",
    "Landscape",
    "Metric",
    "Minimum",
    "Needs",
    "Noise",
    "Optimizer",
    "PathMetrics",
    "Progress",
    "RaceRecord",
    "Rule",
    "Run",
    "Runner",
    "Splits",
    "Status",
    "Task",
    "Training",
    "TrainingLoop",
    "TrainingRecord",
    "Trajectories",
    "begin_training",
    "compared_by",
    "describe_exception",
    "exception_text",
    "interrupts",
    "known_direction",
    "maximizes",
    "measure",
    "nearest",
    "one_line",
    "one_number",
    "order_of",
    "printable",
    "quote",
    "split_direction",
]

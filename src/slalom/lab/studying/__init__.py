"""Studies: which optimizer, at which learning rate, on this task, and how sure are we?

To be read in this order:

* :mod:`slalom.lab.studying.conducting`   the conductor: :func:`study`
* :mod:`slalom.lab.studying.asking`       what was asked
* :mod:`slalom.lab.studying.grounds`      what a study needs of a task, a loop, a landscape (``descents``)
* :mod:`slalom.lab.studying.planning`     how it will be computed, and what a budget comes to
* :mod:`slalom.lab.studying.search`       which learning rates are tried next, and who goes on
* :mod:`slalom.lab.studying.spaces`       what is tuned, and over which values
* :mod:`slalom.lab.studying.tuning`       the search carried out, and whom it chooses
* :mod:`slalom.lab.studying.specifying`   the keys under which runs are kept
* :mod:`slalom.lab.studying.executing`    runs what the store lacks
* :mod:`slalom.lab.studying.yardsticks`   by what is tuned and judged
* :mod:`slalom.lab.studying.judging`      from runs to what the judge takes
* :mod:`slalom.lab.studying.record`       what ``study`` returns; for several courses ``several``
* :mod:`slalom.lab.studying.files`        what it is written to; ``study_files`` reads, ``pictures`` draws
"""

from slalom.lab.studying.conducting import IN_FILE, plan_study, study
from slalom.lab.studying.planning import StudyPlan
from slalom.lab.studying.record import ENDINGS, Study
from slalom.lab.studying.several import Studies
from slalom.lab.studying.study_files import is_study_file, read_study_file

__all__ = [
    "ENDINGS",
    "IN_FILE",
    "Studies",
    "Study",
    "StudyPlan",
    "is_study_file",
    "plan_study",
    "read_study_file",
    "study",
]

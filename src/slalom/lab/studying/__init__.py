"""Studies: which optimizer, at which learning rate, on this task, and how sure are we?

To be read in this order:

* :mod:`slalom.lab.studying.conducting`   the conductor: :func:`study`
* :mod:`slalom.lab.studying.planning`     what was asked, and how it will be computed
* :mod:`slalom.lab.studying.search`       which learning rates are tried next
* :mod:`slalom.lab.studying.spaces`       what is tuned, and over which values
* :mod:`slalom.lab.studying.tuning`       the search carried out, and whom it chooses
* :mod:`slalom.lab.studying.specifying`   the keys under which runs are kept
* :mod:`slalom.lab.studying.executing`    runs what the store lacks
* :mod:`slalom.lab.studying.yardsticks`   by what is tuned and judged
* :mod:`slalom.lab.studying.judging`      from runs to what the judge takes
* :mod:`slalom.lab.studying.record`       what ``study`` returns
* :mod:`slalom.lab.studying.study_files`  a study in a file
"""

from slalom.lab.studying.conducting import plan_study, study
from slalom.lab.studying.planning import StudyPlan
from slalom.lab.studying.record import ENDINGS, Study
from slalom.lab.studying.study_files import is_study_file, read_study_file

__all__ = ["ENDINGS", "Study", "StudyPlan", "is_study_file", "plan_study", "read_study_file", "study"]

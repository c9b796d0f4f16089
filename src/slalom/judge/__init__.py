"""The judge: NumPy arrays in, small records out. It never imports torch.

docs/judging.md tells in plain words what each number and each word of a verdict means. To be read in this order:

* :mod:`slalom.judge.results`       what is judged
* :mod:`slalom.judge.judging`       the conductor: :func:`judge`, the set tied with the best, exploration
* :mod:`slalom.judge.verdicts`      the words, and the sentence to quote
* :mod:`slalom.judge.comparing`     two optimizers
* :mod:`slalom.judge.scales`        accuracies in points, losses as ratios; the margin δ
* :mod:`slalom.judge.estimates`, :mod:`~slalom.judge.significance`, :mod:`~slalom.judge.power`   the statistics
* :mod:`slalom.judge.linter`        what would make a reader doubt
* :mod:`slalom.judge.censoring`, :mod:`~slalom.judge.widths`, :mod:`~slalom.judge.best_of_k`   secondary numbers
* :mod:`slalom.judge.profiles`      several tasks
* :mod:`slalom.judge.reading`       results that somebody already has
"""

from slalom.judge.best_of_k import expected_best
from slalom.judge.censoring import RankComparison, StepsToTarget, steps_to_target, summarise
from slalom.judge.comparing import Comparison, compare
from slalom.judge.estimates import Difference, Estimate, paired_difference, t_interval, welch_difference, wilson
from slalom.judge.judging import Entry, ExploredPair, Judgement, explore, judge
from slalom.judge.linter import FairnessWarning, lint
from slalom.judge.power import SeedsNeeded, power, seeds_for, seeds_needed
from slalom.judge.profiles import Across, Profiles, across, friedman_p, performance_profiles, rank_probabilities
from slalom.judge.reading import read_results
from slalom.judge.results import Facts, Kind, Results
from slalom.judge.scales import Scale, scale_of
from slalom.judge.significance import (
    benjamini_hochberg,
    equivalence_p,
    holm,
    sign_flip_p,
    signed_ranks,
    two_sample_p,
)
from slalom.judge.verdicts import WORDS, Verdict, decide
from slalom.judge.widths import Width, learning_rate_width

__all__ = [
    "WORDS",
    "Across",
    "Comparison",
    "Difference",
    "Entry",
    "Estimate",
    "ExploredPair",
    "Facts",
    "FairnessWarning",
    "Judgement",
    "Kind",
    "Profiles",
    "RankComparison",
    "Results",
    "Scale",
    "SeedsNeeded",
    "StepsToTarget",
    "Verdict",
    "Width",
    "across",
    "benjamini_hochberg",
    "compare",
    "decide",
    "equivalence_p",
    "expected_best",
    "explore",
    "friedman_p",
    "holm",
    "judge",
    "learning_rate_width",
    "lint",
    "paired_difference",
    "performance_profiles",
    "power",
    "rank_probabilities",
    "read_results",
    "scale_of",
    "seeds_for",
    "seeds_needed",
    "sign_flip_p",
    "signed_ranks",
    "steps_to_target",
    "summarise",
    "t_interval",
    "two_sample_p",
    "welch_difference",
    "wilson",
]

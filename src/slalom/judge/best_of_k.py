"""What tuning is worth: the best result to expect from k trials, for every k up to the number that were made."""

from __future__ import annotations

import math

import numpy as np


def expected_best(values: np.ndarray, *, higher_is_better: bool) -> np.ndarray:
    """Return the expected best of k of the n trials, drawn without replacement, for k = 1 … n; float64, [n].

    ``values`` [n], NaN where a trial diverged: for accuracies that is 0, for losses infinite, and then the expectation
    is infinite for as long as all k may have diverged. The j-th worst is the best of k with probability
    C(j − 1, k − 1) / C(n, k): no bias from drawing a trial twice (compare Dodge et al., EMNLP 2019).
    """
    values = np.asarray(values, dtype=np.float64)
    values = np.where(np.isnan(values), 0.0 if higher_is_better else np.inf, values)
    worst_first = np.sort(values) if higher_is_better else np.sort(values)[::-1]
    n = len(values)
    expected = np.empty(n)
    for k in range(1, n + 1):
        possible = worst_first[k - 1 :]
        ways = math.comb(n, k)
        weights = np.array([math.comb(place, k - 1) / ways for place in range(k - 1, n)])
        expected[k - 1] = np.inf if np.isinf(possible).any() else float(weights @ possible)
    return expected

"""A study's final results: every seed a dot, with the judge's own estimates beside them, and no others."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from slalom.show.views.final_results import FinalResults, Summary, pictured
from slalom.show.views.seeds import measure_named
from slalom.show.views.study_records import (
    SMALLEST,
    StudyRecord,
    doubts_told,
    from_optimum,
    protocol_told,
    result_text,
)
from slalom.show.views.study_sentences import study_sentence
from slalom.show.views.words import count, number, percent

if TYPE_CHECKING:
    from slalom.judge import Entry

TIED = "statistically tied with the best"


def study_results(record: StudyRecord) -> FinalResults:
    """Return the final results of a study: the mean (of losses the geometric one) and its 95 % interval over seeds.

    An accuracy of a run that diverged counts as 0 in the mean; where losses diverged, the median stands in its place
    and there is no interval, as in the judge's table. Marked are those that are statistically tied with the best.
    """
    told = [_summary(record, record.judgement.entry(name)) for name in record.names]
    several = len(record.names) > 1 and bool(record.judgement.tied_best)
    foot = " · ".join([*protocol_told(record), *doubts_told(record)])
    measure = measure_named(record.fresh, record.curve)
    return pictured(record.fresh, measure, told, study_sentence(record), foot, means(record), TIED if several else "")


def means(record: StudyRecord) -> str:
    """Say what the middles and intervals are; empty for a single seed, which is its own middle."""
    if len(record.seeds) < 2:
        return ""
    kinds = list(dict.fromkeys(entry.estimate.kind for entry in record.judgement.entries))
    middles = [kind for kind in kinds if kind != "median"]
    text = f"{middles[0]} and its 95 % interval over {count(len(record.seeds), 'seed')}" if middles else ""
    if "median" in kinds:
        text += "; " if text else ""
        text += "median, without an interval, where runs diverged"
    elif any(record.results.divergences(name) for name in record.names):
        text += ", an accuracy of 0 for each that diverged" if record.yardstick.kind == "accuracy" else ""
    return text


def _summary(record: StudyRecord, entry: Entry) -> Summary:
    estimate = entry.estimate
    text = result_text(record.yardstick, entry)
    middle = math.nan if text == "diverged" or not np.isfinite(estimate.value) else _drawn(record, estimate.value)
    low, high = (math.nan if end is None else _drawn(record, end) for end in (estimate.low, estimate.high))
    if math.isnan(middle):
        low = high = math.nan
    return Summary(
        middle,
        low,
        high,
        text=text,
        told=f"{_end(record, low)} to {_end(record, high)}" if low < high else "",
        kind=estimate.kind if estimate.n > 1 else "one seed",
        marked=len(record.names) > 1 and entry.name in record.judgement.tied_best,
    )


def _drawn(record: StudyRecord, value: float) -> float:
    return float(from_optimum(record.yardstick, np.array(value)))


def _end(record: StudyRecord, value: float) -> str:
    if record.yardstick.kind == "accuracy":
        return percent(value)
    least = record.yardstick.optimum is not None and value <= SMALLEST * (1 + 1e-9)
    return ("≤ " if least else "") + number(value, 3)

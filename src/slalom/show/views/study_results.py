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
    marked_means,
    protocol_told,
    result_text,
)
from slalom.show.views.study_sentences import study_sentence
from slalom.show.views.words import count, number, percent

if TYPE_CHECKING:
    from slalom.judge import Entry


def study_results(record: StudyRecord) -> FinalResults:
    """Return the final results of a study: the mean (of losses the geometric one) and its 95 % interval over seeds.

    Runs that diverged or failed have no part in it, as in the judge's table. Marked are those that are tied for the
    best.
    """
    told = [_summary(record, record.judgement.entry(name)) for name in record.names]
    several = len(record.names) > 1 and bool(record.judgement.tied_best)
    foot = " · ".join([*protocol_told(record), *doubts_told(record)])
    measure = measure_named(record.fresh, record.curve)
    return pictured(
        record.fresh,
        measure,
        told,
        study_sentence(record),
        foot,
        means(record),
        marked_means(record) if several else "",
    )


def means(record: StudyRecord) -> str:
    """Say what the middles and intervals are; empty for a single seed, which is its own middle."""
    if len(record.seeds) < 2:
        return ""
    entries = record.judgement.entries
    kind = next((entry.estimate.kind for entry in entries if entry.estimate.n), "mean")
    lost = " or ".join(how for how in ("diverged", "failed") if any(getattr(entry, how).value for entry in entries))
    without = f", without runs that {lost}" if lost else ""
    return f"{kind} and its 95 % interval over {count(len(record.seeds), 'seed')}{without}"


def _summary(record: StudyRecord, entry: Entry) -> Summary:
    estimate = entry.estimate
    text = result_text(record.yardstick, entry)
    middle = _drawn(record, estimate.value) if estimate.n else math.nan
    low, high = (math.nan if end is None else _drawn(record, end) for end in (estimate.low, estimate.high))
    if math.isnan(middle):
        low = high = math.nan
    return Summary(
        middle,
        low,
        high,
        text=text,
        told=f"{_end(record, low)} to {_end(record, high)}" if low < high else "",
        kind=estimate.kind if len(record.seeds) > 1 else "one seed",
        marked=len(record.names) > 1 and entry.name in record.judgement.tied_best,
    )


def _drawn(record: StudyRecord, value: float) -> float:
    return float(from_optimum(record.yardstick, np.array(value)))


def _end(record: StudyRecord, value: float) -> str:
    if record.yardstick.kind == "accuracy":
        return percent(value)
    least = record.yardstick.optimum is not None and value <= SMALLEST * (1 + 1e-9)
    return ("≤ " if least else "") + number(value, 3)

"""The sentence at the top of a study's pictures: who is best or tied, and how everybody stands against the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slalom.show.views.study_records import StudyRecord
from slalom.show.views.words import count, listing

if TYPE_CHECKING:
    from slalom.judge import Entry

ORDER = ("better", "worse", "practically equal", "equivalent", "inconclusive", "not comparable")
"""In this order a sentence tells the verdicts, the clear ones first."""

SAID = {
    "better": ("is better", "are better"),
    "worse": ("is worse", "are worse"),
    "practically equal": ("is practically equal", "are practically equal"),
    "equivalent": ("is equivalent", "are equivalent"),
    "inconclusive": ("is inconclusive", "are inconclusive"),
    "not comparable": ("is not comparable", "are not comparable"),
}


def study_sentence(record: StudyRecord) -> str:
    """Return the judge's own sentence where one optimizer stands against the baseline; of several, how they stand."""
    judgement = record.judgement
    if len(judgement.sentences) == 1:
        return judgement.sentences[0]
    return f"{_leaders(record)} {_standings(record)}"


def _leaders(record: StudyRecord) -> str:
    tied = record.judgement.tied_best
    if not tied:
        return "No optimizer can be compared fairly, so none is called best."
    compared = [entry for entry in record.judgement.entries if entry.verdict is not None and not entry.verdict.reasons]
    if tied == (record.judgement.baseline,) and not compared:
        return f"Only {tied[0]} can be compared fairly."
    if len(tied) == 1:
        left_out = record.judgement.left_out
        beaten = [name for name in record.names if name not in (*tied, *left_out)]
        among = " of those that can be compared" if left_out else ""
        return f"{tied[0]} is the best{among}, better than {listing(beaten, 4)}."
    if len(tied) == len(record.names):
        return f"No winner: {count(len(tied), 'optimizer')} are tied for the best."
    return f"{listing(tied, 4)} are tied for the best."


def _standings(record: StudyRecord) -> str:
    """Return ``"Against SGD, Adam is better (+1.2 points [0.6, 1.8]); RMSprop is inconclusive"``, and for which budget.

    One difference has its 95 % interval, beside the name that it belongs to.
    """
    entries = [entry for entry in record.judgement.entries if entry.verdict is not None]
    quoted = _difference(record)
    clauses = []
    for word in ORDER:
        names = [entry.name for entry in entries if entry.verdict is not None and entry.verdict.word == word]
        if names:
            clauses.append(_clause(word, names, len(names) == len(entries), *quoted))
    # A verdict ends with the budget for which it holds; where budgets differ, none is told for all.
    budgets = {entry.verdict.sentence.rpartition(", at ")[2] for entry in entries if entry.verdict is not None}
    at = f", at {budgets.pop()}" if len(budgets) == 1 else "."
    return f"Against {record.judgement.baseline}, {'; '.join(clauses)}{at}"


def _clause(word: str, names: Sequence[str], every: bool, quoted: str, numbers: str) -> str:
    """Return who has a verdict; the one whose difference is quoted stands first, with its ``numbers`` beside it."""
    one, several = SAID[word]
    if every:
        return f"every other {one}" + (f" ({quoted}: {numbers})" if quoted else "")
    if list(names) == [quoted]:
        return f"{quoted} {one} ({numbers})"
    if quoted in names:
        names = [f"{quoted} ({numbers})", *(name for name in names if name != quoted)]
    return f"{listing(names, 4)} {several if len(names) > 1 else one}"


def _difference(record: StudyRecord) -> tuple[str, str]:
    """Return whose difference is quoted, and it with its 95 % interval: that of the best, or else the largest.

    The best has none where it is the baseline itself, and where too few runs ended. Both are empty where none is known.
    """
    judgement, scale = record.judgement, record.judgement.scale
    known = {entry.name: _with_interval(entry) for entry in judgement.entries}
    told = {name: numbers for name, numbers in known.items() if numbers is not None}
    if not told:
        return "", ""
    sign = 1 if scale.higher_is_better else -1
    best = max(judgement.tied_best, key=lambda name: sign * judgement.entry(name).estimate.value, default="")
    if best in told:
        return best, scale.change(*told[best])
    largest = max(told, key=lambda name: abs(told[name][0]))
    which = ", the largest difference" if len(told) > 1 else ""
    return largest, f"{scale.change(*told[largest])}{which}"


def _with_interval(entry: Entry) -> tuple[float, float, float] | None:
    """Return difference and bounds of an optimizer that can be compared with the baseline."""
    verdict, comparison = entry.verdict, entry.comparison
    if verdict is None or verdict.reasons or comparison is None:
        return None
    if comparison.difference is None or comparison.interval is None:
        return None
    return comparison.difference, *comparison.interval

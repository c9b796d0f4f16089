"""The sentence at the top of a study's pictures: who is best or tied, and how everybody stands against the baseline."""

from __future__ import annotations

from slalom.show.views.study_records import StudyRecord
from slalom.show.views.words import count, listing

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
        return f"{tied[0]} is the best, distinguished from every other that can be compared."
    if len(tied) == len(record.names):
        return f"No winner: {count(len(tied), 'optimizer')} are statistically tied for the best."
    return f"{listing(tied, 4)} are statistically tied for the best."


def _standings(record: StudyRecord) -> str:
    """Return ``"Against SGD, Adam is better and RMSprop is undecided."``, in as many clauses as there are words."""
    entries = [entry for entry in record.judgement.entries if entry.verdict is not None]
    clauses = []
    for word in ORDER:
        names = [entry.name for entry in entries if entry.verdict is not None and entry.verdict.word == word]
        if names:
            who = "every other" if len(names) == len(entries) else listing(names, 4)
            clauses.append(f"{who} {SAID[word][len(names) > 1 and who != 'every other']}")
    # A verdict ends with the budget for which it holds; where budgets differ, none is told for all.
    budgets = {entry.verdict.sentence.rpartition(", at ")[2] for entry in entries if entry.verdict is not None}
    at = f", at {budgets.pop()}" if len(budgets) == 1 else "."
    return f"Against {record.judgement.baseline}, {'; '.join(clauses)}{at}"

"""The fairness linter: what would make a reader doubt a comparison, said before a reader does."""

from __future__ import annotations

from dataclasses import dataclass

from slalom.judge.comparing import common_seeds, compared
from slalom.judge.estimates import wilson
from slalom.judge.results import Results
from slalom.judge.scales import Scale, has_negative
from slalom.judge.verdicts import ALPHA

FEWEST_SEEDS = 5
"""Below this, intervals are too wide to say anything."""

MOST_LOST = 0.2
"""Share of runs that diverged or failed above which an optimizer is not comparable."""

LONGEST_REASON = 80
"""Most characters of a failure's reason that a verdict repeats; the warning beside it has all of them."""


@dataclass(frozen=True)
class FairnessWarning:
    """A doubt, in one sentence. ``optimizer`` is None where it concerns them all."""

    kind: str
    sentence: str
    optimizer: str | None = None


def lint(results: Results, scale: Scale) -> tuple[FairnessWarning, ...]:
    """Return every doubt about ``results``, those that forbid a comparison first."""
    warnings = [
        FairnessWarning(kind, f"{clause[0].upper()}{clause[1:]}.", name)
        for name in results.values
        for kind, clause in own_obstacles(results, name)
    ]
    warnings += _unequal(results)
    warnings += _seeds(results)
    warnings += [
        FairnessWarning(
            "best epoch",
            f"The results of {name} are those of its best epoch, which flatters; declare the last step.",
            name,
        )
        for name in results.values
        if results.facts_of(name).best_epoch
    ]
    warnings += _under_tuned(results, scale)
    warnings += _lost(results)
    if results.kind == "loss" and results.optimum is None and has_negative(results):
        warnings.append(
            FairnessWarning("negative losses", "Losses below zero have no logarithm: they are compared as they are.")
        )
    if not scale.unit and results.margin is None and scale.margin is not None:
        sentence = f"The margin was taken from the results, 2 % of the baseline's mean ({scale.written_margin()}); "
        warnings.append(FairnessWarning("margin", sentence + "declare one of your own."))
    return (*warnings, *(FairnessWarning("assumed", remark) for remark in results.remarks))


def own_obstacles(results: Results, name: str) -> list[tuple[str, str]]:
    """Return why an optimizer can be compared with none other: kind and clause, without a full stop."""
    facts, found = results.facts_of(name), []
    if facts.at_edge:
        verb = "lies" if len(facts.at_edge) == 1 else "lie"
        best = " and ".join(facts.at_edge)
        found.append(("edge optimum", f"the best {best} of {name} {verb} at the edge of the search"))
    leaked = sorted(set(facts.tuning_seeds) & results.seeds(name))
    if leaked:
        noun, verb = ("seed", "was") if len(leaked) == 1 else ("seeds", "were")
        numbers = ", ".join(str(seed) for seed in leaked[:5]) + (", …" if len(leaked) > 5 else "")
        found.append(("leaked seeds", f"{noun} {numbers} of {name} {verb} used for both tuning and evaluation"))
    if facts.untuned and results.values[name]:
        found.append(("untuned", f"no trial of {name} came to an end"))
    if is_often_lost(results, name):
        kind = "failure" if results.failed(name) else "divergence"
        found.append((kind, f"{lost_clause(results, name)}, more than 20 %"))
    return found


def is_often_lost(results: Results, name: str) -> bool:
    """Whether more than 20 % of an optimizer's runs diverged or failed."""
    return results.divergences(name) + len(results.failed(name)) > MOST_LOST * results.runs(name)


def lost_clause(results: Results, name: str, that: str = "") -> str:
    """Return ``"2 of 10 runs of SGD diverged and 1 failed (its reason)"``, ``""`` where all of its runs ended.

    ``that`` is ``"that "`` where the clause is to name the runs.
    """
    failed = results.failed(name)
    parts = [f"{that}diverged"] if results.divergences(name) else []
    counts = [results.divergences(name)] * len(parts)
    if failed:
        reason = _shortened(next(iter(failed.values())))
        first = "the first: " * (len(set(failed.values())) > 1)
        parts.append(f"{that}failed" + (f" ({first}{reason})" if reason else ""))
        counts.append(len(failed))
    if not parts:
        return ""
    runs = results.runs(name)
    clause = f"{counts[0]} of {runs} run{'s' * (runs != 1)} of {name} {parts[0]}"
    return clause + "".join(f" and {count} {part}" for count, part in zip(counts[1:], parts[1:], strict=True))


def _shortened(reason: str) -> str:
    reason = reason.rstrip(".")
    return reason if len(reason) <= LONGEST_REASON else reason[: LONGEST_REASON - 1] + "…"


def pair_obstacles(results: Results, name: str, other: str) -> list[str]:
    """Return why two optimizers cannot be compared, as clauses; empty where they can be."""
    found = [clause for one in (name, other) for _, clause in own_obstacles(results, one)]
    for what in ("trials", "steps") if _has_budget(results, name) and _has_budget(results, other) else ():
        counts = count_of(results, name, what), count_of(results, other, what)
        if counts[0] != counts[1]:
            found.append(f"unequal {what}, {_written(counts[0])} for {name} and {_written(counts[1])} for {other}")
    return found


def _has_budget(results: Results, name: str) -> bool:
    """Whether an optimizer's trials and steps can be held against those of others: not where all runs failed."""
    return bool(results.values[name]) and not results.facts_of(name).untuned


def count_of(results: Results, name: str, what: str) -> int | None:
    """Return an optimizer's ``"trials"`` or ``"steps"``, None where nobody has said."""
    own = getattr(results.facts_of(name), what)
    return own if own is not None else getattr(results, what)


def _written(count: int | None) -> str:
    return "an unknown number" if count is None else f"{count:,}"


def _unequal(results: Results) -> list[FairnessWarning]:
    warnings = []
    for what in ("trials", "steps"):
        counts = {name: count_of(results, name, what) for name in results.values if _has_budget(results, name)}
        if len(set(counts.values())) > 1:
            each = ", ".join(f"{name} {_written(count)}" for name, count in counts.items())
            warnings.append(FairnessWarning(f"unequal {what}", f"Not every optimizer had as many {what}: {each}."))
    return warnings


def _seeds(results: Results) -> list[FairnessWarning]:
    warnings = []
    for name in results.values:
        runs = results.seeds(name)
        if len(runs) == 1:
            sentence = f"{name} has one seed: luck cannot be told from merit; run at least {FEWEST_SEEDS}."
            warnings.append(FairnessWarning("one seed", sentence, name))
        elif len(runs) < FEWEST_SEEDS:
            sentence = f"{name} has {len(runs)} seeds; run at least {FEWEST_SEEDS}."
            warnings.append(FairnessWarning("few seeds", sentence, name))
    if not results.paired:
        return warnings
    reference = results.seeds(results.reference)
    for name in results.values:
        if results.seeds(name) != reference:
            common = common_seeds(results.typical(name), results.typical(results.reference))
            how = (
                f"only their {len(common)} common seeds are compared"
                if common
                else "they are compared as two groups, which needs more seeds"
            )
            sentence = f"{name} and {results.reference} were not run on the same seeds: {how}."
            warnings.append(FairnessWarning("unequal seeds", sentence, name))
    return warnings


def _under_tuned(results: Results, scale: Scale) -> list[FairnessWarning]:
    """Flag an optimizer that does worse than one it could imitate: its search has missed that setting.

    Worse by chance is not worse: a difference must be detected. One beyond the margin that is not makes suspicious.
    """
    warnings = []
    for name in results.values:
        for special in results.facts_of(name).special_cases:
            if special not in results.values or special == name:
                continue
            comparison = compared(results, name, special, scale)
            gap = abs(comparison.difference or 0.0)
            detected, large = comparison.p <= ALPHA, scale.margin is not None and gap > scale.margin
            if comparison.direction < 0 and (detected or large):
                told = ": it is under-tuned" if detected else ", by more than the margin: it may be under-tuned"
                sentence = f"{name} did worse than {special}, its own special case{told}."
                warnings.append(FairnessWarning("under-tuned", sentence, name))
    return warnings


def _lost(results: Results) -> list[FairnessWarning]:
    """Mention the divergences that do not forbid a comparison, and why runs failed."""
    warnings = []
    for name in results.values:
        diverged, failed, runs = results.divergences(name), results.failed(name), results.runs(name)
        if diverged and not is_often_lost(results, name):
            rate = wilson(diverged, len(results.values[name]))
            how = "a miss each" if results.kind == "steps" else "the result is that of the others"
            sentence = (
                f"{diverged} of {runs} runs of {name} diverged, a rate between {100 * (rate.low or 0):.2g} and "
                f"{100 * (rate.high or 1):.2g} % with 95 % confidence; {how}."
            )
            warnings.append(FairnessWarning("some diverged", sentence, name))
        if failed and (not is_often_lost(results, name) or len(next(iter(failed.values()))) > LONGEST_REASON):
            reason = next(iter(failed.values())).rstrip(".")
            told = f"{', the first with' * (len(failed) > 1)}: {reason}" if reason else ""
            sentence = f"{len(failed)} of {runs} run{'s' * (runs != 1)} of {name} failed{told}."
            warnings.append(FairnessWarning("some failed", sentence, name))
    return warnings

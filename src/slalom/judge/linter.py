"""The fairness linter: what would make a reader doubt a comparison, said before a reader does."""

from __future__ import annotations

from dataclasses import dataclass

from slalom.judge.comparing import common_seeds, compare
from slalom.judge.results import Results
from slalom.judge.scales import Scale, has_negative
from slalom.judge.verdicts import ALPHA

FEWEST_SEEDS = 5
"""Below this, intervals are too wide to say anything."""

MOST_DIVERGED = 0.2
"""Share of diverged runs above which an optimizer is not comparable."""


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
    warnings += _divergences(results)
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
    leaked = sorted(set(facts.tuning_seeds) & results.values[name].keys())
    if leaked:
        noun, verb = ("seed", "was") if len(leaked) == 1 else ("seeds", "were")
        numbers = ", ".join(str(seed) for seed in leaked[:5]) + (", …" if len(leaked) > 5 else "")
        found.append(("leaked seeds", f"{noun} {numbers} of {name} {verb} used for both tuning and evaluation"))
    diverged, runs = results.divergences(name), len(results.values[name])
    if diverged > MOST_DIVERGED * runs:
        found.append(("divergence", f"{diverged} of {runs} runs of {name} diverged, more than 20 %"))
    return found


def pair_obstacles(results: Results, name: str, other: str) -> list[str]:
    """Return why two optimizers cannot be compared, as clauses; empty where they can be."""
    found = [clause for one in (name, other) for _, clause in own_obstacles(results, one)]
    for what in ("trials", "steps"):
        counts = count_of(results, name, what), count_of(results, other, what)
        if counts[0] != counts[1]:
            found.append(f"unequal {what}, {_written(counts[0])} for {name} and {_written(counts[1])} for {other}")
    return found


def count_of(results: Results, name: str, what: str) -> int | None:
    """Return an optimizer's ``"trials"`` or ``"steps"``, None where nobody has said."""
    own = getattr(results.facts_of(name), what)
    return own if own is not None else getattr(results, what)


def _written(count: int | None) -> str:
    return "an unknown number" if count is None else f"{count:,}"


def _unequal(results: Results) -> list[FairnessWarning]:
    warnings = []
    for what in ("trials", "steps"):
        counts = {name: count_of(results, name, what) for name in results.values}
        if len(set(counts.values())) > 1:
            each = ", ".join(f"{name} {_written(count)}" for name, count in counts.items())
            warnings.append(FairnessWarning(f"unequal {what}", f"Not every optimizer had as many {what}: {each}."))
    return warnings


def _seeds(results: Results) -> list[FairnessWarning]:
    warnings = []
    for name, runs in results.values.items():
        if len(runs) == 1:
            sentence = f"{name} has one seed: luck cannot be told from merit; run at least {FEWEST_SEEDS}."
            warnings.append(FairnessWarning("one seed", sentence, name))
        elif len(runs) < FEWEST_SEEDS:
            sentence = f"{name} has {len(runs)} seeds; run at least {FEWEST_SEEDS}."
            warnings.append(FairnessWarning("few seeds", sentence, name))
    if not results.paired:
        return warnings
    reference = results.values[results.reference]
    for name, runs in results.values.items():
        if runs.keys() != reference.keys():
            common = common_seeds(runs, reference)
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
            runs = results.values[name], results.values[special]
            comparison = compare((name, special), *runs, scale, paired=results.paired)
            gap = abs(comparison.difference or 0.0)
            detected, large = comparison.p <= ALPHA, scale.margin is not None and gap > scale.margin
            if comparison.direction < 0 and (detected or large):
                told = ": it is under-tuned" if detected else ", by more than the margin: it may be under-tuned"
                sentence = f"{name} did worse than {special}, its own special case{told}."
                warnings.append(FairnessWarning("under-tuned", sentence, name))
    return warnings


def _divergences(results: Results) -> list[FairnessWarning]:
    """Mention the divergences that do not forbid a comparison."""
    warnings = []
    for name, runs in results.values.items():
        diverged = results.divergences(name)
        if 0 < diverged <= MOST_DIVERGED * len(runs):
            how = "counted as accuracy 0" if results.kind == "accuracy" else "counted as the worst, by ranks"
            sentence = f"{diverged} of {len(runs)} runs of {name} diverged, {how}."
            warnings.append(FairnessWarning("some diverged", sentence, name))
    return warnings

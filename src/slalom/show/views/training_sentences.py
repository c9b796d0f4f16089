"""The sentence at the top of a picture of training: who fell fast, who is slow, who diverged, where they end."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from slalom.core import Status, TrainingRecord
from slalom.show.views.groups import Group, training_groups
from slalom.show.views.seeds import Measure, clock, finals, lost, measure_of, primary, spread
from slalom.show.views.steadiness import steps_to
from slalom.show.views.words import capital, count, listing, number, percent

NEAR = 0.01
"""Proportions this close to the best are called near it: one point of accuracy."""
NEAR_LOSS = 1.1
"""Losses below so many times the best are called near it."""
FALLEN = 0.9
"""The share of the way down that makes a fall: from the first training loss to the best of all at the end."""
FAST = 0.2
"""The share of the training within which a fast one has fallen."""


@dataclass(frozen=True)
class Result:
    """One optimizer's runs in brief: ``final`` is the median of the measure, ``gone`` of ``runs`` were lost.

    ``fallen`` is the median step at which the training loss had fallen, infinite where it did not, None where no
    training loss is known. ``learned`` says that the training loss ended below where it began.
    """

    name: str
    final: float
    low: float
    high: float
    runs: int
    gone: int
    first_lost: int | None
    failed: int  # of those that are gone; the others diverged
    reason: str  # why the first of them failed
    fallen: float | None
    learned: bool

    @property
    def slow(self) -> bool:
        return self.learned and self.fallen == math.inf and self.gone == 0


def training_sentence(record: TrainingRecord) -> str:
    """Return one to three sentences that say what to see in a race on a task or in a loop of the caller's own."""
    measure = primary(record)
    results = results_of(record, measure)
    if all(result.gone == result.runs for result in results):
        return _all_lost(results)
    facts = [_alone(record, results[0], measure)] if len(results) == 1 else _field(record, results, measure)
    facts += [*_lost(results), *_cut_short(record)]
    return " ".join(fact for fact in facts if fact)


def results_of(record: TrainingRecord, measure: Measure) -> list[Result]:
    """Return every optimizer's result, in the order typed."""
    field = training_groups(record)
    level = fall_level(record, field)
    results = []
    for group in field:
        middle = spread(finals(record, group, measure)[:, None], measure.higher_is_better)
        gone = [k for k in group.runners if lost(record, k)]
        steps = [record.runs[k].diverged_at or record.statuses[k].step for k in gone]
        known = [step for step in steps if step is not None]
        results.append(
            Result(
                group.name,
                float(middle.middle[0]),
                float(middle.low[0]),
                float(middle.high[0]),
                len(group.runners),
                len(gone),
                min(known, default=None),
                sum(record.statuses[k].kind == Status.FAILED for k in gone),
                next((record.runs[k].error.rstrip(".") for k in gone if record.runs[k].error), ""),
                None if level is None else _fallen(record, group, level),
                _learned(record, group),
            )
        )
    return results


def fall_level(record: TrainingRecord, field: list[Group]) -> float | None:
    """Return the training loss below which a run has fallen: 90 % of the way from the start to the best of all ends.

    None where there are no minibatch losses to tell, and where the loss is maximized.
    """
    if record.training is None or "train" not in record.splits:
        return None
    measure = measure_of(record, "train", "loss")
    if measure.higher_is_better:
        return None
    starts = [run.series(measure.key)[0] for run in record.runs if run.evaluations]
    ends = [spread(finals(record, group, measure)[:, None]).middle[0] for group in field]
    known = [end for end in ends if math.isfinite(end)]
    if not known or not np.isfinite(starts).any():
        return None
    start, best = float(np.nanmedian(starts)), min(known)
    return best + (1 - FALLEN) * (start - best) if best < start else None


def _fallen(record: TrainingRecord, group: Group, level: float) -> float:
    steps = [steps_to(record.runs[k], level) for k in group.runners]
    return float(np.quantile([math.inf if step is None else step for step in steps], 0.5, method="higher"))


def _learned(record: TrainingRecord, group: Group) -> bool:
    if "train" not in record.splits:
        return True
    measure = measure_of(record, "train", "loss")
    starts = [record.runs[k].series(measure.key)[0] for k in group.runners if record.runs[k].evaluations]
    known = [start for start in starts if math.isfinite(start)]
    end = float(spread(finals(record, group, measure)[:, None], measure.higher_is_better).middle[0])
    if not known:
        return False
    return end > float(np.median(known)) if measure.higher_is_better else end < float(np.median(known))


def length(record: TrainingRecord) -> str:
    """Return how long a race was: ``"20 epochs"``, ``"300 steps"``, ``"12 evaluations"``.

    Where runs on a task were interrupted it is what the longest run reached: ``"at most 34 steps"``.
    """
    if record.training is None:
        if clock(record) == "step":
            steps = int(max(run.series("step").max() for run in record.runs))
            return count(steps, "step") if steps == 1 else f"{steps:,} steps"
        most = max((len(run.evaluations) for run in record.runs), default=0)
        return f"{most:,} evaluation{'' if most == 1 else 's'}"
    cut = any(run.interrupted for run in record.runs)
    steps = max(run.completed for run in record.runs) if cut else record.training.steps
    epochs, rest = divmod(steps, record.training.steps_per_epoch)
    told = f"{steps:,} steps" if rest or not epochs else f"{epochs:,} epoch{'' if epochs == 1 else 's'}"
    return f"at most {told}" if cut else told


def _alone(record: TrainingRecord, result: Result, measure: Measure) -> str:
    if not math.isfinite(result.final):
        return ""
    text = f"After {length(record)} {result.name} has {_article(measure)}{measure.title}"
    text += f" of {measure.text(result.final)}"
    if result.runs > 1:
        text += f" (median of {count(result.runs, 'seed')}; {measure.text(result.low)} to {measure.text(result.high)})"
    if result.fallen is not None and math.isfinite(result.fallen):
        text += f"; nine tenths of the fall in training loss are done by step {result.fallen:,.0f}"
    return text + "."


def _article(measure: Measure) -> str:
    return "an " if measure.title[0] in "aeiou" else "a "


def _field(record: TrainingRecord, results: list[Result], measure: Measure) -> list[str]:
    """Tell who ends where among several optimizers, and who fell fast."""
    known = [result for result in results if math.isfinite(result.final)]
    if not known:
        return []
    after = f"After {length(record)}"
    if measure.higher_is_better is None:
        ends = listing([f"{measure.text(result.final)} with {result.name}" for result in known])
        return [f"{after} {measure.title} is {ends}."]
    sign = -1 if measure.higher_is_better else 1
    ranked = sorted(known, key=lambda result: sign * result.final)
    best = ranked[0]
    near = [result for result in known if is_near(result.final, best.final, measure)]
    slow = [result for result in known if result.slow and result not in near]
    text = _top(after, near, best, measure)
    if not any(result.learned for result in known):
        worse = "training loss is no lower than at the start"
        return [f"{after} nobody has learned anything: no {worse}." if len(known) > 1 else text + "."]
    stuck = [result for result in known if not result.learned and result not in near]
    others = [result for result in ranked if result not in near + slow + stuck]
    if others:
        text += f"; {_rest(others, measure, last=not slow and not stuck)}"
    if slow:
        text += f"; {_names(slow, measure)} {'is' if len(slow) == 1 else 'are'} slow {_at_what_rate(record)}"
    if stuck:
        text += f"; {_names(stuck, measure)} {'does' if len(stuck) == 1 else 'do'} not learn"
    return [text + ".", _fast(record, [result for result in known if result.learned])]


def _rest(results: list[Result], measure: Measure, last: bool) -> str:
    """Tell of those below the best, from the better to the worse; the ``last`` of them may be that of all."""
    told = [f"{result.name} with {measure.text(result.final)}" for result in results]
    if not last:
        return f"then {listing(told, most=6)}"
    end = f"{results[-1].name} is last with {measure.text(results[-1].final)}"
    return f"then {listing(told[:-1], most=5)}; {end}" if len(told) > 1 else end


def _names(results: list[Result], measure: Measure) -> str:
    return listing([f"{result.name} ({_brief(measure, result.final)})" for result in results], most=6)


def _top(after: str, near: list[Result], best: Result, measure: Measure) -> str:
    names = listing([result.name for result in near], most=6)
    if len(near) == 1:
        leads = "leads with" if measure.higher_is_better else "is lowest with"
        return f"{after} {names} {leads} {_value(measure, best)}"
    ends = sorted({measure.text(result.final): result.final for result in near}.items(), key=lambda one: one[1])
    if len(ends) == 1:
        return f"{after} {names} are at {_value(measure, best)}"
    span = f"{ends[0][0].removesuffix(' %') if measure.proportion else ends[0][0]} to {ends[-1][0]}"
    if measure.proportion:
        return f"{after} {names} end at {span} {measure.title}"
    return f"{after} {names} are at {_article(measure)}{measure.title} of {span}"


def _value(measure: Measure, result: Result) -> str:
    if measure.proportion:
        return f"{measure.text(result.final)} {measure.title}"
    return f"{_article(measure)}{measure.title} of {measure.text(result.final)}"


def _brief(measure: Measure, value: float) -> str:
    return percent(value) if measure.proportion else number(value, 2)


def is_near(value: float, best: float, measure: Measure) -> bool:
    """Return whether a result is near the best: within a point of accuracy, or a tenth of a positive loss."""
    if measure.proportion:
        return abs(value - best) <= NEAR + 1e-9
    if measure.higher_is_better or best <= 0:
        return abs(value - best) <= (NEAR_LOSS - 1) * abs(best)
    return value <= NEAR_LOSS * best


def _fast(record: TrainingRecord, known: list[Result]) -> str:
    """Tell whose training loss fell fast and stayed low, where not everybody's did."""
    if record.training is None:
        return ""
    limit = FAST * record.training.steps
    fast = [result for result in known if result.fallen is not None and result.fallen <= limit]
    if not fast or len(fast) == len(known):
        return ""
    verb = "falls" if len(fast) == 1 else "fall"
    latest = max(result.fallen or 0 for result in fast)
    names = listing([result.name for result in fast], most=6)
    return f"{names} {verb} fast: nine tenths of the way down within {latest:,.0f} steps."


def _at_what_rate(record: TrainingRecord) -> str:
    rates = {str(runner.optimizer.hyperparameters.get("lr")) for runner in record.runners}
    return "at this learning rate" if len(rates) == 1 else "at the learning rates chosen"


def _lost(results: list[Result]) -> list[str]:
    """Return which runs diverged and which failed, and why."""
    diverged = {result.name: result.gone - result.failed for result in results}
    failed = {result.name: result.failed for result in results}
    reason = next((f" ({result.reason})" for result in results if result.reason), "")
    return [*_went(results, diverged, "diverge", ""), *_went(results, failed, "fail", reason)]


def _went(results: list[Result], counts: dict[str, int], verb: str, reason: str) -> list[str]:
    """Return the sentence on the runs that ended in one way; none where there are no such runs."""
    gone = [result for result in results if counts[result.name]]
    if not gone:
        return []
    if all(result.runs == 1 for result in gone):
        if len(gone) > 1:
            return [f"{listing([result.name for result in gone])} {verb}{reason}."]
        (one,) = gone
        at = "" if one.first_lost is None else f" at step {one.first_lost:,}"
        return [f"{one.name} {verb}s{at}{reason}."]
    parts = [
        f"{counts[result.name]} of {result.runs} runs of {result.name}"
        if counts[result.name] < result.runs
        else f"all {result.runs} of {result.name}"
        for result in gone
    ]
    single = sum(counts.values()) == 1
    return [capital(f"{listing(parts)} {verb}{'s' * single}{reason}.")]


def _ends(gone: list[Result], ending: str = "") -> str:
    """Return the verb for how all of these runs were lost."""
    diverged, failed = any(result.failed < result.gone for result in gone), any(result.failed for result in gone)
    return " or ".join([f"diverge{ending}"] * diverged + [f"fail{ending}"] * failed)


def _all_lost(results: list[Result]) -> str:
    first = min((result.first_lost for result in results if result.first_lost is not None), default=None)
    runs = sum(result.runs for result in results)
    reason = next((f" ({result.reason})" for result in results if result.reason), "")
    when = "" if first is None else f" at step {first:,}" if runs == 1 else f", the first at step {first:,}"
    if runs == 1:
        return f"{results[0].name} {_ends(results, 's')}{when}{reason}."
    whose = f" of {results[0].name}" if len(results) == 1 else ""
    return f"All {count(runs, 'run')}{whose} {_ends(results)}{when}{reason}."


def _cut_short(record: TrainingRecord) -> list[str]:
    stopped = sum(run.interrupted for run in record.runs)
    return [f"{capital(count(stopped, 'run'))} {'was' if stopped == 1 else 'were'} interrupted."] if stopped else []

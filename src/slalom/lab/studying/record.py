"""What ``slalom.study`` returns: whom tuning chose, how everyone did on fresh seeds, and what can be said of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from slalom.core import InputError, Training
from slalom.judge import (
    Judgement,
    Results,
    StepsToTarget,
    Width,
    expected_best,
    learning_rate_width,
    steps_to_target,
    summarise,
)
from slalom.judge.scales import FLOOR
from slalom.lab import formats
from slalom.lab.result import Result
from slalom.lab.studying.executing import Finished
from slalom.lab.studying.files import to_toml
from slalom.lab.studying.grounds import LandscapeGround
from slalom.lab.studying.planning import StudyPlan
from slalom.lab.studying.search import FINALISTS
from slalom.lab.studying.spaces import value_of
from slalom.lab.studying.tuning import Trial, Tuned
from slalom.lab.studying.yardsticks import Yardstick
from slalom.lab.tables import Table
from slalom.lab.workers import is_machines_fault

ENDINGS = ("png", "svg", "pdf", "html", "csv", "json", "toml")

RANKS_DEFAULTS = (
    "The track defaults ranks settings as they were given, not optimizers: tuned, the order may be another."
)


@dataclass(frozen=True)
class Cost:
    """What one optimizer has cost: all runs that tuning and evaluation asked for, those from the store included."""

    trials: int
    tuning_runs: int
    evaluation_runs: int
    steps: int
    seconds: float  # of training
    seconds_per_step: float

    @property
    def runs(self) -> int:
        return self.tuning_runs + self.evaluation_runs


@dataclass(repr=False, eq=False)
class Study(Result):
    """A study that is finished. ``tuned`` and ``evaluations`` are by the optimizers' labels, in the order as typed.

    Its pictures are STUDY_PICTURES in :mod:`slalom.lab.studying.pictures`; ``auto`` is the card. It is saved as one of
    them (png svg pdf), as a page (html), as numbers (json; csv with one line per evaluation run), or as the study file
    that does it again (toml).
    """

    plan: StudyPlan
    tuned: Mapping[str, Tuned]
    evaluations: Mapping[str, Sequence[Finished]]
    results: Results
    judgement: Judgement
    computed: int  # runs that were not in the store
    how: tuple[str, ...]  # what there is to know about how runs were computed
    store: str
    versions: Mapping[str, str]
    written: tuple[float, ...] = ()  # Unix times at which the runs that were in the store before had been computed

    @property
    def course(self) -> Any:
        return self.plan.question.course

    @property
    def yardstick(self) -> Yardstick:
        """By what optimizers were tuned and judged."""
        return self.plan.question.yardstick

    @property
    def names(self) -> tuple[str, ...]:
        return self.plan.question.names

    @property
    def optimizers(self) -> tuple[Any, ...]:
        """The optimizers as tuned."""
        return tuple(one.optimizer for one in self.tuned.values())

    @property
    def steps(self) -> int:
        """Steps of each run; of a training loop, as far as the longest got."""
        if self._training is not None:
            return self._training.steps
        return max(one.run.completed for runs in self.evaluations.values() for one in runs)

    @property
    def engine(self) -> str:
        return self.plan.setting.engine

    @property
    def dtype(self) -> str:
        return "" if self._training is None else self._training.dtype

    @property
    def precision(self) -> str:
        return "" if self._training is None else self._training.precision

    @property
    def device(self) -> str:
        return "cpu" if self._training is None else self._training.device

    @property
    def _training(self) -> Training | None:
        return self.plan.question.training

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """Every doubt, in a sentence each."""
        found = [warning.sentence for warning in self.judgement.warnings]
        if self.plan.question.track == "defaults":
            found.append(RANKS_DEFAULTS)
        if isinstance(self.plan.question.ground, LandscapeGround):
            found.append("Ranks on a landscape do not carry over to networks.")
        return (*found, *self.caveats, *self._failed_in_tuning(), *self._same_twice())

    @cached_property
    def caveats(self) -> tuple[str, ...]:
        """What limits the verdict itself, in a sentence each: splits that the course does not have."""
        if isinstance(self.plan.question.ground, LandscapeGround):
            return ()
        found = []
        if not self.yardstick.final.startswith("test"):
            found.append(f"{self.course.name} has no test set: the verdict is about the {self.yardstick.words}.")
        if self.yardstick.tuning.startswith("train") and self.yardstick.final != self.yardstick.tuning:
            measure = self.yardstick.tuning.replace("_", " ")
            found.append(f"{self.course.name} has no validation split: the {measure} chose what was tuned.")
        return tuple(found)

    def _failed_in_tuning(self) -> list[str]:
        """Tell of runs of the search that failed; those that diverged are an answer, not a failure."""
        found = []
        for name, one in self.tuned.items():
            failed = [run for run in one.runs if run.failed]
            if failed:
                rates = sorted({run.runner.optimizer.hyperparameters.get("lr", 0.0) for run in failed})
                at = f" (lr {', '.join(f'{rate:.3g}' for rate in rates[:3])}{', …' if len(rates) > 3 else ''})"
                near = "; the one that was chosen lies next to one at which all runs failed" * _is_beside_failure(one)
                found.append(
                    f"{len(failed)} of {len(one.runs)} tuning runs of {name} failed{at if any(rates) else ''} and had "
                    f"no part in tuning, the first with: {failed[0].run.error.rstrip('.')}{near}."
                )
        return found

    def _same_twice(self) -> list[str]:
        """Tell of optimizers that tuning has made one and the same."""
        found = []
        for first, second in combinations(self.names, 2):
            one, other = self.tuned[first].optimizer, self.tuned[second].optimizer
            if self.tuned[first].runs and (one.path, dict(one.hyperparameters), one.stages) == (
                other.path,
                dict(other.hyperparameters),
                other.stages,
            ):
                found.append(f"{first} and {second} became one and the same by tuning: {one.code()}.")
        return found

    def _told_values(self) -> list[str]:
        """Tell what else than the rate was chosen, where more was searched."""
        if self.plan.question.track != "full":
            return []
        return [
            f"chosen for {name}: "
            + ", ".join(f"{key} {value_of(one.optimizer, key):.4g}" for key in self.plan.question.tuned[name])
            for name, one in self.tuned.items()
            if self.plan.question.tuned[name]
        ]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the terminal prints below: warnings, how it was computed, where the runs are."""
        runs = len(self.runs())
        kept = f"Computed {self.computed:,} run{'s' * (self.computed != 1)}"
        if self.computed < runs:
            kept += f"; {runs - self.computed:,} {'was' if runs - self.computed == 1 else 'were'} in the store"
            kept += f", computed {_dates(self.written)}" if self.written else ""
        unkept = sum(is_machines_fault(one.run) for one in self.runs())
        saved_runs = f"All but {unkept:,}, whose process died or took too long, are saved" if unkept else "Saved"
        where = "" if self.store == "memory" else f". {saved_runs} in {self.store}"
        halving = f"halving left out {self.spared:.0%} of the steps of tuning"
        saved = (halving,) if self.plan.question.effort.halving else ()
        warnings = (warning for warning in self.warnings if warning not in self.caveats)  # which the verdict has
        return (*self._told_values(), *warnings, *self.plan.remarks, *self.how, *saved, kept + where)

    @property
    def sentence(self) -> str:
        """The verdict to quote."""
        return self.verdict()

    def verdict(self) -> str:
        """Return which optimizers are tied for the best, how each stands against the baseline, and what limits that, in
        sentences to quote."""
        return " ".join([self.judgement.tied_sentence, *self.judgement.sentences, *self.caveats])

    def runs(self) -> list[Finished]:
        """Return all runs, those of tuning first, each with its specification and key."""
        return [
            *(run for one in self.tuned.values() for run in one.runs),
            *(r for rs in self.evaluations.values() for r in rs),
        ]

    def best(self) -> str:
        """Return the winner as code to paste: ``torch.optim.AdamW(model.parameters(), lr=0.0021)``.

        Of several that are tied, the one with the best result. Raises InputError where none can be compared fairly.
        """
        if not self.judgement.tied_best:
            raise InputError(f"No recommendation: {self.judgement.tied_sentence}")
        return self.code

    @property
    def code(self) -> str:
        """The winner as code to paste, ``""`` where there is none."""
        sign = 1 if self.yardstick.higher_is_better else -1
        values = {name: self.judgement.entry(name).estimate.value for name in self.judgement.tied_best}
        return str(self.tuned[max(values, key=lambda name: sign * values[name])].optimizer.code()) if values else ""

    def width(self, name: str) -> Width | None:
        """Return the stretch of learning rates around an optimizer's best in which it stays close to that.

        None where more or less than the rate was tuned, some trials were stopped early, everything diverged, or gaps
        to a known minimum are compared.
        """
        trials = [trial for trial in self.tuned[name].trials if not trial.failed]
        if not trials or self.plan.question.tuned[name] != ("lr",) or self.plan.question.effort.halving:
            return None
        if self.yardstick.optimum is not None:
            return None  # one per cent of a gap to the minimum says nothing
        rates, values = np.array([trial.values["lr"] for trial in trials]), np.array([t.measure for t in trials])
        return learning_rate_width(rates, values, accuracy=self.yardstick.kind == "accuracy")

    def expected_best(self, name: str) -> np.ndarray:
        """Return the best validation result to expect of 1, 2, … trials, float64, [trials that did not fail]; empty if
        none."""
        higher = self.yardstick.higher_is_better
        measures = np.array([trial.measure for trial in self.tuned[name].trials if not trial.failed])
        return expected_best(measures, higher_is_better=higher) if len(measures) else measures

    @cached_property
    def target(self) -> float:
        """What steps to target are counted to: the baseline's median, on fresh seeds, of the measure that chooses.

        NaN where more than half of the baseline's runs diverged. Runs that failed are left out.
        """
        runs = self.evaluations[self.judgement.baseline]
        ends = [one.final(self.yardstick.tuning) for one in runs if not one.failed]
        if not ends:
            return float("nan")
        lost = self.yardstick.lost
        median = float(np.median([lost if np.isnan(end) else end for end in ends]))
        return median if np.isfinite(median) else float("nan")

    def steps_to_target(self, name: str) -> StepsToTarget:
        """Return in how many steps an optimizer's evaluation runs reached the target; a miss is infinite, and runs that
        failed are left out."""
        runs, higher = [one for one in self.evaluations[name] if not one.failed], self.yardstick.higher_is_better
        return summarise(np.array([_reached(one, self.yardstick, self.target, higher) for one in runs]))

    @property
    def spared(self) -> float:
        """The share of the tuning's steps that halving left out."""
        effort = self.plan.question.effort
        asked = [tuned for tuned in self.tuned.values() if tuned.runs]
        made = sum(one.spec.training.steps for tuned in asked for one in tuned.runs if one.spec.training)
        runs = sum(len(one.trials) * len(effort.search_seeds) + FINALISTS * len(effort.final_seeds) for one in asked)
        return 1.0 - made / (runs * self.steps) if runs else 0.0

    def cost(self, name: str) -> Cost:
        """Return what an optimizer has cost."""
        tuning, final = self.tuned[name].runs, self.evaluations[name]
        runs = [one.run for one in (*tuning, *final)]
        steps, seconds = sum(run.completed for run in runs), sum(run.seconds for run in runs)
        return Cost(self.tuned[name].count, len(tuning), len(final), steps, seconds, seconds / max(1, steps))

    def standing(self, name: str) -> str:
        """Return an optimizer's result in a few characters, marked * where it is tied with the best."""
        entry, judged = self.judgement.entry(name), self.judgement
        starred = name in judged.tied_best and len(judged.left_out) < len(judged.entries) - 1
        return f"{self._interval(entry.estimate.value, None, None)}{'*' * starred}"

    def table(self) -> Table:
        """One row per optimizer: its rate, its result with the interval, how it stands, what it cost."""
        rows = [self._row(name) for name in self.names]
        texts = tuple(tuple(map(str, self._texts(name, row))) for name, row in zip(self.names, rows, strict=True))
        return Table(tuple(rows[0]), tuple(rows), texts, f"{self._means} {self.judgement.note}")

    @property
    def _means(self) -> str:
        question = self.plan.question
        margin = f"margin {self.judgement.margin}" if self.judgement.margin else "no margin"
        each = len(question.seeds)
        kind = next((entry.estimate.kind for entry in self.judgement.entries if entry.estimate.n), "mean")
        middle = f"{kind} of " if each > 1 else ""
        lost = any(entry.diverged.value or entry.failed.value for entry in self.judgement.entries)
        return (
            f"{middle}{self.yardstick.words} after {self.steps:,} steps, {each} fresh seed{'s' * (each != 1)}"
            f"{', without the runs that diverged or failed' * lost}; "
            f"baseline {self.judgement.baseline}, {margin}; lr marked * was fixed; seconds of training of all runs."
        )

    def _row(self, name: str) -> dict[str, Any]:
        entry, cost = self.judgement.entry(name), self.cost(name)
        return {
            "optimizer": name,
            "lr": self.tuned[name].optimizer.hyperparameters.get("lr"),
            self.yardstick.words: entry.estimate.value,
            "diverged": self.results.divergences(name),
            **({"failed": len(self.results.failed(name))} if any(self.results.failures.values()) else {}),
            "verdict": "baseline" if entry.verdict is None else entry.verdict.word,
            "trials": cost.trials,
            "runs": cost.runs,
            "seconds": cost.seconds,
        }

    def _texts(self, name: str, row: Mapping[str, Any]) -> list[str]:
        estimate, rate = self.judgement.entry(name).estimate, row["lr"]
        shown = "–" if rate is None else f"{rate:.4g}" + "*" * ("lr" not in self.plan.question.tuned[name])
        runs = len(self.evaluations[name])
        lost = [f"{row[how]} of {runs}" if row[how] else "–" for how in ("diverged", "failed") if how in row]
        result = self._interval(estimate.value, estimate.low, estimate.high)
        return [
            name,
            shown,
            result,
            *lost,
            row["verdict"],
            f"{row['trials']}",
            f"{row['runs']}",
            f"{row['seconds']:.3g}",
        ]

    def _interval(self, value: float, low: float | None, high: float | None) -> str:
        scale = self.judgement.scale
        least = scale.optimum + FLOOR * (1 + 1e-9) if scale.logarithmic else -np.inf

        def written(number: float) -> str:
            if self.yardstick.kind == "accuracy":
                return f"{100 * number:.1f} %".replace("-", "−")
            return ("≤ " if number <= least else "") + f"{number:.4g}"

        if not np.isfinite(value):
            return "–"
        if low is None or high is None:
            return written(value)
        return f"{written(value)} [{written(low).removesuffix(' %')}, {written(high).removesuffix(' %')}]"

    def as_dictionary(self) -> dict[str, Any]:
        """Return what JSON has."""
        told = self.judgement.as_dictionary()
        question = self.plan.question
        for entry in told["optimizers"]:
            entry |= self._told(entry["name"])
        task = {
            "task": question.course.name,
            "track": question.track,
            **told,
            "warnings": list(self.warnings),
            "steps": self.steps,
            "seeds": list(question.seeds),
            "sentence": self.verdict(),
            "best": self.code or None,
            "tied_sentence": self.judgement.tied_sentence,
        }
        if self.plan.question.effort.halving:
            task["halving_saved"] = self.spared
        about = {"engine": self.engine, "width": self.plan.width, "dtype": self.dtype, "device": self.device}
        return {"tasks": [task], "store": self.store, **about, "versions": dict(self.versions)}

    def _told(self, name: str) -> dict[str, Any]:
        one, cost, width = self.tuned[name], self.cost(name), self.width(name)
        found = {
            "optimizer": one.optimizer.spec,
            "code": one.optimizer.code(),
            "tuned": {tuned: value_of(one.optimizer, tuned) for tuned in self.plan.question.tuned[name]},
            "values": {str(one.runner.seed): one.final(self.yardstick.final) for one in self.evaluations[name]},
            "cost": {
                "trials": cost.trials,
                "tuning_runs": cost.tuning_runs,
                "evaluation_runs": cost.evaluation_runs,
                "steps": cost.steps,
                "seconds": cost.seconds,
                "milliseconds_per_step": 1000 * cost.seconds_per_step,
            },
            "search": [self._told_trial(trial) for trial in one.trials],
            "learning_rate_width": None
            if width is None
            else {"low": width.low, "high": width.high, "decades": width.decades},
            "steps_to_target": self._told_steps(name),
            "expected_best": self.expected_best(name).tolist(),
        }
        tidied: dict[str, Any] = formats.tidy(found)
        return tidied

    def _told_trial(self, trial: Trial) -> dict[str, Any]:
        stopped = {} if trial.steps is None else {"stopped_after_steps": trial.steps}
        failed = {"failed": len(trial.failures), "reason": trial.failures[0]} if trial.failures else {}
        return {
            **trial.values,
            self.yardstick.tuning: trial.measure,
            "values": list(trial.by_seed),
            **stopped,
            **failed,
        }

    def _told_steps(self, name: str) -> dict[str, Any]:
        found = self.steps_to_target(name)
        quartiles = {"median": found.median, "low": found.lower_quartile, "high": found.upper_quartile}
        return {"target": self.target, **quartiles, "missed": found.missed, "n": found.n}

    def to_json(self) -> bytes:
        """The study as JSON; numbers that are not finite are null."""
        return formats.as_json(self.as_dictionary())

    def to_toml(self, folder: Path | None = None) -> str:
        """The study file that does this study again; it names Python files by their way from ``folder``.

        Raises InputError for a course or optimizer without a name.
        """
        return to_toml([self.plan.question], folder)

    def __repr__(self) -> str:
        return f"{self.course.title}, a study\n{self.table()}\n{self.verdict()}"


def _is_beside_failure(tuned: Tuned) -> bool:
    """Whether the learning rate that was chosen lies next to one at which every run failed."""
    chosen = tuned.optimizer.hyperparameters.get("lr")
    trials = sorted(tuned.trials, key=lambda trial: trial.values.get("lr", 0.0))
    return any(
        (one.failed and other.values.get("lr") == chosen) or (other.failed and one.values.get("lr") == chosen)
        for one, other in pairwise(trials)
    )


def _reached(one: Finished, yardstick: Yardstick, target: float, higher: bool) -> float:
    """Return the step of the first evaluation that reached the target; infinite for a miss."""
    if not one.run.evaluations:
        return float("inf")
    return steps_to_target(one.run.series("step"), one.run.series(yardstick.tuning), target, higher)


def _dates(times: Sequence[float]) -> str:
    """Return the days, in local time, of the first and the last of some Unix times."""
    days = [date.fromtimestamp(time).isoformat() for time in (min(times), max(times))]
    return " to ".join(dict.fromkeys(days))

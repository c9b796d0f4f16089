"""What the pictures of a study are drawn from, and the words that all of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from slalom.core import Optimizer, TrainingRecord
from slalom.show.views.frames import Axis, log_axis, measure_axis
from slalom.show.views.styles import Style, styles_for
from slalom.show.views.words import fixed, percent

if TYPE_CHECKING:  # pictures of races need no judge, and are not to wait for it
    from slalom.judge import Entry, Judgement, Kind, Results, Width

SMALLEST = 1e-12
"""A smaller gap to the optimum is drawn as this one, as it is judged as this one: a logarithm has no zero."""


class TrialRecord(Protocol):
    """Hyperparameters that were tried. ``measure`` is the mean over the seeds of tuning, in its own units; ``by_seed``
    are theirs, NaN where a run diverged or failed; ``failures`` are the reasons of those that failed. ``steps`` are
    fewer than the study's where the trial was stopped early."""

    @property
    def values(self) -> Mapping[str, float]: ...
    @property
    def measure(self) -> float: ...
    @property
    def by_seed(self) -> Sequence[float]: ...
    @property
    def failures(self) -> Sequence[str]: ...
    @property
    def steps(self) -> int | None: ...


class YardstickRecord(Protocol):
    """By which measure optimizers are tuned, and by which they are judged: ``validation_accuracy``, ``test_accuracy``.

    ``optimum`` is the smallest possible loss where it is known.
    """

    @property
    def tuning(self) -> str: ...
    @property
    def final(self) -> str: ...
    @property
    def higher_is_better(self) -> bool: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def optimum(self) -> float | None: ...


class StudyRecord(Protocol):
    """A study that is finished, of O optimizers on one course. ``names`` are their labels, in the order as typed."""

    @property
    def course(self) -> Any: ...  # with a name and a title
    @property
    def names(self) -> Sequence[str]: ...
    @property
    def optimizers(self) -> Sequence[Optimizer]: ...  # as tuned
    @property
    def yardstick(self) -> YardstickRecord: ...
    @property
    def results(self) -> Results: ...
    @property
    def judgement(self) -> Judgement: ...
    @property
    def track(self) -> str: ...  # "defaults", "lr", "full"
    @property
    def steps(self) -> int: ...
    @property
    def seeds(self) -> Sequence[int]: ...  # those of the evaluation
    @property
    def warnings(self) -> Sequence[str]: ...
    @property
    def versions(self) -> Mapping[str, str]: ...
    @property
    def fresh(self) -> TrainingRecord: ...  # the runs of the evaluation
    @property
    def curve(self) -> str: ...  # the measure by which they are judged, as ``fresh`` has it
    def trials(self, name: str) -> Sequence[TrialRecord]:
        """Return what was tried of an optimizer; nothing where nobody tuned it."""
        ...

    def width(self, name: str) -> Width | None:
        """Return the usable stretch of learning rates, None where there is none to be told."""
        ...

    def expected_best(self, name: str) -> np.ndarray:
        """Return the best validation result to expect of 1, 2, … trials, float64, [trials]; empty if none."""
        ...

    def default_rate(self, name: str) -> float | None:
        """Return the library's own learning rate, None where it has none."""
        ...


def study_styles(record: StudyRecord) -> dict[str, Style]:
    """Return every optimizer's style, by name."""
    styles = styles_for([optimizer.family for optimizer in record.optimizers])
    return dict(zip(record.names, styles, strict=True))


def rate_of(record: StudyRecord, name: str) -> float | None:
    """Return the learning rate of an optimizer as tuned, None where it has none that is a number."""
    rate = record.optimizers[list(record.names).index(name)].hyperparameters.get("lr")
    return float(rate) if isinstance(rate, int | float) and not isinstance(rate, bool) else None


def from_optimum(yardstick: YardstickRecord, values: np.ndarray) -> np.ndarray:
    """Return values as they are drawn: losses with a known optimum as their distance to it, all others as they are."""
    if yardstick.kind != "loss" or yardstick.optimum is None:
        return np.asarray(values, dtype=np.float64)
    return np.maximum(np.asarray(values, dtype=np.float64) - yardstick.optimum, SMALLEST)


def is_logarithmic(yardstick: YardstickRecord, values: np.ndarray) -> bool:
    """Say whether values as drawn stand on a logarithmic axis: losses that are positive."""
    known = values[np.isfinite(values)]
    return yardstick.kind == "loss" and bool(len(known)) and bool(known.min() > 0)


def gap_axis(values: np.ndarray) -> Axis:
    """Return the logarithmic axis of gaps to an optimum, however many powers of ten they span."""
    known = values[np.isfinite(values) & (values > 0)]
    if not len(known) or float(known.max()) < 300 * float(known.min()):
        return measure_axis(known, log=True)
    return log_axis(max(float(known.min()), float(known.max()) * 1e-16) / 1.5, float(known.max()) * 1.5)


def title_of(yardstick: YardstickRecord, measure: str) -> str:
    """Return what a measure is called, as drawn: "validation accuracy", "loss above the minimum"."""
    split, _, rest = measure.partition("_")
    words = f"training {rest}" if split == "train" and rest else measure
    above = yardstick.kind == "loss" and yardstick.optimum is not None
    return words.replace("_", " ") + (" above the minimum" if above else "")


def result_text(yardstick: YardstickRecord, entry: Entry) -> str:
    """Return an optimizer's result as drawn: "97.2 %", "0.0312"; "diverged" or "failed" where no run ended."""
    value = entry.estimate.value
    if not np.isfinite(value):
        return "diverged" if entry.diverged.value else "failed"
    if yardstick.kind == "accuracy":
        return percent(value)
    drawn = float(from_optimum(yardstick, np.array(value)))
    least = yardstick.optimum is not None and drawn <= SMALLEST * (1 + 1e-9)
    return ("≤ " if least else "") + fixed(drawn)


def marked_means(record: StudyRecord) -> str:
    """Return what is true of the optimizers that are marked: "the best", "tied for the best"; empty where none is."""
    judgement = record.judgement
    if len(judgement.tied_best) > 1:
        return "tied for the best"
    if len(judgement.left_out) == len(judgement.entries) - 1:
        return "alone: the others cannot be compared" if judgement.tied_best else ""
    return "the best" if judgement.tied_best else ""


def lost_counts(entry: Entry) -> list[str]:
    """Return how many runs of an optimizer are not in its result: ``["2 of 10 diverged", "1 of 10 failed"]``."""
    counts = {"diverged": entry.diverged, "failed": entry.failed}
    found = {how: round(share.value * share.n) for how, share in counts.items()}
    return [f"{amount} of {entry.failed.n} {how}" for how, amount in found.items() if amount]


def seeds_told(seeds: Sequence[int]) -> str:
    """Return ``"10 fresh seeds (0–9)"``."""
    if len(seeds) == 1:
        return f"one fresh seed ({seeds[0]})"
    return f"{len(seeds)} fresh seeds ({min(seeds)}–{max(seeds)})"


def trials_told(record: StudyRecord) -> str:
    """Return how much tuning everybody had, and what chose."""
    if record.track == "defaults":
        return "settings as given, nothing tuned"
    counts = sorted({max(1, len(record.trials(name))) for name in record.names})
    each = f"{counts[0]} trials each" if len(counts) == 1 else f"{counts[0]} to {counts[-1]} trials"
    what = "learning rate" if record.track == "lr" else "all hyperparameters"
    return f"{what} tuned in {each}, chosen by {title_of(record.yardstick, record.yardstick.tuning)}"


def doubts_told(record: StudyRecord) -> list[str]:
    """Return the warnings as parts of a footer."""
    return [warning.removesuffix(".") for warning in record.warnings]


def protocol_told(record: StudyRecord) -> list[str]:
    """Return the parts of a footer that say how the study was done."""
    versions = [
        f"{name} {record.versions[name].partition('+')[0]}" for name in ("slalom", "torch") if name in record.versions
    ]
    return [f"{record.steps:,} steps", trials_told(record), seeds_told(record.seeds), ", ".join(versions)]

"""Judgements in the terminal: the sentence to quote, a table of numbers, the set tied with the best, the doubts."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slalom.cli.tables import console, hanging, show, table_lines, terminal_width

if TYPE_CHECKING:
    from slalom.judge import Across, Entry, Estimate, ExploredPair, Judgement
    from slalom.judge.scales import Scale

WITHIN = (1.0, 1.5, 2.0, 4.0)
"""Ratios to the best cost of a task at which profiles are printed."""

WARNING = "warning: "

NO_BREAK = "\N{NO-BREAK SPACE}"

_TOGETHER = re.compile(r" p [=<] [0-9]| %|\[[^\]]*\]|[0-9] (?:points|seeds?|steps?|trials?)")
"""Lines are not broken within a p value, a number with its unit, an interval."""

LEAST_TELLING = ("exact p", "n", "Holm p", "diverged", "failed")
"""Columns that give way in a narrow terminal, in this order."""


@dataclass
class Printed:
    """Lines that are printed together, in the width of the terminal."""

    lines: list[Any] = field(default_factory=list)
    width: int = field(default_factory=terminal_width)

    def bold(self, text: str) -> None:
        from rich.text import Text

        self.add(*(Text(line, style="bold") for line in hanging(text, 0, self.width)))

    def add(self, *lines: Any) -> None:
        self.lines += lines

    def show(self) -> None:
        show(console(), *self.lines)


@dataclass(frozen=True)
class Texts:
    """A table of texts, as :func:`slalom.cli.tables.table_lines` takes it."""

    columns: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]
    rows: tuple[Mapping[str, Any], ...] = ()


def judgement_lines(judgement: Judgement, width: int, *, titled: bool = False, told: Collection[str] = ()) -> list[Any]:
    """Return what is printed of one task's judgement: the answer, the numbers, the sentences to quote, the doubts.

    ``titled`` where there are several, so that it needs a name; ``told`` are remarks that are printed elsewhere.
    """
    lines: list[Any] = [""]
    if titled:
        lines += [*_wrapped(judgement.task, width, "bold")]
    lines += _wrapped(judgement.tied_sentence, width, "" if titled else "bold")
    table = judgement_table(judgement)
    # The verdict, the last column, stays as long as anything does.
    least = [*LEAST_TELLING, *table.columns[1:-1]]
    lines += ["", *table_lines(table, {}, width, least), ""]
    for sentence in judgement.sentences:
        lines += _wrapped(sentence, width)
    return lines + remark_lines([remark for remark in remarks(judgement) if remark not in told], width)


def remarks(judgement: Judgement) -> list[str]:
    """Return what is to be kept in mind: the doubts, the margin, what intervals cover."""
    margin = f"The margin is {judgement.margin}. " if judgement.margin else ""
    return [*(f"{WARNING}{warning.sentence}" for warning in judgement.warnings), margin + judgement.note]


def remark_lines(told: Sequence[str], width: int) -> list[Any]:
    """Return remarks as they are printed: those that warn are seen, the others are there."""
    return [line for one in told for line in _wrapped(one, width, "yellow" if one.startswith(WARNING) else "dim")]


def judgement_table(judgement: Judgement) -> Texts:
    """Return one line per optimizer: result, difference to the baseline, p values, runs that were lost, verdict."""
    middle = next((entry.estimate.kind for entry in judgement.entries if entry.estimate.n), "mean")
    lost = [how for how in ("diverged", "failed") if any(getattr(e, how).value > 0 for e in judgement.entries)]
    columns = ["optimizer", "n", middle, f"difference to {judgement.baseline}", "Holm p", "exact p"]
    texts = []
    for entry in judgement.entries:
        shown = written_estimate(entry.estimate, judgement.scale) if entry.estimate.n else "–"
        line = [entry.name, str(entry.estimate.n), shown, *_compared(entry, judgement.scale)]
        for how in lost:
            count, runs = round(getattr(entry, how).value * getattr(entry, how).n), entry.failed.n
            line.append(f"{count} of {runs}" if count else "–")
        texts.append((*line, "baseline" if entry.verdict is None else entry.verdict.word))
    return Texts((*columns, *lost, "verdict"), tuple(texts))


def written_estimate(estimate: Estimate, scale: Scale) -> str:
    """Write a result with its interval, in the metric's own units: ``"96.4 % [95.9, 96.8]"``."""
    percent = scale.unit == "points"
    factor = 100 if percent else 1
    bounds = [] if estimate.low is None or estimate.high is None else [estimate.low, estimate.high]
    value, *ends = [factor * number for number in (estimate.value, *bounds)]
    half = abs(ends[1] - ends[0]) / 2 if ends else 0.0
    written, *others = _alike([value, *ends], half, least=1 if percent else 0)
    return written + (" %" if percent else "") + (f" [{', '.join(others)}]" if others else "")


def _alike(numbers: Sequence[float], half: float, least: int) -> list[str]:
    """Write numbers with equally many decimals: two digits of the half width, or three of the first number."""
    from slalom.show.views.words import number as in_words

    value = numbers[0]
    size = math.floor(math.log10(abs(value))) if value and math.isfinite(value) else 0
    if not math.isfinite(value) or not -4 <= size < 6:
        digits = 3 if not half else min(max(3, size - math.floor(math.log10(half)) + 2), 8)
        return [in_words(number, digits) for number in numbers]
    decimals = -math.floor(math.log10(half)) + 1 if half else 2 - size
    if least:
        decimals -= half > 0  # of an accuracy in per cent, one digit of the half width will do
    return [f"{number:,.{min(max(least, decimals), 12)}f}".replace("-", "−") for number in numbers]


def _compared(entry: Entry, scale: Scale) -> tuple[str, str, str]:
    comparison = entry.comparison
    if comparison is None:
        return "–", "–", "–"
    if comparison.by_ranks:
        difference = "by ranks"
    elif comparison.difference is None:
        difference = "–"
    else:
        difference = scale.change(comparison.difference, *(comparison.interval or ()))
    return difference, _p(entry.holm_p), _p(comparison.exact_p)


def _p(p: float | None) -> str:
    from slalom.judge.verdicts import written_p

    return "–" if p is None else written_p(p, "").strip().removeprefix("= ")


def exploration_lines(pairs: Sequence[ExploredPair], scale: Scale, width: int) -> list[Any]:
    """Return a table of all pairs, under a line that says what it is not."""
    told = (
        "Exploration: all pairs, which nobody declared in advance; p corrected by Benjamini and Hochberg. No verdict."
    )
    texts = []
    for pair in pairs:
        found = pair.comparison
        change = "by ranks" if found.by_ranks else "–"
        if found.difference is not None:
            change = scale.change(found.difference, *(found.interval or ()))
        texts.append((f"{found.optimizer} − {found.other}", str(found.n), change, _p(pair.adjusted_p)))
    table = Texts(("pair", "n", "difference", "corrected p"), tuple(texts))
    return ["", *_wrapped(told, width, "bold"), "", *table_lines(table, {}, width)]


def across_lines(across: Across | None, left_out: Sequence[str], width: int) -> list[Any]:
    """Return what several tasks say together; ``across`` is None where no two optimizers share all of them."""
    from slalom.core import quote

    lines = ["", *_wrapped("All tasks together", width, "bold")]
    if left_out:
        names = ", ".join(quote(name) for name in left_out)
        lines += _wrapped(f"Left out here, without results on every task: {names}.", width, "yellow")
    if across is None:
        return lines + _wrapped("Fewer than two optimizers have results on every task: nothing to put together.", width)
    note = (
        "Within ×2: the share of tasks on which the cost (error rate, loss above its optimum, steps) is at most twice "
        "the best's. 1st, 2nd …: the probability of that rank, from drawing the seeds again with replacement."
    )
    lines += [*_wrapped(across.sentence, width), "", *table_lines(across_table(across), {}, width), ""]
    lines += remark_lines([f"{WARNING}{remark}" for remark in across.remarks], width)
    return lines + _wrapped(note, width, "dim")


def across_table(across: Across) -> Texts:
    """Return one line per optimizer: its performance profile at a few ratios, and its probability for every rank."""
    places = [int(abs(across.profiles.ratios - ratio).argmin()) for ratio in WITHIN]
    columns = (
        "optimizer",
        *(f"within ×{ratio:g}" for ratio in WITHIN),
        *map(_ordinal, range(1, len(across.names) + 1)),
    )
    texts = tuple(
        (
            name,
            *(f"{100 * across.profiles.shares[k, place]:.0f} %" for place in places),
            *(f"{100 * probability:.0f} %" for probability in across.rank_probabilities[k]),
        )
        for k, name in enumerate(across.names)
    )
    return Texts(columns, texts)


def _ordinal(rank: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(rank if rank < 20 else rank % 10, "th")
    return f"{rank}{ending}"


def _wrapped(text: str, width: int, style: str = "") -> list[Any]:
    from rich.text import Text

    held = _TOGETHER.sub(lambda found: found[0].replace(" ", NO_BREAK), text)
    return [Text(line.replace(NO_BREAK, " "), style=style) for line in hanging(held, 0, width)]

"""The numbers of the verdict strip: every optimizer's effect against the baseline, with its interval and its word."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from slalom.show.views.frames import Axis
from slalom.show.views.labels import text_size
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.study_records import (
    StudyRecord,
    doubts_told,
    lost_counts,
    marked_means,
    protocol_told,
    rate_of,
    result_text,
    study_styles,
    title_of,
)
from slalom.show.views.study_sentences import study_sentence
from slalom.show.views.styles import Style
from slalom.show.views.words import number, power, shortened, wrap

if TYPE_CHECKING:
    from slalom.judge import Comparison, Entry, Scale

LANE = 0.46
"""Inches of an optimizer's row."""
NAME, SMALL = 9.5, 8.0
"""Font sizes of names, and of what is told below them."""
LONGEST = 28
"""Letters of a name at most."""
WORDS_ROOM = 2.5
"""Inches at the right for the word of a verdict and its numbers."""
CROWDED = 6.0
"""An effect further out than so many times the usual one leaves the strip, with an arrow: its numbers are told."""
MARKED = "★"
"""What stands before an optimizer that is tied with the best."""


@dataclass(frozen=True)
class VerdictRow:
    """One optimizer. ``effect`` and ``interval`` are places on the axis, None where there are none.

    ``left`` and ``right`` say that the interval goes on beyond that end of the axis. ``word`` is the verdict's, or
    "baseline"; ``change`` its numbers, ``more`` what would decide, ``reason`` why there is no interval to draw.
    """

    name: str
    style: Style
    about: str  # "lr 0.021 · 97.2 %"
    tied: bool
    word: str
    effect: float | None = None
    interval: tuple[float, float] | None = None
    left: bool = False
    right: bool = False
    change: str = ""
    more: str = ""
    reason: str = ""

    @property
    def short(self) -> str:
        """The name as it is written beside a picture's lane."""
        return shortened(self.name, LONGEST)


@dataclass(frozen=True)
class VerdictStrip:
    """All rows on one axis, which is that of the judge's scale: differences, or logarithms of ratios.

    ``margin`` is half the width of the band of differences that do not matter. ``better`` is the side, "left" or
    "right", on which results are better.
    """

    rows: tuple[VerdictRow, ...]
    axis: Axis
    axis_title: str
    margin: float | None
    margin_told: str
    better: str
    names_width: float  # inches

    @property
    def height(self) -> float:
        return LANE * len(self.rows)

    def box(self, bottom: float) -> Box:
        """Return where the lanes stand on a card, names at their left and words at their right."""
        left = EDGE + self.names_width
        return Box(left, bottom, WIDTH - EDGE - WORDS_ROOM - left, self.height)


@dataclass(frozen=True)
class VerdictPicture:
    """The verdict strip as a picture of its own."""

    title: str
    sentence: tuple[str, ...]
    strip: VerdictStrip
    box: Box
    footer: tuple[str, ...]
    size: tuple[float, float]


def verdict(record: StudyRecord) -> VerdictPicture:
    """Return the picture of how every optimizer of a study stands against the baseline."""
    strip = verdict_strip(record)
    wide = (WIDTH - 2 * EDGE) * 72
    said = wrap(study_sentence(record), wide, 10.5, most=4)
    footer = wrap(
        " · ".join([*strip_means(record, strip), *protocol_told(record), *doubts_told(record)]), wide, 8.0, most=5
    )
    head, foot = 1.05 + 0.22 * len(said), 0.75 + 0.145 * len(footer)
    return VerdictPicture(
        title=f"Against {strip.rows[0].short} on {record.course.title}",
        sentence=tuple(said),
        strip=strip,
        box=strip.box(foot),
        footer=tuple(footer),
        size=(WIDTH, head + strip.height + foot),
    )


def verdict_strip(record: StudyRecord) -> VerdictStrip:
    """Return the strip: the baseline first, then the others in the order as typed."""
    judgement, styles = record.judgement, study_styles(record)
    scale = judgement.scale
    others = [entry for entry in judgement.entries if entry.name != judgement.baseline]
    axis = _axis(scale, [entry.comparison for entry in others if _is_drawn(entry)])
    base = judgement.entry(judgement.baseline)
    rows = [_row(record, base, styles[base.name], axis)]
    rows += [_row(record, entry, styles[entry.name], axis) for entry in others]
    drawn = any(map(_is_drawn, others))  # a band without anything to be seen against it says nothing
    margin = scale.margin if drawn and scale.margin is not None and scale.margin <= axis.high - axis.low else None
    widths = [text_size(row.short + (f"{MARKED} " if row.tied else ""), NAME)[0] for row in rows]
    widths += [text_size(row.about, SMALL)[0] * 0.9 for row in rows]  # not bold
    names_width = max(widths) / 72 + 0.13
    lane = (WIDTH - 2 * EDGE - WORDS_ROOM - names_width) * 72
    rows = [replace(row, reason="\n".join(wrap(row.reason, lane, SMALL, most=3))) for row in rows]
    return VerdictStrip(
        rows=tuple(rows),
        axis=axis,
        axis_title=_axis_title(record),
        margin=margin,
        margin_told="" if judgement.margin is None else f"±{judgement.margin}".replace("±a ", "a "),
        better="right" if scale.higher_is_better else "left",
        names_width=names_width,
    )


def strip_means(record: StudyRecord, strip: VerdictStrip) -> list[str]:
    """Return what the marks of a strip mean, as parts of a footer."""
    parts = []
    if any(row.interval is not None for row in strip.rows):
        what = "ratio of geometric means" if record.judgement.scale.logarithmic else "mean difference"
        parts.append(f"dot and line: {what} and its 95 % interval over seeds, unadjusted")
        parts.append("better and worse: Holm p ≤ 0.05")
    if any(row.more for row in strip.rows):
        parts.append("seeds to decide: for 80 % power at the strictest of Holm's levels, 0.05 over all comparisons")
    if strip.margin is not None:
        parts.append(f"grey band: differences that do not matter, {strip.margin_told}")
    if record.judgement.tied_best:
        parts.append(f"{MARKED} {marked_means(record)}")
    return parts


def _row(record: StudyRecord, entry: Entry, style: Style, axis: Axis) -> VerdictRow:
    rate = rate_of(record, entry.name)
    result = result_text(record.yardstick, entry)
    parts = ["" if rate is None or "lr" in entry.name else f"lr {number(rate)}", result]
    parts += lost_counts(entry)
    about = " · ".join(part for part in parts if part)
    name, tied = entry.name, entry.name in record.judgement.tied_best
    if entry.verdict is None or entry.comparison is None:
        return VerdictRow(name, style, about, tied, "baseline", effect=0.0 if entry.estimate.n else None)
    word, comparison = entry.verdict.word, entry.comparison
    if not _is_drawn(entry):
        return VerdictRow(name, style, about, tied, word, reason=_reason(entry))
    assert comparison.difference is not None
    low, high = comparison.interval or (comparison.difference, comparison.difference)
    inside = axis.low <= comparison.difference <= axis.high
    return VerdictRow(
        name=name,
        style=style,
        about=about,
        tied=tied,
        word=word,
        effect=comparison.difference if inside else None,
        interval=None if comparison.interval is None else (max(low, axis.low), min(high, axis.high)),
        left=low < axis.low,
        right=high > axis.high,
        change=_change(record.judgement.scale, comparison),
        more=_more(entry),
    )


def _is_drawn(entry: Entry) -> bool:
    """Say whether there is an effect to draw: not among those that cannot be compared, nor by ranks."""
    comparable = entry.verdict is not None and not entry.verdict.reasons
    return comparable and entry.comparison is not None and entry.comparison.difference is not None


def _reason(entry: Entry) -> str:
    """Say why a row has no interval."""
    if entry.verdict is not None and entry.verdict.reasons:
        return "; ".join(entry.verdict.reasons)
    return "no difference to be had"


def _change(scale: Scale, comparison: Comparison) -> str:
    """Return the difference with its interval; factors beyond measure in powers of ten."""
    assert comparison.difference is not None
    numbers = (comparison.difference, *(comparison.interval or ()))
    if scale.logarithmic and max(map(abs, numbers)) > math.log(1e4):
        first, *bounds = (number(math.exp(min(one, 700.0)), 3) for one in numbers)
        return f"×{first}" + (f" [{', '.join(bounds)}]" if bounds else "")
    return scale.change(*numbers)


def _more(entry: Entry) -> str:
    needed = entry.verdict.seeds_needed if entry.verdict is not None else None
    if needed is None or entry.comparison is None or needed.seeds <= entry.comparison.n or needed.seeds >= 100_000:
        return ""
    return f"about {needed.seeds:,} seeds to decide"


def _axis(scale: Scale, comparisons: Sequence[Comparison | None]) -> Axis:
    """Return the axis: 0, the margin and the intervals, without those that would press all others together."""
    known = [one for one in comparisons if one is not None and one.difference is not None]
    spans = [one.interval or (one.difference or 0.0, one.difference or 0.0) for one in known]
    reach = np.array([max(abs(low), abs(high)) for low, high in spans])
    usual = CROWDED * max(float(np.median(reach)), scale.margin or 0.0) if len(reach) else np.inf
    kept = [span for span, far in zip(spans, reach, strict=True) if far <= usual]
    margin = scale.margin or 0.0
    ends = [0.0, *(end for span in kept for end in span)]
    # A margin far wider than all effects is not the scale of the picture: it is drawn as far as it reaches.
    widest = max(map(abs, ends))
    ends += [-margin, margin] if margin and (margin <= CROWDED * widest or not widest) else []
    low, high = min(ends), max(ends)
    room = 0.08 * (high - low) or 1.0
    return _ticked(scale, low - room, high + room)


def _ticked(scale: Scale, low: float, high: float) -> Axis:
    """Return an axis on the judge's scale with its ticks at round numbers of the units that readers know."""
    if scale.unit == "factor" or (scale.logarithmic and (high > math.log(2) or low < math.log(0.5))):
        places = _factors(low, high)
        return Axis(low, high, tuple(map(math.log, places)), tuple(f"×{_factor(p)}" for p in places), log=False)
    if scale.logarithmic:
        ticks = _round(100 * math.expm1(low), 100 * math.expm1(high))
        places = [math.log1p(tick / 100) for tick in ticks]
        return Axis(low, high, tuple(places), tuple(f"{_signed(tick)} %" for tick in ticks), log=False)
    unit = 100.0 if scale.unit == "points" else 1.0
    ticks = _round(unit * low, unit * high)
    return Axis(low, high, tuple(tick / unit for tick in ticks), tuple(map(_signed, ticks)), log=False)


def _round(low: float, high: float, most: int = 7) -> list[float]:
    raw = (high - low) / most
    unit = 10.0 ** math.floor(math.log10(raw))
    stride = next(unit * k for k in (1, 2, 5, 10) if unit * k >= raw * 0.999)
    return [k * stride for k in range(math.ceil(low / stride - 1e-9), math.floor(high / stride + 1e-9) + 1)]


def _factors(low: float, high: float) -> list[float]:
    """Return at most nine factors to mark, 1 among them, for logarithms of ratios from ``low`` to ``high``."""
    decades = (high - low) / math.log(10)
    if decades < 3:
        steps = (1.0, 2.0, 5.0) if decades > 0.7 else (1.0, 1.2, 1.5, 2.0, 3.0, 5.0, 7.0)
        every = [k * 10.0**p for p in range(math.floor(low / 2.3) - 1, math.ceil(high / 2.3) + 1) for k in steps]
        return [one for one in every if low <= math.log(one) <= high]
    stride = max(1, math.ceil(decades / 7))
    first, last = math.ceil(low / math.log(10) - 1e-9), math.floor(high / math.log(10) + 1e-9)
    return [10.0**p for p in range(first, last + 1) if p % stride == 0]


def _factor(place: float) -> str:
    exponent = round(math.log10(place))
    return power(exponent) if not 1e-3 <= place <= 1e3 else number(place, 2)


def _signed(tick: float) -> str:
    return ("+" if tick > 0 else "") + number(tick, 4)


def _axis_title(record: StudyRecord) -> str:
    scale, words = record.judgement.scale, title_of(record.yardstick, record.yardstick.final)
    what = f"{words} against {shortened(record.judgement.baseline, LONGEST)}"
    return f"{what}, in points" if scale.unit == "points" else what

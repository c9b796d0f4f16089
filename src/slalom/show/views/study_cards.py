"""The numbers of a study's card: verdicts on top, learning rates and training curves below."""

from __future__ import annotations

from dataclasses import dataclass

from slalom.show.views.curves import Panel
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.seeds import interval_means
from slalom.show.views.sensitivities import Sensitivity
from slalom.show.views.study_curves import curves_margin, study_curves
from slalom.show.views.study_records import StudyRecord, doubts_told, protocol_told
from slalom.show.views.study_sensitivities import (
    STRIP_ROW,
    names_width,
    placed,
    sensitivity_lines,
    sensitivity_means,
)
from slalom.show.views.study_sentences import study_sentence
from slalom.show.views.verdict_strips import VerdictStrip, strip_means, verdict_strip
from slalom.show.views.words import count, wrap

TALL = 2.3
"""Inches of the curves over learning rates."""
BETWEEN = 0.9
"""Inches from the strip's lanes down to the panels: ticks, what they count, and the panels' titles."""
APART = 0.5
"""Inches from the curves over learning rates down to their strip: ticks and a title."""


@dataclass(frozen=True)
class StudyCard:
    """Everything that the card of a study shows. ``sensitivity`` is None where no learning rate was tuned."""

    title: str
    sentence: tuple[str, ...]
    strip: VerdictStrip
    strip_box: Box
    sensitivity: Sensitivity | None
    curves: Panel
    curves_box: Box
    footer: tuple[str, ...]
    size: tuple[float, float]


def study_card(record: StudyRecord) -> StudyCard:
    """Return the card of a study: who wins, how sure that is, which learning rates work, how training went."""
    strip, lines = verdict_strip(record), sensitivity_lines(record)
    wide = (WIDTH - 2 * EDGE) * 72
    said = wrap(study_sentence(record), wide, 10.5, most=3)
    means = [*strip_means(record, strip), *(sensitivity_means(record, lines) if lines else [])]
    seeds = interval_means(len(record.seeds))
    means += [f"curves of training: {seeds}"] if seeds else []
    footer = wrap(" · ".join([*doubts_told(record), *protocol_told(record), *means]), wide, 8.0, most=6)
    head, foot = 1.05 + 0.22 * len(said), 0.62 + 0.145 * len(footer)
    stretch = 0.12 + STRIP_ROW * len(lines) if lines else 0.0
    lower = TALL + (APART + stretch if lines else 0.4)
    half = (WIDTH - 2 * EDGE) / 2
    left = EDGE + (half + 0.5 if lines else 0.5)
    curves_box = Box(left, foot, WIDTH - EDGE - left - curves_margin(record), lower)
    sensitivity = None
    if lines:
        at = EDGE + names_width(lines)
        width = EDGE + half - 0.25 - at
        sensitivity = placed(record, lines, Box(at, foot + lower - TALL, width, TALL), Box(at, foot, width, stretch))
    return StudyCard(
        title=f"{count(len(record.names), 'optimizer').capitalize()} on {record.course.title}",
        sentence=tuple(said),
        strip=strip,
        strip_box=strip.box(foot + lower + BETWEEN),
        sensitivity=sensitivity,
        curves=study_curves(record, curves_box),
        curves_box=curves_box,
        footer=tuple(footer),
        size=(WIDTH, head + strip.height + BETWEEN + lower + foot),
    )

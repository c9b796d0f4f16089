"""The verdict strip: effects against the baseline, their intervals, and the word for each."""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slalom.show import canvas
from slalom.show.views.layouts import Box
from slalom.show.views.styles import ink
from slalom.show.views.verdict_strips import MARKED, NAME, SMALL, VerdictPicture, VerdictRow, VerdictStrip

BAND = "#E8EAEE"
WORDS = {"better": "#00694D", "worse": "#A84300"}
"""The colours of the clear verdicts; the others are grey, and what was equal is as dark as the text."""


def verdict(view: VerdictPicture) -> Figure:
    """Draw the verdict strip as a picture of its own."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        verdict_strip(figure, view.strip, view.box)
        canvas.footer(figure, view.footer)
    return figure


def verdict_strip(figure: Figure, view: VerdictStrip, box: Box) -> None:
    """Draw a strip where it stands on a figure."""
    target = canvas.axes(figure, box)
    canvas.scale(target, view.axis)
    target.set_ylim(len(view.rows) - 0.5, -0.5)
    target.set_yticks([])
    target.spines["left"].set_visible(False)
    target.set_xlabel(view.axis_title, fontsize=8.5, color=canvas.QUIET, labelpad=2)
    if view.margin is not None:
        edges = max(-view.margin, view.axis.low), min(view.margin, view.axis.high)
        target.axvspan(*edges, color=BAND, linewidth=0, zorder=0)
    target.axvline(0.0, color=canvas.QUIET, linewidth=1.0, zorder=1)
    _sides(target, view.better)
    for place, row in enumerate(view.rows):
        _effect(target, view, place, row)
        _words(target, place, row)


def _sides(target: Axes, better: str) -> None:
    """Write which side is better."""
    words = {"left": "← better", "right": "worse →"} if better == "left" else {"left": "← worse", "right": "better →"}
    for x, side in ((0, "left"), (1, "right")):
        where: dict[str, Any] = {"textcoords": "offset points", "xycoords": "axes fraction", "ha": side, "va": "bottom"}
        target.annotate(words[side], (x, 1), (0, 3), fontsize=SMALL, color=canvas.QUIET, **where)


def _effect(target: Axes, view: VerdictStrip, place: int, row: VerdictRow) -> None:
    """Draw the interval as a bar, the effect as a dot on it; arrows where it goes on beyond the axis."""
    colour = row.style.colour
    if row.interval is not None:
        target.plot(row.interval, [place, place], color=colour, linewidth=2.4, solid_capstyle="butt", zorder=3)
        for cut, end, marker in ((row.left, view.axis.low, "<"), (row.right, view.axis.high, ">")):
            if cut:
                target.plot(end, place, marker, color=colour, markersize=8, clip_on=False, zorder=4)
            else:
                edge = row.interval[0 if marker == "<" else 1]
                target.plot([edge, edge], [place - 0.13, place + 0.13], color=colour, linewidth=1.6, zorder=3)
    if row.effect is not None:
        hollow = row.word == "baseline"
        dot: dict[str, Any] = {"markerfacecolor": "white" if hollow else colour, "markeredgewidth": 1.6}
        target.plot(
            row.effect, place, "o", markersize=8, markeredgecolor=colour if hollow else "white", **dot, zorder=5
        )
    if row.reason:
        across: dict[str, Any] = {"transform": target.get_yaxis_transform(), "ha": "left", "va": "center"}
        target.text(0.01, place, row.reason, fontsize=SMALL, color=canvas.QUIET, style="italic", wrap=False, **across)


def _words(target: Axes, place: int, row: VerdictRow) -> None:
    """Write name and result at the left, the verdict and its numbers at the right."""
    across = target.get_yaxis_transform()
    name = f"{MARKED} {row.short}" if row.tied else row.short
    left: dict[str, Any] = {"transform": across, "ha": "right", "va": "center"}
    target.text(-0.02, place - 0.15, name, fontsize=NAME, fontweight="bold", color=ink(row.style.colour), **left)
    target.text(-0.02, place + 0.22, row.about, fontsize=SMALL, color=canvas.QUIET, **left)
    right: dict[str, Any] = {"transform": across, "ha": "left", "va": "center"}
    down = 0.15 if row.change else 0.0
    colour = WORDS.get(
        row.word, canvas.QUIET if row.word in ("baseline", "inconclusive", "not comparable") else canvas.INK
    )
    word = target.text(1.025, place - down, row.word, fontsize=NAME, fontweight="bold", color=colour, **right)
    if row.word == "baseline":
        word.set_fontweight("normal")
    if row.more:
        aside: dict[str, Any] = {"textcoords": "offset points", "xycoords": word, "va": "center", "fontsize": SMALL}
        target.annotate(row.more, (1, 0.5), (5, 0), color=canvas.QUIET, **aside)
    if row.change:
        target.text(1.025, place + 0.22, row.change, fontsize=SMALL, color=canvas.QUIET, **right)

"""Final results: every seed a dot."""

from __future__ import annotations

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slalom.show import canvas
from slalom.show.views.final_results import FinalResults, ResultRow
from slalom.show.views.styles import ink, tint

LANE = "#F3F4F6"


def final_results(view: FinalResults) -> Figure:
    """Draw the final results."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        target = canvas.axes(figure, view.box)
        canvas.scale(target, view.axis)
        target.set_ylim(len(view.rows) - 0.5, -0.5)
        target.set_yticks([])
        target.spines["left"].set_visible(False)
        target.set_xlabel(view.axis_title, fontsize=8.5, color=canvas.QUIET, labelpad=2)
        target.grid(axis="x", color="#E4E6EA", linewidth=0.7, zorder=0)
        target.set_axisbelow(True)
        for place, row in enumerate(view.rows):
            _row(target, view, place, row)
        _headings(target, view.heading)
        canvas.footer(figure, view.footer)
    return figure


def _row(target: Axes, view: FinalResults, place: int, row: ResultRow) -> None:
    colour = row.style.colour
    if row.best:
        target.axhspan(place - 0.46, place + 0.46, color=LANE, linewidth=0, zorder=0)
    if row.interval is not None:
        target.plot(
            row.interval, [place, place], color=colour, linewidth=7, alpha=0.25, solid_capstyle="butt", zorder=2
        )
    dots = {"color": tint(colour, 0.15), "markeredgecolor": "white", "markeredgewidth": 0.6, "markersize": 6.0}
    target.plot(row.dots[:, 0], place + 0.3 * row.dots[:, 1], "o", zorder=4, clip_on=False, **dots)  # type: ignore[arg-type]
    if row.middle is not None:
        bar = {"linewidth": 2.6, "solid_capstyle": "butt", "zorder": 5}
        target.plot([row.middle] * 2, [place - 0.34, place + 0.34], color=colour, **bar)  # type: ignore[arg-type]
    if row.lost:
        if row.gone:
            cross = {"markersize": 8, "markeredgewidth": 2, "clip_on": False, "zorder": 6}
            target.plot(view.worst_at, place, "x", color=colour, **cross)  # type: ignore[arg-type]
        left = view.worst_at == view.axis.low
        where = {"textcoords": "offset points", "va": "center", "ha": "left" if left else "right", "zorder": 7}
        note = {"fontsize": 8, "color": ink(colour), "path_effects": canvas.halo()}
        target.annotate(row.lost, (view.worst_at, place), (9 if left else -9, 0), **where, **note)  # type: ignore[arg-type]
    _words(target, place, row)


def _words(target: Axes, place: int, row: ResultRow) -> None:
    """Write the name on the left, middle and interval on the right."""
    across = target.get_yaxis_transform()
    name = {"fontsize": 9.5, "fontweight": "bold", "color": ink(row.style.colour), "ha": "right"}
    up = -0.13 if row.rate else 0.0
    target.text(-0.015, place + up, row.name, transform=across, va="center", **name)  # type: ignore[arg-type]
    if row.rate:
        target.text(
            -0.015, place + 0.24, row.rate, transform=across, va="center", ha="right", fontsize=7.5, color=canvas.QUIET
        )
    weight = "bold" if row.best else "normal"
    words = {"textcoords": "offset points", "xycoords": across, "va": "center", "fontsize": 9, "annotation_clip": False}
    target.annotate(row.text, (1, place), (62, 0), ha="right", color=canvas.INK, fontweight=weight, **words)  # type: ignore[arg-type]
    target.annotate(row.told, (1, place), (72, 0), ha="left", color=canvas.QUIET, **(words | {"fontsize": 8}))  # type: ignore[arg-type]


def _headings(target: Axes, middle: str) -> None:
    heads = {"textcoords": "offset points", "xycoords": "axes fraction", "fontsize": 8, "color": canvas.QUIET}
    target.annotate(middle, (1, 1), (62, 5), ha="right", va="bottom", **heads)  # type: ignore[arg-type]
    target.annotate("interval", (1, 1), (72, 5), ha="left", va="bottom", **heads)  # type: ignore[arg-type]

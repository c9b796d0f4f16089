"""The sensitivity curve, and the strip of usable learning rates below it."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slalom.show import canvas
from slalom.show.views.frames import Axis
from slalom.show.views.layouts import Box
from slalom.show.views.sensitivities import FLOOR, Sensitivity, SensitivityLine
from slalom.show.views.styles import ink

ZONE = "#E6E6E6"
LOST = "#CFCFCF"
"""Where most runs diverge."""
MARKERS = "os^DvPX*"
"""Of points that no line joins, optimizer by optimizer: shapes double the colours."""
ROOM = 68
"""The words at a bar take so many points."""


def sensitivity(view: Sensitivity) -> Figure:
    """Draw sensitivity curves."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        sensitivity_panel(figure, view)
        canvas.footer(figure, view.footer)
    return figure


def sensitivity_panel(figure: Figure, view: Sensitivity) -> None:
    """Draw curves and strip where the view places them on a figure."""
    curves = canvas.axes(figure, view.curves_box)
    canvas.scale(curves, view.x, view.y)
    curves.set_title(view.y_title, loc="left", fontsize=9, color=canvas.QUIET, pad=5)
    if view.good is not None:
        _bound(curves, view.good, view.good_means)
    if len(view.lines) == 1:
        _zone(curves, view.lines[0], view.x.high)
    for order, line in enumerate(view.lines):
        _curve(curves, line, MARKERS[order % len(MARKERS)])
        _divergence(curves, line, order, view.higher_is_better)
        if view.y.log and view.y.low <= FLOOR * 1.01:
            curves.plot(line.zeros, np.full(len(line.zeros), view.y.low), "v", color=line.style.colour, clip_on=False)
    for line in view.lines:
        canvas.name(curves, line.label, ink(line.style.colour), 9.0)
    if view.strip_box is not None:
        _strip(figure, view, view.strip_box)
    else:
        curves.set_xlabel("learning rate", fontsize=8.5, color=canvas.QUIET, labelpad=1.5)


def _bound(target: Axes, value: float, meaning: str) -> None:
    """Draw the line below which a result is good, and what it means."""
    target.axhline(value, color=canvas.FAINT, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
    place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    text = {"color": canvas.QUIET, "fontsize": 8, "path_effects": canvas.halo(), "zorder": 6}
    target.annotate(meaning, (0, value), (5, 3), **place, **text)  # type: ignore[arg-type]


def _zone(target: Axes, line: SensitivityLine, end: float) -> None:
    """Shade where most runs diverge."""
    if line.diverges_from is not None:
        target.axvspan(line.diverges_from, end, color=ZONE, linewidth=0, zorder=0)
        where = {"transform": target.get_xaxis_transform(), "ha": "left", "va": "top", "fontsize": 8.5}
        target.text(line.diverges_from * 1.05, 0.97, "most diverge", color=canvas.QUIET, **where)  # type: ignore[arg-type]


def _divergence(target: Axes, line: SensitivityLine, row: int, higher_is_better: bool) -> None:
    """Draw where most runs diverge, at the worse edge of the axes, each optimizer in a row of its own."""
    if not len(line.lost):
        return
    place = 0.02 + 0.035 * row if higher_is_better else 0.98 - 0.035 * row
    options: dict[str, Any] = {"color": line.style.colour, "transform": target.get_xaxis_transform(), "zorder": 5}
    crosses = line.lost if len(line.dots) or not len(line.rates) else line.lost[:1]
    if line.diverges_from is not None and len(line.rates):
        crosses = np.array([line.diverges_from])
    target.plot(crosses, np.full(len(crosses), place), "x", markersize=6, markeredgewidth=1.6, **options)
    if len(line.rates):
        stretch = np.where(np.isin(line.rates, line.lost), place, np.nan)
        target.plot(line.rates, stretch, linewidth=1.4, alpha=0.6, **options)


def _curve(target: Axes, line: SensitivityLine, marker: str) -> None:
    colour = line.style.colour
    if len(line.dots):
        x, y = line.dots.T
        loose = {"markeredgecolor": "white", "markeredgewidth": 0.5, "markersize": 5, "alpha": 0.55, "zorder": 3}
        target.plot(x, y, marker, color=colour, **loose)  # type: ignore[arg-type]
    target.fill_between(line.rates, line.low, line.high, color=colour, alpha=0.14, linewidth=0, zorder=2)
    target.add_line(Line2D(line.rates, line.middle, zorder=4, **canvas.stroke(line.style, 1.8)))
    for x, y in line.open_ends:
        target.plot(x, y, "|", color=colour, markersize=11, markeredgewidth=1.6, clip_on=False, zorder=4)
    if len(line.finalists):
        ring = {"color": "white", "markeredgecolor": colour, "markeredgewidth": 1.1, "markersize": 5.5, "zorder": 4.5}
        target.plot(*line.finalists.T, "D", linestyle="none", **ring)  # type: ignore[arg-type]
    if line.default is not None:
        target.plot(
            *line.default,
            "o",
            clip_on=False,
            markersize=7.5,
            color="white",
            markeredgecolor=colour,
            markeredgewidth=1.8,
            zorder=5,
        )
    if line.best is not None:
        target.plot(
            *line.best,
            marker if len(line.dots) else "o",
            clip_on=False,
            markersize=7.5,
            color=colour,
            markeredgecolor="white",
            markeredgewidth=0.8,
            zorder=6,
        )


def _words_at(line: SensitivityLine, x: Axis, reach: float) -> tuple[float, bool]:
    """Return beside which learning rate a bar's words stand, and whether before it; they reach so many times as far.

    It is the first place without a dot, the divergence or the axis's end: before the bar, behind it, before the dots at
    its left; where there is none, behind it all the same.
    """
    low, high = line.usable or (line.rates[0], line.rates[-1])
    marks = [at[0] for at in (line.best, line.default) if at is not None]
    marks += [] if line.diverges_from is None else [line.diverges_from]
    for at, before in ((low, True), (high, False), (min([low, *marks]), True)):
        foot, top = (at / reach, at) if before else (at, at * reach)
        if x.low <= foot and top <= x.high and not any(foot < mark < top for mark in marks):
            return float(at), before
    return float(high), False


def _bar(target: Axes, row: int, line: SensitivityLine, x: Axis, reach: float) -> None:
    """Draw the usable stretch, and its width where there is room beside it."""
    colour = line.style.colour
    target.plot(line.usable, [row, row], color=colour, linewidth=6, alpha=0.4, solid_capstyle="butt")  # type: ignore[arg-type]
    at, before = _words_at(line, x, reach)
    target.annotate(
        f"{line.decades:.1f} decades",
        (at, row),
        (-7 if before else 7, 0),
        textcoords="offset points",
        va="center",
        ha="right" if before else "left",
        fontsize=8.5,
        color=colour,
        path_effects=canvas.halo(),
        zorder=7,
    )


def _strip(figure: Figure, view: Sensitivity, box: Box) -> None:
    """Draw each optimizer's usable stretch as a bar, with its width in decades."""
    target = canvas.axes(figure, box)
    canvas.scale(target, view.x)
    target.set_ylim(len(view.lines) - 0.4, -1.0)
    target.set_yticks([])
    target.spines["left"].set_visible(False)
    target.set_title(view.strip_title, loc="left", fontsize=9, color=canvas.QUIET, pad=-2)
    target.set_xlabel("learning rate", fontsize=8.5, color=canvas.QUIET, labelpad=1.5)
    reach = (view.x.high / view.x.low) ** (ROOM / (72 * box.width))  # as many times lower, or higher, words go
    for row, line in enumerate(view.lines):
        colour = line.style.colour
        if not len(line.rates):
            continue
        target.plot([line.rates[0], line.diverges_from or line.rates[-1]], [row, row], color=ZONE, linewidth=1.2)
        name = {"fontsize": 9, "color": ink(colour), "fontweight": "bold", "va": "center"}
        target.text(-0.008, row, line.short, transform=target.get_yaxis_transform(), ha="right", **name)  # type: ignore[arg-type]
        if line.usable is not None:
            _bar(target, row, line, view.x, reach)
        if line.default is not None:
            target.plot(
                line.default[0],
                row,
                "o",
                clip_on=False,
                markersize=6,
                color="white",
                markeredgecolor=colour,
                markeredgewidth=1.6,
            )
        if line.best is not None:
            target.plot(line.best[0], row, "o", clip_on=False, markersize=6, color=colour)
        if line.diverges_from is not None:
            lost = [line.diverges_from, line.rates[-1]]
            target.plot(lost, [row, row], color=LOST, linewidth=6, solid_capstyle="butt", zorder=1)
            target.plot(line.diverges_from, row, "x", markersize=6, color=colour, markeredgewidth=1.6)

"""The sensitivity curve, and the strip of usable learning rates below it."""

from __future__ import annotations

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slalom.show import canvas
from slalom.show.views.sensitivities import Sensitivity, SensitivityLine
from slalom.show.views.styles import ink

ZONE = "#E6E6E6"
LOST = "#CFCFCF"
"""Where most runs diverge."""
ROOM = 15
"""The words at a bar cover learning rates down to so many times lower."""


def sensitivity(view: Sensitivity) -> Figure:
    """Draw sensitivity curves."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        curves = canvas.axes(figure, view.curves_box)
        canvas.scale(curves, view.x, view.y)
        curves.set_title(view.y_title, loc="left", fontsize=9, color=canvas.QUIET, pad=5)
        if view.good is not None:
            _bound(curves, view.good, view.good_means)
        if len(view.lines) == 1:
            _zone(curves, view.lines[0], view.x.high)
        for line in view.lines:
            _curve(curves, line)
        for line in view.lines:
            canvas.name(curves, line.label, ink(line.style.colour), 9.0)
        _strip(figure, view)
        canvas.footer(figure, view.footer)
    return figure


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


def _curve(target: Axes, line: SensitivityLine) -> None:
    colour = line.style.colour
    target.fill_between(line.rates, line.low, line.high, color=colour, alpha=0.14, linewidth=0, zorder=2)
    target.add_line(Line2D(line.rates, line.middle, zorder=4, **canvas.stroke(line.style, 1.8)))
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
            "o",
            clip_on=False,
            markersize=7.5,
            color=colour,
            markeredgecolor="white",
            markeredgewidth=0.8,
            zorder=6,
        )


def _strip(figure: Figure, view: Sensitivity) -> None:
    """Draw each optimizer's usable stretch as a bar, with its width in decades."""
    target = canvas.axes(figure, view.strip_box)
    canvas.scale(target, view.x)
    target.set_ylim(len(view.lines) - 0.4, -1.0)
    target.set_yticks([])
    target.spines["left"].set_visible(False)
    target.set_title(view.strip_title, loc="left", fontsize=9, color=canvas.QUIET, pad=-2)
    target.set_xlabel("learning rate", fontsize=8.5, color=canvas.QUIET, labelpad=1.5)
    for row, line in enumerate(view.lines):
        colour = line.style.colour
        target.plot([line.rates[0], line.diverges_from or line.rates[-1]], [row, row], color=ZONE, linewidth=1.2)
        name = {"fontsize": 9, "color": ink(colour), "fontweight": "bold", "va": "center"}
        target.text(-0.008, row, line.name, transform=target.get_yaxis_transform(), ha="right", **name)  # type: ignore[arg-type]
        if line.usable is not None:
            low, high = line.usable
            target.plot([low, high], [row, row], color=colour, linewidth=6, alpha=0.4, solid_capstyle="butt")
            # Before the bar, unless the default's dot lies there; behind it the divergence begins.
            dotted = line.default is not None and low / ROOM < line.default[0] < low
            before = low > view.x.low * 10 and not dotted
            target.annotate(
                f"{line.decades:.1f} decades",
                (low if before else high, row),
                (-7 if before else 7, 0),
                textcoords="offset points",
                va="center",
                ha="right" if before else "left",
                fontsize=8.5,
                color=colour,
                path_effects=canvas.halo(),
                zorder=7,
            )
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

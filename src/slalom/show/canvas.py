"""What every drawing needs: a figure on its canvas, a map, curves, labels, and the way into a file.

Only matplotlib's objects are used, never its global state.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from slalom.show.views.curves import CurveLine, Panel
from slalom.show.views.frames import Axis, Frame, Terrain
from slalom.show.views.labels import Label, leader_of
from slalom.show.views.layouts import Box
from slalom.show.views.lines import Exit, within_reach
from slalom.show.views.maps import Map, PathLine
from slalom.show.views.styles import Style, ink

DPI = 140
INK, QUIET, FAINT, CONTOUR = "#1A1A1A", "#666666", "#9A9A9A", "#B9BEC6"
PAPER = "#FFFFFF"
GROUND = LinearSegmentedColormap.from_list("ground", ["#FFFFFF", "#F8F9FA", "#EDF0F4"])
RC: dict[Any, Any] = {
    "font.family": "sans-serif",
    "text.parse_math": False,  # a $ in a name is a $
    "font.sans-serif": ["DejaVu Sans"],
    "svg.hashsalt": "slalom",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "path.simplify": True,
    "path.simplify_threshold": 0.15,
}


def figure(width: float, height: float, dpi: int = DPI) -> Figure:
    """Return an empty white figure of that size in inches, with its own canvas."""
    result = Figure(figsize=(width, height), dpi=dpi, facecolor=PAPER)
    FigureCanvasAgg(result)
    return result


def axes(owner: Figure, box: Box, **options: Any) -> Axes:
    width, height = owner.get_size_inches()
    result = owner.add_axes(box.within(width, height), **options)
    for side in ("top", "right"):
        result.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        result.spines[side].set(color=FAINT, linewidth=0.8)
    result.tick_params(labelsize=8.5, colors=QUIET, length=3, width=0.8, pad=2.5)
    return result


def halo(width: float = 2.5) -> list[Any]:
    return [withStroke(linewidth=width, foreground="white", alpha=0.9)]


def scale(target: Axes, x: Axis | None = None, y: Axis | None = None) -> None:
    """Set limits, scales and ticks. The labels are plain text: no picture waits for a mathematics typesetter."""
    for axis, name in ((x, "x"), (y, "y")):
        if axis is None:
            continue
        if axis.log:
            getattr(target, f"set_{name}scale")("log")
            getattr(target, f"{name}axis").set_minor_locator(matplotlib.ticker.NullLocator())
        getattr(target, f"set_{name}lim")(axis.low, axis.high)
        getattr(target, f"set_{name}ticks")(axis.ticks, labels=axis.labels)


def ground(target: Axes, terrain: Terrain, shade: bool = True) -> None:
    """Draw the near-white shade and the thin grey contours; both become pixels in SVG and PDF."""
    extent = (terrain.x[0], terrain.x[-1], terrain.y[0], terrain.y[-1])
    if shade:
        target.imshow(
            terrain.height,
            extent=extent,
            origin="lower",
            cmap=GROUND,
            vmin=0,
            vmax=1,
            aspect="auto",
            zorder=0,
        )
    lines = target.contour(
        terrain.x, terrain.y, terrain.gap, levels=terrain.levels, colors=CONTOUR, linewidths=0.55, zorder=1
    )
    lines.set_rasterized(True)


def window(target: Axes, frame: Frame, equal: bool = True) -> None:
    target.set_xlim(frame.left, frame.right)
    target.set_ylim(frame.bottom, frame.top)
    if equal:
        target.set_aspect("equal", adjustable="box")
    for axis in (target.xaxis, target.yaxis):
        axis.set_major_locator(matplotlib.ticker.MaxNLocator(6, steps=[1, 2, 5, 10]))


def stroke(style: Style, width: float) -> dict[str, Any]:
    """Return the line properties of a style."""
    dashes = (0, style.dashes) if style.dashes else "solid"
    return {"color": style.colour, "linestyle": dashes, "linewidth": width, "solid_joinstyle": "round"}


def landscape(target: Axes, view: Map, faded: float = 1.0) -> None:
    """Draw a map: ground, paths with their dots, starts, minima and names. ``faded`` paths wait for runners."""
    if view.terrain is not None:
        ground(target, view.terrain, shade=faded == 1.0)
    if view.profile is not None:
        target.add_line(Line2D(view.profile[:, 0], view.profile[:, 1], color=FAINT, linewidth=1.2, zorder=1))
    for line in view.lines:
        for path in line.faint:
            target.add_line(
                Line2D(path[:, 0], path[:, 1], color=line.style.colour, alpha=0.22, linewidth=0.7, zorder=2)
            )
    for order, line in enumerate(view.lines):
        path_line(target, line, 3 + 0.01 * order, faded=faded)
    markers(target, view.starts, view.minima)
    window(target, view.frame, equal=view.terrain is not None)
    for line in view.lines:
        name(target, line.label, ink(line.style.colour), 9.5)
    name(target, view.start_label, QUIET, 8.5, weight="normal")
    target.set_title(view.title, loc="left", fontsize=9, color=QUIET, pad=5)


def path_line(target: Axes, line: PathLine, order: float, width: float = 1.7, faded: float = 1.0) -> None:
    """Draw a path with its dots, its end or the arrow of its leaving; a faded one is the line alone."""
    x, y = line.path.T
    target.add_line(Line2D(x, y, zorder=order, alpha=faded, **stroke(line.style, width)))
    if faded < 1.0:
        return
    if len(line.dots):
        target.add_line(
            Line2D(
                line.dots[:, 0],
                line.dots[:, 1],
                linestyle="none",
                marker="o",
                markersize=3.6,
                markerfacecolor=line.style.colour,
                markeredgecolor="white",
                markeredgewidth=0.5,
                zorder=order + 1,
            )
        )
    if line.end is not None:
        target.plot(*line.end, "x", color=line.style.colour, markersize=6, markeredgewidth=1.6, zorder=order + 2)
    if line.exit is not None:
        departure(target, line.exit, line.style.colour)


def departure(target: Axes, exit: Exit, colour: str) -> None:
    """Draw the arrow at the frame's edge of a runner that left for good."""
    dx, dy = exit.direction
    arrow: dict[str, Any] = {
        "arrowstyle": "-|>",
        "color": colour,
        "linewidth": 1.8,
        "mutation_scale": 13,
        "shrinkB": 0,
    }
    target.annotate("", exit.point, (-dx * 16, -dy * 16), textcoords="offset points", arrowprops=arrow, zorder=9)


def markers(target: Axes, starts: np.ndarray, minima: np.ndarray, small: bool = False) -> None:
    """Draw the starts as hollow rings and the minima as stars."""
    size = 4.5 if small or len(starts) > 4 else 8.0
    ring: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": INK, "markeredgewidth": 1.3}
    if len(starts) > 40:  # a crowd of rings would hide the paths
        size, ring = 2.0, {"markerfacecolor": QUIET, "markeredgecolor": "none"}
    if len(starts):
        shown = starts[:: max(1, len(starts) // 200)]
        target.add_line(
            Line2D(shown[:, 0], shown[:, 1], linestyle="none", marker="o", markersize=size, zorder=6, **ring)
        )
    if len(minima):
        star: dict[str, Any] = {"markerfacecolor": "#FFD84D", "markeredgecolor": INK, "markeredgewidth": 0.9}
        target.add_line(
            Line2D(
                minima[:, 0],
                minima[:, 1],
                linestyle="none",
                marker="*",
                markersize=8 if small else 13,
                zorder=7,
                **star,
            )
        )


def name(target: Axes, label: Label | None, colour: str, size: float, weight: str = "bold") -> None:
    """Write a label where its view placed it, with a thin line to what it names if that is some way off."""
    if label is None:
        return
    width, height = (target.bbox.width * 72 / target.figure.dpi, target.bbox.height * 72 / target.figure.dpi)
    x, y = label.x / width, label.y / height
    beyond = label.anchor[0] >= width  # names at the ends of curves stand flush, outside the axes
    if label.leader:
        at, to = leader_of(label.anchor, label.box)
        if beyond:
            to = label.x - label.width / 2 - 1, label.y
        ends = np.array([at, to]) / (width, height)
        line = Line2D(*ends.T, color=colour, linewidth=0.7, transform=target.transAxes, zorder=7.5)
        target.add_line(line)
        line.set_clip_on(not beyond)
    target.text(
        (label.x - label.width / 2) / width if beyond else x,
        y,
        label.text,
        transform=target.transAxes,
        ha="left" if beyond else "center",
        va="center",
        color=colour,
        fontsize=size,
        fontweight=weight,
        path_effects=halo(),
        zorder=8,
    )


def panel(target: Axes, view: Panel, width: float = 1.5, faded: float = 1.0) -> None:
    """Draw curves on their axes."""
    scale(target, view.x, view.y)
    if view.rule is not None:
        value, meaning = view.rule
        target.axhline(value, color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        target.annotate(
            meaning,
            (0, value),
            (5, 3),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            color=QUIET,
            fontsize=8,
            path_effects=halo(),
            zorder=6,
        )
    for order, (value, meaning) in enumerate(view.marks):
        target.axvline(value, color=FAINT, linewidth=0.8, linestyle=(0, (2, 2)), zorder=1)
        _mark(target, view.x, value, meaning, order)
    for line in view.behind:
        curve(target, line, view.y, 0.55 * width, 2.5, faded=0.5)
    for order, line in enumerate(view.curves):
        curve(target, line, view.y, width, 3 + 0.01 * order, faded)
    for line in view.behind:
        name(target, line.label, ink(line.style.colour), 8.5, weight="normal")
    for line in view.curves:
        name(target, line.label, ink(line.style.colour), 8.5)
    target.set_title(view.title, loc="left", fontsize=9, color=QUIET, pad=5)
    if view.x_title:
        target.set_xlabel(view.x_title, fontsize=8.5, color=QUIET, labelpad=1.5)


def _mark(target: Axes, x: Axis, value: float, meaning: str, order: int) -> None:
    """Write what a vertical mark means: the first near its foot, to its left; a later one at its head, to its right.

    So neither stands across the other's line. Where there is no room on that side, the other is taken.
    """
    place = float(x.place(np.array(value)))
    left = place > 0.75 if order else place > 0.3
    target.annotate(
        meaning,
        (value, 1 if order else 0),
        (-4 if left else 4, -11 if order else 4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="right" if left else "left",
        color=QUIET,
        fontsize=8,
        path_effects=halo(),
        zorder=6,
    )


def curve(target: Axes, line: CurveLine, y: Axis, width: float, order: float, faded: float = 1.0) -> None:
    if line.band is not None:
        steps, *ends = line.band
        low, high = (within_reach(end, y) for end in ends)
        target.fill_between(steps, low, high, color=line.style.colour, alpha=0.13, linewidth=0, zorder=2)
    values = within_reach(line.values, y)
    target.add_line(Line2D(line.steps, values, zorder=order, alpha=faded, **stroke(line.style, width)))
    if y.log and line.zero_from is not None:
        foot = {"color": line.style.colour, "markersize": 6, "markeredgewidth": 0, "clip_on": False}
        target.plot(line.zero_from, y.low, "v", zorder=order + 2, **foot)  # type: ignore[arg-type]
    if line.gone is not None:
        cross = {"color": line.style.colour, "markersize": 6, "markeredgewidth": 1.6, "clip_on": False}
        target.plot(*line.gone, "x", zorder=order + 2, **cross)  # type: ignore[arg-type]


def header(owner: Figure, title: str, sentence: Iterable[str], left: float = 0.5) -> None:
    """Write the title and the sentence at the top of a card."""
    width, height = owner.get_size_inches()
    owner.text(left / width, 1 - 0.44 / height, title, fontsize=16, fontweight="bold", color=INK)
    text = "\n".join(sentence)
    owner.text(left / width, 1 - 0.60 / height, text, fontsize=10.5, color=INK, va="top", linespacing=1.35)


def footer(owner: Figure, lines: Sequence[str], left: float = 0.5) -> None:
    width, height = owner.get_size_inches()
    text = "\n".join(lines)
    owner.text(left / width, 0.16 / height, text, fontsize=8, color=QUIET, va="bottom", linespacing=1.3)


METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": "slalom"},
    "svg": {"Date": None, "Creator": "slalom"},
    "pdf": {"CreationDate": None, "Creator": "slalom", "Producer": None},
}
"""What each format is marked with; dates are left out, so that the same picture gives the same bytes."""


def write(picture: Figure, target: str | Path | IO[bytes], form: str | None = None) -> None:
    """Write a figure as png, svg or pdf. The same figure gives the same bytes: no dates, no random names.

    ``target`` is a path (its ending names the format) or a file open for bytes (then ``form`` must).
    """
    if form is None:
        if not isinstance(target, str | Path):
            raise TypeError("a file object needs `form`: png, svg or pdf")
        form = Path(target).suffix.lstrip(".").lower()
    metadata = METADATA[form]
    options: dict[str, Any] = {"pil_kwargs": {"compress_level": 4}} if form == "png" else {}
    with matplotlib.rc_context(RC):
        picture.savefig(target, format=form, metadata=metadata, **options)


def png(picture: Figure) -> bytes:
    """Return a figure as the bytes of a PNG: what a notebook shows."""
    stream = io.BytesIO()
    write(picture, stream, "png")
    return stream.getvalue()

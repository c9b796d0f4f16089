"""The basin map with its fan, and the fan alone."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slalom.show import canvas
from slalom.show.views.basins import Basin, Basins, Fan
from slalom.show.views.layouts import Box
from slalom.show.views.styles import ink


def basin_map(view: Basins) -> Figure:
    """Draw the basin maps of a sweep over starting points, each with its fan beside it."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        for basin in view.maps:
            _basin(figure, view, basin)
        for one in view.fans:
            if one.box is not None:
                _fan(canvas.axes(figure, one.box), one, named=False)
        canvas.footer(figure, view.footer)
    return figure


def fan(views: Sequence[Fan]) -> Figure:
    """Draw the fans of a race from scattered starts, or with several seeds: up to three in a row."""
    columns = min(len(views), 3)
    rows = -(-len(views) // columns)
    side = min(9.0 / columns - 0.45, 4.6)
    width, height = 10.0, rows * (side + 0.7) + 0.4
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(width, height)
        for index, one in enumerate(views):
            left = 0.6 + index % columns * (side + 0.45)
            box = Box(left, height - 0.45 - side - index // columns * (side + 0.7), side, side)
            _fan(canvas.axes(figure, box), one, named=True)
    return figure


def _basin(figure: Figure, view: Basins, basin: Basin) -> None:
    target = canvas.axes(figure, basin.box)
    target.imshow(basin.pixels, extent=view.extent, origin="lower", aspect="equal", interpolation="nearest", zorder=0)
    ground = view.terrain
    levels = ground.levels[::2]
    lines = target.contour(
        ground.x, ground.y, ground.gap, levels=levels, colors="white", linewidths=0.5, alpha=0.5, zorder=1
    )
    lines.set_rasterized(True)
    canvas.markers(target, view.minima[:0], view.minima, small=len(view.maps) > 1)
    target.set(xlim=view.extent[:2], ylim=view.extent[2:])
    for axis in (target.xaxis, target.yaxis):
        axis.set_major_locator(matplotlib.ticker.MaxNLocator(4, steps=[1, 2, 5, 10]))
    _caption(target, basin.name, basin.caption, basin.style.colour)


def _caption(target: Axes, name: str, caption: str, colour: str) -> None:
    """Write the optimizer's name above a panel, and what became of its runs beside it."""
    place = {"xycoords": "axes fraction", "textcoords": "offset points", "va": "bottom"}
    target.annotate(name, (0, 1), (0, 16), color=ink(colour), fontsize=10, fontweight="bold", **place)  # type: ignore[arg-type]
    target.annotate(caption, (0, 1), (0, 4), color=canvas.QUIET, fontsize=8.5, **place)  # type: ignore[arg-type]


def _fan(target: Axes, view: Fan, named: bool) -> None:
    canvas.ground(target, view.terrain)
    for path in view.paths:
        x, y = path.T
        target.add_line(Line2D(x, y, color=view.style.colour, linewidth=0.8, alpha=0.25, zorder=3))
    x, y = view.median.T
    target.add_line(Line2D(x, y, zorder=4, color="white", linewidth=4.2))
    target.add_line(Line2D(x, y, zorder=5, **canvas.stroke(view.style, 2.3)))
    canvas.markers(target, view.start, view.minima)
    canvas.window(target, view.frame)
    for axis in (target.xaxis, target.yaxis):
        axis.set_major_locator(matplotlib.ticker.MaxNLocator(4, steps=[1, 2, 5, 10]))
    _caption(target, view.name if named else "", view.caption, view.style.colour)

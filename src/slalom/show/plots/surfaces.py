"""The surface: in three dimensions, and as filled contours beside it."""

from __future__ import annotations

from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slalom.show import canvas
from slalom.show.views.layouts import Box
from slalom.show.views.styles import ink
from slalom.show.views.surfaces import Surface

DEPTH = LinearSegmentedColormap.from_list("depth", ["#5B8DB8", "#8FB6D3", "#BFD7E6", "#E2ECF1", "#F4F0E6", "#EBDDC3"])
SIZE = (10.0, 5.7)


def surface(view: Surface) -> Figure:
    """Draw a surface and its filled contours."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*SIZE)
        canvas.header(figure, view.title, [view.sentence])
        _solid(figure, view)
        _filled(figure, view)
    return figure


def _solid(figure: Figure, view: Surface) -> None:
    """Draw the function in three dimensions."""
    box = Box(0.1, 0.42, 5.3, 4.7).within(*SIZE)
    # mplot3d has no types of its own
    target: Any = figure.add_axes(box, projection="3d", computed_zorder=False)
    x, y = np.meshgrid(view.x, view.y)
    colours = _lit(view)
    shown = target.plot_surface(
        x,
        y,
        view.height,
        facecolors=colours,
        rstride=1,
        cstride=1,
        linewidth=0.15,
        edgecolor="#FFFFFF60",
        antialiased=True,
        shade=False,
        zorder=1,
    )
    shown.set_rasterized(True)
    for path in view.paths:
        a, b, c = path.raised.T
        target.plot(a, b, c, color="white", linewidth=3.2, zorder=4)
        target.plot(a, b, c, zorder=5, **canvas.stroke(path.style, 1.8))
    if len(view.minima):
        target.plot(
            view.minima[:, 0],
            view.minima[:, 1],
            0.02,
            "*",
            color="#FFD84D",
            markeredgecolor="black",
            markersize=12,
            zorder=6,
        )
    target.view_init(elev=34, azim=-58)
    target.set_box_aspect((1, 1, 0.62), zoom=1.06)
    target.set_zticks([])
    for axis in (target.xaxis, target.yaxis, target.zaxis):
        axis.set_pane_color((1, 1, 1, 0))
        axis.line.set_color(canvas.FAINT)
        axis._axinfo["grid"].update(color="#E4E7EB", linewidth=0.6)
    for axis in (target.xaxis, target.yaxis):
        axis.set_major_locator(matplotlib.ticker.MaxNLocator(5, steps=[1, 2, 5, 10]))
    target.tick_params(labelsize=8, colors=canvas.QUIET, pad=-1)


def _filled(figure: Figure, view: Surface) -> None:
    """Draw the same as filled contours."""
    target = canvas.axes(figure, Box(5.85, 0.8, 3.8, 3.8))
    ground = view.terrain
    filled = target.contourf(
        ground.x, ground.y, ground.height, levels=np.linspace(0, 1, 15), cmap=DEPTH, zorder=0, extend="both"
    )
    filled.set_rasterized(True)
    lines = target.contour(
        ground.x,
        ground.y,
        ground.gap,
        levels=ground.levels,
        colors="#5F7C94",
        linewidths=0.4,
        alpha=0.7,
        zorder=1,
    )
    lines.set_rasterized(True)
    for path in view.paths:
        x, y = path.flat.T
        target.add_line(Line2D(x, y, color="white", linewidth=3.2, zorder=4))
        target.add_line(Line2D(x, y, zorder=5, **canvas.stroke(path.style, 1.8)))
    canvas.markers(target, view.starts, view.minima)
    canvas.window(target, view.frame)
    target.set_title("the same from above", loc="left", fontsize=9, color=canvas.QUIET, pad=5)
    for index, path in enumerate(view.paths[:12]):
        x, y = 0.055 + (index % 8) * 0.115, 0.028 - index // 8 * 0.03
        figure.text(x, y, path.name, color=ink(path.style.colour), fontsize=9, fontweight="bold")


def _lit(view: Surface) -> np.ndarray:
    """Return the colour of each facet: by height, and a little darker where the slope faces away from the light."""
    colours = DEPTH(view.terrain.height[::3, ::3])
    down, across = np.gradient(view.height, 1 / len(view.y), 1 / len(view.x))
    light = np.array([-0.5, 0.6, 1.0]) / np.linalg.norm([-0.5, 0.6, 1.0])
    facing = (light[2] - light[0] * across - light[1] * down) / np.sqrt(1 + across**2 + down**2)
    colours[..., :3] *= np.clip(0.80 + 0.24 * facing, 0.0, 1.0)[..., None]
    return np.asarray(np.clip(colours, 0, 1))

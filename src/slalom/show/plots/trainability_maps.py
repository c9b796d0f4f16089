"""The trainability map."""

from __future__ import annotations

import matplotlib
import numpy as np
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from slalom.show import canvas
from slalom.show.views.trainability_maps import Trainability

COLOURS = "plasma_r"
"""Perceptually uniform; its dark end is blue, so that black can only mean diverged; white is a network that failed."""


def trainability(view: Trainability) -> Figure:
    """Draw a trainability map. Its pixels stay pixels in every format."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        target = canvas.axes(figure, view.box)
        colours = matplotlib.colormaps[COLOURS].with_extremes(bad="black")
        norm = LogNorm(view.colours.low, view.colours.high)
        target.imshow(
            np.ma.masked_invalid(view.loss),
            extent=view.extent,
            origin="lower",
            aspect="auto",
            interpolation="nearest",
            cmap=colours,
            norm=norm,
            zorder=1,
        )
        if view.failed.any():
            blank = matplotlib.colors.ListedColormap(["white"])
            target.imshow(
                np.ma.masked_equal(view.failed, False),
                extent=view.extent,
                origin="lower",
                aspect="auto",
                interpolation="nearest",
                cmap=blank,
                zorder=2,
            )
        canvas.scale(target, view.x, view.y)
        target.set_xlabel(view.x_title, fontsize=9.5, color=canvas.INK, labelpad=3)
        target.set_ylabel(view.y_title, fontsize=9.5, color=canvas.INK, labelpad=4)
        if view.best is not None:
            _best(target, view)
        _bar(figure, view, colours)
        canvas.footer(figure, view.footer)
    return figure


def _best(target: matplotlib.axes.Axes, view: Trainability) -> None:
    """Mark the best network, its words on the side where there is room."""
    assert view.best is not None
    x, y = view.best
    star = {"markersize": 13, "color": "white", "markeredgecolor": canvas.INK, "markeredgewidth": 1.0}
    target.plot(x, y, "*", zorder=5, clip_on=False, **star)  # type: ignore[arg-type]
    left = float(view.x.place(np.array(x))) > 0.6
    where = {"textcoords": "offset points", "va": "center", "ha": "right" if left else "left"}
    text = {"fontsize": 9, "fontweight": "bold", "color": canvas.INK, "path_effects": canvas.halo(3), "zorder": 6}
    target.annotate(view.best_text, (x, y), (-10 if left else 10, 0), **where, **text)  # type: ignore[arg-type]


def _bar(figure: Figure, view: Trainability, colours: matplotlib.colors.Colormap) -> None:
    """Draw the bar of colours, low loss at the top, where good is."""
    bar = canvas.axes(figure, view.bar_box)
    levels = np.geomspace(view.colours.low, view.colours.high, 256)
    bar.pcolormesh(
        [0, 1],
        np.geomspace(view.colours.low, view.colours.high, 257),
        levels[:, None],
        cmap=colours,
        norm=LogNorm(view.colours.low, view.colours.high),
        rasterized=True,
    )
    canvas.scale(bar, y=view.colours)
    bar.invert_yaxis()
    bar.set_xticks([])
    bar.yaxis.tick_right()
    for side in bar.spines.values():
        side.set_visible(False)
    bar.set_title("good", fontsize=8.5, color=canvas.QUIET, pad=4)
    if (np.isnan(view.loss) & ~view.failed).any():
        box, (width, height) = view.bar_box, figure.get_size_inches()
        swatch = Rectangle((box.left / width, (box.bottom - 0.3) / height), box.width / width, 0.2 / height)
        swatch.set(facecolor="black", transform=figure.transFigure)
        figure.add_artist(swatch)
        at = (box.left + box.width + 0.07) / width, (box.bottom - 0.2) / height
        figure.text(*at, "diverged", fontsize=8.5, color=canvas.QUIET, va="center")
    bar.set_ylabel(view.colour_title, fontsize=9, color=canvas.QUIET, labelpad=5)
    bar.yaxis.set_label_position("right")

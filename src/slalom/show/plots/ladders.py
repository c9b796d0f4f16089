"""The learning-rate ladder."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slalom.show import canvas
from slalom.show.views.ladders import Ladder, LadderRow, Tile
from slalom.show.views.styles import ink

PALE = {"diverges": "#FBE3DF"}
WORDS = {
    "settles": "#00734F",
    "leaves again": "#B35900",
    "bounces": "#B35900",
    "creeps": "#666666",
    "fails": "#666666",
}


def ladder(view: Ladder) -> Figure:
    """Draw a learning-rate ladder."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        width, height = view.size
        for heading, tile in zip(view.headings, view.rows[0].tiles, strict=True):
            x, y = (tile.box.left + tile.box.width / 2) / width, (tile.box.top + 0.08) / height
            figure.text(x, y, heading, fontsize=10, color=canvas.QUIET, ha="center", va="bottom")
        for row in view.rows:
            box = row.tiles[0].box
            y = (box.bottom + box.height / 2) / height
            name = {"fontsize": 10, "fontweight": "bold", "color": ink(row.style.colour), "va": "center"}
            figure.text(0.5 / width, y, row.name, **name)  # type: ignore[arg-type]
            for tile in row.tiles:
                _tile(figure, view, row, tile)
        canvas.footer(figure, view.footer)
    return figure


def _tile(figure: Figure, view: Ladder, row: LadderRow, tile: Tile) -> None:
    target = canvas.axes(figure, tile.box)
    lost = tile.kind == "diverges"
    target.set_facecolor(PALE.get(tile.kind, "#FFFFFF"))
    ground = view.terrain
    levels = ground.levels[::2]
    lines = target.contour(ground.x, ground.y, ground.gap, levels=levels, colors="#D3D7DD", linewidths=0.45)
    lines.set_rasterized(True)
    x, y = tile.path.T
    target.add_line(Line2D(x, y, zorder=3, **canvas.stroke(row.style, 1.3)))
    if len(tile.dots):
        x, y = tile.dots.T
        target.add_line(Line2D(x, y, linestyle="none", marker=".", markersize=3, color=row.style.colour, zorder=4))
    if tile.exit is not None:
        canvas.departure(target, tile.exit, row.style.colour)
    canvas.markers(target, view.start, view.minima, small=True)
    canvas.window(target, view.frame)
    target.set_xticks([])
    target.set_yticks([])
    for spine in target.spines.values():
        spine.set(visible=True, color="#D5D8DD", linewidth=0.7)
    edge = {"transform": target.transAxes, "fontsize": 8, "path_effects": canvas.halo(2.0), "zorder": 9}
    target.text(0.03, 0.96, tile.rate, color=canvas.QUIET, va="top", **edge)  # type: ignore[arg-type]
    colour = "#B22A1B" if lost else canvas.INK
    target.text(0.97, 0.05, tile.result, color=colour, ha="right", **edge)  # type: ignore[arg-type]
    if not lost:
        target.text(0.03, 0.05, tile.kind, color=WORDS[tile.kind], **edge)  # type: ignore[arg-type]

"""The small table of a card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slalom.show import canvas
from slalom.show.views.layouts import ROW, Box
from slalom.show.views.styles import ink
from slalom.show.views.tables import Row, Table


def table(figure: Figure, view: Table, box: Box, notes: Sequence[str]) -> None:
    """Draw a table as plain text: headings, one row per optimizer, and what the words mean."""
    width, height = figure.get_size_inches()
    top = box.top - 0.1

    def put(x: float, y: float, text: str, size: float, **options: Any) -> None:
        figure.text((box.left + x) / width, y / height, text, fontsize=size, va="center", **options)

    for column in view.columns:
        put(column.right, top, column.heading, 8.5, color=canvas.QUIET, ha="right")
    rule = Line2D(
        [box.left / width, (box.left + box.width) / width],
        [(top - 0.13) / height] * 2,
        color="#D5D8DD",
        linewidth=0.8,
        transform=figure.transFigure,
    )
    figure.add_artist(rule)
    for index, row in enumerate(view.rows):
        y = top - 0.28 - ROW * index
        _sample(figure, row, box.left / width, (box.left + 0.3) / width, y / height)
        put(0.38, y, row.name, 9.0, color=ink(row.style.colour), fontweight="bold")
        put(view.rate_at, y, row.rate, 8.0, color=canvas.QUIET)
        for place, (column, cell) in enumerate(zip(view.columns, row.cells, strict=True)):
            quiet = cell in ("–", "not yet")
            weight = "bold" if place in row.best else "normal"
            colour = canvas.QUIET if quiet else canvas.INK
            put(column.right, y, cell, 8.5, color=colour, ha="right", fontweight=weight)
    y = top - 0.28 - ROW * len(view.rows) - 0.02
    figure.text(box.left / width, y / height, "\n".join(notes), fontsize=8, color=canvas.QUIET, va="top")


def _sample(figure: Figure, row: Row, left: float, right: float, y: float) -> None:
    figure.add_artist(Line2D([left, right], [y, y], transform=figure.transFigure, **canvas.stroke(row.style, 2.0)))

"""The comparison card."""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from slalom.show import canvas
from slalom.show.views.comparisons import Comparison
from slalom.show.views.layouts import ROW
from slalom.show.views.styles import ink
from slalom.show.views.tables import Row


def comparison(view: Comparison) -> Figure:
    """Draw a comparison card."""
    with matplotlib.rc_context(canvas.RC):
        layout = view.layout
        figure = canvas.figure(layout.width, layout.height)
        canvas.header(figure, view.title, view.sentence)
        top = canvas.axes(figure, layout.map)
        if view.map is not None:
            canvas.landscape(top, view.map)
        elif view.distance is not None:
            canvas.panel(top, view.distance)
        curves = canvas.axes(figure, layout.loss)
        canvas.panel(curves, view.loss)
        curves.set_xlabel("step", fontsize=8.5, color=canvas.QUIET, labelpad=1.5)
        _table(figure, view)
        canvas.footer(figure, view.footer)
    return figure


def _table(figure: Figure, view: Comparison) -> None:
    """Draw the table as plain text: headings, one row per optimizer, and what the words mean."""
    width, height = figure.get_size_inches()
    box = view.layout.table
    top = box.top - 0.1

    def put(x: float, y: float, text: str, size: float, **options: Any) -> None:
        figure.text((box.left + x) / width, y / height, text, fontsize=size, va="center", **options)

    for column in view.table.columns:
        put(column.right, top, column.heading, 8.5, color=canvas.QUIET, ha="right")
    rule = Line2D(
        [box.left / width, (box.left + box.width) / width],
        [(top - 0.13) / height] * 2,
        color="#D5D8DD",
        linewidth=0.8,
        transform=figure.transFigure,
    )
    figure.add_artist(rule)
    for index, row in enumerate(view.table.rows):
        y = top - 0.28 - ROW * index
        _sample(figure, row, box.left / width, (box.left + 0.3) / width, y / height)
        put(0.38, y, row.name, 9.0, color=ink(row.style.colour), fontweight="bold")
        put(view.table.rate_at, y, row.rate, 8.0, color=canvas.QUIET)
        for column, cell in zip(view.table.columns, row.cells, strict=True):
            quiet = cell in ("–", "not yet")
            put(column.right, y, cell, 8.5, color=canvas.QUIET if quiet else canvas.INK, ha="right")
    y = top - 0.28 - ROW * len(view.table.rows) - 0.02
    figure.text(box.left / width, y / height, "\n".join(view.notes), fontsize=8, color=canvas.QUIET, va="top")


def _sample(figure: Figure, row: Row, left: float, right: float, y: float) -> None:
    figure.add_artist(Line2D([left, right], [y, y], transform=figure.transFigure, **canvas.stroke(row.style, 2.0)))

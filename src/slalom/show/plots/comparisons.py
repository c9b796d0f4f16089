"""The comparison card."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from slalom.show import canvas
from slalom.show.plots.tables import table
from slalom.show.views.comparisons import Comparison


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
        table(figure, view.table, layout.table, view.notes)
        canvas.footer(figure, view.footer)
    return figure

"""The training curves."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from slalom.show import canvas
from slalom.show.plots.tables import table
from slalom.show.views.training import TrainingCurves


def training_curves(view: TrainingCurves) -> Figure:
    """Draw the card of training curves."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        for panel, box in view.panels:
            canvas.panel(canvas.axes(figure, box), panel, width=1.8)
        table(figure, view.table, view.table_box, view.notes)
        canvas.footer(figure, view.footer)
    return figure

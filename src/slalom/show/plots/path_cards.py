"""The path card."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from slalom.show import canvas
from slalom.show.views.path_cards import PathCard


def path_card(view: PathCard) -> Figure:
    """Draw a path card."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        left, upper, lower = (canvas.axes(figure, box) for box in view.boxes)
        if view.map is not None:
            canvas.landscape(left, view.map)
        elif view.distance is not None:
            canvas.panel(left, view.distance)
        canvas.panel(upper, view.loss)
        canvas.panel(lower, view.step)
        lower.set_xlabel("step", fontsize=8.5, color=canvas.QUIET, labelpad=1.5)
        canvas.footer(figure, view.footer)
    return figure

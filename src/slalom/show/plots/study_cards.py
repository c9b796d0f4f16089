"""A study's card, and the curves over trials."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure

from slalom.show import canvas
from slalom.show.plots.sensitivities import sensitivity_panel
from slalom.show.plots.verdict_strips import verdict_strip
from slalom.show.views.study_cards import StudyCard
from slalom.show.views.study_curves import BudgetCurves


def study_card(view: StudyCard) -> Figure:
    """Draw the card of a study."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        verdict_strip(figure, view.strip, view.strip_box)
        if view.sensitivity is not None:
            sensitivity_panel(figure, view.sensitivity)
        canvas.panel(canvas.axes(figure, view.curves_box), view.curves, width=1.8)
        canvas.footer(figure, view.footer)
    return figure


def budget_curves(view: BudgetCurves) -> Figure:
    """Draw what tuning is worth, trial by trial."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        canvas.panel(canvas.axes(figure, view.box), view.panel, width=1.8)
        canvas.footer(figure, view.footer)
    return figure

"""Performance profiles, and the bars of rank probabilities."""

from __future__ import annotations

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from slalom.show import canvas
from slalom.show.views.profiles import NAME, ProfilesPicture, RankBar
from slalom.show.views.styles import ink, rgb, tint

PALEST = 0.88
"""How far the last rank's part of a bar is moved towards white."""


def profiles(view: ProfilesPicture) -> Figure:
    """Draw the picture of several courses together."""
    with matplotlib.rc_context(canvas.RC):
        figure = canvas.figure(*view.size)
        canvas.header(figure, view.title, view.sentence)
        canvas.panel(canvas.axes(figure, view.profiles_box), view.profiles, width=1.8)
        target = canvas.axes(figure, view.bars_box)
        target.set_xlim(0, 1)
        target.set_ylim(len(view.bars) - 0.5, -0.5)
        ticks = (0.0, 0.25, 0.5, 0.75, 1.0)
        target.set_xticks(ticks, labels=[f"{100 * tick:.0f} %" for tick in ticks])
        target.set_yticks([])
        target.spines["left"].set_visible(False)
        target.set_title(view.bars_title, loc="left", fontsize=9, color=canvas.QUIET, pad=5)
        for place, bar in enumerate(view.bars):
            _bar(target, place, bar)
        canvas.footer(figure, view.footer)
    return figure


def _bar(target: Axes, place: int, bar: RankBar) -> None:
    across = target.get_yaxis_transform()
    name = {"fontsize": NAME, "fontweight": "bold", "color": ink(bar.style.colour), "ha": "right", "va": "center"}
    target.text(-0.02, place, bar.short, transform=across, **name)  # type: ignore[arg-type]
    last = max(1, len(bar.shares) - 1)
    for rank, (start, share, text) in enumerate(zip(bar.starts, bar.shares, bar.texts, strict=True)):
        colour = tint(bar.style.colour, PALEST * rank / last)
        target.barh(place, share, left=start, height=0.7, color=colour, edgecolor="white", linewidth=1.0)
        dark = sum(rgb(colour)) < 1.5
        target.text(
            start + share / 2, place, text, ha="center", va="center", fontsize=8, color="white" if dark else canvas.INK
        )

"""The picture of several courses together: performance profiles, and how likely each optimizer is to rank where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from slalom.show.views.curves import CurveLine, Panel
from slalom.show.views.frames import Axis
from slalom.show.views.labels import at_ends, text_size
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.styles import Style, styles_for
from slalom.show.views.words import count, listing, short_names, wrap

if TYPE_CHECKING:
    from slalom.judge import Across

RATIOS = (1.0, 1.5, 2.0, 3.0, 4.0)
"""Ticks of the ratio to the best."""
LONGEST = 20
NAME = 9.0
ROW = 0.42
TALL = 3.0
"""Inches of the panels at least."""
LEGIBLE = 0.13
"""A probability is written into its part of a bar from here on."""


@dataclass(frozen=True)
class RankBar:
    """One optimizer's bar: the probability of each rank, best first, and where its parts begin; ``texts`` in them."""

    name: str
    style: Style
    starts: np.ndarray
    shares: np.ndarray
    texts: tuple[str, ...]
    mean_rank: float
    short: str  # the name as it is written beside a picture's bar


@dataclass(frozen=True)
class ProfilesPicture:
    """Profiles at the left, bars of the ranks at the right, the best mean rank on top."""

    title: str
    sentence: tuple[str, ...]
    profiles: Panel
    profiles_box: Box
    bars: tuple[RankBar, ...]
    bars_box: Box
    bars_title: str
    footer: tuple[str, ...]
    size: tuple[float, float]


def profiles(across: Across, families: Sequence[str], versions: Mapping[str, str]) -> ProfilesPicture:
    """Return the picture of what several courses say together.

    ``families`` are those of ``across.names``, for the colours.
    """
    styles = styles_for(families)
    bars = _bars(across, styles)
    names = short_names(across.names, LONGEST)
    room = (max(text_size(name, NAME)[0] for name in names) + 20) / 72
    tall = max(TALL, ROW * len(names))
    wide = (WIDTH - 2 * EDGE) * 72
    said = wrap(across.sentence, wide, 10.5, most=3)
    footer = wrap(" · ".join(_footer(across.tasks, versions)), wide, 8.0, most=4)
    head, foot = 1.1 + 0.22 * len(said), 0.75 + 0.145 * len(footer)
    half = (WIDTH - 2 * EDGE) / 2
    left = Box(EDGE + 0.5, foot, half - 0.5 - room - 0.1, tall)
    right = Box(EDGE + half + room + 0.15, foot, half - room - 0.25, tall)
    return ProfilesPicture(
        title=f"{count(len(names), 'optimizer').capitalize()} on {count(len(across.tasks), 'course')}",
        sentence=tuple(said),
        profiles=_panel(across, styles, (left.width * 72, left.height * 72)),
        profiles_box=left,
        bars=bars,
        bars_box=right,
        bars_title="chance of each rank: first dark, last pale",
        footer=tuple(footer),
        size=(WIDTH, head + tall + foot),
    )


def _panel(across: Across, styles: Sequence[Style], area: tuple[float, float]) -> Panel:
    """Return the share of the courses on which each is within a ratio of the best: steps, named at their ends."""
    ratios, shares, names = across.profiles.ratios, across.profiles.shares, across.names
    ticks = tuple(tick for tick in RATIOS if tick <= ratios[-1])
    x = Axis(float(ratios[0]), float(ratios[-1]), ticks, tuple(f"×{tick:g}" for tick in ticks), log=True)
    marks = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    y = Axis(-0.02, 1.03, marks, tuple(f"{mark:.0%}".replace("%", " %") for mark in marks), log=False)
    ends = [float(y.place(np.array(share[-1]))) * area[1] for share in shares]
    labels = at_ends(short_names(names, LONGEST), ends, area, NAME)
    curves = []
    for place, (name, style, label) in enumerate(zip(names, styles, labels, strict=True)):
        # Lines on one another are drawn a little apart, or the lower one would not be seen.
        apart = 0.004 * (place - (len(names) - 1) / 2)
        steps, values = np.repeat(ratios, 2)[1:], np.repeat(shares[place], 2)[:-1] + apart
        curves.append(CurveLine(name, style, steps, values, label=label))
    return Panel("share of courses with a cost within …", x, y, tuple(curves), x_title="… so many times the best's")


def _bars(across: Across, styles: Sequence[Style]) -> tuple[RankBar, ...]:
    ranks = np.arange(1, len(across.names) + 1)
    bars = []
    names = short_names(across.names, LONGEST)
    for name, short, style, shares in zip(across.names, names, styles, across.rank_probabilities, strict=True):
        starts = np.concatenate([[0.0], np.cumsum(shares)[:-1]])
        texts = tuple(f"{100 * share:.0f} %" if share >= LEGIBLE else "" for share in shares)
        bars.append(RankBar(name, style, starts, shares, texts, float(shares @ ranks), short))
    return tuple(sorted(bars, key=lambda bar: bar.mean_rank))


def _footer(courses: Sequence[str], versions: Mapping[str, str]) -> list[str]:
    told = [f"{name} {versions[name].partition('+')[0]}" for name in ("slalom", "torch") if name in versions]
    return [
        "cost: error rate for accuracies, else the loss above the minimum where that is known, or the loss",
        "ranks over seeds drawn anew, averaged over the courses; sorted by mean rank",
        f"courses: {listing(list(courses), 8)}",
        ", ".join(told),
    ]

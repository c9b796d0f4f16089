"""The sections of a page about several courses: profiles, chances of ranks, the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from slalom.show.report import curves, parts, strips
from slalom.show.report.document import Page
from slalom.show.report.elements import element
from slalom.show.report.facts import Facts
from slalom.show.report.parts import Section
from slalom.show.report.studies import HOW
from slalom.show.views import profiles
from slalom.show.views.study_records import StudyRecord

if TYPE_CHECKING:
    from slalom.judge import Across

COST = "Cost: the error rate for accuracies, else the loss, above the minimum where that is known."


def across_sections(page: Page, across: Across, records: Sequence[StudyRecord], facts: Facts) -> list[Section]:
    """Return what the courses say together."""
    by_name = dict(zip(records[0].names, records[0].optimizers, strict=True))
    view = profiles(across, [by_name[name].family for name in across.names], facts.versions or {})
    # The views draw lines that coincide a little apart; who reads numbers wants them as they are.
    exact = replace(
        view.profiles,
        curves=tuple(
            replace(curve, steps=np.repeat(across.profiles.ratios, 2)[1:], values=np.repeat(shares, 2)[:-1])
            for curve, shares in zip(view.profiles.curves, across.profiles.shares, strict=True)
        ),
    )
    drawn = curves.panel(exact, "ratio", percent=True)
    lines = page.chart("profiles-chart", drawn, "Performance profiles", f"{COST} {HOW}")
    bars = strips.ranks(view.bars, view.bars_title)
    chances = page.chart(
        "ranks-chart", bars, "Chance of each rank", "Over seeds drawn anew, averaged over the courses."
    )
    return [
        parts.section("profiles", "Across the courses", element("div", lines, chances, class_="pair")),
        parts.section("numbers", "Course by course", parts.table(facts.table, "Results on every course")),
    ]

"""The sections of a page about a race on a landscape: the viewer, and the curves."""

from __future__ import annotations

import base64

import numpy as np

from slalom.core import RaceRecord
from slalom.show.report import curves, parts
from slalom.show.report.document import Page
from slalom.show.report.parts import Section
from slalom.show.report.pieces import axis, ink, numbers, plain
from slalom.show.report.specs import (
    CurvesSpec,
    DialSpec,
    PanelSpec,
    RaceSpec,
    RunnerSpec,
    Series,
    TerrainSpec,
    TrailSpec,
)
from slalom.show.views.coincidences import united
from slalom.show.views.curves import Panel, distance_panel, loss_panel, step_panel
from slalom.show.views.frames import Terrain
from slalom.show.views.groups import Group
from slalom.show.views.moving import Dial, MovingRace, synchronised_race
from slalom.show.views.seeds import interval_means

FRAMES = 300
"""Pictures that the viewer can show."""
TRAIL = 1_200
"""Points of a path from which tails are cut."""
MOST_INSIDE = 20_000
"""Steps in all up to which a page shows the inside of the updates, for which everybody is run again."""
AREA = (576.0, 250.0)
"""Points of a panel: on a page its names stand elsewhere, so that only the thinning depends on it."""
READ = "Click a name to hide it, double-click for it alone."


def race_sections(page: Page, record: RaceRecord, field: list[Group], whole: int = 0) -> list[Section]:
    """Return the viewer, where there is a map, and the curves over the steps.

    ``whole`` is how many steps the runs have of which the page tells, where ``record`` holds only the first of them.
    """
    sections = []
    together = united(record, field)
    field = together.field
    same = "".join(f"{note}. " for note in together.notes)
    part = f"{same}The first {record.steps:,} of {whole:,} steps. " if whole > record.steps else same
    if record.course.dim <= 2 and record.steps > 0:
        view = synchronised_race(record, FRAMES, inside=record.steps * len(field) <= MOST_INSIDE)
        reads = "Ring: start; star: minimum; faint: the whole path, which leaves the picture where it is cut. "
        caption = part + reads + READ
        chart = page.chart("race-chart", viewer(view), f"The race: {view.title}", caption, "all")
        sections.append(parts.section("race", "Where they go", chart))
    panels = [loss_panel(record, field, AREA), step_panel(record, field)]
    if record.course.dim > 2:
        panels.insert(0, distance_panel(record, field, AREA))
    means = interval_means(max(len(group.runners) for group in field), "runs")
    drawn: CurvesSpec = {"kind": "curves", "panels": [_panel(one, k) for k, one in enumerate(panels)]}
    caption = f"{part}{f'Line and shade: {means}, over starts and seeds. ' if means else ''}{READ}"
    chart = page.chart("curves-chart", drawn, "Curves over the steps", caption, "all")
    return [*sections, parts.section("curves", "Loss and step length", chart)]


def _panel(view: Panel, k: int) -> PanelSpec:
    (found,) = curves.panel(view, "step")["panels"]
    found["key"], found["clocks"] = f"panel-{k}", [("step", "steps")]
    return found


def viewer(view: MovingRace) -> RaceSpec:
    """Return what the viewer shows: the terrain, whole paths, trails, heads at each picture, losses, insides."""
    frame = view.map.frame
    runners: list[RunnerSpec] = [
        {
            "name": line.name,
            "style": ink(line.style),
            "path": [numbers(line.path[:, 0]), numbers(line.path[:, 1])],
            "trail": _trail(trail, view.steps),
        }
        for line, trail in zip(view.map.lines, view.trails, strict=True)
    ]
    return {
        "kind": "race",
        "frame": numbers([frame.left, frame.right, frame.bottom, frame.top]),
        "terrain": None if view.map.terrain is None else _terrain(view.map.terrain),
        "profile": None if view.map.profile is None else [numbers(column) for column in view.map.profile.T],
        "starts": [numbers(spot) for spot in view.map.starts[:60]],
        "minima": [numbers(spot) for spot in view.map.minima[:60]],
        "runners": runners,
        "steps": [int(step) for step in view.steps],
        "clocks": [", ".join(view.clock(k)) for k in range(view.frames)],
        "perSecond": view.per_second,
        "heads": [[numbers(spot) for spot in heads] for heads in view.heads],
        "cursors": [[numbers(spot) for spot in spots] for spots in view.cursors],
        "loss": {
            "title": view.loss.title,
            "x": axis(view.loss.x),
            "y": axis(view.loss.y),
            "lines": [[numbers(curve.steps), numbers(curve.values)] for curve in view.loss.curves],
        },
        "dials": [_dial(dial) for dial in view.dials],
        "dialsMean": "Inside each update: downhill (grey), momentum (orange), the step (its colour), the root of the "
        "second moment (dashed). Directions are true, lengths compressed.",
    }


def _terrain(view: Terrain) -> TerrainSpec:
    """Return the heights, 0 to 1, as 16-bit numbers; where the landscape has no value it is as high as it gets."""
    heights = np.round(np.nan_to_num(view.height, nan=1.0) * 65535).astype("<u2")
    packed = base64.b64encode(heights.tobytes()).decode("ascii")
    return {"w": len(view.x), "h": len(view.y), "heights": packed, "levels": len(view.levels)}


def _trail(trail: np.ndarray, steps: np.ndarray) -> TrailSpec:
    """Return a path [N + 1, 2] at the steps shown and evenly between them."""
    last = len(trail) - 1
    at = np.unique(np.concatenate([steps, np.linspace(0, last, min(last + 1, TRAIL)).astype(int)]))
    return {"step": [int(step) for step in at], "x": numbers(trail[at, 0]), "y": numbers(trail[at, 1])}


def _dial(dial: Dial) -> DialSpec:
    def vectors(values: np.ndarray) -> list[Series]:
        return [[plain(round(float(x), 3)) for x in row] for row in values]

    return {
        "name": dial.name,
        "style": ink(dial.style),
        "downhill": vectors(dial.downhill),
        "momentum": None if dial.momentum is None else vectors(dial.momentum),
        "update": vectors(dial.update),
        "spread": None if dial.spread is None else vectors(dial.spread),
    }

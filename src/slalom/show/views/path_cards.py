"""The numbers of a path card: one path, its loss, the length of its steps."""

from __future__ import annotations

from dataclasses import dataclass, replace

from slalom.core import RaceRecord
from slalom.show.views import tables
from slalom.show.views.curves import Panel, distance_panel, loss_panel, step_panel
from slalom.show.views.groups import diverged, group_of
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.maps import Map, frame_for, map_of
from slalom.show.views.sentences import sentence_alone
from slalom.show.views.words import wrap

HEIGHT = 5.6
MAP = Box(EDGE + 0.05, 1.0, 5.25, 3.35)
LOSS = Box(WIDTH - EDGE - 2.95, 2.95, 2.95, 1.4)
STEP = Box(WIDTH - EDGE - 2.95, 1.0, 2.95, 1.4)


@dataclass(frozen=True)
class PathCard:
    """Everything that a path card shows: the map in the left 60 %, the curves stacked in the right 40 %."""

    title: str
    sentence: tuple[str, ...]
    map: Map | None  # None for three and more variables: then ``distance`` stands there
    distance: Panel | None
    loss: Panel
    step: Panel
    footer: tuple[str, ...]
    size: tuple[float, float] = (WIDTH, HEIGHT)
    boxes: tuple[Box, Box, Box] = (MAP, LOSS, STEP)


def path_card(record: RaceRecord, runner: int = 0) -> PathCard:
    """Return the path card of one runner of a race on a landscape."""
    group = group_of(record, runner)
    area = (MAP.width * 72, MAP.height * 72)
    view, distance = None, None
    if record.course.dim <= 2:
        frame = frame_for(record, [runner])
        if record.course.dim == 2:
            frame = frame.fit(MAP.width / MAP.height)
        view = map_of(record, [group], frame, area, until=record.steps)
    else:
        distance = distance_panel(record, [group], area)
    marks = _marks(record, runner)
    loss = loss_panel(record, [group], (LOSS.width * 72, LOSS.height * 72))
    wide = WIDTH * 72 - 2 * EDGE * 72
    said = tuple(wrap(sentence_alone(record, group), wide, 10.5))
    return PathCard(
        title=f"{group.name} on {record.course.title}",
        sentence=said,
        map=view,
        distance=distance,
        loss=replace(loss, marks=marks),
        step=replace(step_panel(record, [group]), marks=tuple((step, "") for step, _ in marks)),
        footer=tuple(wrap(tables.footer(record, [group]), wide, 8.0)),
        size=(WIDTH, HEIGHT + 0.22 * (len(said) - 1)),
    )


def _marks(record: RaceRecord, runner: int) -> tuple[tuple[float, str], ...]:
    """Return the moments worth a line in the curves: when a runner settles, leaves or diverges."""
    metrics, gone = record.metrics[runner], diverged(record, runner)
    marks = []
    if metrics.settles:
        marks.append((float(metrics.settles), f"settles at {metrics.settles:,}"))
    if metrics.leaves is not None and metrics.leaves.step > 1.3 * (metrics.settles or 1):
        marks.append((float(metrics.leaves.step), f"leaves at {metrics.leaves.step:,}"))
    if gone:
        marks.append((float(gone), f"diverges at {gone:,}"))
    return tuple(marks[:2])

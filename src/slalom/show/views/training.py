"""The numbers of the training curves: loss and accuracy of each optimizer, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from slalom.core import TrainingRecord
from slalom.show.views import training_tables
from slalom.show.views.coincidences import united_training
from slalom.show.views.curves import Panel
from slalom.show.views.groups import Group, training_groups
from slalom.show.views.layouts import EDGE, ROW, TABLE_HEAD, WIDTH, Box
from slalom.show.views.seeds import Measure, held_out, measure_of
from slalom.show.views.tables import Table
from slalom.show.views.training_panels import margin, measure_panel, rate_panel
from slalom.show.views.training_sentences import training_sentence
from slalom.show.views.words import count, wrap

TALL, SHORT, STRIP = 2.75, 0.95, 0.8
"""Heights in inches of a panel against epochs, one against seconds, and the strip of learning rates."""
APART = 0.62
"""Inches between rows of panels: ticks, what they count, and the next title."""
LEFT = 0.62
"""Inches left of a panel, for its ticks."""
LINE = 0.145
"""Inches of a line of small print."""
MOST = 4
"""Panels of a loop that yields many measures."""


@dataclass(frozen=True)
class TrainingCurves:
    """Everything that the card of training curves shows; ``panels`` with the boxes where they stand."""

    title: str
    sentence: tuple[str, ...]
    panels: tuple[tuple[Panel, Box], ...]
    table: Table
    table_box: Box
    notes: tuple[str, ...]
    footer: tuple[str, ...]
    size: tuple[float, float]


@dataclass(frozen=True)
class _Place:
    """What a panel shows, and its box with the top measured down from the top of the first row of panels."""

    measure: Measure | None  # None: the learning rate
    behind: Measure | None
    seconds: bool
    left: float
    down: float
    width: float
    height: float


def training_curves(record: TrainingRecord) -> TrainingCurves:
    """Return the training curves of a race on a task, or in a training loop of the caller's own.

    On a task: loss and first metric against epochs, with bands over the seeds, the same against seconds, and the
    learning rate where it changes. In a loop of the caller's own: a panel for each of up to four measures.
    """
    field = training_groups(record)
    drawn = united_training(record, field)
    places = _task(record, drawn.field) if record.training is not None else _loop(record, drawn.field)
    table = training_tables.table(record, field)
    wide = (WIDTH - 2 * EDGE) * 72
    said = wrap(training_sentence(record), wide, 10.5, most=3)
    notes = wrap(" · ".join([*drawn.notes, training_tables.notes(record, field)]), wide, 8.0, most=3)
    footer = wrap(training_tables.footer(record, field), wide, 8.0, most=3)
    head = 0.98 + 0.22 * len(said)
    panels_height = max(place.down + place.height for place in places)
    table_height = TABLE_HEAD + ROW * len(table.rows)
    foot = 0.4 + LINE * (len(notes) + len(footer))
    height = head + panels_height + 0.5 + table_height + foot
    top = height - head
    panels = []
    for place in places:
        box = Box(place.left, top - place.down - place.height, place.width, place.height)
        area = (box.width * 72, box.height * 72)
        if place.measure is None:
            panel = rate_panel(record, drawn.field, area)
        else:
            panel = measure_panel(record, drawn.field, place.measure, area, place.behind, place.seconds)
        if panel is not None:
            panels.append((panel, box))
    who = field[0].name if len(field) == 1 else count(len(field), "optimizer").capitalize()
    return TrainingCurves(
        title=f"{who} on {record.course.title}",
        sentence=tuple(said),
        panels=tuple(panels),
        table=table.stretched(WIDTH - 2 * EDGE),
        table_box=Box(EDGE, foot, WIDTH - 2 * EDGE, table_height),
        notes=tuple(notes),
        footer=tuple(footer),
        size=(WIDTH, height),
    )


def _task(record: TrainingRecord, field: list[Group]) -> list[_Place]:
    """Return the places of loss and metric against epochs, of both against seconds, and of the learning rate."""
    split, room = held_out(record), margin(field)
    width = (WIDTH - 2 * EDGE) / 2 - LEFT - room + 0.15
    loss, training = measure_of(record, split, "loss"), measure_of(record, "train", "loss")
    shown: list[tuple[Measure, Measure | None]] = [(loss, training if split != "train" else None)]
    if len(record.measures) > 1:
        name = record.measures[1]
        alone = len(field) == 1 and split != "train"  # among several, twice as many lines would hide one another
        shown.append((measure_of(record, split, name), measure_of(record, "train", name) if alone else None))
    columns = [EDGE + LEFT - 0.15 + k * (LEFT + width + room) for k in range(len(shown))]
    if len(shown) == 1:
        width = WIDTH - 2 * EDGE - LEFT - room + 0.15
    below = TALL + APART
    places = [_Place(*pair, False, left, 0.0, width, TALL) for pair, left in zip(shown, columns, strict=True)]
    places += [
        _Place(measure, None, True, left, below, width, SHORT)
        for (measure, _), left in zip(shown, columns, strict=True)
    ]
    if any(run.learning_rates is not None for run in record.runs):
        across = WIDTH - 2 * EDGE - LEFT - room + 0.15
        places.append(_Place(None, None, False, columns[0], below + SHORT + APART, across, STRIP))
    return places


def _loop(record: TrainingRecord, field: list[Group]) -> list[_Place]:
    """Return the places of a loop's measures, two beside each other."""
    measures = [measure_of(record, "", name) for name in list(record.measures)[:MOST]]
    room = margin(field) if len(field) > 1 else 0.2
    across = 1 if len(measures) == 1 else 2
    width = (WIDTH - 2 * EDGE) / across - LEFT - room + 0.15
    height = TALL if len(measures) <= 2 else 1.9
    return [
        _Place(
            measure,
            None,
            False,
            EDGE + LEFT - 0.15 + k % 2 * (LEFT + width + room),
            k // 2 * (height + APART),
            width,
            height,
        )
        for k, measure in enumerate(measures)
    ]

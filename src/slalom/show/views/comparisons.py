"""The numbers of the comparison card: paths overlaid, loss curves, a table and a sentence."""

from __future__ import annotations

from dataclasses import dataclass

from slalom.core import RaceRecord
from slalom.show.views import tables
from slalom.show.views.coincidences import united
from slalom.show.views.curves import Panel, distance_panel, loss_panel
from slalom.show.views.groups import Group, groups
from slalom.show.views.layouts import WIDTH, CardLayout, card_layout
from slalom.show.views.maps import Map, frame_for, map_of
from slalom.show.views.sentences import sentence
from slalom.show.views.tables import Table
from slalom.show.views.words import count, wrap


@dataclass(frozen=True)
class Comparison:
    """Everything that a comparison card shows."""

    title: str
    sentence: tuple[str, ...]
    layout: CardLayout
    map: Map | None  # None for three and more variables: then ``distance`` stands there
    distance: Panel | None
    loss: Panel
    table: Table
    notes: tuple[str, ...]
    footer: tuple[str, ...]


def comparison(record: RaceRecord) -> Comparison:
    """Return the comparison card of a race on a landscape."""
    field = groups(record)
    flat = record.course.dim <= 2
    frame = frame_for(record) if flat else None
    stretch = record.course.dim != 2
    table, drawn = tables.table(record, field), united(record, field)
    said = wrap(sentence(record), WIDTH * 72 - 72, 10.5)
    ratio = None if frame is None or stretch else frame.ratio
    layout = card_layout(ratio, len(table.rows), table.width, len(said))
    area = (layout.map.width * 72, layout.map.height * 72)
    if frame is not None and not stretch:
        frame = frame.fit(layout.map.width / layout.map.height)
    view = None if frame is None else map_of(record, drawn.field, frame, area)
    return Comparison(
        title=title(record, field),
        sentence=tuple(said),
        layout=layout,
        map=view,
        distance=None if flat else distance_panel(record, drawn.field, area),
        loss=loss_panel(record, drawn.field, (layout.loss.width * 72, layout.loss.height * 72)),
        table=table.stretched(layout.table.width),
        notes=tuple(tables.notes(record, layout.table.width * 72, drawn.notes)),
        footer=tuple(wrap(tables.footer(record, field), layout.width * 72 - 72, 8.0)),
    )


def title(record: RaceRecord, field: list[Group]) -> str:
    who = field[0].name if len(field) == 1 else count(len(field), "optimizer").capitalize()
    return f"{who} on {record.course.title}"

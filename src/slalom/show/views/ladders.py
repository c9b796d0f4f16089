"""The numbers of the learning-rate ladder: every optimizer at several learning rates, in tiles of one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slalom.core import InputError, RaceRecord
from slalom.show.views import tables
from slalom.show.views.frames import Frame, Terrain, terrain
from slalom.show.views.groups import diverged, failed
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.lines import Exit, dots, exit_of, outline
from slalom.show.views.maps import frame_for, minima_in
from slalom.show.views.styles import Style, styles_for
from slalom.show.views.words import COUNTS, capital, count, listing, number, short_names, wrap

FACTORS = (0.1, 0.3, 1.0, 3.0, 10.0)
NAMES = 1.05
"""Inches at the left for the optimizers' names."""
LONGEST = 12
"""Letters of a name that the room at the left holds."""
GAP = 0.1
FOOT = 0.6


@dataclass(frozen=True)
class Tile:
    """One run: its path [K, 2], its dots, and what is printed; ``kind`` says how it ended.

    ``kind`` is "settles", "bounces" (many turns, not settled), "creeps", "leaves again", "fails" or "diverges".
    """

    box: Box
    path: np.ndarray
    dots: np.ndarray
    exit: Exit | None
    rate: str
    result: str
    kind: str


@dataclass(frozen=True)
class LadderRow:
    name: str
    style: Style
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Ladder:
    """Rows of tiles with one ``frame``; ``headings`` are the factors at the top of the columns."""

    title: str
    sentence: tuple[str, ...]
    frame: Frame
    terrain: Terrain
    minima: np.ndarray
    start: np.ndarray
    headings: tuple[str, ...]
    rows: tuple[LadderRow, ...]
    footer: tuple[str, ...]
    size: tuple[float, float]


def ladder(
    races: Sequence[RaceRecord], factors: Sequence[float] = FACTORS, names: Sequence[str] | None = None
) -> Ladder:
    """Return the ladder of some optimizers on a plane: one race each, with one runner per factor, in that order.

    ``names`` are those of the optimizers, their short labels unless given.
    """
    columns, course = len(factors), races[0].course
    if course.dim != 2 or any(len(race.runners) != columns for race in races):
        raise InputError(f"A ladder needs a landscape of two variables and {columns} runners per optimizer.")
    base = _frame(races, factors)
    width = (WIDTH - 2 * EDGE - NAMES - GAP * (columns - 1)) / columns
    height = min(max(width / base.ratio, 0.95), 1.35)
    frame = base.fit(width / height)
    optimizers = [race.runners[0].optimizer for race in races]
    titles = short_names([optimizer.name for optimizer in optimizers] if names is None else names, LONGEST)
    styles = styles_for([optimizer.family for optimizer in optimizers])
    rows = []
    for row, race in enumerate(races):
        bottom = FOOT + (len(races) - 1 - row) * (height + GAP)
        boxes = [Box(EDGE + NAMES + k * (width + GAP), bottom, width, height) for k in range(columns)]
        tiles = tuple(_tile(race, k, frame, box) for k, box in enumerate(boxes))
        rows.append(LadderRow(titles[row], styles[row], tiles))
    wide = (WIDTH - 2 * EDGE) * 72
    what = "f" if races[0].minimum is None else "f* − f" if races[0].maximizes else "f − f*"
    note = f"dots every 10 steps · each tile prints its learning rate and {what} at the end · "
    return Ladder(
        title=f"Learning rates on {course.title}",
        sentence=tuple(wrap(_sentence(rows, factors), wide, 10.5)),
        frame=frame,
        terrain=terrain(course, frame, races[0].minimum, columns=110),
        minima=minima_in(course, frame),
        start=np.array([races[0].runners[0].start[:2]]),
        headings=tuple(f"×{number(factor)}" for factor in factors),
        rows=tuple(rows),
        footer=tuple(wrap(note + _shared(races[0]), wide, 8.0)),
        size=(WIDTH, 1.4 + len(races) * (height + GAP) + FOOT),
    )


def _frame(races: Sequence[RaceRecord], factors: Sequence[float]) -> Frame:
    """Return the frame around all runs at moderate rates: what a rate far too large does would shrink the rest."""
    calm = [k for k, factor in enumerate(factors) if factor <= 1.0] or [0]
    frames = [frame_for(race, calm) for race in races]
    return Frame(
        min(frame.left for frame in frames),
        max(frame.right for frame in frames),
        min(frame.bottom for frame in frames),
        max(frame.top for frame in frames),
    )


def _shared(record: RaceRecord) -> str:
    return tables.footer(record, []).removeprefix("learning rates in the table · ")


def _tile(record: RaceRecord, runner: int, frame: Frame, box: Box) -> Tile:
    path, metrics, gone = record.paths[runner], record.metrics[runner], diverged(record, runner)
    away = exit_of(path, frame)
    if away is not None:
        path = np.concatenate([path[: away.step], [away.point]])
    if gone is not None:
        result, kind = f"diverged at {gone:,}", "diverges"
    elif (last := failed(record, runner)) is not None:
        result, kind = f"failed at {last:,}", "fails"
    else:
        boundless = metrics.final_gap is None
        result = number(float(record.losses[runner, -1]) if boundless else metrics.final_gap or 0.0, 2)
        kind = "creeps"
        if metrics.settles is not None:
            kind = "leaves again" if metrics.gone_from is not None else "settles"
        elif metrics.turns > 0.2 * record.steps:
            kind = "bounces"
    learning_rate = record.runners[runner].optimizer.hyperparameters.get("lr")
    label = "" if learning_rate is None else f"lr {number(float(learning_rate))}"
    return Tile(box, outline(path, frame), dots(path, frame), away, label, result, kind)


def _rates(some: int, of: int) -> str:
    return f"all {count(of, 'learning rate')}" if some == of else f"{COUNTS[some]} of {count(of, 'learning rate')}"


def _sentence(rows: list[LadderRow], factors: Sequence[float]) -> str:
    """Say which optimizers settle over the widest range of learning rates, and which diverge."""
    settled = {row.name: sum(tile.kind == "settles" for tile in row.tiles) for row in rows}
    most = max(settled.values())
    parts = []
    if most == 0:
        parts.append("None settles at any of these learning rates.")
    elif len(rows) > 1:
        best = [name for name, amount in settled.items() if amount == most]
        verb = "settles" if len(best) == 1 else "settle"
        parts.append(f"{capital(listing(best))} {verb} at {_rates(most, len(factors))}.")
    else:
        parts.append(f"{rows[0].name} settles at {_rates(most, len(factors))}.")
    lost = [row.name for row in rows if any(tile.kind == "diverges" for tile in row.tiles)]
    if lost:
        parts.append(f"{listing(lost)} {'diverges' if len(lost) == 1 else 'diverge'} where it is too large.")
    failing = [row.name for row in rows if any(tile.kind == "fails" for tile in row.tiles)]
    if failing:
        parts.append(f"Runs of {listing(failing)} failed.")
    return " ".join(parts)

"""The numbers of the synchronised race: which steps are shown, where everyone is, and what goes on inside."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from slalom.core import InputError, RaceRecord
from slalom.show.views.coincidences import united
from slalom.show.views.comparisons import title
from slalom.show.views.curves import Panel, drawn_losses, loss_panel
from slalom.show.views.groups import Group, groups
from slalom.show.views.layouts import Box
from slalom.show.views.maps import Map, frame_for, map_of, positions
from slalom.show.views.styles import Style

FRAMES = 150
PER_SECOND = 20
TAIL = 14
"""How many frames of its past a runner's tail shows."""
COMPRESSION = 0.35
"""Arrows shrink by this power of a quantity's size: over a race sizes span many powers of ten."""
SIZE = (8.0, 5.9)
"""Inches; at 160 dots per inch both sides are divisible by 16, as video demands."""
MOST_DIALS = 12


@dataclass(frozen=True)
class Dial:
    """The inside of one optimizer's update at each frame, in units of the dial's radius, F frames.

    ``downhill`` [F, 2] is minus the gradient, ``momentum`` minus the first moment (or None), ``update`` the step
    made, ``spread`` the square root of the second moment (or None): the half axes of an ellipse. Directions and the
    ellipse's proportions are true, sizes are compressed and relative to each one's largest.
    """

    name: str
    style: Style
    box: Box
    downhill: np.ndarray
    momentum: np.ndarray | None
    update: np.ndarray
    spread: np.ndarray | None


@dataclass(frozen=True)
class MovingRace:
    """``steps`` [F] are the steps shown; ``heads`` [F, R, 2] and ``cursors`` [F, R, 2] where each one then is.

    ``trails`` holds the whole path of each of the R runners, [N + 1, 2], from which tails are cut.
    """

    title: str
    steps: np.ndarray
    last: int
    evaluations: np.ndarray
    map: Map
    map_box: Box
    loss: Panel
    loss_box: Box
    heads: np.ndarray
    cursors: np.ndarray
    trails: tuple[np.ndarray, ...]
    dials: tuple[Dial, ...]
    styles: tuple[Style, ...]
    size: tuple[float, float] = SIZE

    @property
    def frames(self) -> int:
        return len(self.steps)

    @property
    def per_second(self) -> float:
        """Return the speed: 20 frames a second, slower where so few steps would be over in a wink."""
        return float(min(PER_SECOND, max(4, self.frames / 5)))

    def clock(self, frame: int) -> tuple[str, str]:
        """Return what the two clocks say: steps, and gradient evaluations."""
        spent = self.evaluations[:, self.steps[frame]]
        least, most = int(spent.min()), int(spent.max())
        said = f"{most:,}" if least == most else f"{least:,} to {most:,}"
        return f"step {self.steps[frame]:,}", f"{said} gradient evaluations" + (" each" if len(spent) > 1 else "")

    def tail(self, frame: int, runner: int) -> np.ndarray:
        """Return the polyline [K, 2] of a runner's last frames, oldest first, at most some 60 points."""
        first = self.steps[max(0, frame - TAIL)]
        part = self.trails[runner][first : self.steps[frame] + 1]
        if len(part) > 60:
            part = part[np.unique(np.linspace(0, len(part) - 1, 60).astype(int))]
        return part[np.isfinite(part).all(axis=1)]


def synchronised_race(record: RaceRecord, frames: int = FRAMES, inside: bool = True) -> MovingRace:
    """Return the moving picture of a race: all runners at the same steps, at most ``frames`` of them.

    To look ``inside`` the updates every optimizer is run again, alone: without, there are no dials.
    """
    if record.course.dim > 2:
        raise InputError(
            f"{record.course.name} has {record.course.dim} variables: an animation can be drawn of one or two"
        )
    field = united(record, groups(record)).field
    frame = frame_for(record)
    wide = record.course.dim == 1 or frame.ratio >= 1.9
    map_box, loss_box, dial_area = WIDE if wide else SQUARE
    if record.course.dim == 2:
        frame = frame.fit(map_box.width / map_box.height)
    bold = [replace(group, runners=(group.typical,)) for group in field]
    trails = tuple(np.clip(positions(record, g.typical), *_far(frame)) for g in field)
    steps = frame_steps(trails, frames)
    loss = loss_panel(record, bold, (loss_box.width * 72, loss_box.height * 72))
    if len(field) > 6:  # names would hide the small curves; the dots have the colours
        loss = replace(loss, curves=tuple(replace(line, label=None) for line in loss.curves))
    typical = [group.typical for group in field]
    gaps = drawn_losses(record)[0][typical][:, steps]
    drawn = np.broadcast_to(np.maximum(steps, loss.x.low), gaps.shape)
    cursors = np.stack([drawn, np.clip(gaps, loss.y.low, loss.y.high)], axis=-1)
    return MovingRace(
        title=title(record, groups(record)),
        steps=steps,
        last=record.steps,
        evaluations=record.evaluations[typical],
        map=replace(map_of(record, bold, frame, (map_box.width * 72, map_box.height * 72)), title=""),
        map_box=map_box,
        loss=loss,
        loss_box=loss_box,
        heads=np.stack([trail[steps] for trail in trails], axis=1),
        cursors=cursors.swapaxes(0, 1),
        trails=trails,
        dials=_dials(record, field, steps, dial_area) if inside else (),
        styles=tuple(group.style for group in field),
    )


WIDE = (Box(0.5, 3.05, 7.3, 2.05), Box(0.62, 0.62, 2.55, 1.85), Box(3.5, 0.42, 4.4, 2.3))
SQUARE = (Box(0.5, 0.72, 4.05, 4.38), Box(5.2, 3.5, 2.65, 1.5), Box(4.8, 0.42, 3.15, 2.6))
"""Where the map, the loss and the dials stand, for a wide landscape and for any other."""


def _far(frame: object) -> tuple[tuple[float, float], tuple[float, float]]:
    left, right, bottom, top = (getattr(frame, side) for side in ("left", "right", "bottom", "top"))
    w, h = 3 * (right - left), 3 * (top - bottom)
    return (left - w, bottom - h), (right + w, top + h)


def frame_steps(trails: tuple[np.ndarray, ...], frames: int) -> np.ndarray:
    """Return at most ``frames`` steps, the first and the last among them, evenly spread over the way made.

    Each runner's whole way counts the same; a fifth of the frames goes by the logarithm of the step, so that a field
    at rest still shows time passing. No step is shown twice.
    """
    last = len(trails[0]) - 1
    if last < frames:
        return np.arange(last + 1)
    weights = 0.2 * np.diff(np.log1p(np.arange(last + 1))) / np.log1p(last)
    for trail in trails:
        lengths = np.nan_to_num(np.linalg.norm(np.diff(trail, axis=0), axis=1))
        weights = weights + 0.8 * lengths / (max(lengths.sum(), 1e-300) * len(trails))
    for _ in range(30):  # a step that takes more than one frame's share gives the rest to the others
        weights = np.minimum(weights / weights.sum(), 1.0 / (frames - 1))
    travelled = np.concatenate([[0.0], np.cumsum(weights)]) / weights.sum()
    steps = np.searchsorted(travelled, np.linspace(0, 1, frames) - 1e-12)
    steps[0], steps[-1] = 0, last
    return np.unique(np.minimum(steps, last))


def _dials(record: RaceRecord, field: list[Group], steps: np.ndarray, area: Box) -> tuple[Dial, ...]:
    """Return one dial per optimizer; none where there are too many to be read."""
    if len(field) > MOST_DIALS:
        return ()
    columns = min(len(field), 3 if len(field) <= 6 else 4)
    rows = -(-len(field) // columns)
    width, height = area.width / columns, area.height / max(rows, 2)
    result = []
    for index, group in enumerate(field):
        held = record.inside(group.typical)
        at = np.minimum(steps, len(held["step"]) - 1)
        radius = min(width, height - 0.2) / 2 * 0.92
        x = area.left + (index % columns + 0.5) * width
        y = area.top - (index // columns + 0.5) * height - 0.09
        momentum, second = held.get("momentum"), held.get("second_moment")
        result.append(
            Dial(
                name=group.name,
                style=group.style,
                box=Box(x - radius, y - radius, 2 * radius, 2 * radius),
                downhill=_compressed(-_plane(held["gradient"]))[at],
                momentum=None if momentum is None else _compressed(-_plane(momentum))[at],
                update=_compressed(_plane(held["step"]))[at],
                spread=None if second is None else 0.85 * _compressed(np.sqrt(np.abs(_plane(second))))[at],
            )
        )
    return tuple(result)


def _plane(vectors: np.ndarray) -> np.ndarray:
    """Return vectors [N, D] as [N, 2]: those of one variable get a second coordinate of zero."""
    return vectors[:, :2] if vectors.shape[1] > 1 else np.concatenate([vectors, np.zeros_like(vectors)], axis=1)


def _compressed(vectors: np.ndarray) -> np.ndarray:
    """Return vectors [N, 2] in the same directions, of lengths (length / longest) ** COMPRESSION; NaN becomes 0."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        sizes = np.linalg.norm(vectors, axis=1, keepdims=True)
        longest = np.max(sizes, where=np.isfinite(sizes), initial=0.0)
        shrunk = vectors / sizes * (sizes / longest) ** COMPRESSION
    return np.nan_to_num(shrunk, posinf=0.0, neginf=0.0)

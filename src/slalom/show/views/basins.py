"""The numbers of a basin map and its fan: where thousands of starts lead, and whether one path was lucky."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from slalom.core import Landscape, RaceRecord, Status
from slalom.core.metrics import PATIENCE
from slalom.show.views.frames import Frame, Terrain, terrain
from slalom.show.views.groups import Group, groups
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.lines import alive, outline
from slalom.show.views.maps import frame_for, minima_in
from slalom.show.views.styles import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, Style, rgb, styles_for
from slalom.show.views.words import count, listing, share, wrap

MINIMA = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
"""Colours of the minima, in the landscape's order."""
NOWHERE, DIVERGED, FAILED = -1, -2, -3
GROUND = (0.90, 0.90, 0.90)
FADE = 0.82
"""How far towards white the slowest start of a basin is moved."""
HEAD = 1.5


@dataclass(frozen=True)
class StartSweep:
    """One optimizer from a grid of starts: W columns ``x``, H rows ``y``; the cells run row by row.

    ``points`` [H·W, 2] are the last points, ``arrived_at`` [H·W] the step at which it settled (−1: it is not there),
    ``diverged`` [H·W] says who ran away, ``failed`` [H·W] whose optimizer could not go on.
    """

    name: str
    family: str
    x: np.ndarray
    y: np.ndarray
    points: np.ndarray
    arrived_at: np.ndarray
    diverged: np.ndarray
    failed: np.ndarray


@dataclass(frozen=True)
class Basin:
    """One optimizer's map: ``reached`` [H, W] is the index of the minimum, −1 for none, −2 for diverged, −3 for failed.

    ``pixels`` [H, W, 3] are its colours, ``success`` the share of starts that arrive.
    """

    name: str
    style: Style
    caption: str
    reached: np.ndarray
    pixels: np.ndarray
    success: float
    box: Box


@dataclass(frozen=True)
class Fan:
    """Paths [K, 2] scattered around one start, and the path through the middle of them at each step."""

    name: str
    style: Style
    caption: str
    paths: tuple[np.ndarray, ...]
    median: np.ndarray
    start: np.ndarray
    minima: np.ndarray
    frame: Frame
    terrain: Terrain
    success: float
    box: Box | None = None


@dataclass(frozen=True)
class Basins:
    """Every optimizer's map over ``extent`` (left, right, bottom, top), each with its fan, if there is a race of it."""

    title: str
    sentence: tuple[str, ...]
    extent: tuple[float, float, float, float]
    terrain: Terrain
    minima: np.ndarray
    colours: tuple[str, ...]
    maps: tuple[Basin, ...]
    fans: tuple[Fan, ...]
    footer: tuple[str, ...]
    size: tuple[float, float]


def basin_map(
    sweeps: Sequence[StartSweep],
    course: Landscape,
    *,
    steps: int,
    fan: RaceRecord | None = None,
    footer: str = "",
) -> Basins:
    """Return the basin maps of some optimizers on a plane, and beside each the fan of its paths in the race ``fan``.

    ``fan`` has the same optimizers, in the same order, each from a start and from points scattered around it.
    """
    x, y = sweeps[0].x, sweeps[0].y
    half = (x[1] - x[0]) / 2 if len(x) > 1 else 0.5, (y[1] - y[0]) / 2 if len(y) > 1 else 0.5
    extent = (float(x[0] - half[0]), float(x[-1] + half[0]), float(y[0] - half[1]), float(y[-1] + half[1]))
    frame = Frame(*extent)
    boxes, size = _places(len(sweeps), fan is not None, frame.ratio)
    styles = styles_for([sweep.family for sweep in sweeps])
    maps = tuple(
        _basin(sweep, style, course, steps, pair[0]) for sweep, style, pair in zip(sweeps, styles, boxes, strict=True)
    )
    fans: tuple[Fan, ...] = ()
    if fan is not None:
        race = fan
        fans = tuple(
            _fan(race, group, pair[1]) for group, pair in zip(groups(race), boxes, strict=False) if pair[1] is not None
        )
    wide = (WIDTH - 2 * EDGE) * 72
    lowest = min((minimum.value for minimum in course.minima), default=None)
    note = "colour: the minimum reached · paler: more steps needed · grey: not arrived · black: diverged"
    if any(sweep.failed.any() for sweep in sweeps):
        note += " · white: failed"
    return Basins(
        title=f"Where starts lead on {course.title}",
        sentence=tuple(wrap(_sentence(maps, fans, steps), wide, 10.5)),
        extent=extent,
        terrain=terrain(course, frame, lowest, columns=120),
        minima=minima_in(course, frame),
        colours=tuple(MINIMA[k % len(MINIMA)] for k in range(len(course.minima))),
        maps=maps,
        fans=fans,
        footer=tuple(
            wrap(f"{note} · {len(x):,} × {len(y):,} starts, {steps:,} steps · {footer}".strip(" ·"), wide, 8.0)
        ),
        size=size,
    )


def fan(record: RaceRecord) -> tuple[Fan, ...]:
    """Return the fan of each optimizer of a race from scattered starts, or with several seeds."""
    return tuple(_fan(record, group, None) for group in groups(record))


def _places(amount: int, fans: bool, ratio: float) -> tuple[list[tuple[Box, Box | None]], tuple[float, float]]:
    """Return the boxes of each map and its fan, and the figure's size: pairs side by side, one or two in a row."""
    panels = 2 if fans else 1
    across = 1 if amount <= 2 and fans else min(amount, 2 if fans else 3)
    gap, between = 0.42, 0.75
    width = (WIDTH - 2 * EDGE - 0.1 - (across * panels - 1) * gap) / (across * panels)
    height = min(width / ratio, 4.6)
    rows = -(-amount // across)
    total = HEAD + rows * height + (rows - 1) * between + 0.95
    places: list[tuple[Box, Box | None]] = []
    for index in range(amount):
        row, column = index // across, index % across
        bottom = total - HEAD - height - row * (height + between)
        left = EDGE + 0.1 + column * panels * (width + gap)
        beside = Box(left + width + gap, bottom, width, height) if fans else None
        places.append((Box(left, bottom, width, height), beside))
    return places, (WIDTH, total)


def _basin(sweep: StartSweep, style: Style, course: Landscape, steps: int, box: Box) -> Basin:
    shape = len(sweep.y), len(sweep.x)
    reached = reached_minima(sweep, course).reshape(shape)
    pixels = np.empty((*shape, 3))
    pixels[:] = GROUND
    arrived = np.maximum(sweep.arrived_at.reshape(shape), 1)
    slow = np.log(arrived) / np.log(max(steps, 2))
    known = slow[reached >= 0]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    paleness = FADE * np.clip((slow - low) / max(high - low, 0.15), 0, 1)
    for index in range(len(course.minima)):
        here = reached == index
        base = np.array(rgb(MINIMA[index % len(MINIMA)]))
        pixels[here] = base + (1 - base) * paleness[here][:, None]
    pixels[reached == DIVERGED] = (0.0, 0.0, 0.0)
    pixels[reached == FAILED] = (1.0, 1.0, 1.0)
    success = float((reached >= 0).mean())
    caption = f"{share_of(success)} of starts arrive"
    if sweep.failed.any():
        caption += f", {share_of(float(sweep.failed.mean()))} failed"
    return Basin(sweep.name, style, caption, reached, pixels, success, box)


def share_of(success: float) -> str:
    """Return a share that never says 100 % of less than all, nor 0 % of more than none."""
    if 0.995 <= success < 1:
        return "over 99 %"
    return "under 1 %" if 0 < success < 0.005 else share(success)


def reached_minima(sweep: StartSweep, course: Landscape) -> np.ndarray:
    """Return for each start [H·W] the index of the minimum that it reaches: −1 none, −2 it diverges, −3 it failed."""
    reached = np.full(len(sweep.arrived_at), NOWHERE)
    if course.minima:
        places = np.array([minimum.point for minimum in course.minima], dtype=float)
        arrived = sweep.arrived_at >= 0
        distance = ((sweep.points[arrived][:, None] - places) ** 2).sum(axis=2)
        reached[arrived] = distance.argmin(axis=1)
    reached[sweep.diverged] = DIVERGED
    reached[sweep.failed] = FAILED
    return reached


def _fan(record: RaceRecord, group: Group, box: Box | None) -> Fan:
    frame = frame_for(record, list(group.runners))
    frame = frame.fit(1.0 if box is None else box.width / box.height)
    paths = record.paths[list(group.runners)]
    with np.errstate(all="ignore"):
        middle = alive(np.median(paths[..., :2], axis=0))
    settled = sum(record.statuses[k].kind == Status.CONVERGED for k in group.runners)
    return Fan(
        name=group.name,
        style=group.style,
        caption=f"{settled:,} of {len(group.runners):,} from around here arrive",
        paths=tuple(outline(path[:, :2], frame) for path in paths),
        median=outline(middle, frame),
        start=middle[:1],
        minima=minima_in(record.course, frame),
        frame=frame,
        terrain=terrain(record.course, frame, record.minimum, columns=120),
        success=settled / len(group.runners),
        box=box,
    )


def _sentence(maps: tuple[Basin, ...], fans: tuple[Fan, ...], steps: int) -> str:
    if steps + 1 < PATIENCE:
        return f"No start can arrive in {count(steps, 'step')}: to settle takes {PATIENCE}."
    failed = [basin.name for basin in maps if (basin.reached == FAILED).all()]
    ranked = sorted((basin for basin in maps if basin.name not in failed), key=lambda basin: -basin.success)
    text = f"{ranked[0].name} arrives from {share_of(ranked[0].success)} of all starts"
    if len(ranked) > 1:
        text += f", {ranked[-1].name} from {share_of(ranked[-1].success)}"
    text += "."
    if failed:
        text += f" Every run of {listing(failed)} failed."
    lost = [basin for basin in maps if (basin.reached == DIVERGED).any()]
    if lost:
        worst = max(lost, key=lambda basin: float((basin.reached == DIVERGED).mean()))
        text += f" {worst.name} diverges from {share_of(float((worst.reached == DIVERGED).mean()))}."
    lucky = [one for one in fans if 0 < one.success < 0.5]
    if lucky and not lost:
        text += f" The path of {lucky[0].name} is luck: {share_of(lucky[0].success)} of its neighbours get there."
    several = {int(k) for basin in maps for k in np.unique(basin.reached) if k >= 0}
    if len(several) > 1 and not lost and not lucky:
        text += f" They end in {count(len(several), 'different minimum').replace('minimums', 'minima')}."
    return text

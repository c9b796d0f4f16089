"""Where names stand beside their lines: never on one another, never on a marker, seldom on a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NARROW, HALF, WIDE, CAPITAL, LETTER = 0.38, 0.5, 1.05, 0.82, 0.72
"""Widths of bold letters, in font sizes: a little too wide rather than too narrow."""
GAPS = (5.0, 11.0, 20.0)
"""Distances between a line and its name, in points."""


@dataclass(frozen=True)
class Label:
    """A text and where it goes: ``x``, ``y`` is the middle of its box, in points from the axes' lower left corner.

    ``anchor`` is the point of the line that it names; ``leader`` says that they are far enough apart for a thin line,
    which goes from there to the nearest point of the text.
    """

    text: str
    x: float
    y: float
    width: float
    height: float
    anchor: tuple[float, float]
    leader: bool = False

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Return left, bottom, right, top."""
        return (
            self.x - self.width / 2,
            self.y - self.height / 2,
            self.x + self.width / 2,
            self.y + self.height / 2,
        )


Span = tuple[tuple[float, float], tuple[float, float]]
"""The two ends of a straight line, in points."""


def leader_of(anchor: Sequence[float], box: Sequence[float]) -> Span:
    """Return the thin line from ``anchor`` to the nearest point of a text's ``box``."""
    x, y = float(anchor[0]), float(anchor[1])
    return (x, y), (min(max(x, float(box[0])), float(box[2])), min(max(y, float(box[1])), float(box[3])))


def crosses(span: Span, box: Sequence[float]) -> bool:
    """Return whether a straight line has a part inside a box (left, bottom, right, top)."""
    (x, y), (to_x, to_y) = span
    enters, leaves = 0.0, 1.0
    for at, way, low, high in ((x, to_x - x, box[0], box[2]), (y, to_y - y, box[1], box[3])):
        if way == 0:
            if not low < at < high:
                return False
            continue
        first, last = sorted(((low - at) / way, (high - at) / way))
        enters, leaves = max(enters, first), min(leaves, last)
    return bool(enters < leaves)


def text_size(text: str, size: float) -> tuple[float, float]:
    """Return the width and height of a bold ``text`` at font ``size``, in points, roughly."""
    return sum(map(_letter_width, text)) * size, 1.15 * size


def _letter_width(letter: str) -> float:
    if letter in "ilIj.,'| ":
        return NARROW
    if letter in "tfr()":
        return HALF
    if letter in "mMwW%@★":
        return WIDE
    return CAPITAL if letter.isupper() else LETTER


def place(
    texts: Sequence[str],
    lines: Sequence[np.ndarray],
    area: tuple[float, float],
    size: float,
    markers: Sequence[tuple[float, float]] = (),
    anchors: Sequence[np.ndarray] | None = None,
    reserved: Sequence[tuple[float, float, float, float]] = (),
) -> list[Label | None]:
    """Return a label for each line, or None where there is no room that is free of other labels and of markers.

    ``lines`` are point clouds [K, 2] in points inside ``area`` (width, height); a label may stand beside any of its
    ``anchors`` (the line's own points unless given). Other texts stand in the ``reserved`` boxes. The most crowded line
    chooses first. No label's thin line crosses another text.
    """
    anchors = lines if anchors is None else anchors
    everything = [line for line in lines if len(line)]
    cloud = np.concatenate(everything) if everything else np.empty((0, 2))
    owner = np.concatenate([np.full(len(line), k) for k, line in enumerate(lines)] or [np.empty(0)])
    choices = []
    for k, text in enumerate(texts):
        width, height = text_size(text, size)
        choices.append(_choices(anchors[k], (width, height), area, markers, cloud, owner == k))
    placed: list[Label | None] = [None] * len(texts)
    taken = list(reserved)
    leaders: list[Span] = []
    for k in sorted(range(len(texts)), key=lambda k: len(choices[k][1])):
        boxes, costs, at, far = choices[k]
        for choice in np.argsort(costs, kind="stable"):
            left, bottom, right, top = (float(edge) for edge in boxes[choice])
            around = (left - 2, bottom - 1, right + 2, top + 1)
            own = [leader_of(at[choice], boxes[choice])] if far[choice] else []
            if any(_overlap(around, other) for other in taken) or any(crosses(span, around) for span in leaders):
                continue
            if any(crosses(span, other) for span in own for other in taken):
                continue
            anchor = (float(at[choice, 0]), float(at[choice, 1]))
            middle = (left + right) / 2, (bottom + top) / 2
            placed[k] = Label(texts[k], *middle, right - left, top - bottom, anchor, bool(far[choice]))
            taken.append(around)
            leaders += own
            break
    return placed


def at_ends(
    texts: Sequence[str], ends: Sequence[float], area: tuple[float, float], size: float, gap: float = 14.0
) -> list[Label]:
    """Return a label to the right of the axes for each line that ends there, moved apart where lines end together.

    ``ends`` are the heights at which the lines meet the right edge of ``area``, in points.
    """
    heights = [text_size(text, size)[1] + 0.5 for text in texts]
    order = sorted(range(len(texts)), key=lambda k: ends[k])
    # Neighbours that would overlap become one block around the mean of their ends, until no two blocks overlap.
    blocks: list[tuple[list[int], float, float]] = []  # members, middle, height
    for k in order:
        blocks.append(([k], min(max(ends[k], heights[k] / 2), area[1] - heights[k] / 2), heights[k]))
        while len(blocks) > 1 and blocks[-2][1] + blocks[-2][2] / 2 > blocks[-1][1] - blocks[-1][2] / 2:
            (low, a, lower), (high, b, upper) = blocks[-2:]
            middle = (a * len(low) + b * len(high)) / (len(low) + len(high))
            total = lower + upper
            middle = min(max(middle, total / 2), max(area[1] - total / 2, total / 2))
            blocks[-2:] = [(low + high, middle, total)]
    labels: dict[int, Label] = {}
    for members, middle, total in blocks:
        foot = middle - total / 2
        for k in members:
            width, height = text_size(texts[k], size)
            y = foot + heights[k] / 2
            anchor = (area[0] + 1.0, min(max(ends[k], 0.0), area[1]))
            labels[k] = Label(texts[k], area[0] + gap + width / 2, y, width, height, anchor, abs(y - anchor[1]) > 3)
            foot += heights[k]
    return [labels[k] for k in range(len(texts))]


def _overlap(a: Sequence[float] | np.ndarray, b: Sequence[float]) -> bool:
    return bool(a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3])


def _choices(
    anchors: np.ndarray,
    size: tuple[float, float],
    area: tuple[float, float],
    markers: Sequence[tuple[float, float]],
    cloud: np.ndarray,
    own: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the boxes inside the area that hide no marker, their costs, their anchors, and which need a leader."""
    width, height = size
    half = np.array([width / 2, height / 2])
    angles = np.arange(8) * np.pi / 4
    around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    offsets = np.concatenate([around * (gap + half) for gap in GAPS])
    distance = np.repeat(np.arange(len(GAPS)), 8)
    at = np.repeat(anchors, len(offsets), axis=0)
    middle = at + np.tile(offsets, (len(anchors), 1))
    far = np.tile(distance, len(anchors))
    boxes = np.concatenate([middle - half, middle + half], axis=1)
    allowed = (boxes[:, :2] >= 2).all(axis=1) & (boxes[:, 2:] <= np.array(area) - 2).all(axis=1)
    left, bottom, right, top = boxes.T
    for a, b in markers:
        allowed &= ~((left < a + 7) & (right > a - 7) & (bottom < b + 7) & (top > b - 7))
    boxes, at, far = boxes[allowed], at[allowed], far[allowed]
    costs: np.ndarray = np.asarray(3.0 * far)
    if len(cloud) and len(boxes):
        x, y = cloud[:, 0], cloud[:, 1]
        left, bottom, right, top = boxes.T[:, :, None]
        hit = (x > left - 2) & (x < right + 2) & (y > bottom - 1) & (y < top + 1)
        costs = costs + 5.0 * hit[:, ~own].sum(axis=1) + 3.0 * hit[:, own].sum(axis=1)
        others = cloud[~own]
        if len(others):  # a name beside a stretch that several lines share names nobody
            apart = np.sqrt(((at[:, None] - others[None]) ** 2).sum(axis=2).min(axis=1))
            costs = costs + 8.0 * np.exp(-apart / 6.0)
            gap = np.sqrt((((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None] - others[None]) ** 2).sum(axis=2)
            costs = costs + 4.0 * np.exp(-gap.min(axis=1) / 12.0)
    return boxes, costs, at, far == len(GAPS) - 1

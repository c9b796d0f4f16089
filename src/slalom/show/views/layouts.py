"""Where the parts of a card stand, in inches from its lower left corner: known before anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass

WIDTH = 10.0
EDGE = 0.5
GUTTER = 0.45
ROW = 0.245
TABLE_HEAD = 0.3
FOOT = 0.62
WIDE = 1.75
"""Maps from this ratio of width to height on lie across the card."""


@dataclass(frozen=True)
class Box:
    """A rectangle in inches."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def top(self) -> float:
        return self.bottom + self.height

    def within(self, width: float, height: float) -> tuple[float, float, float, float]:
        """Return the box as shares of a figure of that size."""
        return self.left / width, self.bottom / height, self.width / width, self.height / height


@dataclass(frozen=True)
class CardLayout:
    """A card's size and its parts. ``table`` reaches from the header line down to the last row."""

    width: float
    height: float
    map: Box
    loss: Box
    table: Box


def card_layout(ratio: float | None, rows: int, table_width: float, lines: int = 1) -> CardLayout:
    """Return the layout of a comparison card for a map of this ``ratio`` (None: any shape will do).

    A wide map lies across the card, with the curves and the table below it; any other stands beside the curves, with
    the table across the card. The frame later grows to fill the map's box. ``lines`` are those of the sentence.
    """
    table, head = TABLE_HEAD + ROW * rows, 0.98 + 0.22 * lines
    if ratio is None or ratio >= WIDE:
        return _stacked(ratio, table, table_width, head)
    return _side_by_side(ratio, table, head)


def _stacked(ratio: float | None, table: float, table_width: float, head: float) -> CardLayout:
    width = WIDTH - 2 * EDGE - 0.05
    height = 2.75 if ratio is None else min(max(width / ratio, 2.55), 3.7)
    lower = max(2.3, table + 0.35)
    total = head + height + 0.72 + lower + 0.35 + FOOT
    base = FOOT + 0.35
    loss = WIDTH - 2 * EDGE - 0.15 - GUTTER - table_width
    return CardLayout(
        WIDTH,
        total,
        Box(EDGE + 0.05, total - head - height, width, height),
        Box(EDGE + 0.15, base, loss, lower),
        Box(WIDTH - EDGE - table_width, base + lower - table, table_width, table),
    )


def _side_by_side(ratio: float, table: float, head: float) -> CardLayout:
    width = 5.0
    height = min(max(width / ratio, 3.6), 4.4)
    total = head + height + 0.55 + table + 0.35 + FOOT
    top = total - head
    left = EDGE + 0.05 + width + 0.75
    return CardLayout(
        WIDTH,
        total,
        Box(EDGE + 0.05, top - height, width, height),
        Box(left, top - height, WIDTH - EDGE - left, height),
        Box(EDGE, FOOT + 0.35, WIDTH - 2 * EDGE, table),
    )

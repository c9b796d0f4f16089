"""Which colour and which dashes an optimizer has, in every picture: Okabe–Ito colours, doubled by line style."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#7F7F7F"
# Okabe and Ito's yellow is left out: on white it can hardly be seen.

MOMENTUM = ORANGE
"""The arrow of the momentum, inside an update."""
LEGIBLE, BRIGHT = 3.0, 3.2
"""The contrast of a page's line with white and with the dark paper, at least: WCAG asks for 3 of what is no text."""
NIGHT = 1.6
"""A colour of less contrast with the dark paper is turned round: black becomes nearly white."""

SOLID: tuple[float, ...] = ()
DASHED = (3.6, 1.6)
DOTTED = (1.1, 1.5)
DASH_DOT = (5.0, 1.5, 1.1, 1.5)
LONG = (7.0, 1.5)
SHORT = (2.0, 1.1)
DASH_DOT_DOT = (4.4, 1.3, 1.1, 1.3, 1.1, 1.3)
LONG_SHORT = (7.0, 1.4, 2.4, 1.4)
LONG_DOT = (8.4, 1.4, 1.1, 1.4)
DASHES = (SOLID, DASHED, DOTTED, DASH_DOT, LONG, SHORT, DASH_DOT_DOT, LONG_SHORT, LONG_DOT)


@dataclass(frozen=True)
class Style:
    """``colour`` as #rrggbb, ``dashes`` as on and off lengths in line widths (empty means solid)."""

    colour: str
    dashes: tuple[float, ...] = SOLID


# The nine that are raced most have nine different dashes; all others differ from those of their own colour.
FAMILIES = {
    "sgd": Style(BLACK),
    "adagrad": Style(ORANGE, DASHED),
    "rmsprop": Style(VERMILLION, DASH_DOT),
    "adadelta": Style(PURPLE, DOTTED),
    "adam": Style(BLUE, LONG),
    "adamw": Style(GREEN, DASH_DOT_DOT),
    "momentum": Style(SKY, SHORT),
    "nesterov": Style(PURPLE, LONG_SHORT),
    "amsgrad": Style(BLUE, DOTTED),
    "adamax": Style(SKY, LONG_DOT),
    "nadam": Style(ORANGE, DOTTED),
    "radam": Style(VERMILLION, DASHED),
    "adafactor": Style(GREEN, DASH_DOT),
    "asgd": Style(GREY),
    "rprop": Style(GREY, DASHED),
    "lbfgs": Style(BLACK, DASHED),
    "muon": Style(PURPLE, DASHED),
    "sparseadam": Style(BLUE, DASH_DOT),
    "lion": Style(ORANGE, LONG_DOT),
}
TINTS = (0.0, 0.42, -0.4, 0.62)
"""How far the second, third, … runner of a family is moved towards white (or, below 0, towards black)."""


def style_of(family: str) -> Style:
    """Return the style of an optimizer family; one that is not in the table gets its own by its name."""
    known = FAMILIES.get(family.lower())
    if known is not None:
        return known
    number = zlib.crc32(family.lower().encode())
    colours = (BLUE, VERMILLION, GREEN, PURPLE, SKY, ORANGE, GREY)
    return Style(colours[number % len(colours)], DASHES[number // len(colours) % len(DASHES)])


def styles_for(families: Sequence[str]) -> list[Style]:
    """Return one style per optimizer of a picture. Those of one family differ in lightness and in dashes."""
    seen: dict[str, int] = {}
    styles = []
    for family in families:
        turn = seen.get(family, 0)
        seen[family] = turn + 1
        base = style_of(family)
        if turn:
            dashes = DASHES[(DASHES.index(base.dashes) + turn) % len(DASHES)]
            base = replace(base, colour=tint(base.colour, _amount(base.colour, turn)), dashes=dashes)
        styles.append(base)
    return styles


def _amount(colour: str, turn: int) -> float:
    """Return the tint of the ``turn``-th of a family: black can only grow lighter."""
    return min(0.75, 0.3 + 0.15 * turn) if colour == BLACK else TINTS[turn % len(TINTS)]


def tint(colour: str, amount: float) -> str:
    """Return ``colour`` moved towards white by ``amount`` (0 to 1), or towards black for a negative amount."""
    goal = 255 if amount >= 0 else 0
    parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(part + (goal - part) * abs(amount)):02X}" for part in parts)


def ink(colour: str) -> str:
    """Return ``colour`` as letters are written in it: the light ones a little darker, to be read on white."""
    red, green, blue = rgb(colour)
    return tint(colour, -0.22) if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else colour


def rgb(colour: str) -> tuple[float, float, float]:
    """Return ``colour`` as three numbers from 0 to 1."""
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue

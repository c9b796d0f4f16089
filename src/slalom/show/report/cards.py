"""Formula cards: what an optimizer computes, rendered, and how it moves on one small bowl."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from slalom.core import Optimizer
from slalom.optimizers.cards import HyperparameterRow, OptimizerCard, describe
from slalom.show.report.document import Page
from slalom.show.report.elements import Child, Element, element
from slalom.show.report.mathematics import formula
from slalom.show.views.styles import Style
from slalom.show.views.words import number

WIDTH, HEIGHT = 150.0, 105.0
LEFT, RIGHT, BOTTOM, TOP = -3.4, 1.6, -1.55, 1.95
"""The stretch of the plane that the small picture shows."""
LEVELS = (0.15, 0.7, 2.0, 4.5, 9.0, 16.0, 26.0)
BOWL = "x**2 + 10*y**2"
BEGIN = (-3.0, 1.6)
STEPS = 60
UNBROKEN = 24
"""Letters of a setting's value that stay on one line."""


@dataclass(frozen=True)
class SmallPath:
    """Where an optimizer goes on BOWL from BEGIN, [K, 2], at a learning rate (None where it has none)."""

    path: np.ndarray
    rate: float | None


def card(page: Page, name: str, optimizer: Optimizer, style: Style, small: SmallPath | None) -> Element | None:
    """Return the card of an optimizer; None for one that cannot be described."""
    told = described(optimizer)
    if told is None:
        return None
    words = [element("h3", name), element("p", told.description, class_="quiet")]
    picture = None if small is None else [_picture(small, page.own(style), name), _told(small)]
    return element(
        "article",
        element("div", element("div", words), element("div", picture), class_="card-top"),
        _lines(told),
        _settings(told),
        _remarks(told),
        element("p", f"Source: {told.paper}", class_="note") if told.paper else None,
        class_="card",
    )


def described(optimizer: Optimizer) -> OptimizerCard | None:
    """Return what there is to know about an optimizer; None where it has no class that could be described."""
    try:
        return describe(optimizer)
    except Exception:  # an optimizer of the user's own: whatever asking it raises, the page can do without
        return None


def _lines(told: OptimizerCard) -> Element:
    rows = []
    if told.start_latex:
        rows.append(
            element("div", formula(told.start_latex), element("span", "at first", class_="quiet"), class_="line")
        )
    for line in told.formula:
        meaning = element("span", line.meaning, class_="quiet") if line.meaning else None
        rows.append(element("div", formula(line.latex), meaning, class_="line"))
    if not told.formula:
        rows.append(element("p", "slalom has no formula for this class; the class itself is what runs.", class_="note"))
    elif not told.traced:
        rows.append(element("p", "A description; the class itself is what runs.", class_="note"))
    return element("div", rows, class_="lines")


def _settings(told: OptimizerCard) -> Element | None:
    shown = [row for row in told.hyperparameters if row.latex or row.value != row.default]
    if not shown:
        return None
    rows = [
        element(
            "tr",
            element("td", element("code", row.name)),
            element("td", formula(row.latex, display=False) if row.latex else ""),
            element("td", _value(row)),
            element("td", row.meaning, class_="quiet"),
        )
        for row in shown
    ]
    return element("table", element("tbody", rows), class_="settings")


def _value(row: HyperparameterRow) -> list[Child]:
    own = _written(row.value)
    return [own] if row.value == row.default else [own, " (default ", _written(row.default), ")"]


def _written(value: Any) -> Element:
    """Return a value; a short one is not broken, which 1e-08 would be at its hyphen."""
    plain = isinstance(value, bool) or not isinstance(value, int | float)
    told = repr(value) if plain else f"{value:.6g}"
    return element("span", told, class_="value" if len(told) <= UNBROKEN else None)


def _remarks(told: OptimizerCard) -> Element | None:
    if not told.remarks:
        return None
    items = [element("li", remark) for remark in told.remarks]
    return element("details", element("summary", "What the code does differently"), element("ul", items), class_="note")


# -- the small picture -------------------------------------------------------------------------------------------------


def _place(points: np.ndarray) -> np.ndarray:
    share = (points - (LEFT, BOTTOM)) / (RIGHT - LEFT, TOP - BOTTOM)
    return np.stack([share[:, 0] * WIDTH, (1 - share[:, 1]) * HEIGHT], axis=1)


def _picture(small: SmallPath, own: str, name: str) -> Element:
    known = small.path[np.isfinite(small.path).all(axis=1)]
    spots = _place(np.clip(known, -20, 20))
    (x0, y0), (mx, my) = _place(np.array([BEGIN, (0.0, 0.0)]))
    across, down = WIDTH / (RIGHT - LEFT), HEIGHT / (TOP - BOTTOM)
    levels = [
        element(
            "ellipse",
            class_="level",
            cx=_n(mx),
            cy=_n(my),
            rx=_n(math.sqrt(c) * across),
            ry=_n(math.sqrt(c / 10) * down),
        )
        for c in LEVELS
    ]
    way = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in spots)
    dots = [element("circle", class_="step", cx=_n(x), cy=_n(y), r="1.7") for x, y in spots[::5]]
    return element(
        "svg",
        *levels,
        element("path", class_="path", d=way),
        *dots,
        element("circle", class_="begin", cx=_n(x0), cy=_n(y0), r="3.5"),
        element("circle", class_="aim", cx=_n(mx), cy=_n(my), r="2.5"),
        viewBox=f"0 0 {WIDTH:g} {HEIGHT:g}",
        class_=f"mini {own}",
        role="img",
        aria_label=f"The path of {name} on a stretched bowl, {len(known) - 1} steps",
    )


def _told(small: SmallPath) -> Element:
    rate = "" if small.rate is None else f", lr {number(small.rate, 2)}"
    return element("p", f"x² + 10y², {len(small.path) - 1} steps{rate}, a dot every 5", class_="mini-told")


def _n(value: float) -> str:
    return f"{value:.1f}"

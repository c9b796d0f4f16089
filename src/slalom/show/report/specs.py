"""What the page's scripts are told of each chart: written here by Python, read in ``page/*.js``.

A test holds the two sides together: every key is read, and no key is read that is not written. Numbers that are not
finite are None; a series and its moments are equally long.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

Number = float | None
Series = list[Number]


class InkSpec(TypedDict):
    """A style: its colour on light and on dark pages, and its dashes in widths of the line."""

    light: str
    dark: str
    dashes: list[float]


class AxisSpec(TypedDict):
    """An axis whose ticks are (value, label)."""

    low: Number
    high: Number
    ticks: list[tuple[Number, str]]
    log: bool


# -- curves ------------------------------------------------------------------------------------------------------------


class SeedSpec(TypedDict):
    """One seed's own series; ``x`` is None where its moments are those of its line."""

    seed: int
    x: dict[str, Series] | None
    y: Series


class MarkSpec(TypedDict):
    """A point of a line with a meaning; ``between`` says that nobody ran it, ``y`` None puts it at the edge."""

    kind: Literal["best", "default", "gone"]
    x: Number
    y: Number
    means: str
    between: bool


class LineSpec(TypedDict):
    """One optimizer: ``x`` are its moments by clock, ``low`` and ``high`` the interval.

    ``seed`` is the one it is of, where it is of one; ``dots`` says that no line joins its points; ``usable`` are the
    ends of a stretch at the foot.
    """

    name: str
    style: InkSpec
    x: dict[str, Series]
    middle: Series
    seeds: list[SeedSpec]
    low: NotRequired[Series]
    high: NotRequired[Series]
    seed: NotRequired[int]
    dots: NotRequired[bool]
    marks: NotRequired[list[MarkSpec]]
    usable: NotRequired[Series | None]


class PanelSpec(TypedDict):
    """One measure: ``clocks`` are (key, what it is called); ``y`` is its axis on its own scale, if it has one.

    ``near`` is the stretch of a proportion that is shown first. ``log`` is the scale that is chosen first.
    """

    key: str
    title: str
    percent: bool
    log: bool
    clocks: list[tuple[str, str]]
    lines: list[LineSpec]
    near: NotRequired[Series | None]
    y: NotRequired[Series]
    logx: NotRequired[bool]


class CurvesSpec(TypedDict):
    """Panels of which one is shown at a time."""

    kind: Literal["curves"]
    panels: list[PanelSpec]


# -- strips ------------------------------------------------------------------------------------------------------------


class VerdictSpec(TypedDict):
    """One optimizer against the baseline; ``left`` and ``right`` say that the interval goes on beyond the axis."""

    name: str
    style: InkSpec
    about: str
    tied: bool
    word: str
    effect: Number
    interval: Series | None
    left: bool
    right: bool
    change: str
    more: str
    reason: str


class VerdictsSpec(TypedDict):
    """The verdict strip: ``margin`` is half the width of its band, ``better`` the side of better results."""

    kind: Literal["verdicts"]
    rows: list[VerdictSpec]
    axis: AxisSpec
    title: str
    margin: Number
    better: str


class ResultSpec(TypedDict):
    """One optimizer's seeds: ``dots`` are (place, height in the lane), ``told`` their results in words.

    ``text``, ``kind`` and ``between`` tell the middle, what it is, and the interval; ``gone`` counts diverged runs,
    ``failed`` those that failed and have no dot.
    ``mark`` stands before the name, ``marked`` is what it means.
    """

    name: str
    style: InkSpec
    dots: list[Series]
    seeds: list[int]
    values: Series
    told: list[str]
    middle: Number
    interval: Series | None
    text: str
    between: str
    gone: int
    failed: int
    kind: str
    mark: str
    marked: str


class ResultsSpec(TypedDict):
    """Every seed's result; ``worst`` is where those that diverged are counted."""

    kind: Literal["results"]
    rows: list[ResultSpec]
    axis: AxisSpec
    title: str
    worst: Number


class BarSpec(TypedDict):
    name: str
    style: InkSpec
    value: float
    told: str


class BarsSpec(TypedDict):
    kind: Literal["bars"]
    rows: list[BarSpec]
    title: str


class RankSpec(TypedDict):
    """One optimizer's chance of each rank, best first."""

    name: str
    style: InkSpec
    shares: Series
    mean: Number


class RanksSpec(TypedDict):
    kind: Literal["ranks"]
    rows: list[RankSpec]
    title: str


# -- the race ----------------------------------------------------------------------------------------------------------


class TrailSpec(TypedDict):
    """Points of a path and the steps they are at."""

    step: list[int]
    x: Series
    y: Series


class RunnerSpec(TypedDict):
    """One optimizer on the map: its whole path as (xs, ys), and the trail that tails are cut from."""

    name: str
    style: InkSpec
    path: list[Series]
    trail: TrailSpec


class TerrainSpec(TypedDict):
    """Heights from 0 to 1 as 16-bit numbers in Base64, row by row from below."""

    w: int
    h: int
    heights: str
    levels: int


class LossSpec(TypedDict):
    """The curve beside the map; ``lines`` are (steps, values) in the order of the runners."""

    title: str
    x: AxisSpec
    y: AxisSpec
    lines: list[list[Series]]


class DialSpec(TypedDict):
    """The inside of one optimizer's update, a vector for each picture."""

    name: str
    style: InkSpec
    downhill: list[Series]
    momentum: list[Series] | None
    update: list[Series]
    spread: list[Series] | None


class RaceSpec(TypedDict):
    """The viewer. ``frame`` is left, right, bottom, top; ``steps`` and ``clocks`` are those of each picture.

    ``heads`` and ``cursors`` are where every runner is on the map and on the curve of losses, for each picture.
    """

    kind: Literal["race"]
    frame: Series
    terrain: TerrainSpec | None
    profile: list[Series] | None
    starts: list[Series]
    minima: list[Series]
    runners: list[RunnerSpec]
    steps: list[int]
    clocks: list[str]
    perSecond: float
    heads: list[list[Series]]
    cursors: list[list[Series]]
    loss: LossSpec
    dials: list[DialSpec]
    dialsMean: str


ChartSpec = CurvesSpec | VerdictsSpec | ResultsSpec | BarsSpec | RanksSpec | RaceSpec


def styles_of(charts: list[ChartSpec]) -> dict[str, InkSpec]:
    """Return the style of every name on a page, without names that have several styles."""
    found: dict[str, InkSpec] = {}
    torn = set()
    for chart in charts:
        for one in _named(chart):
            if found.setdefault(one["name"], one["style"]) != one["style"]:
                torn.add(one["name"])
    return {name: style for name, style in found.items() if name not in torn}


def _named(
    chart: ChartSpec,
) -> list[LineSpec] | list[VerdictSpec] | list[ResultSpec] | list[BarSpec] | list[RankSpec] | list[RunnerSpec]:
    if chart["kind"] == "curves":
        return [line for panel in chart["panels"] for line in panel["lines"]]
    return chart["runners"] if chart["kind"] == "race" else chart["rows"]

"""The numbers of the sensitivity curve: how the end of a run depends on the learning rate, and how wide it fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from slalom.show.views.frames import Axis, log_axis
from slalom.show.views.labels import Label, place, text_size
from slalom.show.views.layouts import EDGE, WIDTH, Box
from slalom.show.views.lines import cloud
from slalom.show.views.styles import Style, styles_for
from slalom.show.views.words import number, short_names, wrap

FLOOR = 1e-16
"""A smaller gap is drawn as this one, with a mark: a logarithm has no zero."""
LONGEST = 18
"""Letters of a name beside the strip."""


@dataclass(frozen=True)
class RateSweep:
    """One optimizer at L learning rates, with R runs (starts or seeds) at each.

    ``learning_rates`` [L] rise; ``final`` [L, R] is f − minimum at the end, on a task the measure of the sweep (NaN or
    infinite where a run diverged); ``default`` is the library's own learning rate, None where it has none. ``failed``
    [L, R] says which runs failed and so have no part in the line, None where none did.
    """

    name: str
    family: str
    learning_rates: np.ndarray
    final: np.ndarray
    default: float | None = None
    failed: np.ndarray | None = None


@dataclass(frozen=True)
class SensitivityLine:
    """A sweep as drawn. ``middle``, ``low``, ``high`` [L]: median and quartiles, NaN where most runs diverge.

    ``best`` and ``default`` are points (learning rate, median). ``usable`` is the stretch of learning rates around
    the best whose median is good enough, ``decades`` its width; ``diverges_from`` the first rate beyond it at which
    most runs diverge. ``dots`` [K, 2] are points that no line joins. ``broken`` says that there are rates at which
    every run failed: the line has a gap there. ``lost`` are the rates at which most runs diverge, ``open_ends`` [K, 2]
    those at which the line ends because no rate was tried beyond, ``finalists`` [K, 2] those that ran on more seeds.
    """

    name: str
    short: str  # as it is written beside the line
    style: Style
    rates: np.ndarray
    middle: np.ndarray
    low: np.ndarray
    high: np.ndarray
    best: tuple[float, float] | None
    default: tuple[float, float] | None
    usable: tuple[float, float] | None
    decades: float
    diverges_from: float | None
    default_tried: bool = True  # false: its place lies on the line between two rates that were tried
    label: Label | None = None
    dots: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    lost: np.ndarray = field(default_factory=lambda: np.empty(0))
    finalists: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))

    @property
    def zeros(self) -> np.ndarray:
        """The rates at which the median is too small for the axis, or 0."""
        return self.rates[self.middle <= FLOOR] if len(self.rates) else self.rates

    @property
    def open_ends(self) -> np.ndarray:
        known = np.isfinite(self.middle)
        ends = [k for k in (0, len(self.rates) - 1) if len(self.rates) and known[k]]
        return np.array([(self.rates[k], self.middle[k]) for k in dict.fromkeys(ends)]).reshape(-1, 2)

    broken: bool = False


@dataclass(frozen=True)
class Sensitivity:
    """Curves over the learning rate, and below them a strip with each one's usable stretch.

    ``good`` is the bound that makes a learning rate usable, None where every optimizer has its own. ``strip_box`` is
    None where no stretches are to be shown.
    """

    title: str
    sentence: tuple[str, ...]
    x: Axis
    y: Axis
    y_title: str
    lines: tuple[SensitivityLine, ...]
    good: float | None
    good_means: str
    footer: tuple[str, ...]
    size: tuple[float, float]
    curves_box: Box
    strip_box: Box | None
    strip_title: str = "usable learning rates"
    higher_is_better: bool = False


@dataclass(frozen=True)
class Goal:
    """What makes a final value good: its direction, and the bound for ``best``, the best median of an optimizer.

    ``log`` says that values are positive and drawn on a logarithmic axis. ``between`` places the ends of the usable
    stretch between two learning rates, where the straight line from one median to the next meets the bound.
    """

    bound: Callable[[float], float]
    higher_is_better: bool = False
    log: bool = True
    between: bool = False

    def reached(self, values: np.ndarray, best: float) -> np.ndarray:
        """Return which of ``values`` are at least as good as the bound for ``best``."""
        bound = self.bound(best)
        return values >= bound if self.higher_is_better else values <= bound


def sensitivity(
    sweeps: Sequence[RateSweep],
    course: str,
    *,
    tolerance: float | None,
    runs: str,
    footer: str = "",
    quantity: str = "final loss above the minimum",
    higher_is_better: bool = False,
) -> Sensitivity:
    """Return the sensitivity curves of some optimizers on one course.

    ``course`` is its title, ``runs`` what the runs at a learning rate are ("20 starts"). Good enough is a median
    below ``tolerance``, or, where no optimizer gets there or there is none, within ten times the best median of all.
    """
    styles = styles_for([sweep.family for sweep in sweeps])
    medians = np.concatenate([quartiles(sweep.final, higher_is_better, sweep.failed)[1] for sweep in sweeps])
    known = medians[np.isfinite(medians)]
    best = max(float(known.max() if higher_is_better else known.min()), FLOOR) if len(known) else 1.0
    arrived = tolerance is not None and best < tolerance
    good = tolerance if tolerance is not None and arrived else best / 10 if higher_is_better else 10 * best
    goal = Goal(lambda _: good, higher_is_better)
    lines = [
        line_of(sweep, style, goal, quartiles(sweep.final, higher_is_better, sweep.failed))
        for sweep, style in zip(sweeps, styles, strict=True)
    ]
    x = rate_axis(sweeps)
    shown = np.concatenate([np.concatenate([line.low, line.middle, line.high]) for line in lines])
    y = _vertical(shown[np.isfinite(shown)], good)
    lines = with_short_names(lines)
    size, curves, box = boxes(len(lines))
    curves, box = beside_names(lines, curves, box)
    wide = (WIDTH - 2 * EDGE) * 72
    means = "within the tolerance" if arrived else "within ten times the best"
    placed = named(lines, x, y, (curves.width * 72, curves.height * 72))
    return Sensitivity(
        title=f"How the learning rate matters on {course}",
        sentence=tuple(wrap(_sentence(lines), wide, 10.5)),
        x=x,
        y=y,
        y_title=f"{quantity}: median and quartiles of {runs}"
        + (f" · ▼ below {number(FLOOR, 2)}" if any(len(line.zeros) for line in lines) else ""),
        lines=placed,
        good=good,
        good_means=f"{means}: {'above' if higher_is_better else 'below'} {number(good, 2)}",
        footer=tuple(
            wrap(
                f"● best  ○ the library's default  ✕: most runs diverge  | the range ends · {footer}".strip(" ·"),
                wide,
                8.0,
            )
        ),
        size=size,
        curves_box=curves,
        strip_box=box,
        higher_is_better=higher_is_better,
    )


def boxes(lines: int, said: int = 2) -> tuple[tuple[float, float], Box, Box]:
    """Return the size of a picture of so many lines, where the curves stand, and where the strip.

    ``said`` are the lines of its sentence: from the third on each makes it taller.
    """
    strip, head = 0.34 + 0.26 * lines, 1.45 + 0.22 * max(0, said - 2)
    size = (WIDTH, head + 3.1 + 0.55 + strip + 0.95)
    curves = Box(EDGE + 0.55, size[1] - head - 3.1, WIDTH - 2 * EDGE - 0.6, 3.1)
    return size, curves, Box(curves.left, 0.95, curves.width, strip)


def names_width(lines: Sequence[SensitivityLine]) -> float:
    """Return the inches that the names beside the strip need, or the ticks of the curves."""
    return max([0.55, *(text_size(line.short, 9.0)[0] / 72 + 0.1 for line in lines)])


def beside_names(lines: Sequence[SensitivityLine], *places: Box) -> tuple[Box, ...]:
    """Return boxes moved to the right where the names at their left need the room."""
    more = max(0.0, EDGE - 0.35 + names_width(lines) - places[0].left)
    return tuple(replace(box, left=box.left + more, width=box.width - more) for box in places)


def rate_axis(sweeps: Sequence[RateSweep]) -> Axis:
    rates = np.concatenate([sweep.learning_rates for sweep in sweeps])
    return log_axis(float(rates.min()), float(rates.max()), most=9)


def quartiles(
    final: np.ndarray, higher_is_better: bool = False, failed: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the lower quartile, median and upper quartile [L] of ``final`` [L, R]; NaN where most runs diverged.

    A run that diverged counts as worse than any other, one that ``failed`` [L, R] is left out.
    """
    low, middle, high = rank_quantiles(np.maximum(final, FLOOR), (0.25, 0.5, 0.75), higher_is_better, failed)
    lost = ~np.isfinite(middle)
    return np.where(lost, np.nan, low), np.where(lost, np.nan, middle), np.where(lost, np.nan, high)


def rank_quantiles(
    final: np.ndarray, shares: Sequence[float], higher_is_better: bool = False, failed: np.ndarray | None = None
) -> np.ndarray:
    """Return quantiles [K, L] of ``final`` [L, R], each the result of a run: infinite where that run diverged.

    Runs that ``failed`` [L, R] are left out; NaN where all did.
    """
    worst, method = (-np.inf, "lower") if higher_is_better else (np.inf, "higher")
    filled = np.where(np.isfinite(final), final, worst)
    if failed is None or not failed.any():
        return np.quantile(filled, shares, axis=1, method=method)  # type: ignore[call-overload]
    found = np.full((len(shares), len(filled)), np.nan)
    for row in np.flatnonzero(~failed.all(axis=1)):
        found[:, row] = np.quantile(filled[row][~failed[row]], shares, method=method)  # type: ignore[call-overload]
    return found


def with_short_names(lines: Sequence[SensitivityLine]) -> list[SensitivityLine]:
    """Return lines under names that there is room for."""
    short = short_names([line.name for line in lines], LONGEST)
    return [replace(line, short=name) for line, name in zip(lines, short, strict=True)]


def line_of(
    sweep: RateSweep, style: Style, goal: Goal, bands: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
) -> SensitivityLine:
    """Return one optimizer's line; ``bands`` are low, median and high [L], its quartiles unless given."""
    rates = np.asarray(sweep.learning_rates, dtype=float)
    final = np.asarray(sweep.final, dtype=float)
    low, middle, high = quartiles(final, failed=sweep.failed) if bands is None else bands
    best = _best(final, middle, goal, sweep.failed)
    usable, decades = None, 0.0
    if best is not None:
        usable = _usable(rates, middle, goal, best)
        decades = math.log10(usable[1] / usable[0]) if usable else 0.0
    broken = np.zeros(len(rates), dtype=bool) if sweep.failed is None else np.all(sweep.failed, axis=1)
    lost = np.flatnonzero(~np.isfinite(middle) & ~broken & (np.arange(len(rates)) > (-1 if best is None else best)))
    return SensitivityLine(
        name=sweep.name,
        short=sweep.name,
        style=style,
        rates=rates,
        middle=middle,
        low=low,
        high=high,
        best=None if best is None else (float(rates[best]), float(middle[best])),
        default=_at(sweep.default, rates, middle, goal.log),
        usable=usable,
        decades=decades,
        diverges_from=float(rates[lost[0]]) if len(lost) else None,
        broken=bool(broken.any()),
        lost=rates[~np.isfinite(middle) & ~broken],
    )


def _best(final: np.ndarray, middle: np.ndarray, goal: Goal, failed: np.ndarray | None) -> int | None:
    """Return the index of the best median, chosen on the medians themselves: the floor is for drawing."""
    known = np.flatnonzero(np.isfinite(middle))
    if not len(known):
        return None
    if goal.higher_is_better:
        return int(known[np.argmax(middle[known])])
    (median,) = rank_quantiles(final, (0.5,), failed=failed)
    return int(known[np.argmin(median[known])])


def _usable(rates: np.ndarray, middle: np.ndarray, goal: Goal, best: int) -> tuple[float, float] | None:
    """Return the ends of the good learning rates around the best, None where that is not good itself."""
    fine = np.isfinite(middle) & goal.reached(middle, float(middle[best]))
    if not fine[best]:
        return None
    first = last = best
    while first > 0 and fine[first - 1]:
        first -= 1
    while last < len(rates) - 1 and fine[last + 1]:
        last += 1
    if not goal.between:
        return float(rates[first]), float(rates[last])
    bound = goal.bound(float(middle[best]))
    return _crossing(rates, middle, bound, first, first - 1), _crossing(rates, middle, bound, last, last + 1)


def _crossing(rates: np.ndarray, middle: np.ndarray, bound: float, inside: int, outside: int) -> float:
    """Return the learning rate at which the line from one median to its neighbour meets the bound."""
    if not 0 <= outside < len(rates) or not np.isfinite(middle[outside]):
        return float(rates[inside])
    way = (bound - middle[inside]) / (middle[outside] - middle[inside])
    return float(rates[inside] * (rates[outside] / rates[inside]) ** way)


def _at(default: float | None, rates: np.ndarray, middle: np.ndarray, log: bool) -> tuple[float, float] | None:
    """Return the point of the curve at the library's default, None where it lies outside or diverges."""
    known = np.isfinite(middle)
    if default is None or not known.any() or not rates[known][0] <= default <= rates[known][-1]:
        return None
    heights = np.log(middle[known]) if log else middle[known]
    there = np.interp(math.log(default), np.log(rates[known]), heights)
    return float(default), float(np.exp(there) if log else there)


def _vertical(shown: np.ndarray, good: float) -> Axis:
    if not len(shown):
        return log_axis(1e-3, 10.0)
    low = max(float(shown.min()), FLOOR)
    high = min(float(shown.max()), float(np.quantile(shown, 0.9)) * 1e4)
    low, high = min(low, good), max(high, good)
    return log_axis(10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(high) + 0.05))


def _sentence(lines: list[SensitivityLine]) -> str:
    usable = sorted((line for line in lines if line.usable), key=lambda line: -line.decades)
    if not usable:
        return "No learning rate of this range is good enough."
    widest = usable[0]
    text = f"{widest.name} works over {widest.decades:.1f} decades of learning rates"
    if len(lines) > 1:
        narrow = usable[-1] if len(usable) > 1 else None
        others = "the others" if len(lines) > 2 else "the other one"
        text += f"; {narrow.name} over {narrow.decades:.1f}" if narrow is not None else f", {others} nowhere"
    best = f"its best is {number(widest.best[0], 2)}" if widest.best else ""
    if len(lines) == 1 and widest.default is not None and best:
        best += f", the library's default {number(widest.default[0], 2)}"
    return f"{text}{'; ' + best if len(lines) == 1 and best else ''}."


def named(lines: list[SensitivityLine], x: Axis, y: Axis, area: tuple[float, float]) -> tuple[SensitivityLine, ...]:
    """Return the lines with their names beside them; ``area`` is the size of the axes in points."""
    clouds = []
    for line in lines:
        spots = np.stack([x.place(line.rates) * area[0], y.place(line.middle) * area[1]], axis=1)
        clouds.append(cloud(np.where((spots[:, 1:] >= 0) & (spots[:, 1:] <= area[1]), spots, np.nan)))
    names = [line.short if len(lines) > 1 else "" for line in lines]
    labels = place(names, clouds, area, 9.0, (), [points[::4] if len(lines) > 1 else points[:0] for points in clouds])
    return tuple(replace(line, label=label) for line, label in zip(lines, labels, strict=True))

"""What a ruler finds on a drawn picture: texts off one another, thin lines off texts, the whole way inside the axes."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import slalom
from slalom.show import views
from slalom.show.views.labels import crosses

CLASSICS = ["sgd:lr=0.1", "adagrad:lr=1", "rmsprop:lr=1", "adadelta:lr=50", "adam:lr=1", "adamw:lr=1"]
RACES = {
    "classics": lambda: slalom.race("sphere", CLASSICS, steps=1000),
    "alone": lambda: slalom.race("sphere", ["sgd:lr=0.1"], steps=10_000),
    "at once": lambda: slalom.race("sphere", ["sgd:lr=0.5"], steps=500),
    "exact": lambda: slalom.race("sphere", ["sgd:lr=0.5", "adam:lr=1", "adagrad:lr=1"]),
    "saddle": lambda: slalom.race("saddle", ["momentum:lr=0.01", "adam:lr=0.1", "sgd:lr=0.1"]),
    "short": lambda: slalom.race("sphere", ["sgd:lr=0.45"], steps=20),
    "six dimensions": lambda: slalom.race("powell", ["sgd:lr=0.001", "adam:lr=0.1"]),
    "starts": lambda: slalom.race("himmelblau", ["sgd:lr=0.01", "adam:lr=0.1"], starts=6),
    "ten": lambda: slalom.race("ravine", [f"sgd:lr={rate},momentum=0.5" for rate in np.geomspace(0.001, 0.02, 10)]),
    "down": lambda: slalom.race("sphere", ["sgd:lr=0.1"], start=(0.5, 8.0), steps=300),
    "corner": lambda: slalom.race("rosenbrock", ["sgd:lr=0.001", "momentum:lr=0.001"], start=(-1.9, 2.9), steps=300),
}  # fmt: skip


def texts_and_leaders(figure: Any) -> list[tuple[list[tuple[str, Any]], list[Any]]]:
    """Return for each axes its texts with their boxes in pixels, and the thin lines to labels."""
    renderer = figure.canvas.get_renderer()
    found = []
    for axes in figure.axes:
        texts = [text for text in [*axes.texts, axes.title, axes._left_title] if text.get_text() and text.get_visible()]
        boxes = [(text.get_text(), text.get_window_extent(renderer).extents) for text in texts]
        leaders = [
            line.get_xydata() @ np.diag(axes.bbox.size) + axes.bbox.p0
            for line in axes.lines
            if line.get_transform() == axes.transAxes and len(line.get_xydata()) == 2
        ]
        found.append((boxes, leaders))
    return found


@pytest.mark.parametrize("name", RACES)
def test_no_text_and_no_thin_line_crosses_another_text(name: str) -> None:
    race = RACES[name]()
    picture = "path" if len(race.runners) == 1 else "comparison"
    for boxes, leaders in texts_and_leaders(race.figure(picture)):
        for (one, a), (other, b) in itertools.combinations(boxes, 2):
            apart = a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 2 or b[3] <= a[1] + 2
            assert apart, f"{one!r} lies on {other!r}"
        for leader, (text, box) in itertools.product(leaders, boxes):
            inside = (box[0] + 1, box[1] + 2, box[2] - 1, box[3] - 2)
            assert not crosses((tuple(leader[0]), tuple(leader[1])), inside), f"a line crosses {text!r}"


@pytest.mark.parametrize("name", RACES)
def test_the_axes_hold_the_whole_descent(name: str) -> None:
    """From the start to where the run settles, or to its end: every loss and every step lies on its axis."""
    race = RACES[name]()
    for k in range(min(3, len(race.runners))):
        card = views.path_card(race, k)
        metrics, gone = race.metrics[k], race.statuses[k].kind == "diverged"
        last = metrics.best_step if gone else race.steps if metrics.settles is None else metrics.settles
        values = race.losses[k, 0] - race.losses[k] if race.minimum is None else race.losses[k] - race.minimum
        lengths = np.linalg.norm(np.diff(race.paths[k], axis=0), axis=1)
        for panel, series in ((card.loss, values[: last + 1]), (card.step, lengths[:last])):
            shown = series[np.isfinite(series) & (series > 0)]
            assert (shown >= panel.y.low * (1 - 1e-9)).all()
            assert (shown <= panel.y.high * (1 + 1e-9)).all()
            assert panel.x.low <= max(1, min(last, 2))
        if (race.losses[k] == race.minimum).any() and race.minimum_is_known:
            (curve,) = card.loss.curves
            assert curve.zero_from == int(np.argmax(race.losses[k] == race.minimum))
            assert "exactly 0" in card.loss.title


def test_runs_that_coincide_are_drawn_once_under_all_their_names() -> None:
    specs = ["sgd:lr=0.1", "momentum:lr=0.1,momentum=0", "nesterov:lr=0.1,momentum=1e-12", "adam:lr=1"]
    race = slalom.race("sphere", specs, steps=200)
    first, second, third, _ = race.paths
    np.testing.assert_array_equal(first, second)
    apart = np.abs(first - third).max()
    assert apart > 0
    card = views.comparison(race)
    assert card.map is not None
    assert [line.name for line in card.map.lines] == ["SGD = Momentum = Nesterov", "Adam"]
    assert [line.name for line in card.loss.curves] == ["SGD = Momentum = Nesterov", "Adam"]
    assert [row.name for row in card.table.rows] == ["SGD", "Momentum", "Nesterov", "Adam"]
    said = " ".join(card.notes)
    assert f"{apart:.1e}"[0] in said.partition("at most ")[2]
    equal = views.comparison(slalom.race("sphere", specs[:2], steps=200))
    assert "SGD = Momentum: equal bit for bit" in " ".join(equal.notes)

"""What a page tells is what was measured: its series against the CSV, by numpy and scipy, and the words about them."""

from __future__ import annotations

import csv
import html
import json
import math
import re
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_records import falling, record_of, run_of
from made_studies import study_of
from scipy import stats

import slalom
from slalom import judge
from slalom.judge import summarise
from slalom.lab.reports import _cost, _reached
from slalom.show import views
from slalom.show.views.seeds import measure_named
from slalom.show.views.study_sensitivities import sensitivity_lines, sensitivity_means
from slalom.show.views.training_series import training_series


def charts_of(path: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', path.read_text(), re.DOTALL)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])["charts"]
    return told


def captions_of(path: Path) -> str:
    return html.unescape(" ".join(re.findall(r"<figcaption>(.*?)</figcaption>", path.read_text(), re.DOTALL)))


def losses_in(path: Path) -> dict[str, np.ndarray]:
    """The losses of a race's CSV by optimizer, [runs, steps]: infinite from where a run diverged."""
    longest = 0
    rows: dict[tuple[str, str], list[float]] = {}
    with path.open() as file:
        for row in csv.DictReader(file):
            loss = float(row["loss"] or "nan")
            rows.setdefault((row["optimizer"].partition(":")[0], row["runner"]), []).append(loss)
            longest = max(longest, 1 + int(row["step"]))
    found: dict[str, list[list[float]]] = {}
    for (name, _), losses in rows.items():
        found.setdefault(name, []).append(losses + [math.nan] * (longest - len(losses)))
    return {name: np.where(np.isfinite(runs), runs, np.inf) for name, runs in found.items()}


def test_a_loss_of_nought_is_told_as_nought(tmp_path: Path) -> None:
    race = slalom.race("sphere", ["sgd:lr=0.5", "adam:lr=0.1"], start=(1, 1), steps=50)
    charts = charts_of(race.save(tmp_path / "zero.html"))
    (sgd, adam) = charts["curves-chart"]["panels"][0]["lines"]
    assert sgd["middle"] == [2.0] + [0.0] * 50  # a step of half the gradient (2x, 2y) ends in the minimum
    assert min(adam["middle"]) > 0
    steps, losses = charts["race-chart"]["loss"]["lines"][0]
    assert (steps[1], losses[1]) == (1, 0.0)


@pytest.mark.parametrize("starts", [3, 6, 7, 8])
def test_the_curves_of_many_runs_are_the_quantiles_of_the_csv(tmp_path: Path, starts: int) -> None:
    optimizers = ["sgd:lr=0.01", "adam:lr=0.05", "momentum:lr=0.2"]
    race = slalom.race("himmelblau", optimizers, starts=starts, noise=0.5, steps=1500)
    page = race.save(tmp_path / "race.html")
    losses = losses_in(race.save(tmp_path / "race.csv"))
    lines = charts_of(page)["curves-chart"]["panels"][0]["lines"]
    for line, runs in zip(lines, losses.values(), strict=True):
        steps = np.array(line["x"]["step"], dtype=int)
        shares = (0.25, 0.5, 0.75) if starts >= 4 else (0, 0.5, 1)
        with np.errstate(invalid="ignore"):
            expected = np.quantile(runs[:, steps], shares, axis=0)
        told = np.array([line[part] for part in ("low", "middle", "high")], dtype=float)
        known = np.isfinite(expected) & np.isfinite(told)
        assert told[known] == pytest.approx(expected[known], rel=1e-6)
        assert known[:2].all()
        assert len(steps) < 1600
    # Momentum runs away within three steps, and what it measured on the way is told, however far out.
    assert max(lines[2]["middle"]) == pytest.approx(np.median(losses["momentum"][:, len(lines[2]["middle"])]), rel=1e-6)
    assert max(lines[2]["middle"]) > 1e20
    means = f"median and {'middle half' if starts >= 4 else 'range'} of {starts} runs"
    assert f"Line and shade: {means}, over starts and seeds" in captions_of(page)


def test_a_thinned_band_keeps_the_extremes_of_its_ends(tmp_path: Path) -> None:
    race = slalom.race("himmelblau", ["sgd:lr=0.01"], starts=5, noise=2.0, steps=6000)
    losses = losses_in(race.save(tmp_path / "race.csv"))["sgd"]
    (line,) = charts_of(race.save(tmp_path / "race.html"))["curves-chart"]["panels"][0]["lines"]
    assert len(line["middle"]) < 2500
    low, middle, high = np.quantile(losses[:, 1:], (0.25, 0.5, 0.75), axis=0)
    for name, ends in (("low", low), ("middle", middle), ("high", high)):
        assert [min(line[name]), max(line[name])] == pytest.approx([ends.min(), ends.max()], rel=1e-6)


def test_the_moment_of_a_divergence_breaks_nobody_elses_curve_and_the_lost_are_counted(tmp_path: Path) -> None:
    race = slalom.race("digits-logreg", ["sgd:lr=1e37", "adam:lr=0.01"], epochs=3, seeds=5)
    page = race.save(tmp_path / "lost.html")
    with race.save(tmp_path / "lost.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["optimizer"].startswith("adam")]
    epochs = sorted({float(row["epoch"]) for row in rows})
    sgd, adam = charts_of(page)["curves-chart"]["panels"][0]["lines"]
    assert adam["x"]["epoch"] == epochs == [0, 1, 2, 3]
    for epoch, low, middle, high in zip(epochs, adam["low"], adam["middle"], adam["high"], strict=True):
        values = [float(row["test_accuracy"]) for row in rows if float(row["epoch"]) == epoch]
        assert [low, middle, high] == pytest.approx(np.quantile(values, (0.25, 0.5, 0.75)), rel=1e-6)
    assert sgd["middle"][1:] == [None] * (len(sgd["middle"]) - 1)
    assert "Diverged: all 5 of SGD; such a run counts as worse than any other" in captions_of(page)


def test_a_run_that_diverges_alone_leaves_no_point_of_its_own_in_the_median() -> None:
    whole, cut = run_of(falling(50)), run_of(falling(50), diverged_at=30)
    cut.evaluations = [*cut.evaluations[:2], {**cut.evaluations[1], "step": 30, "epoch": 1.5, "test_loss": math.nan}]
    record = record_of({"adam": [whole, whole, cut, whole], "sgd": [whole]})
    (adam, sgd) = training_series(record, measure_named(record, "test_loss"))
    assert adam.clocks["epoch"].tolist() == sgd.clocks["epoch"].tolist() == [0, 1, 2, 3, 4, 5]
    assert np.isfinite(adam.over.middle).all()  # one of four is lost
    assert np.isinf(adam.rows[2, 2:]).all()


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([50, 60, 70, 90], "65"),
        ([50, 60, 70, 80, 90, math.inf, math.inf, math.inf], "85 (3 of 8 missed)"),
        ([50, 60, 70, 80, math.inf, math.inf, math.inf, math.inf], "not reached (4 of 8 missed)"),
        ([math.nan, 1500, 1600], "1,600 (1 of 3 missed)"),
    ],
)
def test_misses_of_a_target_are_told_and_half_of_them_leave_no_median(steps: list[float], told: str) -> None:
    found = summarise(np.array(steps))
    assert found.median == statistics.median(math.inf if math.isnan(step) else step for step in steps)
    assert _reached(found) == told
    # The judge's own middle of such results, where any has no finite value, is the same.
    if found.missed:
        results = judge.Results("made", "steps", {"a": dict(enumerate(steps)), "b": dict(enumerate(steps))}, "steps")
        assert judge.judge(results).entry("a").estimate.value == found.median


def test_seconds_that_are_shared_are_no_milliseconds_per_step(tmp_path: Path) -> None:
    told = {}
    for engine in ("solo", "field"):
        study: Any = slalom.study(
            "digits-logreg", ["sgd", "adam"], steps=10, seeds=3, trials=5, engine=engine, store=str(tmp_path / engine)
        )
        told[engine] = _cost(study)
    assert "ms per step" in told["solo"].columns
    rates = [row[5] / row[4] * 1000 for row in told["solo"].rows]
    assert [row[6] for row in told["solo"].rows] == pytest.approx(rates)
    assert "ms per step" not in told["field"].columns
    assert "share them evenly" in told["field"].notes
    assert "share" not in told["solo"].notes


def test_a_default_that_nobody_tried_is_told_as_read_off_the_line() -> None:
    rates = {0.0001: (0.5,), 0.004: (0.9,), 0.1: (0.95,)}
    study = study_of({"sgd": [0.9, 0.91, 0.9], "adam": [0.9, 0.92, 0.91]}, tried={"adam": rates})
    (line,) = sensitivity_lines(study)
    assert line.default is not None
    # Adam's default is 0.001; on a logarithmic axis of rates and results a straight line leads from 0.5 to 0.9.
    share = math.log(0.001 / 0.0001) / math.log(0.004 / 0.0001)
    assert line.default == pytest.approx((0.001, 0.5 * (0.9 / 0.5) ** share))
    assert not line.default_tried
    said = " ".join(views.study_sensitivity(study).sentence)
    assert f"Adam has about {100 * line.default[1]:.0f} %, between the rates tried, rather than" in said
    assert "○ the library's default, read off the line where it was not tried" in sensitivity_means(study, [line])


def test_a_default_beside_a_rate_that_was_lost_has_no_value_and_one_that_was_tried_its_own() -> None:
    results = {"sgd": [0.9, 0.91, 0.9], "adam": [0.9, 0.92, 0.91]}
    (beside,) = sensitivity_lines(study_of(results, tried={"adam": {0.0001: (0.5,), 0.004: (math.nan,), 0.1: (0.9,)}}))
    assert beside.default is None
    (own,) = sensitivity_lines(study_of(results, tried={"adam": {0.0001: (0.5,), 0.001: (0.7,), 0.1: (0.9,)}}))
    assert own.default == (0.001, 0.7)
    assert own.default_tried


def test_means_are_called_what_they_are_where_losses_are_judged_above_a_minimum(tmp_path: Path) -> None:
    study: Any = slalom.study("sphere", ["sgd", "adam"], steps=20, seeds=5, trials=5, store=str(tmp_path / "runs"))
    page = study.save(tmp_path / "study.html")
    told = captions_of(page)
    finals = [one.final("loss") for one in study.evaluations["Adam"]]
    assert study.judgement.entry("Adam").estimate.value == pytest.approx(stats.gmean(finals))
    assert "ratio of geometric means and its 95 % interval" in told
    assert "geometric mean and its 95 % interval over five seeds" in told
    assert "geometric mean and range of all tuning seeds" in told
    assert study.table().notes.startswith("geometric mean of loss")

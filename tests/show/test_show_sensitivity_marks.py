"""A sensitivity picture shows divergence, the ends of the range and the chosen rate of every optimizer."""

from __future__ import annotations

import json

import numpy as np
import pytest

import slalom
from slalom.store import MemoryStore


def on_curve(line: object, at: tuple[float, float]) -> bool:
    rates, middle = line.rates, line.middle  # type: ignore[attr-defined]
    return any(np.isclose(rate, at[0]) and np.isclose(value, at[1]) for rate, value in zip(rates, middle, strict=True))


def test_a_sweep_draws_divergence_and_open_ends_of_every_optimizer() -> None:
    sweep = slalom.sweep("rosenbrock", ["sgd", "momentum", "adam"], over="lr", grid=13, steps=150)
    view = sweep.view()
    for line, gone in zip(view.lines, sweep.diverged, strict=True):
        most = gone.mean(axis=1) >= 0.5
        assert set(line.lost) >= set(sweep.rates[gone.mean(axis=1) > 0.5])
        assert set(line.lost) <= set(sweep.rates[most])
        ends = {float(rate) for rate, _ in line.open_ends}
        assert (float(sweep.rates[-1]) in ends) == (sweep.rates[-1] not in line.lost)
        assert float(sweep.rates[0]) in ends
        assert on_curve(line, line.best)
    drawn = sweep.figure().axes[0]
    crosses = [line for line in drawn.lines if line.get_marker() == "x"]
    assert len(crosses) == sum(len(line.lost) > 0 for line in view.lines) == 2
    assert "the range ends" in " ".join(view.footer)


def test_a_median_of_exactly_0_has_a_mark_at_the_foot() -> None:
    sweep = slalom.sweep("sphere", ["sgd"], over="lr", grid=3, starts=[(1.0, 2.0)], steps=2500)
    (line,) = sweep.view().lines
    assert np.nanmin(sweep.final_losses[0]) == 0.0
    assert len(line.zeros)
    assert "▼" in sweep.view().y_title
    assert any(artist.get_marker() == "v" for artist in sweep.figure().axes[0].lines)


@pytest.mark.parametrize("course", ["rosenbrock"])
def test_a_studys_curve_is_drawn_from_all_tuning_seeds_and_the_choice_lies_on_it(course: str) -> None:
    from slalom.lab.studying.pictures import PicturedStudy
    from slalom.show import views

    study = slalom.study(course, ["sgd", "adam"], seeds=3, steps=120, store=MemoryStore())
    told = json.loads(study.to_json())["tasks"][0]["optimizers"]
    lines = views.study_sensitivity(PicturedStudy(study)).lines
    for line, one in zip(lines, told, strict=True):
        many = [trial for trial in one["search"] if len(trial["values"]) == 5]
        assert len(many) == 3
        assert {trial["lr"] for trial in many if None not in trial["values"]} <= set(line.finalists[:, 0])
        chosen = next(trial for trial in one["search"] if np.isclose(trial["lr"], one["tuned"]["lr"]))
        mean = float(np.exp(np.mean(np.log(np.array(chosen["values"], dtype=float)))))
        assert line.best == pytest.approx((chosen["lr"], mean))
        assert on_curve(line, line.best)

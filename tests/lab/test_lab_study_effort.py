"""How much a study does: trials, a budget of time, successive halving; and the file that does it again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import slalom
from slalom.core import InputError
from slalom.lab.studying import Study, plan_study
from slalom.lab.studying.asking import halved
from slalom.lab.studying.durations import seconds_of
from slalom.lab.studying.search import RUNGS, survivors
from slalom.store import MemoryStore
from slalom.store import open as open_store

PAIR = ["sgd", "adam"]
BRIEF: dict[str, Any] = {"steps": 90, "seeds": 5, "store": None}


def study(**asked: Any) -> Study:
    found = slalom.study("rosenbrock", PAIR, **{**BRIEF, "store": MemoryStore(), **asked})
    assert isinstance(found, Study)
    return found


# -- trials ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("track", "trials"), [("lr", 11), ("lr", 9), ("lr", 7), ("lr", 5), ("full", 32), ("full", 8)])
def test_everybody_gets_the_trials_that_were_asked_for(track: str, trials: int) -> None:
    found = study(track=track, trials=trials)
    counts = {one.count for one in found.tuned.values()}
    assert len(counts) == 1
    assert trials <= counts.pop() <= trials + 3


# -- a budget ----------------------------------------------------------------------------------------------------------


def test_a_budget_becomes_equal_steps_and_trials_and_is_kept_for_the_next_time(tmp_path: Path) -> None:
    asked: dict[str, Any] = {"steps": 1_000_000, "seeds": 5, "store": str(tmp_path / "runs.sqlite"), "budget": 2}
    (plan,) = plan_study("rosenbrock", PAIR, **asked)
    assert plan.question.training is not None
    assert plan.question.training.steps < 1_000_000
    assert plan.seconds is not None
    assert plan.seconds <= 2
    assert any(line.startswith("budget      2 s on this machine: ") for line in plan.lines())
    first = slalom.study("rosenbrock", PAIR, **asked)
    again = slalom.study("rosenbrock", PAIR, **asked)
    assert isinstance(first, Study)
    assert isinstance(again, Study)
    assert (again.steps, again.computed) == (first.steps, 0)
    lengths = {one.spec.training.steps for one in first.runs() if one.spec.training}
    assert lengths == {first.steps}


def test_a_budget_never_gives_more_trials_than_were_asked_for() -> None:
    (plan,) = plan_study("rosenbrock", PAIR, trials=5, budget="1h", store=MemoryStore(), steps=90)
    assert plan.question.trials == 5
    assert any("; the usual ones take less" in line for line in plan.lines())


def test_a_budget_that_is_ample_changes_nothing() -> None:
    assert study(budget="10h").steps == 90


def test_a_budget_in_which_nothing_can_be_done_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"^budget `0.5 s`: 10 steps of the fewest trials take about .* on this machine"
    ):
        slalom.study("rosenbrock", PAIR, seeds=20_000, budget="0.5s", store=MemoryStore())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("1.5h", 5400), ("1h30m", 5400), ("2 min", 120), (7.5, 7.5), ("1d", 86400)],
)
def test_times_are_read_as_people_type_them(text: Any, seconds: float) -> None:
    assert seconds_of("budget", text) == seconds


@pytest.mark.parametrize("text", ["", "m", "1 30", "-5m", "0s", "1x", "1h-3m", True, None, "nan", 0, float("inf"), [1]])
def test_nothing_else_is_taken_for_a_time(text: Any) -> None:
    with pytest.raises(InputError, match="a time is a number above 0 with s, m, h or d, such as 90s, 10m or 1h30m"):
        seconds_of("timeout", text)


@given(st.floats(0.01, 1e3), st.sampled_from([("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]))
def test_a_number_and_a_unit_is_so_many_seconds(number: float, unit: tuple[str, int]) -> None:
    assert seconds_of("timeout", f"{number:.4f} {unit[0]}") == pytest.approx(float(f"{number:.4f}") * unit[1])


# -- halving -----------------------------------------------------------------------------------------------------------


def test_halving_stops_the_worst_after_a_ninth_and_a_third_for_everybody_alike() -> None:
    found = study(halving=True, track="full")
    for one in found.tuned.values():
        stops = [trial.steps for trial in one.trials]
        assert {steps: stops.count(steps) for steps in set(stops)} == {10: 21, 30: 7, None: 4}
        best = max((trial for trial in one.trials if trial.steps is None), key=lambda trial: trial.score)
        assert best.score >= max(trial.score for trial in one.trials if trial.steps == 30)
    tuning, evaluation = found.cost("SGD"), len(found.evaluations["SGD"])
    assert evaluation == 5
    assert tuning.tuning_runs == 2 * (32 + 11 + 4) + 9
    assert found.spared == pytest.approx(
        1 - (2 * (32 * 10 + 11 * 30 + 4 * 90) + 9 * 90) / (2 * 32 * 90 + 9 * 90), abs=0.1
    )
    assert any(remark.startswith("halving left out ") for remark in found.remarks)


def test_halving_never_touches_the_evaluation() -> None:
    assert {one.run.completed for runs in study(halving=True).evaluations.values() for one in runs} == {90}


def test_what_halving_comes_to_is_reckoned_from_its_rungs() -> None:
    assert RUNGS == (1 / 9, 1 / 3, 1)
    assert halved(7) == pytest.approx(7 / 9 + 3 / 3 + 1)
    assert halved(32) == pytest.approx(32 / 9 + 11 / 3 + 4)
    assert halved(2) == 2


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_those_who_go_on_are_the_best_third(scores: list[float]) -> None:
    places = list(map(float, range(len(scores))))
    left = survivors(places, dict(zip(places, scores, strict=True)))
    assert len(left) == -(-len(scores) // 3)
    assert min(scores[int(place)] for place in left) >= max(
        (scores[int(place)] for place in places if place not in left), default=-1e9
    )


def test_halving_has_no_part_where_nothing_is_tried_or_no_length_is_known() -> None:
    with pytest.raises(InputError, match="halving stops hopeless trials early, and the track defaults has none"):
        study(halving=True, track="defaults")


# -- study.toml --------------------------------------------------------------------------------------------------------


def test_a_saved_study_file_does_the_same_study_again(tmp_path: Path) -> None:
    with open_store(tmp_path / "runs.sqlite") as store:
        terms: dict[str, Any] = {"baseline": "adam", "margin": 3.0, "steps": 60, "seeds": 6, "seed": 2, "trials": 7}
        first = slalom.study(["rosenbrock", "x**2 + 3*y**2"], PAIR, store=store, **terms)
        path = first.save(tmp_path / "study.toml")
        again = slalom.study(str(path), store=store)
        assert again.verdict() == first.verdict()
        assert sum(part.computed for part in again.parts) == 0  # type: ignore[union-attr]


def test_what_a_study_file_says_cannot_be_said_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text('course = "sphere"\n')
    with pytest.raises(InputError, match="seeds `5` has no part beside a study file, which holds it all"):
        slalom.study(str(path), seeds=5)


def test_a_study_of_an_object_without_a_name_cannot_be_written_to_a_file(tmp_path: Path) -> None:
    found = slalom.study(lambda x, y: x**2 + y**2, PAIR, steps=10, seeds=5)
    with pytest.raises(InputError, match="is an object without a name, which no study file can tell"):
        found.save(tmp_path / "study.toml")
    assert not list(tmp_path.iterdir())


# -- what is said meanwhile, and who could imitate whom ----------------------------------------------------------------


def test_what_is_being_done_and_who_is_best_so_far_is_said() -> None:
    said: list[str] = []
    found = study(say=said.append)
    assert said[0] == "planning: a few steps are timed"
    assert said[1] == "tuning on seeds 1,000,000 and 1,000,001: 7 trials each of 2 optimizers"
    best = max(((trial.score, name) for name, one in found.tuned.items() for trial in one.trials), key=lambda x: x[0])
    told = next(line for line in said if line.startswith("the best 3 again on seeds 1,000,002 to 1,000,004; "))
    assert f"best so far {best[1]} lr " in told
    assert said[-1] == "evaluating 2 optimizers on 5 fresh seeds"


def test_on_the_full_track_the_general_optimizer_is_held_against_its_special_case() -> None:
    """SGD with its momentum searched can be SGD with momentum 0.9; Adam cannot."""
    found = slalom.study(
        "rosenbrock",
        ["sgd", "sgd:momentum=0.9", "adam"],
        track="full",
        trials=8,
        steps=20,
        seeds=5,
        store=MemoryStore(),
    )
    assert isinstance(found, Study)
    cases = {name: facts.special_cases for name, facts in found.results.facts.items()}
    assert cases == {"SGD": ("SGD momentum 0.9",), "SGD momentum 0.9": (), "Adam": ()}

"""Studies on landscapes, and on several courses at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import slalom
from slalom.core import InputError
from slalom.judge import judge, read_results
from slalom.lab.studying import Studies, Study
from slalom.lab.studying.asking import FINAL_SEEDS, SEARCH_SEEDS
from slalom.store import MemoryStore

PAIR = ["sgd", "adam"]


@pytest.fixture(scope="module")
def kept() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def rosenbrock(kept: MemoryStore) -> Study:
    return slalom.study("rosenbrock", PAIR, steps=100, store=kept)  # type: ignore[return-value]


def test_on_a_landscape_seeds_are_starts_drawn_in_the_domain_and_tuning_has_its_own(rosenbrock: Study) -> None:
    evaluated = {one.runner.seed: one.runner.start for one in rosenbrock.evaluations["SGD"]}
    tuned = {one.runner.seed: one.runner.start for one in rosenbrock.tuned["SGD"].runs}
    assert set(evaluated) == set(range(10))
    assert set(tuned) == {*SEARCH_SEEDS, *FINAL_SEEDS}
    assert not set(evaluated.values()) & set(tuned.values())
    low, high = np.array(rosenbrock.course.domain).T
    points = np.array(list(evaluated.values()))
    assert ((points >= low) & (points <= high)).all()
    assert evaluated == {one.runner.seed: one.runner.start for one in rosenbrock.evaluations["Adam"]}


def test_a_run_on_a_landscape_is_the_plain_race_from_its_start(rosenbrock: Study) -> None:
    for one in rosenbrock.evaluations["Adam"][:3]:
        rate = one.runner.optimizer.hyperparameters["lr"]
        race = slalom.race("rosenbrock", [f"adam:lr={rate!r}"], start=one.runner.start, steps=100, engine="solo")
        assert one.run.last["loss"] == race.losses[0, -1]
        np.testing.assert_array_equal(one.run.losses, race.losses[0, :-1])


def test_a_landscape_is_judged_by_its_gap_to_the_optimum_and_says_that_ranks_do_not_carry_over(
    rosenbrock: Study,
) -> None:
    assert rosenbrock.judgement.margin == "a factor 2"
    assert rosenbrock.results.optimum == 0.0
    assert "Ranks on a landscape do not carry over to networks." in rosenbrock.warnings


def test_the_choice_on_a_landscape_is_the_best_mean_of_the_logarithms(rosenbrock: Study) -> None:
    tuned = rosenbrock.tuned["Adam"]
    finals: dict[float, list[float]] = {}
    for one in tuned.runs:
        finals.setdefault(one.runner.optimizer.hyperparameters["lr"], []).append(one.final("loss"))
    means = {rate: float(np.mean(np.log(values))) for rate, values in finals.items() if len(values) == 5}
    assert len(means) == 3
    assert min(means, key=means.__getitem__) == tuned.optimizer.hyperparameters["lr"]


def test_an_expression_is_kept_under_its_text_and_a_second_study_of_it_computes_nothing(kept: MemoryStore) -> None:
    counts = [
        slalom.study("x**2 + 10*y**2", PAIR, steps=20, seeds=5, store=kept).computed  # type: ignore[union-attr]
        for _ in range(2)
    ]
    assert counts[0] > 0
    assert counts[1] == 0


def test_a_diverging_optimizer_on_a_landscape_counts_as_the_worst(kept: MemoryStore) -> None:
    found = slalom.study("sphere", ["sgd:lr=0.1", "sgd:lr=1.5"], track="defaults", steps=2000, store=kept)
    assert isinstance(found, Study)
    assert found.results.divergences("SGD lr 1.5") == 10
    verdict = found.judgement.entry("SGD lr 1.5").verdict
    assert verdict is not None
    assert verdict.word == "not comparable"


def test_an_optimizer_that_raises_on_a_landscape_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brittle_steps.py").write_text(
        "import torch\n\n"
        "class Brittle(torch.optim.SGD):\n"
        "    def step(self, closure=None):\n"
        "        self.made = getattr(self, 'made', 0) + 1\n"
        "        if self.made > 200:\n"
        "            raise RuntimeError('too fast')\n"
        "        return super().step(closure)\n"
    )
    monkeypatch.chdir(tmp_path)
    found = slalom.study(
        "sphere", ["sgd:lr=0.1", "brittle_steps.py:Brittle:lr=0.9"], track="defaults", steps=250, store=MemoryStore()
    )
    assert isinstance(found, Study)
    assert all(not one.run.error for one in found.evaluations["SGD"])
    assert {one.run.error.partition(" (")[0] for one in found.evaluations["Brittle"]} == {"RuntimeError: too fast"}
    assert any("10 of 10 runs of Brittle failed" in warning for warning in found.warnings)


@pytest.fixture(scope="module")
def several(kept: MemoryStore, rosenbrock: Study) -> Studies:  # rosenbrock is studied alone first
    return slalom.study(["sphere", "rosenbrock", "booth"], PAIR, steps=100, store=kept)  # type: ignore[return-value]


def test_several_courses_are_studied_each_and_compared_across(several: Studies, rosenbrock: Study) -> None:
    assert [part.course.name for part in several.parts] == ["sphere", "rosenbrock", "booth"]
    assert several["rosenbrock"].computed == 0, "the runs of the study on rosenbrock alone are shared"
    assert several["rosenbrock"].verdict() == rosenbrock.verdict()
    assert several.across.tasks == ("sphere", "rosenbrock", "booth")
    np.testing.assert_allclose(several.across.rank_probabilities.sum(axis=0), 1)
    assert several.across.sentence in several.verdict()
    assert set(several.best()) == {"sphere", "rosenbrock", "booth"}


def test_the_json_of_several_courses_has_one_entry_each_and_what_they_say_together(several: Studies) -> None:
    told = json.loads(several.to_json())
    assert [task["task"] for task in told["tasks"]] == ["sphere", "rosenbrock", "booth"]
    assert "across" in told


def test_the_csv_of_several_courses_is_judged_to_the_same_verdicts(several: Studies, tmp_path: Path) -> None:
    path = several.save(tmp_path / "values.csv")
    read = read_results(path)
    assert [one.task for one in read] == ["sphere", "rosenbrock", "booth"]
    for one, part in zip(read, several.parts, strict=True):
        np.testing.assert_array_equal(one.array("Adam"), part.results.array("Adam"))
        assert (one.kind, one.optimum, one.metric) == ("loss", part.results.optimum, "loss")
        assert [entry.comparison for entry in judge(one).entries] == [e.comparison for e in part.judgement.entries]


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"course": []}, "no course was given: name at least one, such as digits-mlp."),
        ({"precision": "bf16"}, "precision `bf16` has no part in a study on a landscape: leave it out."),
        ({"metric": "accuracy"}, "`accuracy` is no measure of the landscape `sphere`: it has loss."),
    ],
)
def test_what_a_landscape_has_no_use_for_is_refused(asked: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError) as refused:
        slalom.study(**{"course": "sphere", "optimizers": PAIR, "store": MemoryStore(), **asked})
    assert str(refused.value) == complaint

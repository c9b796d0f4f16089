"""``slalom.study``: the search by tables, and a small real study."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from studies import PAIR, SHORT, bits, small_study

import slalom
from slalom import tasks
from slalom.core import InputError, python_files
from slalom.judge import Kind, read_results
from slalom.lab.studying import Study, plan_study
from slalom.lab.studying.asking import FINAL_SEEDS, SEARCH_SEEDS
from slalom.lab.studying.search import RateSearch, search
from slalom.lab.studying.yardsticks import Yardstick
from slalom.store import MemoryStore


@pytest.fixture(scope="module")
def kept() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(scope="module")
def small(kept: MemoryStore) -> Study:
    return small_study(kept)


def searched(peaks: Mapping[str, float]) -> tuple[dict[str, RateSearch], list[Mapping[str, Sequence[float]]]]:
    """Search for optimizers whose scores fall off on both sides of a place; return what was asked, round by round."""
    searches = {name: RateSearch(1e-3, 1e3) for name in peaks}
    rounds: list[Mapping[str, Sequence[float]]] = []

    def measure(places: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
        rounds.append({name: list(wanted) for name, wanted in places.items()})
        return {name: [-abs(place - peaks[name]) for place in wanted] for name, wanted in places.items()}

    search(searches, measure)
    return searches, rounds


@pytest.mark.parametrize(
    ("peak", "tried_after_the_grid", "edge"),
    [
        (3.0, [[3.5, 2.5], [3.25, 2.75]], False),
        (3.4, [[3.5, 2.5], [3.75, 3.25]], False),
        (0.6, [[1.5, 0.5], [0.75, 0.25]], False),
        (0.0, [[-1.0], [0.5, -0.5], [0.25, -0.25]], False),
        (6.9, [[7.0], [8.0], [7.5, 6.5], [7.25, 6.75]], False),
        (-2.0, [[-1.0], [-2.0], [-3.0], [-1.5, -2.5], [-1.75, -2.25]], False),
        (99.0, [[7.0], [8.0], [9.0], [9.5, 8.5], [9.75, 9.25]], True),
    ],
)
def test_a_search_refines_around_the_best_and_goes_beyond_an_edge(
    peak: float, tried_after_the_grid: list[list[float]], edge: bool
) -> None:
    searches, rounds = searched({"one": peak})
    assert rounds[0] == {"one": [0, 1, 2, 3, 4, 5, 6]}
    assert [asked["one"] for asked in rounds[1:]] == tried_after_the_grid
    assert searches["one"].is_edge(searches["one"].best) is edge


@pytest.mark.parametrize("peaks", [(3, 3, 3), (3, 6, 2), (3, 9, -1), (99, 3, 0), (-99, 99, 2.1)])
def test_everybody_gets_as_many_trials_as_the_one_whose_edge_was_extended(peaks: tuple[float, ...]) -> None:
    searches, _ = searched({str(index): peak for index, peak in enumerate(peaks)})
    counts = {len(one.scores) for one in searches.values()}
    assert len(counts) == 1
    assert 11 <= counts.pop() <= 14


def test_rates_are_log_spaced_over_the_range_and_short_enough_to_type() -> None:
    one = RateSearch(1e-3, 10.0)
    np.testing.assert_allclose([one.rate(place) for place in one.grid()], np.geomspace(1e-3, 10, 7), rtol=1e-3)
    assert [one.rate(place) for place in (1, 2.5, 6, 7)] == [0.004642, 0.04642, 10.0, 46.42]


def test_of_equal_scores_the_smallest_rate_is_best() -> None:
    one = RateSearch(1e-3, 1.0)
    one.scores = {2.0: 0.5, 1.0: 0.5, 0.0: 0.1, 3.0: 0.2}
    assert one.ranked() == [1.0, 2.0, 3.0, 0.0]


@pytest.mark.parametrize(
    ("values", "higher", "lost", "score"),
    [
        ([0.5, 0.7], True, 0.0, 0.6),
        ([0.5, float("nan")], True, 0.0, 0.25),
        ([0.5, 0.7], False, float("inf"), -0.6),
        ([0.5, float("nan")], False, float("inf"), -float("inf")),
    ],
)
def test_a_divergence_counts_as_the_worst_result(values: list[float], higher: bool, lost: float, score: float) -> None:
    kind: Kind = "accuracy" if higher else "loss"
    yardstick = Yardstick("validation", "test", higher, kind)
    assert yardstick.lost == lost
    assert yardstick.score(values) == pytest.approx(score)


# -- a small real study --------------------------------------------------------------------------------------------


def test_everybody_is_tuned_with_eleven_trials_and_judged_on_fresh_seeds(small: Study) -> None:
    assert [len(one.trials) for one in small.tuned.values()] == [11, 11]
    assert {name: sorted(values) for name, values in small.results.values.items()} == {
        "SGD": [0, 1, 2, 3, 4],
        "Adam": [0, 1, 2, 3, 4],
    }
    word = small.judgement.entry("Adam").verdict
    assert word is not None
    assert word.sentence.endswith("at 36 steps, 11 trials, this search space.")
    assert word.sentence in small.verdict()


def test_tuning_has_seeds_of_its_own_and_never_sees_the_test_set(small: Study) -> None:
    for name, one in small.tuned.items():
        tuning = {run.runner.seed for run in one.runs}
        assert tuning == {*SEARCH_SEEDS, *FINAL_SEEDS} == set(one.seeds)
        assert not tuning & {run.runner.seed for run in small.evaluations[name]}
        assert not any(key.startswith("test") for run in one.runs for row in run.run.evaluations for key in row)
        assert len(one.runs) == 11 * 2 + 3 * 3


def test_the_choice_is_the_finalist_with_the_best_mean_validation_accuracy(small: Study) -> None:
    for one in small.tuned.values():
        by_rate: dict[float, list[float]] = {}
        for run in one.runs:
            by_rate.setdefault(run.runner.optimizer.hyperparameters["lr"], []).append(run.final("validation_accuracy"))
        finalists = {rate: np.mean(values) for rate, values in by_rate.items() if len(values) == 5}
        assert len(finalists) == 3
        chosen = one.optimizer.hyperparameters["lr"]
        assert finalists[chosen] == max(finalists.values())


def test_an_evaluation_is_the_plain_race_at_the_tuned_rate(small: Study) -> None:
    best = small.tuned["Adam"].optimizer
    race = slalom.race("digits-mlp", [best.spec], seeds=5, epochs=2, engine="solo")
    values = list(small.results.values["Adam"].values())
    np.testing.assert_allclose(values, race.final("test_accuracy"), atol=0.006)  # two images, by rounding


def test_a_second_call_computes_nothing(small: Study, kept: MemoryStore) -> None:
    again = slalom.study("digits-mlp", PAIR, store=kept, **SHORT)
    assert again.computed == 0
    assert small.computed == len(small.runs()) == 2 * (11 * 2 + 3 * 3 + 5)
    assert list(map(bits, again.runs())) == list(map(bits, small.runs()))
    assert again.verdict() == small.verdict()


def test_two_studies_share_the_runs_of_an_optimizer_in_both(small: Study, kept: MemoryStore) -> None:
    other = slalom.study("digits-mlp", ["adam", "adagrad"], store=kept, **SHORT)
    assert other.computed < len(other.runs())
    assert {run.spec.key for run in other.tuned["Adam"].runs} >= {run.spec.key for run in small.tuned["Adam"].runs}


def test_more_seeds_add_runs_and_keep_those_that_tuning_made(small: Study, kept: MemoryStore) -> None:
    more = slalom.study("digits-mlp", PAIR, store=kept, **{**SHORT, "seeds": 6})
    assert more.computed == 2  # one seed more of both
    assert [one.optimizer.spec for one in more.tuned.values()] == [one.optimizer.spec for one in small.tuned.values()]


def test_the_winner_is_a_line_that_makes_the_optimizer(small: Study) -> None:
    model = torch.nn.Linear(2, 2)
    made = eval(small.best(), {"torch": torch, "model": model})
    name = max(small.results.values, key=lambda one: np.mean(list(small.results.values[one].values())))
    assert made.param_groups[0]["lr"] == small.tuned[name].optimizer.hyperparameters["lr"]


def test_steps_to_target_count_to_the_median_of_the_baseline(small: Study) -> None:
    ends = [one.run.last["validation_accuracy"] for one in small.evaluations["SGD"]]
    assert small.target == np.median(ends)
    own, other = small.steps_to_target("SGD"), small.steps_to_target("Adam")
    assert own.median == 36
    assert own.missed == sum(
        max(one.run.series("validation_accuracy")) < small.target for one in small.evaluations["SGD"]
    )
    assert other.n == 5


def test_json_has_the_declared_format(small: Study) -> None:
    told = json.loads(small.to_json())
    (task,) = told["tasks"]
    assert told["store"] == "memory"
    assert {"task", "track", "baseline", "margin", "optimizers", "tied_best", "warnings"} <= task.keys()
    first, second = task["optimizers"]
    assert {"name", "tuned", "final", "verdict", "sentence", "cost"} <= first.keys()
    assert {"metric", "mean", "low", "high", "n"} <= first["final"].keys()
    assert first["tuned"] == {"lr": small.tuned["SGD"].optimizer.hyperparameters["lr"]}
    assert (first["verdict"], second["sentence"]) == ("baseline", small.judgement.entry("Adam").verdict.sentence)  # type: ignore[union-attr]
    assert first["cost"]["steps"] == 36 * 36
    assert len(first["search"]) == first["cost"]["trials"] == 11


def test_the_saved_csv_is_judged_to_the_same_verdict(small: Study, tmp_path: Path) -> None:
    path = small.save(tmp_path / "results.csv")
    found = read_results(path)
    values = found[0].values if isinstance(found, Sequence) else found.values
    assert {name: dict(runs) for name, runs in values.items()} == {n: dict(r) for n, r in small.results.values.items()}


# -- tracks, and what is fixed -------------------------------------------------------------------------------------


def test_the_defaults_track_tunes_nothing_and_says_what_it_ranks() -> None:
    found = slalom.study("digits-mlp", PAIR, track="defaults", lr=0.01, store=MemoryStore(), **SHORT)
    assert [one.optimizer.hyperparameters["lr"] for one in found.tuned.values()] == [0.01, 0.01]
    assert len(found.runs()) == 10
    assert any("ranks settings as they were given" in warning for warning in found.warnings)
    assert "1 trial," in found.verdict()


def test_the_full_track_draws_as_many_points_for_everybody_within_the_ranges_of_the_protocol() -> None:
    found = slalom.study("digits-mlp", ["sgd", "adam:eps=1e-7"], track="full", store=MemoryStore(), **SHORT)
    points = {name: [trial.values for trial in one.trials] for name, one in found.tuned.items()}
    assert {name: len(of_name) for name, of_name in points.items()} == {"SGD": 32, "Adam": 32}
    assert {frozenset(values) for values in points["SGD"]} == {frozenset({"lr", "momentum", "weight_decay"})}
    assert {frozenset(values) for values in points["Adam"]} == {frozenset({"lr", "beta1", "beta2", "weight_decay"})}
    for values in points["Adam"]:
        assert 1e-5 <= values["lr"] <= 1e-1
        assert 0.5 <= values["beta1"] <= 0.99
        assert 0.8 <= values["beta2"] <= 0.9999
        assert values["weight_decay"] == 0 or 1e-6 <= values["weight_decay"] <= 1e-1
    assert sum(values["weight_decay"] == 0 for values in points["Adam"]) == 16
    assert "32 trials" in found.verdict()
    chosen = found.tuned["Adam"].optimizer
    told = json.loads(found.to_json())["tasks"][0]["optimizers"][1]["tuned"]
    assert (told["beta1"], told["beta2"]) == chosen.hyperparameters["betas"]
    assert chosen.hyperparameters["eps"] == 1e-7


def test_a_rate_that_was_typed_is_fixed_and_its_unequal_trials_are_told(kept: MemoryStore) -> None:
    found = slalom.study("digits-mlp", ["sgd", "adam:lr=0.01"], store=kept, **SHORT)
    assert found.tuned["Adam"].optimizer.hyperparameters["lr"] == 0.01
    assert not found.tuned["Adam"].runs
    verdict = found.judgement.entry("Adam").verdict
    assert verdict is not None
    assert verdict.word == "not comparable"


def test_a_task_of_ones_own_without_examples_held_out_is_judged_by_its_training_loss() -> None:
    x = torch.arange(160.0).reshape(40, 4).sin()
    task = slalom.Task(lambda: torch.nn.Linear(4, 1), (x, x.sum(1, keepdim=True)), validation=None, batch_size=20)
    found = slalom.study(task, ["sgd", "adam:lr=0.1"], steps=5, seeds=5, workers=1)
    assert (found.yardstick.tuning, found.yardstick.final) == ("train_loss", "train_loss")
    assert found.store == "memory"
    assert np.isfinite(found.results.array("SGD")).all()


def test_a_rate_at_which_everything_diverges_is_not_chosen(small: Study) -> None:
    rates = [trial.values["lr"] for trial in small.tuned["SGD"].trials]
    assert min(rates) < small.tuned["SGD"].optimizer.hyperparameters["lr"] < max(rates)


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        ({"optimizers": ["sgd"]}, "a study compares optimizers, and only `sgd` was given: name at least two."),
        ({"track": "best"}, "track `best` is not known: choose one of defaults, lr, full."),
        ({"lr": 0.1}, "lr `0.1` belongs to the track defaults: on the track lr rates are tuned."),
        (
            {"baseline": "adamw"},
            "the baseline `adamw` is none of the optimizers. Did you mean `adam`? They are `sgd`, `adam`.",
        ),
        (
            {"seed": 999_998},
            "seed `999998`: the seeds 1,000,000 to 1,000,004 are kept for tuning: let the evaluation begin with "
            "another.",
        ),
    ],
)
def test_what_cannot_be_studied_is_refused_in_one_sentence(asked: dict[str, Any], complaint: str) -> None:
    terms = {"course": "digits-mlp", "optimizers": PAIR, "store": MemoryStore(), **asked}
    with pytest.raises(InputError) as refused:
        slalom.study(**terms)
    assert str(refused.value) == complaint


def test_a_plan_is_shown_and_nothing_is_run_or_made(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    (plan,) = plan_study("digits-mlp", PAIR, store=str(path), **SHORT)
    assert (plan.question.tuning_runs, plan.question.evaluation_runs) == (62, 10)
    assert plan.as_dictionary()["estimated_seconds"] > 0
    assert not path.exists()


OWN_TASK = """
import slalom, torch

def task():
    x = torch.arange({first}.0, {first}.0 + 160).reshape(40, 4).sin()
    return slalom.Task(lambda: torch.nn.Linear(4, 2), (x, (x.sum(1) > 0).long()), 10, validation=0, batch_size=10)
"""


def test_the_runs_of_a_file_belong_to_its_content(tmp_path: Path) -> None:
    kept, counts = MemoryStore(), []
    terms: dict[str, Any] = {"track": "defaults", "steps": 3, "seeds": 2, "engine": "solo", "store": kept}
    for name, first in (("mine.py", 0), ("mine.py", 0), ("other.py", 7)):
        file = tmp_path / name
        file.write_text(OWN_TASK.format(first=first))
        found = slalom.study(f"{file}:task", PAIR, **terms)
        counts.append(found.computed)
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        assert {one.spec.course_fingerprint for one in found.runs()} == {content}
    assert counts == [4, 0, 4]
    (warning,) = [one for one in found.warnings if "validation" in one]
    assert warning == f"{file}:task has no validation split: the train accuracy chose what was tuned."


def test_a_file_that_was_edited_is_another_course(tmp_path: Path) -> None:
    """In the same process, under the same name: what was run before must not be taken for it."""
    file, store = tmp_path / "mine.py", MemoryStore()
    computed, values = [], []
    for version in ("x**2", "x**2 + 100", "x**2 + 100"):
        file.write_text(f"def f(x, y):\n    return {version} + y**2\n")
        found = slalom.study(f"{file}:f", PAIR, track="defaults", steps=3, seeds=3, store=store)
        computed.append(found.computed)
        values.append(found.results.array("SGD").min())
    assert computed == [6, 6, 0]
    assert values[0] < 100 <= values[1] == values[2]


def test_the_same_file_spelt_otherwise_or_lying_elsewhere_is_the_same_course(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, computed = MemoryStore(), []
    (tmp_path / "there").mkdir()
    for folder in (tmp_path, tmp_path / "there"):
        (folder / "mine.py").write_text("def f(x, y):\n    return x**2 + y**2\n")
    monkeypatch.chdir(tmp_path)
    for typed in ("mine.py:f", "./mine.py:f", f"{tmp_path}/mine.py:f", "there/mine.py:f"):
        found = slalom.study(typed, PAIR, track="defaults", steps=3, seeds=3, store=store)
        computed.append(found.computed)
    assert computed == [6, 0, 0, 0]
    assert 'course = "there/mine.py:f"' in found.to_toml()


ODD_TASK = """
import slalom, torch

def task():
    x = torch.randn(143, 5, generator=torch.Generator().manual_seed(0))
    nn = torch.nn
    net = lambda: nn.Sequential(nn.Linear(5, 7, bias=False), nn.BatchNorm1d(7), nn.Tanh(), nn.Linear(7, 3))
    return slalom.Task(net, (x, x[:, :3].argmax(1)), test=0.2, batch_size=13)
"""


def test_a_network_of_ones_own_gives_the_same_study_on_any_number_of_workers(tmp_path: Path) -> None:
    """At these sizes rounding depends on the place among others: runs belong to those they are computed with."""
    (tmp_path / "odd.py").write_text(ODD_TASK)
    terms: dict[str, Any] = {"epochs": 2, "seeds": 6, "engine": "field"}
    stores = MemoryStore(), MemoryStore()
    found = [
        slalom.study(f"{tmp_path}/odd.py:task", PAIR, store=store, workers=hands, **terms)
        for store, hands in zip(stores, (1, 2), strict=True)
    ]
    assert list(map(bits, found[0].runs())) == list(map(bits, found[1].runs()))
    more = slalom.study(f"{tmp_path}/odd.py:task", PAIR, store=stores[0], workers=1, **{**terms, "seeds": 7})
    fresh = slalom.study(f"{tmp_path}/odd.py:task", PAIR, store=MemoryStore(), workers=1, **{**terms, "seeds": 7})
    assert list(map(bits, more.runs())) == list(map(bits, fresh.runs()))
    assert more.computed == 14, "those of the evaluation, who are now computed with one more"


def test_a_named_task_that_was_changed_is_not_taken_for_the_one_of_that_name() -> None:
    changed: Any = tasks.find("digits-logreg")
    changed.reshuffle = False
    found = slalom.study(changed, PAIR, track="defaults", steps=3, seeds=2, workers=1)
    assert found.store == "memory"
    assert tasks.find("digits-logreg").reshuffle


def test_a_module_that_was_edited_is_read_anew_and_relative_imports_count(tmp_path: Path) -> None:
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "__init__.py").write_text("")
    (tmp_path / "helpers" / "parts.py").write_text("from . import more\nfrom .more import shift\n")
    (tmp_path / "mine.py").write_text("from helpers.parts import shift\ndef f(x, y):\n    return x**2 + y**2 + shift\n")
    store, lowest = MemoryStore(), []
    for shift in (0, 50):
        (tmp_path / "helpers" / "more.py").write_text(f"shift = {shift}\n")
        found = slalom.study(f"{tmp_path}/mine.py:f", PAIR, track="defaults", steps=3, seeds=2, store=store)
        assert found.computed == 4
        lowest.append(found.results.array("SGD").min())
    assert lowest[1] == pytest.approx(lowest[0] + 50)
    for name in ("helpers", "helpers.parts", "helpers.more"):
        sys.modules.pop(name, None)


def test_two_optimizers_that_tuning_made_one_and_the_same_are_told() -> None:
    terms: dict[str, Any] = {"track": "full", "trials": 8, "steps": 10, "seeds": 5, "store": MemoryStore()}
    found = slalom.study("sphere", ["sgd", "momentum"], **terms)
    assert any(warning.startswith("SGD and Momentum became one and the same by tuning: ") for warning in found.warnings)
    assert any(remark.startswith("chosen for SGD: lr ") and "momentum " in remark for remark in found.remarks)


def test_a_plan_warns_of_what_will_not_be_comparable() -> None:
    (plan,) = plan_study("sphere", ["sgd:lr=0.1", "adam"], store=MemoryStore())
    (caution,) = [line for line in plan.lines() if line.startswith("caution")]
    assert caution.startswith("caution     SGD is fixed and the others tuned: ")


def test_a_study_takes_the_engine_of_a_former_one_on_the_same_course_so_that_they_share_runs() -> None:
    store = MemoryStore()
    first = slalom.study("digits-mlp", PAIR, store=store, epochs=1, seeds=5, workers=1)
    engines = {
        plan_study("digits-mlp", pair, store=store, epochs=1)[0].setting.engine for pair in (PAIR, ["adam", "adamw"])
    }
    assert engines == {first.engine}


@pytest.mark.parametrize("others", [["sgd:lr=0.1", "adam:lr=0.1"], ["adam:lr=0.1", "adamw:lr=0.1"]])
def test_an_engine_that_was_chosen_by_timing_holds_whatever_later_timings_say(
    monkeypatch: pytest.MonkeyPatch, others: list[str]
) -> None:
    """The same optimizers under the same conditions have the same keys: they are found in the store."""
    from slalom.lab.studying.grounds import Computation, TaskGround

    store, terms = MemoryStore(), {"track": "defaults", "epochs": 1, "seeds": 2, "workers": 1}
    first = ["sgd:lr=0.1", "adam:lr=0.1"]
    for engine, field, new in (("field", first, first), ("solo", others, set(others) - set(first))):
        chosen = Computation(engine, 4, True, 1e-4, 1e-4)
        monkeypatch.setattr(TaskGround, "choose", lambda *_, chosen=chosen: chosen)
        found = slalom.study("digits-mlp", field, store=store, **terms)
        assert found.plan.setting.engine == "field"
        assert found.computed == 2 * len(new)


def fingerprint(path: Path) -> str:
    python_files.fetch(f"{path}:f")
    found = python_files.sources(f"{path}:f")
    assert found is not None
    return found.fingerprint


def test_a_module_beside_the_file_belongs_to_its_content(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("from beside.parts import scale\ndef f(x):\n    return scale * x**2\n")
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "__init__.py").touch()
    fingerprints = set()
    for scale in (1, 2):
        (tmp_path / "beside" / "parts.py").write_text(f"scale = {scale}\n")
        fingerprints.add(fingerprint(tmp_path / "mine.py"))
    (tmp_path / "unrelated.py").write_text("scale = 3\n")
    fingerprints.add(fingerprint(tmp_path / "mine.py"))
    assert len(fingerprints) == 2


def test_a_dry_run_takes_what_a_study_takes_and_nothing_else() -> None:
    with pytest.raises(TypeError, match="stepz"):
        plan_study("sphere", PAIR, stepz=7)


def test_a_plan_of_another_form_is_made_anew() -> None:
    store = MemoryStore()
    terms: dict[str, Any] = {"track": "defaults", "steps": 3, "seeds": 2, "store": store}
    first = slalom.study("sphere", PAIR, **terms)
    plan = dict(store.study(first.plan.name).plan)  # type: ignore[union-attr]
    store.save_study(first.plan.name, {**plan, "form": 0, "computation": {"engine": "gone"}})
    assert slalom.study("sphere", PAIR, **terms).verdict() == first.verdict()


def slope(make_optimizer: Any, seed: int) -> Iterator[dict[str, float]]:
    """A training loop of the caller's own: least squares in two numbers."""
    weight = torch.nn.Parameter(torch.tensor([float(seed % 7), 1.0]))
    optimizer = make_optimizer([weight])
    for _ in range(4):
        loss = ((weight - 3) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield {"validation_loss": loss.item() + 0.1, "test_loss": loss.item() + 0.2}


def test_a_training_loop_of_ones_own_is_studied_by_what_it_yields() -> None:
    found = slalom.study(slope, PAIR, seeds=5, workers=1)
    measures = found.yardstick
    assert (measures.tuning, measures.final, measures.kind) == ("validation_loss", "test_loss", "loss")
    assert not any("test_loss" in row for one in found.tuned["SGD"].runs for row in one.run.evaluations)
    assert "at 4 steps" in found.verdict()
    assert found.tuned["SGD"].optimizer.hyperparameters["lr"] == pytest.approx(0.5, rel=0.2)  # exact for a parabola


def test_a_loop_whose_measure_does_not_tell_which_way_is_better_is_refused() -> None:
    def odd(make_optimizer: Any, seed: int) -> Iterator[dict[str, float]]:
        yield {"thing": 1.0}

    with pytest.raises(InputError, match="`odd`: the name `thing` does not say whether higher or lower"):
        slalom.study(odd, PAIR)


def test_the_metric_that_counts_can_be_named() -> None:
    found = slalom.study("digits-mlp", PAIR, metric="loss", track="defaults", store=MemoryStore(), **SHORT)
    assert (found.yardstick.tuning, found.yardstick.final) == ("validation_loss", "test_loss")
    assert found.judgement.margin == "2 %"
    with pytest.raises(InputError, match=r"`perplexity` is no measure of `digits-mlp`\. It has loss, accuracy\."):
        slalom.study("digits-mlp", PAIR, metric="perplexity")

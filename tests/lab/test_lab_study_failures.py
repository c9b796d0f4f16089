"""Runs that fail are failures with their reason, never divergences, and have no part in tuning or in any statistic."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import slalom
from slalom.cli.judging import judge as judge_command
from slalom.judge import judge, read_results
from slalom.lab.studying import Study
from slalom.store import MemoryStore

STEPS = 10


class UnspeakableError(BaseException):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def loop_that(fails: Callable[[torch.optim.Optimizer, int], BaseException | None]) -> Any:
    """Return a loop on a quadratic, started where the seed says, that raises at its end what ``fails`` returns."""

    def train(make_optimizer: Any, seed: int) -> Iterator[dict[str, float]]:
        x = torch.nn.Parameter(torch.tensor([1.0 + (seed % 10) / 10, -2.0]))
        optimizer = make_optimizer([x])
        for _ in range(STEPS):
            optimizer.zero_grad()
            loss = (x * x * torch.tensor([1.0, 3.0])).sum() + 0.01
            loss.backward()
            optimizer.step()
        problem = fails(optimizer, seed)
        if problem is not None:
            raise problem
        value = float((x * x * torch.tensor([1.0, 3.0])).sum().detach()) + 0.01
        yield {"validation_loss": value, "test_loss": value}

    return train


def rate(optimizer: torch.optim.Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])


def studied(fails: Callable[[torch.optim.Optimizer, int], BaseException | None], **terms: Any) -> Study:
    terms = {"seeds": 10, "workers": 1, "store": MemoryStore(), **terms}
    found = slalom.study(loop_that(fails), ["sgd", "adam"], **terms)
    assert isinstance(found, Study)
    return found


PLACE = " (test_"
"""How the place where a failure was raised begins: this file, and a line."""


def everything_said(found: Study) -> str:
    return "\n".join([repr(found), found.verdict(), *found.remarks, found.to_json().decode()])


def adam_fails_with(problem: BaseException) -> Callable[[torch.optim.Optimizer, int], BaseException | None]:
    return lambda optimizer, seed: problem if isinstance(optimizer, torch.optim.Adam) and seed != 1 else None


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (ValueError("out of bounds"), "ValueError: out of bounds"),
        (SystemExit(3), "SystemExit: 3"),
        (GeneratorExit(), "GeneratorExit"),
        (UnspeakableError(), "UnspeakableError: (its text cannot be read: __str__ raised RuntimeError)"),
    ],
)
def test_whatever_a_loop_raises_is_a_failure_with_its_reason(problem: BaseException, reason: str) -> None:
    found = studied(adam_fails_with(problem), track="defaults")
    assert f"9 of 10 runs of Adam failed ({reason}{PLACE}" in found.verdict()
    told = json.loads(found.to_json())["tasks"][0]["optimizers"][1]
    assert (told["verdict"], told["failed"]["runs"], told["diverged"]["runs"]) == ("not comparable", 9, 0)
    (given,) = told["failed"]["reasons"]
    assert given.startswith(f"{reason}{PLACE}")
    assert "9 of 10" in found.table().texts[1]
    assert {"diverged": 0, "failed": 9}.items() <= found.table().rows[1].items()


def test_an_optimizer_that_always_fails_leaves_the_others_as_they_are() -> None:
    found = studied(lambda optimizer, seed: RuntimeError("no") if isinstance(optimizer, torch.optim.Adam) else None)
    whole = studied(lambda optimizer, seed: None)
    trials = [{trial.values["lr"]: trial.measure for trial in one.tuned["SGD"].trials} for one in (found, whole)]
    assert len(trials[0]) == 11, "as many as it would have alone"
    assert trials[0].keys() <= trials[1].keys()
    losing = [rate for rate in trials[0] if rate < 0.05 or rate > 0.3]  # the others were finalists in one of the two
    assert len(losing) == 8
    assert all(trials[0][rate] == trials[1][rate] for rate in losing)
    assert found.judgement.tied_best == ("SGD",)
    assert "SGD is alone" in found.verdict()
    assert found.tuned["Adam"].optimizer.hyperparameters["lr"] == 0.001, "its default, not the smallest that was tried"
    assert "14 of 14 tuning runs of Adam failed" in "\n".join(found.warnings)
    assert found.best() == found.tuned["SGD"].optimizer.code()


def test_a_loop_that_fails_at_random_is_tuned_to_the_rate_that_runs_which_ended_say_is_best() -> None:
    def fails(optimizer: torch.optim.Optimizer, seed: int) -> BaseException | None:
        odd = math.sin(1e4 * rate(optimizer) + 7 * seed) > 0.4  # about a third of the runs, wherever they are
        return RuntimeError("the network is away") if odd and seed >= 1_000_000 else None

    found, whole = studied(fails), studied(lambda optimizer, seed: None)
    for name in found.names:
        assert any(run.failed for run in found.tuned[name].runs)
        chosen, known = (math.log10(one.tuned[name].optimizer.hyperparameters["lr"]) for one in (found, whole))
        assert abs(chosen - known) < 0.7, "half a decade or so from the rate without failures"


def test_a_loop_that_fails_at_large_rates_is_tuned_among_those_that_work() -> None:
    found = studied(lambda optimizer, seed: ValueError("too large") if rate(optimizer) > 0.02 else None)
    for name in found.names:
        worked = [trial for trial in found.tuned[name].trials if not trial.failed]
        assert {trial.values["lr"] > 0.02 for trial in found.tuned[name].trials if trial.failed} == {True}
        best = min(worked, key=lambda trial: trial.measure)  # the oracle: the best mean that any trial reached
        assert found.tuned[name].optimizer.hyperparameters["lr"] == pytest.approx(best.values["lr"], rel=0.5)
    assert not any(entry.diverged.value for entry in found.judgement.entries)
    assert all(entry.verdict is None or not entry.verdict.reasons for entry in found.judgement.entries)
    assert "lies next to one at which all runs failed" in "\n".join(found.warnings)


def test_a_failure_is_a_failure_in_every_file(tmp_path: Path) -> None:
    found = studied(adam_fails_with(KeyError("gone")), track="defaults", seeds=4)
    found.save(tmp_path / "study.csv")
    rows = list(csv.DictReader((tmp_path / "study.csv").read_text().splitlines()))
    adam = [row for row in rows if row["optimizer"] == "Adam"]
    assert [row["value"] for row in adam if row["seed"] != "1"] == ["failed"] * 3
    (gone,) = {row["reason"] for row in adam} - {""}
    assert gone.startswith(f"KeyError: 'gone'{PLACE}")
    (again,) = read_results(tmp_path / "study.csv", steps=found.results.steps)
    assert again.failures == {"SGD": {}, "Adam": dict.fromkeys((0, 2, 3), gone)}
    assert judge(again).entry("Adam").verdict.reasons == found.judgement.entry("Adam").verdict.reasons  # type: ignore[union-attr]
    printed = CliRunner().invoke(judge_command, [str(tmp_path / "study.csv")]).output
    assert f"3 of 4 runs of Adam failed ({gone}), more than 20 %" in " ".join(printed.split())
    found.save(tmp_path / "study.html")
    page = (tmp_path / "study.html").read_text()
    for text in (everything_said(found), printed, page[: page.index("<script")]):
        assert "diverged at" not in text
        assert "of 4 diverged" not in text
        assert "KeyError" in text
    for picture in ("card", "verdict", "final", "curves"):
        found.save(tmp_path / f"{picture}.png", picture)


def test_a_divergence_stays_one_beside_failures() -> None:
    def train(make_optimizer: Any, seed: int) -> Iterator[dict[str, float]]:
        x = torch.nn.Parameter(torch.ones(2))
        make_optimizer([x])
        yield {"validation_loss": 1.0 + seed / 100}
        if seed == 2:
            raise ValueError("two")
        yield {"validation_loss": math.nan if seed == 3 else 0.5 + seed / 100}

    found = slalom.study(train, ["sgd", "adam"], track="defaults", seeds=10, workers=1, store=MemoryStore())
    assert isinstance(found, Study)
    entry = found.judgement.entry("Adam")
    assert (entry.estimate.n, entry.diverged.n, entry.failed.n) == (8, 9, 10)
    assert (round(9 * entry.diverged.value), round(10 * entry.failed.value)) == (1, 1)
    left = [0.5 + seed / 100 for seed in range(10) if seed not in (2, 3)]
    assert entry.estimate.value == pytest.approx(np.exp(np.mean(np.log(left))))


def test_a_loop_without_a_direction_is_asked_for_it_in_words_that_work() -> None:
    def train(make_optimizer: Any, seed: int) -> Iterator[dict[str, float]]:
        make_optimizer([torch.nn.Parameter(torch.ones(2))])
        yield {"val_foo": 1.0 + seed}

    terms: dict[str, Any] = {"track": "defaults", "seeds": 2, "workers": 1, "store": MemoryStore()}
    with pytest.raises(slalom.InputError, match=r"State it: `--metric val_foo:max` or `--metric val_foo:min`\."):
        slalom.study(train, ["sgd", "adam"], **terms)
    for way, higher in (("max", True), ("min", False)):
        found = slalom.study(train, ["sgd", "adam"], metric=f"val_foo:{way}", **terms)
        assert isinstance(found, Study)
        assert found.yardstick.higher_is_better is higher


BRAVE = """
import torch

class Brave(torch.optim.SGD):
    made = 0

    def step(self, closure=None):
        self.made += 1
        if self.made == 10 and self.param_groups[0]["lr"] > 0.02 and self.param_groups[0]["params"][0].numel() > 100:
            raise ArithmeticError("too brave")
        return super().step(closure)
"""


def test_races_and_sweeps_of_tasks_tell_failures_from_divergences(tmp_path: Path) -> None:
    (tmp_path / "brave.py").write_text(BRAVE)
    brave = f"{tmp_path / 'brave.py'}:Brave"
    race = slalom.race("digits-logreg", [f"{brave}:lr=0.1", "sgd:lr=0.1"], steps=12, seeds=3, workers=1)
    table = race.table()
    assert table.texts[0][table.columns.index("failed")] == "3 of 3"
    assert table.texts[0][table.columns.index("diverged")] == "–"
    assert "fail (ArithmeticError: too brave (brave.py, line 10))" in race.sentence
    assert "diverge" not in race.sentence
    swept = slalom.sweep("digits-logreg", [brave, "sgd"], over="lr", grid=4, seeds=2, steps=12, workers=1)
    above = np.array(swept.rates[0]) > 0.02
    assert (swept.failed[0] == above[:, None]).all()
    rows = swept.table().rows
    assert (rows[0]["diverged"], rows[0]["failed"], rows[1]["failed"]) == (0.0, above.mean(), 0.0)
    swept.save(tmp_path / "sweep.csv")
    told = list(csv.DictReader((tmp_path / "sweep.csv").read_text().splitlines()))
    assert {row["status"] for row in told if float(row["lr"]) > 0.02 and "Brave" in row["optimizer"]} == {"failed"}
    assert "diverged" not in {row["status"] for row in told}
    (line,) = [line for line in swept.view().lines if line.name == "Brave"]
    assert (line.diverges_from, line.broken) == (None, True)


LATE = """
import torch

class Late(torch.optim.SGD):
    made = 0

    def step(self, closure=None):
        self.made += 1
        if self.made == 4 and self.param_groups[0]["lr"] < 0.2:
            raise ArithmeticError("too slow")
        return super().step(closure)
"""


def test_sweeps_of_landscapes_tell_failures_from_divergences(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(LATE)
    late = f"{tmp_path / 'late.py'}:Late"
    swept = slalom.sweep("sphere", [late, "sgd"], over="lr", grid=9, starts=3, steps=120)
    slow, lost = swept.rates < 0.2, swept.rates > 1
    assert (swept.failed[0] == slow[:, None]).all()
    assert not swept.failed[1].any()
    assert all((gone == lost[:, None]).all() for gone in swept.diverged), "x is multiplied by 1 − 2 lr at each step"
    rows = swept.table().rows
    assert (rows[0]["failed"], rows[0]["diverged"], rows[1]["failed"]) == (slow.mean(), lost.mean(), 0.0)
    assert rows[0]["best lr"] == pytest.approx(rows[1]["best lr"])
    swept.save(tmp_path / "sweep.csv")
    told = csv.DictReader((tmp_path / "sweep.csv").read_text().splitlines())
    slow_ones = [row for row in told if "Late" in row["optimizer"] and float(row["lr"]) < 0.2]
    assert {(row["failed"], row["diverged"]) for row in slow_ones} == {("1", "0")}
    mapped = slalom.sweep("sphere", [f"{late}:lr=0.1", "sgd:lr=0.1"], over="start", grid=5, steps=150)
    rows = mapped.table().rows
    assert [(row["arrives"], row["diverges"], row["failed"]) for row in rows] == [(0.0, 0.0, 1.0), (1.0, 0.0, 0.0)]
    assert "Every run of Late failed." in " ".join(mapped.view().sentence)
    ladder = slalom.sweep("sphere", [f"{late}:lr=0.1", "sgd:lr=0.1"], factors=[0.5, 1], steps=20)
    assert [tile.result for tile in ladder.view().rows[0].tiles] == ["failed at 3", "failed at 3"]
    ladder.save(tmp_path / "ladder.png")
    assert "Runs of Late failed." in " ".join(ladder.view().sentence)
    assert ladder.table().texts[0][2:] == ("failed at step 3", "failed at step 3")
    race = slalom.race("sphere", [f"{late}:lr=0.1", "sgd:lr=0.1"], starts=70, steps=20)
    rows = race.table().rows
    assert (rows[0]["failed"], rows[0]["diverged"]) == (1.0, 0.0)

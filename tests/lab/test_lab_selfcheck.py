"""``selfcheck`` passes here, and finds whatever is broken."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from slalom import judge, store
from slalom.cli.application import program
from slalom.core import InputError
from slalom.engines import networks
from slalom.lab import selfcheck as checking
from slalom.lab.checked import Check
from slalom.lab.rule_checks import LIMITS, OPTIONS, deviation, rule_checks
from slalom.lab.selfcheck import selfcheck
from slalom.optimizers import rule
from slalom.optimizers.rule import RULES
from slalom.store import MemoryStore
from slalom.tasks.catalogue import deepobs

ADAM = "torch.optim.Adam"


def failures(checks: Any) -> list[str]:
    return [check.name for check in checks if not check.passed]


def test_this_installation_is_sound() -> None:
    """Every check passes, on the command line too; each is told before it is made."""
    result = CliRunner().invoke(program, ["selfcheck", "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["passed"]
    assert told["seconds"] < 120
    assert told["versions"]["torch"] == torch.__version__
    names = [check["name"] for check in told["checks"]]
    assert [name for name in names if name.startswith("rule ")] == [f"rule {path.rpartition('.')[2]}" for path in RULES]
    assert {"field on ellipse", "fleet on ellipse", "field on digits-mlp", "fleet on digits-mlp"} <= set(names)
    assert all(check["deviation"] is None or check["deviation"] <= check["limit"] for check in told["checks"])
    assert result.stderr.splitlines()[0] == "checking update rules …"


def test_every_rule_has_a_limit_and_no_option_is_of_another_class() -> None:
    assert set(LIMITS) == {path.rpartition(".")[2] for path in RULES}
    assert set(OPTIONS) <= set(RULES)


def test_a_deviation_is_in_units_of_rounding(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that is wrong by a known amount deviates by that amount, in ε·max(|p|, |step|)."""
    right = RULES["torch.optim.SGD"]

    def wrong(p: Any, g: Any, s: Any, t: Any, h: Any) -> Any:
        after, state = right.formula(p, g, s, t, h)
        step = after - p
        return after + 1000 * 2.0**-52 * torch.maximum(p.abs(), step.abs()), state

    monkeypatch.setitem(RULES, "torch.optim.SGD", replace(right, formula=wrong))
    assert deviation("torch.optim.SGD:lr=0.1", "cpu") == pytest.approx(1000, abs=5)


def test_a_rule_that_forgets_the_bias_correction_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES[ADAM]

    def wrong(p: Any, g: Any, s: Any, t: Any, h: Any) -> Any:
        return right.formula(p, g, s, t + 1, h)

    monkeypatch.setitem(RULES, ADAM, replace(right, formula=wrong))
    assert failures(rule_checks("cpu")) == ["rule Adam"]


def test_a_class_that_does_not_move_is_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.optim.SGD, "step", lambda self, closure=None: None)
    monkeypatch.setattr(rule.RULES["torch.optim.SGD"].__class__, "step", lambda self, p, g, s, t, h: (p, s))
    assert np.isnan(deviation("torch.optim.SGD:lr=0.1", "cpu"))
    assert not Check("rule SGD", "", float("nan"), 4, "ε").passed


def test_an_optimizer_that_is_not_installed_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "lion_pytorch" else there(name))
    lion = list(rule_checks("cpu"))[-1]
    assert (lion.passed, lion.result) == (True, "not installed")


def test_an_engine_that_strays_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = networks.field

    def wrong(*given: Any, **options: Any) -> Any:
        runs = right(*given, **options)
        return [replace(run, losses=run.losses * (1 + 1e-4 * (seed == 3))) for seed, run in enumerate(runs)]

    monkeypatch.setattr(networks, "field", wrong)
    checks = list(checking._network("cpu"))
    assert failures(checks) == ["field on digits-mlp"]
    assert checks[0].deviation == pytest.approx(1e-4, rel=0.01)


def test_a_store_that_forgets_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = store.open

    def forgetful(*given: Any, readonly: bool = False, **options: Any) -> Any:
        return MemoryStore() if readonly else right(*given, **options)

    monkeypatch.setattr(store, "open", forgetful)
    checks = list(checking._store())
    assert failures(checks) == ["store, written and read"]
    assert checks[0].deviation == 20


def test_a_judge_that_is_off_by_a_digit_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = judge.wilson
    monkeypatch.setattr(judge, "wilson", lambda successes, n: replace(right(successes, n), low=0.2552))
    assert failures(checking._judge()) == ["judge, Wilson interval"]


def test_another_quadratic_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deepobs, "hessian", lambda: np.eye(100))
    assert "deepobs-quadratic-deep, eigenvalues" in failures(checking._quadratic("cpu"))


def test_a_check_that_raises_has_failed_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise OSError("no space left on device")

    for name in ("rule_checks", "_landscape", "_network", "_quadratic"):
        monkeypatch.setattr(checking, name, lambda device: iter(()))
    monkeypatch.setattr(checking, "_store", broken)
    told: list[str] = []
    checks = selfcheck(report=told.append)
    assert failures(checks) == ["store"]
    assert checks[0].result == "FAILED: OSError: no space left on device (test_lab_selfcheck.py, line 130)"
    assert len(checks) > 5
    assert told == [
        "update rules", "engines on a landscape", "engines on a network", "store", "judge", "deepobs-quadratic-deep",
    ]  # fmt: skip
    result = CliRunner().invoke(program, ["selfcheck"])
    assert result.exit_code == 1
    told = " ".join(result.stdout.split())
    assert told.startswith("slalom selfcheck on cpu: 1 of 7 checks FAILED. Please report it, with this table.")
    assert "store: FAILED: OSError: no space left on device (test_lab_selfcheck.py, line 130)" in told
    narrow = CliRunner().invoke(program, ["selfcheck"], env={"COLUMNS": "60"}).stdout
    assert "FAILED: OSError: no space left on device" in " ".join(narrow.split())
    quiet = json.loads(CliRunner().invoke(program, ["selfcheck", "--json"]).stdout)
    assert not quiet["passed"]


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="device `nowhere` is none that torch knows"):
        selfcheck("nowhere")
    result = CliRunner().invoke(program, ["selfcheck", "--device", "nowhere"])
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_a_gpu_computes_what_it_should() -> None:
    assert failures(selfcheck("cuda")) == []

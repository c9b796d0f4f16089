"""``slalom judge``: the numbers are SciPy's, the words the judge's, the mistakes one sentence."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from slalom.cli.application import program

ORIGIN = np.random.default_rng(7)
ACCURACIES = {
    "sgd": np.round(ORIGIN.normal(0.950, 0.004, 10), 5),
    "adam": np.round(ORIGIN.normal(0.965, 0.004, 10), 5),
    "adamw": np.round(ORIGIN.normal(0.950, 0.004, 10), 5),
}


def write(path: Path, tasks: Mapping[str, Mapping[str, Any]]) -> Path:
    lines = ["task,optimizer,seed,value"]
    lines += [
        f"{task},{name},{seed},{value}"
        for task, optimizers in tasks.items()
        for name, values in optimizers.items()
        for seed, value in enumerate(values)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def invoke(*typed: object, columns: int | None = None) -> Result:
    width = "" if columns is None else str(columns)
    return CliRunner().invoke(program, ["judge", *map(str, typed)], env={"COLUMNS": width})


def judged(*typed: object) -> dict[str, Any]:
    result = invoke(*typed, "--json")
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def printed(*typed: object, columns: int | None = None) -> str:
    result = invoke(*typed, columns=columns)
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


@pytest.fixture
def accuracies(tmp_path: Path) -> Path:
    return write(tmp_path / "results.csv", {"digits": ACCURACIES})


def test_the_numbers_are_scipys(accuracies: Path) -> None:
    (task,) = judged(accuracies)["tasks"]
    baseline, *others = task["optimizers"]
    assert (baseline["name"], baseline["verdict"]) == ("sgd", "baseline")
    tests = [stats.ttest_rel(ACCURACIES[one["name"]], ACCURACIES["sgd"]) for one in others]
    for one, test in zip(others, tests, strict=True):
        found, values = one["comparison"], ACCURACIES[one["name"]]
        assert found["p"] == pytest.approx(test.pvalue, rel=1e-9)
        assert (found["low"], found["high"]) == pytest.approx(tuple(test.confidence_interval(0.95)), rel=1e-9)
        mean = stats.t.interval(0.95, len(values) - 1, values.mean(), stats.sem(values))
        assert (one["final"]["low"], one["final"]["high"]) == pytest.approx(mean, rel=1e-9)
        exact = stats.permutation_test(
            (values, ACCURACIES["sgd"]),
            lambda x, y: float(np.mean(x - y)),
            permutation_type="samples",
            n_resamples=np.inf,
        )
        assert found["exact_p"] == pytest.approx(exact.pvalue, abs=1e-12)
    first, second = sorted(test.pvalue for test in tests)
    assert sorted(one["comparison"]["holm_p"] for one in others) == pytest.approx([2 * first, max(2 * first, second)])


def test_the_table_prints_the_numbers_of_the_json(accuracies: Path) -> None:
    shown = printed(accuracies)
    (task,) = judged(accuracies)["tasks"]
    for one in task["optimizers"]:
        (line,) = [line for line in shown.splitlines() if line.startswith(one["name"] + "  ")]
        final = one["final"]
        assert f"{100 * final['mean']:.1f} % [{100 * final['low']:.1f}, {100 * final['high']:.1f}]" in line
        assert line.endswith(f"  {one['verdict']}")
        assert one["sentence"] is None or one["sentence"] in " ".join(shown.split())


def test_what_is_printed_has_everything_that_a_reader_needs(accuracies: Path) -> None:
    lines = printed(accuracies, "--steps", 500, "--trials", 11).splitlines()
    assert lines[:3] == [
        "results.csv: 3 optimizers, 30 runs, accuracy, higher is better",
        "",
        "Best on digits: adam, better than sgd and adamw.",
    ]
    assert any(line.split()[:4] == ["optimizer", "n", "mean", "difference"] for line in lines)
    assert (
        "adam is better than sgd on digits: +1.4 points [1.1, 1.7], 10 seeds, Holm p < 0.001, at 500 steps, 11 trials, "
        "this search space."
    ) in " ".join(lines)
    assert "warning: Values are taken as accuracies, higher is better; say so if they are losses." in lines
    last = " ".join(lines[-2:])
    assert last.startswith("The margin is 0.3 points. Intervals cover the choice of seed")
    assert last.endswith("not adjusted for the number of comparisons.")


def test_another_baseline_turns_the_difference_round(accuracies: Path) -> None:
    straight, reverse = judged(accuracies), judged(accuracies, "--baseline", "adam")
    against = reverse["tasks"][0]
    assert against["baseline"] == "adam"
    sgd = next(one for one in against["optimizers"] if one["name"] == "sgd")
    adam = next(one for one in straight["tasks"][0]["optimizers"] if one["name"] == "adam")
    assert sgd["comparison"]["difference"] == pytest.approx(-adam["comparison"]["difference"])
    assert (adam["verdict"], sgd["verdict"]) == ("better", "worse")


def test_the_margin_decides_what_matters(accuracies: Path) -> None:
    adam = judged(accuracies, "--margin", 5)["tasks"][0]["optimizers"][1]
    assert adam["verdict"] == "practically equal"
    assert "The margin is 5 points." in printed(accuracies, "--margin", 5)


def test_losses_are_compared_as_ratios(tmp_path: Path) -> None:
    values = {"sgd": ORIGIN.lognormal(-1, 0.1, 8), "adam": ORIGIN.lognormal(-1.4, 0.1, 8)}
    path = write(tmp_path / "losses.csv", {"digits": values})
    adam = judged(path, "--kind", "loss")["tasks"][0]["optimizers"][1]
    logarithms = {name: np.log(runs) for name, runs in values.items()}
    expected = stats.ttest_rel(logarithms["adam"], logarithms["sgd"])
    assert adam["comparison"]["p"] == pytest.approx(expected.pvalue, rel=1e-9)
    assert adam["final"]["mean"] == pytest.approx(stats.gmean(values["adam"]), rel=1e-9)
    assert adam["verdict"] == "better"
    shown = printed(path, "--kind", "loss")
    assert "loss, lower is better" in shown
    assert " % [−" in shown
    gap = judged(path, "--optimum", 0.1)["tasks"][0]["optimizers"][1]
    expected = stats.ttest_rel(*(np.log(values[name] - 0.1) for name in ("adam", "sgd")))
    assert gap["comparison"]["p"] == pytest.approx(expected.pvalue, rel=1e-9)


def test_lower_may_be_better_without_a_kind(tmp_path: Path) -> None:
    path = write(
        tmp_path / "errors.csv", {"t": {"a": [5.0, 5.1, 5.2, 5.1, 5.0, 5.3], "b": [4.0, 4.2, 4.1, 4.0, 4.3, 4]}}
    )
    assert judged(path, "--lower-is-better")["tasks"][0]["optimizers"][1]["verdict"] == "better"
    assert judged(path, "--higher-is-better")["tasks"][0]["optimizers"][1]["verdict"] == "worse"


def test_runs_that_diverged_are_counted_beside_the_typical_result(tmp_path: Path) -> None:
    values = {"sgd": [0.5 + k / 100 for k in range(10)], "adam": [0.4 + k / 200 for k in range(9)] + [np.nan]}
    path = write(tmp_path / "losses.csv", {"digits": values})
    shown = printed(path, "--kind", "loss")
    (line,) = [line for line in shown.splitlines() if line.startswith("adam  ")]
    assert "1 of 10" in line
    assert f"{stats.gmean(values['adam'][:9]):.3f}" in line
    found = judged(path, "--kind", "loss")["tasks"][0]["optimizers"][1]
    assert found["final"]["n"] == 9
    test = stats.ttest_rel(np.log(values["adam"][:9]), np.log(values["sgd"][:9]))
    assert found["comparison"]["p"] == pytest.approx(test.pvalue)


def test_runs_that_failed_are_told_apart_from_those_that_diverged(tmp_path: Path) -> None:
    path = tmp_path / "failed.csv"
    lines = ["optimizer,seed,value,reason"]
    lines += [f"sgd,{k},{0.9 + k / 1000}," for k in range(10)]
    lines += [f"adam,{k},{0.95 + k / 900}," for k in range(8)] + ["adam,8,nan,", "adam,9,failed,no memory"]
    path.write_text("\n".join(lines))
    shown = " ".join(printed(path).split())
    assert "without 1 of 10 runs of adam that diverged and 1 that failed (no memory)" in shown
    assert "warning: 1 of 10 runs of adam failed: no memory." in shown
    adam = judged(path)["tasks"][0]["optimizers"][1]
    assert (adam["diverged"]["runs"], adam["diverged"]["of"]) == (1, 9)
    assert (adam["failed"]["runs"], adam["failed"]["of"], adam["failed"]["reasons"]) == (1, 10, ["no memory"])


def test_steps_that_missed_the_target_are_kept(tmp_path: Path) -> None:
    values = {"sgd": [100, 120, 130, 110, 90, 100, 140], "adam": [50, 60, "inf", 55, 45, 50, 70]}
    path = write(tmp_path / "steps.csv", {"digits": values})
    assert "steps, lower is better" in printed(path, "--kind", "steps")
    assert judged(path, "--kind", "steps")["tasks"][0]["optimizers"][1]["final"]["n"] == 7


def test_exploration_compares_all_pairs_and_says_what_it_is(accuracies: Path) -> None:
    pairs = judged(accuracies, "--explore")["tasks"][0]["exploration"]
    expected = list(itertools.combinations(ACCURACIES, 2))
    assert [(pair["optimizer"], pair["other"]) for pair in pairs] == expected
    raw = [stats.ttest_rel(ACCURACIES[a], ACCURACIES[b]).pvalue for a, b in expected]
    assert [pair["adjusted_p"] for pair in pairs] == pytest.approx(list(stats.false_discovery_control(raw)))
    shown = printed(accuracies, "--explore")
    assert "Exploration: all pairs" in shown
    assert "sgd − adam" in shown
    assert "Exploration" not in printed(accuracies)


def test_several_tasks_have_a_table_each_and_one_together(tmp_path: Path) -> None:
    tasks = {f"task{k}": {name: values - k / 100 for name, values in ACCURACIES.items()} for k in range(3)}
    path = write(tmp_path / "several.csv", tasks)
    shown = printed(path)
    assert shown.splitlines()[0] == "several.csv: 3 tasks, 3 optimizers, 90 runs, accuracy, higher is better"
    assert shown.count("Best on task") == 3
    assert "No overall winner is named: that takes at least 10 tasks, here are 3 tasks and 3 optimizers." in shown
    (adam,) = [line for line in shown.partition("All tasks together")[2].splitlines() if line.startswith("adam ")]
    assert adam.split()[1:3] == ["100", "%"]
    told = judged(path)["across"]
    assert told["optimizers"] == list(ACCURACIES)
    assert np.sum(told["rank_probabilities"], axis=1) == pytest.approx(1)
    assert told["profiles"]["shares"][1][0] == 1


def test_what_holds_for_every_task_is_told_once_and_what_does_not_where_it_does(tmp_path: Path) -> None:
    losses = {name: np.exp(-10 * values) for name, values in ACCURACIES.items()}
    lost = {**losses, "adam": [np.nan, *losses["adam"][1:]]}
    shown = printed(write(tmp_path / "two.csv", {"whole": losses, "lossy": lost}), "--kind", "loss")
    assert shown.count("Intervals cover the choice of seed") == 1
    assert shown.count("The margin is 2 %.") == 1
    lossy, _, together = shown.partition("lossy\n")[2].partition("All tasks together")
    assert "warning: 1 of 10 runs of adam diverged, a rate between 1.8 and 40 % with 95 % confidence;" in lossy
    assert "The margin is 2 %." in together
    one = printed(write(tmp_path / "one.csv", {"whole": losses}), "--kind", "loss")
    assert one.count("The margin is 2 %.") == 1


@pytest.mark.parametrize("columns", [60, 70, 80])
def test_no_line_is_broken_within_a_number_and_what_belongs_to_it(accuracies: Path, columns: int) -> None:
    for line in printed(accuracies, columns=columns).partition("no room")[2].splitlines()[1:]:
        assert not line.endswith((" p", " <", " =", "Holm", "±0.3", "10", "+1.4", "95"))
        assert line.count("[") == line.count("]")


def test_the_json_of_tasks_on_which_nothing_is_finite_is_json(tmp_path: Path) -> None:
    lost = {"a": [np.nan] * 5, "b": [np.inf] * 5, "c": [0.5] * 5}
    told = judged(write(tmp_path / "lost.csv", {f"t{k}": lost for k in range(10)}), "--kind", "loss", "--explore")
    assert told["tasks"][0]["left_out"] == ["a", "b"]
    assert told["tasks"][0]["tied_sentence"] == (
        "No best on t0: c is alone, since a and b cannot be compared with it fairly."
    )
    assert told["across"]["rank_probabilities"] == [[0, 0.5, 0.5], [0, 0.5, 0.5], [1, 0, 0]]
    assert told["across"]["remarks"] == []


def test_an_optimizer_that_lacks_a_task_is_left_out_of_what_they_say_together(tmp_path: Path) -> None:
    tasks = {"a": ACCURACIES, "b": {name: ACCURACIES[name] for name in ("sgd", "adam")}}
    path = write(tmp_path / "several.csv", tasks)
    assert "Left out here, without results on every task: `adamw`." in printed(path)
    assert judged(path)["across"]["optimizers"] == ["sgd", "adam"]
    disjoint = write(
        tmp_path / "disjoint.csv", {"a": {"x": [0.1, 0.2], "y": [0.1, 0.3]}, "b": {"y": [0.1], "z": [0.2]}}
    )
    assert "Fewer than two optimizers have results on every task: nothing to put together." in printed(disjoint)
    assert "across" not in judged(disjoint)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_judgement_fits_the_terminal_and_keeps_its_verdicts(accuracies: Path, columns: int) -> None:
    lines = printed(accuracies, columns=columns).splitlines()
    assert all(len(line) <= columns for line in lines)
    assert any(line.rstrip().endswith("verdict") for line in lines)


def test_tiny_and_huge_values_are_written_readably(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", {"t": {"a": [1.5e-9, 1.6e-9, 1.4e-9], "b": [2.5e7, 2.6e7, 2.4e7]}})
    shown = printed(path, "--kind", "loss")
    assert "1.50×10⁻⁹" in shown or "1.5×10⁻⁹" in shown
    assert "2.5×10⁷" in shown


@pytest.mark.parametrize("size", [1e-100, 1.0, 1e100])
def test_the_size_of_the_values_does_not_matter(tmp_path: Path, size: float) -> None:
    """Without common seeds; the degrees of freedom hold fourth powers of the values."""
    values = {name: (runs * size).tolist() for name, runs in ACCURACIES.items() if name != "adamw"}
    rows = [
        f"{name},{seed + 50 * (name == 'sgd')},{v!r}" for name, runs in values.items() for seed, v in enumerate(runs)
    ]
    path = tmp_path / "f.csv"
    path.write_text("\n".join(["optimizer,seed,value", *rows]), encoding="utf-8")
    found = judged(path, "--higher-is-better")["tasks"][0]["optimizers"][1]["comparison"]
    assert found["method"] == "Welch t"
    expected = stats.ttest_ind(ACCURACIES["adam"], ACCURACIES["sgd"], equal_var=False)
    assert found["p"] == pytest.approx(expected.pvalue, rel=1e-9)


def test_a_value_that_no_run_reaches_is_no_result(tmp_path: Path) -> None:
    path = write(tmp_path / "f.csv", {"t": {"a": [1.0, 2.0, 3.0], "b": [1.0, 1e300, 2.0]}})
    assert "1 of 3 runs of b diverged" in " ".join(printed(path, "--lower-is-better").split())


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (
            (),
            "FILE.csv is missing: name a file with the columns optimizer, seed and value, as in "
            "`slalom judge results.csv`.",
        ),
        (("none.csv",), "`none.csv` cannot be read: No such file or directory."),
        (("f.csv", "--margin", "0"), "`--margin 0`: a margin is a finite number above 0, as in --margin 0.5."),
        (("f.csv", "--margin=-1"), "`--margin=-1`: a margin is a finite number above 0, as in --margin 0.5."),
        (("f.csv", "--margin", "nan"), "`--margin nan`: a margin is a finite number above 0, as in --margin 0.5."),
        (
            ("f.csv", "--optimum", "x"),
            "`--optimum x`: the smallest possible loss is a finite number, as in --optimum 0.",
        ),
        (
            ("f.csv", "--baseline", "adm"),
            "The baseline `adm` has no results on f; there are `sgd`, `adam`. Did you mean `adam`?",
        ),
        (
            ("f.csv", "--kind", "loss", "--higher-is-better"),
            "For results compared as loss, lower is better; compare the others as plain.",
        ),
        (
            ("f.csv", "--optimum", "0", "--higher-is-better"),
            "`--optimum` and `--higher-is-better` exclude each other: only losses have an optimum.",
        ),
        (
            ("f.csv", "--optimum", "0", "--kind", "plain"),
            "`--optimum` and `--kind plain` exclude each other: only losses have an optimum.",
        ),
        (("f.csv", "--kind", "plain"), "Say whether higher values of `value` are better."),
        (("f.csv", "g.csv"), "`g.csv` does not belong to `slalom judge`: `slalom judge --help` shows how it is used."),
    ],
)
def test_a_mistake_is_one_sentence(
    typed: tuple[str, ...], answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.csv").write_text("optimizer,seed,value\nsgd,0,0.5\nadam,0,0.6\n", encoding="utf-8")
    result = invoke(*typed)
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", f"Error: {answer}\n")


VALUES = st.one_of(
    st.floats(0, 1).map(repr),
    st.floats(allow_infinity=False).map(repr),
    st.sampled_from(
        [
            "nan",
            "inf",
            "0",
            "1e300",
            "1e-300",
            "-1",
            "100",
            "1e77",
            "1e139",
            "-1e139",
            "1e-100",
            "2e-100",
            "1e400",
            "x",
            "",
        ]
    ),
)
ROWS = st.lists(
    st.tuples(st.sampled_from(["t", "u"]), st.sampled_from("abc"), st.integers(0, 7).map(str), VALUES), max_size=40
)
KINDS = ["--kind=accuracy", "--kind=loss", "--kind=steps", "--kind=plain", "--lower-is-better", "--higher-is-better"]
WISHES = ["--explore", "--json", "--margin=0.1", "--margin=1e300", "--optimum=0", "--optimum=-5", "--baseline=b"]
OPTIONS = st.lists(st.sampled_from([*KINDS, *WISHES]), max_size=4)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, typed=OPTIONS)
def test_any_results_are_judged_or_refused_in_one_sentence(rows: Any, typed: list[str], tmp_path: Path) -> None:
    path = tmp_path / "any.csv"
    lines = ["task,optimizer,seed,value", *(",".join(row) for row in dict.fromkeys(rows))]
    path.write_text("\n".join(lines), encoding="utf-8")
    result = invoke(path, *typed)
    assert result.exit_code in (0, 2), (lines, typed, result.output)
    if result.exit_code == 2:
        assert (result.stdout, result.stderr.count("\n")) == ("", 1)
    elif "--json" in typed:
        json.loads(result.stdout)

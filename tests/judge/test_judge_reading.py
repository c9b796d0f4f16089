"""Results that somebody already has: every file is judged, or refused in one sentence with the line."""

import math
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slalom import judge
from slalom.core import InputError

GOOD = "optimizer,seed,value\nsgd,0,0.91\nsgd,1,0.92\nadam,0,0.95\nadam,1,nan\n"


def written(folder, text):
    path = folder / "results.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_is_read_by_optimizer_and_seed(tmp_path):
    (results,) = judge.read_results(written(tmp_path, GOOD))
    assert results.task == "results"
    assert results.kind == "accuracy"
    assert results.reference == "sgd"
    assert results.values["sgd"] == {0: 0.91, 1: 0.92}
    assert math.isnan(results.values["adam"][1])
    assert results.remarks == ("Values are taken as accuracies, higher is better; say so if they are losses.",)
    assert [warning.kind for warning in judge.judge(results).warnings][-1] == "assumed"


def test_columns_come_in_any_order_and_tasks_are_told_apart(tmp_path):
    text = "\ufeffSeed; ignored\n".replace("; ignored", ",note,Task,Value,Optimizer") + (
        '3,"a, b",mnist,2.5,sgd\n\n3,x,mnist,1.5,adam\n3,x,digits,-1e-3,sgd\n3.0,x,digits,inf,adam\n'
    )
    mnist, digits = judge.read_results(written(tmp_path, text), kind="plain", higher_is_better=False)
    assert (mnist.task, digits.task) == ("mnist", "digits")
    assert mnist.values == {"sgd": {3: 2.5}, "adam": {3: 1.5}}
    assert digits.values == {"sgd": {3: -1e-3}, "adam": {3: math.inf}}
    assert mnist.remarks == ()


def test_percentages_become_shares(tmp_path):
    (results,) = judge.read_results(written(tmp_path, GOOD.replace("0.9", "9")))
    assert results.kind == "accuracy"
    assert results.values["adam"][0] == 0.95


def test_other_values_stay_as_they_are_and_higher_is_taken_as_better(tmp_path):
    (results,) = judge.read_results(written(tmp_path, GOOD.replace("0.91", "-3")))
    assert (results.kind, results.higher_is_better) == ("plain", True)
    assert judge.judge(results).entry("adam").verdict.sentence


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file is empty; its first line must name the columns optimizer, seed, value."),
        ("optimizer;seed;value\n", "line 1: the column `optimizer` is missing, found `optimizer;seed;value`; separate"),
        ("optimizer,seed\nsgd,0\n", "line 1: the column `value` is missing, found `optimizer, seed`."),
        ("optimizer,seed,value,seed\n", "line 1: the column `seed` is there twice."),
        ("optimizer,seed,value\n", "has a header but no results"),
        (GOOD + "adam,2\n", "line 6: the header has 3 columns, this line 2."),
        (GOOD + "adam,2,0.9,1\n", "line 6: the header has 3 columns, this line 4."),
        (GOOD + "adam,two,0.9\n", "line 6: the seed must be a whole number, got `two`."),
        (GOOD + "adam,2.5,0.9\n", "line 6: the seed must be a whole number, got `2.5`."),
        (GOOD + "adam,2,\n", "line 6: the value must be a number, nan for a run that diverged, or failed, got ``."),
        (GOOD + "adam,2,1_0\n", "line 6: the value must be a number"),
        (GOOD + "adam,2,-inf\n", "line 6: the value must not be minus infinity"),
        (GOOD + ",2,0.9\n", "line 6: the optimizer is empty."),
        (GOOD + "adam,1,0.9\n", "line 6: `adam` has seed 1 already in line 5; keep one value per optimizer, seed and"),
        (GOOD + '"adam,1,0.9\n', "line 6: this is no CSV (unexpected end of data); check its quotation marks."),
        (GOOD + '"adam"x,1,0.9\n', "line 6: this is no CSV"),
        (GOOD.encode() + b"ad\xffam,1,0.9\n", "line 6: this is no UTF-8 text"),
        (GOOD + "ad\0am,1,0.9\n", "line 6: this is no text"),
        (GOOD + "x" * 200_000 + ",1,0.9\n", "line 6: this is no CSV (field larger than field limit"),
        (
            "optimizer,seed,value\nsgd,0,0.9\n",
            "There are results of `sgd` only on results: a comparison needs at least two",
        ),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        judge.read_results(written(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_pipe_is_refused_at_once_and_one_that_is_open_already_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match=r"pipe\.csv` is a pipe"):
        judge.read_results(tmp_path / "pipe.csv")
    reader, writer = os.pipe()
    os.write(writer, b"optimizer,seed,value\nsgd,0,0.5\nsgd,1,0.6\nadam,0,0.7\nadam,1,0.8\n")
    os.close(writer)
    (found,) = judge.read_results(f"/dev/fd/{reader}")
    os.close(reader)
    assert list(found.values) == ["sgd", "adam"]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path / "missing.csv", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            judge.read_results(path)
    with pytest.raises(InputError, match="no name of a file"):
        judge.read_results("a\0b")


FIELDS = st.sampled_from(["sgd", "adam", "0", "1", "0.5", "nan", "inf", "-1", "", '"', "x,y", "1e999", "é", "\0"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.text(max_size=80), st.lists(st.tuples(FIELDS, FIELDS, FIELDS), max_size=6)))
def test_any_file_is_judged_or_refused_in_one_sentence(tmp_path, content):
    text = content
    if not isinstance(content, str):
        text = "optimizer,seed,value\n" + "".join(",".join(row) + "\n" for row in content)
    refusal = None
    try:
        for results in judge.read_results(written(tmp_path, text.encode(errors="surrogatepass"))):
            judge.judge(results)
    except InputError as error:
        refusal = str(error)
    assert refusal is None or (refusal and "\n" not in refusal)

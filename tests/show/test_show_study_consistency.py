"""Over many made-up studies: the sentences of pictures and pages agree with the verdicts and numbers beside them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from made_studies import Study, Yardstick, study_of

from slalom.show import views
from slalom.show.report.building import _tied
from slalom.show.views.study_records import result_text
from slalom.show.views.verdict_strips import verdict_strip

SPECS = ("sgd", "adam", "adamw", "adagrad", "rmsprop")
RATES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
LOSS = Yardstick("validation_loss", "test_loss", False, "loss")


def made(seed: int) -> Study:
    """Return a study of optimizers nearly as good as one another, some of whose runs and trials were lost."""
    chance = np.random.default_rng(seed)
    kind = str(chance.choice(["accuracy", "loss"]))
    specs, seeds, spread = (
        SPECS[: int(chance.integers(2, 6))],
        int(chance.integers(5, 20)),
        10 ** chance.uniform(-3, -1.5),
    )
    luck, values, failures, tried = spread * chance.normal(size=seeds), {}, {}, {}
    for spec in specs:
        runs = np.clip(0.85 + luck + spread * (2 * chance.normal() + chance.normal(size=seeds)), 0.01, 0.99)
        runs[chance.random(seeds) < chance.choice([0.0, 0.1])] = np.nan
        failed = int(chance.choice([0, 0, 1, 3]))
        values[spec], failures[spec] = (
            runs[: seeds - failed].tolist(),
            dict.fromkeys(range(seeds - failed, seeds), "E: x"),
        )
        means = 0.9 - 0.1 * (np.log10(RATES) + 2) ** 2 * chance.random()
        tried[spec] = {
            rate: tuple(np.clip(mean + 0.01 * chance.normal(size=2), 0.01, 0.99))
            for rate, mean in zip(RATES, means, strict=True)
        }
    options: dict[str, Any] = {} if kind == "accuracy" else {"yardstick": LOSS}
    return study_of(values, tried, kind=kind, failures=failures, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(25))
def test_sentences_chips_and_strips_say_what_the_judgement_says(seed: int) -> None:
    study = made(seed)
    judgement, sentence, strip = study.judgement, views.study_sentence(study), verdict_strip(study)
    rows = {row.name: row for row in strip.rows}
    for entry in judgement.entries:
        row = rows[entry.name]
        assert row.word == ("baseline" if entry.verdict is None else entry.verdict.word)
        assert row.tied == (entry.name in judgement.tied_best)
        assert result_text(study.yardstick, entry) in row.about
        for how in ("diverged", "failed"):
            amount = round(getattr(entry, how).value * getattr(entry, how).n)
            assert (f"{amount} of {study.results.runs(entry.name)} {how}" in row.about) == (amount > 0)
        if entry.verdict is not None and row.change:  # the strip quotes the numbers of the sentence
            assert row.change.partition(" [")[0] in entry.verdict.sentence
    chips = str(_tied(study))
    assert ("Best:" in chips) == (len(judgement.tied_best) == 1 and len(judgement.left_out) < len(study.names) - 1)
    if len(study.names) > 2 and (best := re.match(r"(\S+) is the best.*?, better than (.*?)\.", sentence)):
        assert judgement.tied_best == (best[1],)
        words = {name: rows[name].word for name in study.names if name not in judgement.left_out}
        assert "practically equal" not in {words[best[1]], *([] if best[1] != judgement.baseline else words.values())}
        assert all(name in best[2] for name in words if name != best[1])
    final = views.study_results(study)
    assert {row.name: row.best for row in final.rows} == {name: rows[name].tied for name in rows}
    for row in final.rows:
        assert row.text == result_text(study.yardstick, judgement.entry(row.name))
        ended = np.array(list(study.results.typical(row.name).values()))
        middle = np.exp(np.log(ended).mean()) if study.yardstick.kind == "loss" else ended.mean()
        assert judgement.entry(row.name).estimate.value == pytest.approx(middle)
        assert len(row.values) == len(ended)


@pytest.mark.parametrize("seed", range(12))
def test_what_a_study_says_of_its_tuning_is_what_its_trials_say(seed: int) -> None:
    study = made(seed)
    told = " ".join(views.budget_curves(study).sentence)
    near = 0.01 if study.yardstick.kind == "accuracy" else None
    for name in study.names:
        curve = study.expected_best(name)
        bound = near if near is not None else 0.05 * abs(curve[-1])
        needed = 1 + int(np.argmax(np.abs(curve - curve[-1]) <= bound))
        amounts = [int(x) for x in re.findall(r"after (\d+) trials?", told)]
        assert needed in amounts
    if study.yardstick.kind == "accuracy":
        said = " ".join(views.study_sensitivity(study).sentence)
        widths = {name: width.decades for name in study.names if (width := study.width(name)) is not None}
        for name, decades in re.findall(r"(\w+) over (\d\.\d)", said.partition("its best:")[2]):
            assert f"{widths[name]:.1f}" == decades

"""No two sentences about a race contradict each other, nor the table: on races drawn at random, read word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import slalom
from slalom.core import InputError
from slalom.show.views.sentences import sentence

FAMILIES = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "nadam", "rprop")
COURSES = ("sphere", "rosenbrock", "saddle", "monkey-saddle", "himmelblau", "rastrigin", "beale", "x**2 + 10*y**2",
           "sin(x) + cos(y)", "x*y", "exp(-x) + y**2", "-log(x**2 + y**2 + 1)")  # fmt: skip
STEPS = (1, 20, 98, 99, 130, 400)

END = (
    r"(?:at f = (?P<value>[^ ]+)|exactly at the minimum|at the minimum|at the (?:low|high)est value seen, f = "
    r"(?P<seen>[^ ]+)|(?P<gap>[^ ]+) (?:above|below) the (?:minimum|lowest value seen|highest value seen))"
)
SINCE = r"(?:, within (?P<near>[^ ]+) of it from step (?P<since>[\d,]+) on)?"
KINDS = {
    "diverges": r"(?P<who>.+?) diverges at step (?P<step>[\d,]+)(?:: the function (?:falls|rises) without bound)?"
    r"(?:, after settling at step (?P<settled>[\d,]+)|, after reaching the minimum at step [\d,]+"
    r"|, after coming within (?P<within>[^ ]+) of the minimum)?",
    "diverge": r"(?P<whom>.+) diverge",
    "only": r"Only (?P<who>.+) settles, at step (?P<step>[\d,]+)",
    "first": r"(?P<who>.+?) settles first, at step (?P<step>[\d,]+); (?P<then>.+) follows at (?P<later>[\d,]+)",
    "tied": r"(?P<whom>.+) settle first, at step (?P<step>[\d,]+)",
    "sooner": r"(?P<who>.+?) settles (?P<share>\d+) % sooner than (?P<then>.+?)"
    r"(?:, on a path \d+ % (?:shorter|longer))?",
    "together": r"(?P<who>.+?) and (?P<then>.+?) settle together, near step (?P<step>[\d,]+)"
    r"(?:, on a path \d+ % (?:shorter|longer))?",
    "leaves": r"(?P<who>.+) settles, but leaves at step (?P<step>[\d,]+) and is never at rest again",
    "out": r"(?P<who>.+) is thrown out again at step (?P<step>[\d,]+), up to f[^ ]* [−] f[^ ]* = .+",
    "outs": r"(?P<whom>.+) are thrown out again later, first at step (?P<step>[\d,]+)",
    "late": r"(?P<whom>.+) gets? there too late to have settled by the end",
    "never": r"(?P<whom>.+?) (?:do|does) not settle within (?P<steps>[\d,]+) steps(?:; it ends " + END + ")?",
    "none": rf"None settles within (?P<steps>[\d,]+) steps; (?P<who>.+) ends (?:closest|lowest|highest), {END}{SINCE}",
    "short": rf"In (?P<steps>.+) steps?, too few to settle \(that takes 100\), (?P<who>.+) ends (?:closest, |lowest, "
    rf"|highest, )?{END}{SINCE}",
    "boundless": r"The function (?:falls|rises) without bound, so no run settles; (?P<who>.+) ends "
    rf"(?:lowest|highest)?(?: of the runs that do not diverge)?(?:, )?{END}",
    "alone": r"(?P<who>.+?) settles at step (?P<step>[\d,]+), after a path of .+, with .+ turns?",
    "ends": rf"(?P<who>.+) ends {END}{SINCE}: too late to have settled by step (?P<steps>[\d,]+)",
    "again": r"It (?:leaves again at step [\d,]+ and is never at rest again|is thrown out again at step .+)",
    "elsewhere": r"(?P<whom>.+) comes? to rest elsewhere",
    "start": r"Every runner starts at the minimum",
    "every": r"Every run diverges",
    "share": r"(?P<who>.+?) settles from (?P<some>[\d,]+) of (?P<all>[\d,]+) runs, typically at step [\d,]+"
    r"(?:; .+ from [\d,]+ of [\d,]+)?",
    "lost": r"(?P<some>.+) runs? diverged",
}  # fmt: skip
WORDS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def whole(text: str) -> int:
    lowered = text.lower()
    return WORDS.index(lowered) if lowered in WORDS else int(text.replace(",", ""))


def quantity(text: str) -> float:
    """Return the number that a sentence writes as 1,240 or 5.7×10⁻³⁷."""
    text = text.rstrip(".,;:").replace(",", "").replace("−", "-")
    mantissa, _, power = text.partition("×10")
    return float(mantissa) * 10.0 ** int(power.translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")) or "0")


def read(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return (kind, its parts) of every sentence; one that is of no kind fails."""
    for said in re.split(r"(?<=[a-z0-9⁰¹²³⁴⁵⁶⁷⁸⁹\)])\. (?=[A-Z\d])", text.removesuffix(".")):
        kind = next((kind for kind, form in KINDS.items() if re.fullmatch(form, said)), None)
        assert kind is not None, f"a sentence of no known kind: {said}"
        match = re.fullmatch(KINDS[kind], said)
        assert match is not None
        yield kind, {key: value for key, value in match.groupdict().items() if value is not None}


def drawn(seed: int) -> Any:
    """Return a race drawn at random."""
    rng = np.random.default_rng(seed)
    climbs = ",maximize=True" if rng.random() < 0.15 else ""
    families = rng.choice(FAMILIES, size=rng.integers(1, 5), replace=False)
    specs = [f"{family}:lr={10.0 ** rng.uniform(-4, 1):.3g}{climbs}" for family in families]
    starts = {"starts": int(rng.integers(2, 5))} if rng.random() < 0.25 else {}
    return slalom.race(str(rng.choice(COURSES)), specs, steps=int(rng.choice(STEPS)), seed=seed, **starts)


def check(race: Any, kind: str, said: dict[str, Any]) -> None:
    """Compare what one sentence says with the table."""
    rows = race.table().rows
    by_name = {row["optimizer"]: row for row in rows}
    several = len(by_name) < len(rows)
    final = next(key for key in rows[0] if key.startswith("final"))
    whom = re.split(r", | and ", said["whom"]) if "whom" in said else []
    whom = [name for name in whom if "other" not in name]
    who = said.get("who", "").removeprefix("the best run of ")
    if kind in ("diverges", "diverge"):
        assert all(by_name[name]["status"].startswith("diverged") for name in whom or [who])
        if "step" in said:
            assert by_name[who]["status"] == f"diverged at step {whole(said['step'])}"
        assert quantity(said.get("within", "1")) > 0
    if kind in ("only", "first", "tied", "alone", "together"):
        step = whole(said["step"])
        assert all(by_name[name]["settles at"] == step for name in whom or [who])
        settled = {name: row["settles at"] for name, row in by_name.items() if row["settles at"] is not None}
        if kind != "together":
            assert step == min(settled.values())
        assert len(settled) == 1 or kind != "only"
        if "later" in said:
            assert by_name[said["then"]]["settles at"] == whole(said["later"]) == sorted(settled.values())[1]
    if kind == "sooner":
        ratio = by_name[who]["settles at"] / by_name[said["then"]]["settles at"]
        assert 100 * (1 - ratio) == pytest.approx(whole(said["share"]), abs=0.51)
    if kind in ("leaves", "out"):
        assert by_name[who]["settles at"] is not None
        assert by_name[who]["leaves again"] is not None
    if kind in ("late", "never", "elsewhere"):
        for name in whom:
            row = by_name[name]
            assert row["settles at"] is None
            assert not row["status"].startswith("diverged")
            near = race.minimum is not None and row[final] < race.tolerance
            assert near == (kind == "late")
    if kind in ("none", "short", "boundless", "never", "ends"):
        assert all(row["settles at"] is None for row in rows if kind != "never" or row["optimizer"] in whom)
        lasting = [row[final] for row in rows if not row["status"].startswith("diverged")]
        if kind in ("none", "short", "boundless"):
            best = max(lasting) if race.minimum is None and race.maximizes else min(lasting)
            assert best in [row[final] for row in rows if row["optimizer"] == who]
        else:
            best = by_name[who or whom[0]][final]
        for part in ("gap", "value"):
            if part in said:
                assert quantity(said[part]) == pytest.approx(best, rel=6e-3)
        assert ("since" in said) <= (best < race.tolerance)
    if kind == "short":
        assert race.steps < 99
    if kind in ("none", "never", "ends"):
        assert race.steps >= 99
        assert whole(said["steps"]) == race.steps
    if kind == "share":
        own = [row for row in rows if row["optimizer"] == who]
        assert (whole(said["some"]), whole(said["all"])) == (sum(r["settles at"] is not None for r in own), len(own))
    if kind == "lost":
        assert whole(said["some"]) == sum(row["status"].startswith("diverged") for row in rows)
    if kind == "every":
        assert all(row["status"].startswith("diverged") for row in rows)
    assert several or kind not in ("share", "lost")


@pytest.mark.parametrize("block", range(3))
def test_what_sentences_say_of_a_race_is_what_its_table_says(block: int) -> None:
    kinds = set()
    for seed in range(20 * block, 20 * block + 20):
        race = drawn(seed)
        for kind, said in [*read(race.sentence), *read(sentence(race, most=99))]:
            kinds.add(kind)
            try:
                check(race, kind, said)
            except (AssertionError, KeyError) as wrong:
                raise AssertionError(f"seed {seed}: {race.sentence}\n{race!r}\n{kind}: {said}") from wrong
        exclusive = [kind for kind, _ in read(sentence(race, most=99))]
        assert not ({"none", "short", "boundless", "every"} & set(exclusive) and "first" in exclusive)
    assert len(kinds) > 5


def test_a_function_that_falls_without_bound_has_no_gap_to_quote() -> None:
    for specs in (["momentum:lr=0.01"], ["momentum:lr=0.01", "adam:lr=0.1"], ["adam:lr=0.1"]):
        race = slalom.race("saddle", specs)
        assert race.minimum is None
        shown = f"{race.sentence}\n{race.table()}"
        assert "without bound" in shown
        assert "settled: f" not in shown
        assert "of the minimum" not in shown
        assert "nan" not in shown


def test_the_best_value_seen_is_that_of_any_run_also_of_one_that_diverged() -> None:
    """Gradient descent on −cos x beyond its stable rate leaps over lower places than where the slow run still is."""
    race = slalom.race("(x**2 - 1)**2 + y**2", ["sgd:lr=0.3", "sgd:lr=1e-5"], start=(1.9, 0.5), steps=120)
    gone = [status.kind == "diverged" for status in race.statuses]
    assert gone == [True, False]
    assert race.minimum == np.nanmin(race.losses)
    assert race.metrics[1].final_gap == race.losses[1, -1] - np.nanmin(race.losses)


@pytest.mark.parametrize("expression", ["sin(x)*cos(y)", "-(x - 1)**2 - (y + 2)**2", "exp(-x**2 - y**2)"])
def test_optimizers_that_maximize_are_judged_as_those_that_minimize_the_opposite(expression: str) -> None:
    specs = ["sgd:lr=0.1", "adam:lr=0.1", "momentum:lr=0.01"]
    up = slalom.race(expression, [f"{spec},maximize=True" for spec in specs], start=(0.7, 0.4), steps=600)
    down = slalom.race(f"-({expression})", specs, start=(0.7, 0.4), steps=600)
    np.testing.assert_array_equal(up.losses, -down.losses)
    assert up.minimum == (None if down.minimum is None else -down.minimum)
    for one, other in zip(up.table().rows, down.table().rows, strict=True):
        assert list(one.values()) == pytest.approx(list(other.values()))
    assert up.sentence == down.sentence.replace("lowest", "highest").replace("above", "below")
    assert "f* − f" in str(up.table())


def test_a_race_of_optimizers_that_climb_and_some_that_descend_is_refused() -> None:
    for ask in (
        lambda: slalom.race("sphere", ["sgd:lr=0.1,maximize=True", "adam"]),
        lambda: slalom.sweep("sphere", ["sgd:lr=0.1,maximize=True", "adam"], over="lr"),
        lambda: slalom.study("sphere", ["sgd:lr=0.1,maximize=True", "adam"]),
        lambda: slalom.race("digits-logreg", ["sgd:lr=0.1,maximize=True", "adam"]),
    ):
        with pytest.raises(InputError, match=r"`sgd:lr=0\.1,maximize=True` maximizes and `adam` minimizes"):
            ask()


def test_a_short_race_says_how_low_it_got() -> None:
    race = slalom.race("sphere", ["sgd:lr=0.45"], steps=20)
    final = race.losses[0, -1]
    assert 0 < final < 1e-30
    (kind, said), *_ = read(race.sentence)
    assert kind == "short"
    assert quantity(said["gap"]) == pytest.approx(final, rel=5e-3)
    assert "not settle" not in race.sentence


@dataclass(frozen=True)
class Falling:
    """A loss that falls, and perhaps rises again from a turn on."""

    fall: float
    rise: float
    turn: float

    def __call__(self, step: float) -> float:
        return float(2.3 * np.exp(-self.fall * step) + 0.01 + self.rise * max(0.0, step - self.turn))


def test_what_sentences_say_of_training_agrees_with_itself_and_with_the_runs() -> None:
    """Runs made at random: each optimizer is said to be fast, slow, not to learn or to diverge, as its runs did."""
    from made_records import STEPS as LENGTH
    from made_records import record_of, run_of

    from slalom.show.views.training_sentences import training_sentence

    names = {"sgd": "SGD", "adam": "Adam", "rmsprop": "RMSprop", "lbfgs": "LBFGS"}
    for seed in range(150):
        rng = np.random.default_rng(seed)

        def loss(rng: Any = rng) -> Any:
            fall, rise, turn = (
                10.0 ** rng.uniform(-3, 0.5),
                rng.choice([0.0, 0.0, 0.05]),
                rng.uniform(0.1, 0.9) * LENGTH,
            )
            return Falling(fall, rise, turn)

        specs = list(rng.choice(list(names), size=rng.integers(2, 5), replace=False))
        gone = [int(rng.integers(2, LENGTH)) if rng.random() < 0.2 else None for _ in specs]
        losses = {spec: loss() for spec in specs}
        runs = {
            spec: [run_of(losses[spec], float(rng.uniform(0.3, 1)), diverged_at=lost)]
            for spec, lost in zip(specs, gone, strict=True)
        }
        said = training_sentence(record_of(runs))

        def who(text: str) -> set[str]:
            return {name for name in names.values() if name in text}

        parts = re.split(r"[;.] ", said)
        stuck = set().union(*(who(part) for part in parts if "not learn" in part))
        fast = set().union(*(who(part) for part in parts if re.search(r"falls? fast", part)))
        slow = set().union(*(who(part) for part in parts if re.search(r"(is|are) slow", part)))
        lost = {names[spec] for spec, step in zip(specs, gone, strict=True) if step is not None}
        learned = {names[spec] for spec in specs if losses[spec](LENGTH) < losses[spec](0)} - lost
        assert not fast & (stuck | slow | lost), said
        assert not stuck & (learned | slow), said
        assert fast <= learned, said
        assert who(" ".join(part for part in parts if "diverge" in part)) == lost or len(lost) == len(specs), said

"""Tables fit the terminal, and the least telling columns give way first."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest

from slalom.cli import progress
from slalom.cli.progress import Watch, told
from slalom.cli.tables import UNLIMITED, Mark, fitting, marks, table_lines

COLUMNS = ("optimizer", "lr", "status", "settles at", "leaves again", "final f − f*", "path", "gradients")
TEXTS = (
    ("SGD lr 0.1", "0.1", "converged", "30", "–", "0", "75.6", "10,000"),
    ("Adam", "1", "diverged at step 37", "174", "–", "7.93e-42", "80.0", "10,000"),
)


def table() -> SimpleNamespace:
    return SimpleNamespace(
        columns=COLUMNS, texts=TEXTS, rows=[{"optimizer": line[0], "status": line[2]} for line in TEXTS]
    )


def plain(width: int = UNLIMITED, known: dict[str, Mark] | None = None) -> list[str]:
    return [line.plain for line in table_lines(table(), known or {}, width)]


def test_a_wide_terminal_shows_everything_aligned() -> None:
    assert plain() == [
        "                                      settles  leaves     final",
        "optimizer    lr  status                    at   again    f − f*  path  gradients",
        "──────────  ───  ───────────────────  ───────  ──────  ────────  ────  ─────────",
        "SGD lr 0.1  0.1  converged                 30       –         0  75.6     10,000",
        "Adam          1  diverged at step 37      174       –  7.93e-42  80.0     10,000",
    ]


@pytest.mark.parametrize(
    ("width", "lost"),
    [
        (80, []),
        (79, ["leaves again"]),  # it is empty, and says least
        (71, ["leaves again", "gradients"]),
        (60, ["lr", "leaves again", "gradients"]),
        (54, ["lr", "leaves again", "path", "gradients"]),
        (5, [*COLUMNS[1:]]),
    ],
)
def test_columns_give_way_in_order(width: int, lost: list[str]) -> None:
    kept = fitting(COLUMNS, TEXTS, width)
    assert [name for k, name in enumerate(COLUMNS) if k not in kept] == lost


@pytest.mark.parametrize("width", [50, 80, 120])
def test_a_table_fits_with_its_marks_and_says_what_it_left_out(width: int) -> None:
    lines = plain(width, {"SGD lr 0.1": Mark("━━━", None), "Adam": Mark("━━━", "#0072B2")})
    assert all(len(line) <= width for line in lines if not line.startswith("no room"))
    assert lines[-1].startswith("no room here for: ") == (width < 120)


def test_marks_have_the_pictures_colours_and_black_is_the_text_s() -> None:
    assert marks([("SGD", "sgd"), ("Adam", "adam"), ("AdamW", "adamw")]) == {
        "SGD": Mark("━━━", None),
        "Adam": Mark("━ ━", "#0072B2"),
        "AdamW": Mark("━┉┉", "#009E73"),
    }


def test_optimizers_that_differ_in_a_pictures_dashes_differ_in_their_marks() -> None:
    raced = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam", "adamw", "lion")
    assert len({mark.text for mark in marks([(name, name) for name in raced]).values()}) == len(raced)


@pytest.mark.parametrize(
    ("left", "text"), [(None, ""), (7.4, ", 7 s left"), (600.0, ", 10 min left"), (9000.0, ", 2.5 h left")]
)
def test_the_time_left_is_told_in_fitting_units(left: float | None, text: str) -> None:
    assert told(12_800, 100_000, left) == f"12,800 of 100,000 steps{text}"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_appears_in_a_terminal_once_the_work_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    screen = Terminal()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "80")
    with Watch() as watch:
        assert watch.progress is not None
        for clock.now, done in ((0.5, 10), (0.9, 20)):
            watch.progress(done, 100)
        assert screen.getvalue() == ""
        clock.now = 1.5
        watch.progress(30, 100)
    assert "30 of 100 steps, 4 s left" in screen.getvalue()


def test_no_bar_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert Watch().progress is None

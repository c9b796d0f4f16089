"""Exceptions that the user's code raises are described whatever they do."""

import pytest

from slalom.core import describe_exception


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class NoTextError(Exception):
    def __str__(self) -> str:
        return 3  # type: ignore[return-value]


class LeavingError(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (ValueError("lr is\nnegative"), "ValueError: lr is negative"),
        (SystemExit(3), "SystemExit: 3"),
        (GeneratorExit(), "GeneratorExit"),
        (AssertionError(), "AssertionError"),
        (ValueError("\x1b[31mred\x1b[0m \u202eright"), "ValueError: [31mred [0m right"),
        (UnspeakableError(), "UnspeakableError: (its text cannot be read: __str__ raised RuntimeError)"),
        (NoTextError(), "NoTextError: (its text cannot be read: __str__ raised TypeError)"),
        (LeavingError(), "LeavingError: (its text cannot be read: __str__ raised SystemExit)"),
    ],
)
def test_an_exception_is_described_on_one_line_whatever_its_text_does(problem: BaseException, told: str) -> None:
    assert describe_exception(problem) == told


def test_a_long_text_is_cut() -> None:
    assert describe_exception(ValueError("x" * 1000), limit=50) == "ValueError: " + "x" * 37 + "…"

"""A table of results in the terminal: as many columns as fit, the most telling ones first."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from slalom.cli.terminal import echo

GAP = 2
"""Spaces between two columns."""

SHORTEST = 14
"""Characters of a name that are kept even in the narrowest terminal."""

UNLIMITED = 10_000
"""The width where no terminal cuts lines: in a pipe or a file."""

LEAST_TELLING = ("gradients", "straight", "turns", "lr", "path", "leaves again", "seed", "status")
"""Columns that give way in a narrow terminal, in this order, once the empty ones have."""

LEFT = ("status", "verdict", "course", "optimizer")
"""Columns of words, which begin at the left, as the first one does."""

SAMPLES = ("━━━", "╍╍╍", "┉┉┉", "━╍━", "━ ━", "╍ ╍", "━┉┉", "━━╍", "━━┉")
"""The dashes of the pictures' lines as characters, in the order of ``styles.DASHES``."""


class Results(Protocol):
    """What the library calls a table."""

    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def texts(self) -> Sequence[Sequence[str]]: ...


@dataclass(frozen=True)
class Shortened:
    """A table whose names are cut to fit."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    texts: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Mark:
    """What stands before an optimizer's name: a piece of its line in the pictures."""

    text: str
    colour: str | None


@dataclass(frozen=True)
class Column:
    """A column as it is printed: a heading of one or two lines, and cells of one width."""

    heading: tuple[str, ...]
    cells: tuple[str, ...]
    left: bool
    width: int

    def aligned(self, text: str) -> str:
        blank = " " * (self.width - cells(text))
        return text + blank if self.left else blank + text


def cells(text: str) -> int:
    """Return how many places of a terminal ``text`` takes: two for each character of Chinese, say."""
    from rich.cells import cell_len

    return cell_len(text)


def terminal_width() -> int:
    """Return the columns that the output has, unlimited where it goes to no terminal."""
    if os.environ.get("COLUMNS", "").isdigit() or (sys.stdout is not None and sys.stdout.isatty()):
        return max(20, shutil.get_terminal_size().columns)
    return UNLIMITED


def console() -> Any:
    """Return a rich console for standard output that changes nothing of what it is given but the colours."""
    from rich.console import Console

    return Console(file=sys.stdout, width=terminal_width(), highlight=False, markup=False, emoji=False)


def show(screen: Any, *lines: Any) -> None:
    """Print lines of rich text through click, which leaves a closed pipe to the program."""
    with screen.capture() as captured:
        for line in lines:
            screen.print(line, soft_wrap=True)
    echo(captured.get(), nl=False)


def marks(optimizers: Sequence[tuple[str, str]]) -> dict[str, Mark]:
    """Return the mark of each (name, family), in the colours and dashes that the pictures give them."""
    from slalom.show.views.styles import BLACK, DASHES, styles_for

    samples = dict(zip(DASHES, SAMPLES, strict=True))
    styles = styles_for([family for _, family in optimizers])
    return {
        # black could not be seen on a dark terminal: there it is the colour of the text
        name: Mark(samples[style.dashes], None if style.colour == BLACK else style.colour)
        for (name, _), style in zip(optimizers, styles, strict=True)
    }


def fitting(
    columns: Sequence[str], texts: Sequence[Sequence[str]], width: int, least: Sequence[str] = LEAST_TELLING
) -> list[int]:
    """Return the indices of the columns that fit ``width`` characters together. The first always stays.

    The empty ones give way first, then those named in ``least``, in that order, then the others from the right.
    """
    widths = [_width(name, [line[k] for line in texts]) for k, name in enumerate(columns)]
    kept = list(range(len(columns)))
    empty = [k for k in kept[1:] if all(line[k] in ("", "–") for line in texts)]
    ranked = [columns.index(name) for name in least if name in columns]
    others = [k for k in reversed(kept[1:]) if k not in ranked]
    for k in dict.fromkeys([*empty, *ranked, *others]):
        if sum(widths[i] + GAP for i in kept) - GAP <= width:
            break
        if k != 0:
            kept.remove(k)
    return kept


def table_lines(
    table: Results, known: Mapping[str, Mark], width: int, least: Sequence[str] = LEAST_TELLING
) -> list[Any]:
    """Return the lines of ``table``: headings, a rule, the rows, and which columns found no room."""
    from rich.text import Text

    sample = max((len(mark.text) + 1 for mark in known.values()), default=0)
    marked = [known.get(line[0], Mark("", None)) for line in table.texts]
    table = _with_short_names(table, width - sample)
    kept = fitting(table.columns, table.texts, width - sample, least)
    columns = [_column(table, k) for k in kept]
    lines = _heading(columns, sample)
    for index, line in enumerate(table.texts):
        row = Text()
        if known:
            mark = marked[index]
            row.append(mark.text.ljust(sample), style=mark.colour or "")
        for position, (k, column) in enumerate(zip(kept, columns, strict=True)):
            row.append(" " * GAP if position else "")
            row.append(column.aligned(column.cells[index]), style=_style(line[k]))
        row.rstrip()
        lines.append(row)
    if len(kept) < len(table.columns):
        left_out = ", ".join(name for k, name in enumerate(table.columns) if k not in kept)
        lines.append(Text(f"no room here for: {left_out}", style="dim"))
    return lines


def _with_short_names(table: Results, width: int) -> Results:
    """Return ``table`` with the names in its first column shortened where it does not fit ``width`` otherwise."""
    from slalom.show.views.words import short_names

    whole = sum(_width(name, [line[k] for line in table.texts]) + GAP for k, name in enumerate(table.columns)) - GAP
    if whole <= width:
        return table
    names = list(dict.fromkeys(line[0] for line in table.texts))
    short = dict(zip(names, short_names(names, max(SHORTEST, width // 3)), strict=True))
    return Shortened(table.columns, table.rows, [(short[line[0]], *line[1:]) for line in table.texts])


def hanging(text: str, indent: int, width: int) -> list[str]:
    """Break ``text`` into lines of at most ``width`` characters, to be printed ``indent`` characters in."""
    return textwrap.wrap(text, max(20, min(width, 120) - indent), break_long_words=False) or [""]


def _heading(columns: Sequence[Column], sample: int) -> list[Any]:
    from rich.text import Text

    height = max(len(column.heading) for column in columns)
    lines = []
    for level in range(height):
        # headings of one line stand on the rule, beside the last line of the others
        words = [(("",) * (height - len(c.heading)) + c.heading)[level] for c in columns]
        line = (" " * GAP).join(column.aligned(word) for column, word in zip(columns, words, strict=True))
        lines.append(Text((" " * sample + line).rstrip(), style="bold"))
    rules = ["─" * column.width for column in columns]
    return [*lines, Text(" " * sample + (" " * GAP).join(rules), style="dim")]


def _column(table: Results, k: int) -> Column:
    name, texts = table.columns[k], tuple(line[k] for line in table.texts)
    width = _width(name, texts)
    return Column(_broken(name, width), texts, k == 0 or name in LEFT, width)


def _width(heading: str, texts: Sequence[str]) -> int:
    """Return the characters of a column whose heading may break between words."""
    return max(map(cells, [*_broken(heading, 1), *texts]))


def _broken(heading: str, width: int) -> tuple[str, ...]:
    """Break a heading between its words; a formula such as f − f* stays in one piece."""
    held = heading.replace(" − ", "\u00a0−\u00a0")
    return tuple(line.replace("\u00a0", " ") for line in textwrap.wrap(held, width, break_long_words=False))


def _style(text: str) -> str:
    if text.startswith("diverged"):
        return "red"
    return "green" if text == "converged" else "dim" if text in ("", "–") else ""

"""A table of results in the terminal: as many columns as fit, the most telling ones first."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

GAP = 2
"""Spaces between two columns."""

UNLIMITED = 10_000
"""The width where no terminal cuts lines: in a pipe or a file."""

LEAST_TELLING = ("gradients", "straight", "turns", "path", "lr", "leaves again", "seed", "status")
"""Columns that give way in a narrow terminal, in this order, once the empty ones have."""

SAMPLES = {(): "━━━", (3.6, 1.6): "╍╍╍", (1.1, 1.5): "┉┉┉", (5.0, 1.5, 1.1, 1.5): "━╍━"}
"""Dashes of the pictures' lines, as characters."""


class Results(Protocol):
    """What the library calls a table."""

    @property
    def columns(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Mapping[str, Any]]: ...
    @property
    def texts(self) -> Sequence[Sequence[str]]: ...


@dataclass(frozen=True)
class Mark:
    """What stands before an optimizer's name: a piece of its line in the pictures."""

    text: str
    colour: str | None


def terminal_width() -> int:
    """Return the columns that the output has, unlimited where it goes to no terminal."""
    if os.environ.get("COLUMNS", "").isdigit() or (sys.stdout is not None and sys.stdout.isatty()):
        return max(20, shutil.get_terminal_size().columns)
    return UNLIMITED


def marks(optimizers: Sequence[tuple[str, str]]) -> dict[str, Mark]:
    """Return the mark of each (name, family), in the colours and dashes that the pictures give them."""
    from slalom.show.views.styles import BLACK, styles_for

    styles = styles_for([family for _, family in optimizers])
    return {
        # black could not be seen on a dark terminal: there it is the colour of the text
        name: Mark(SAMPLES.get(style.dashes, "━━━"), None if style.colour == BLACK else style.colour)
        for (name, _), style in zip(optimizers, styles, strict=True)
    }


def fitting(columns: Sequence[str], texts: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return the indices of the columns that fit ``width`` characters together. The first always stays."""
    widths = [column_width(name, [line[k] for line in texts]) for k, name in enumerate(columns)]
    kept = list(range(len(columns)))
    empty = [k for k in kept[1:] if all(line[k] in ("", "–") for line in texts)]
    ranked = [columns.index(name) for name in LEAST_TELLING if name in columns]
    others = [k for k in reversed(kept[1:]) if k not in ranked]
    for k in dict.fromkeys([*empty, *ranked, *others]):
        if sum(widths[i] + GAP for i in kept) - GAP <= width:
            break
        kept.remove(k)
    return kept


def column_width(heading: str, cells: Sequence[str]) -> int:
    """Return the characters of a column whose heading may break between words."""
    from rich.cells import cell_len

    return max([cell_len(word) for word in heading.split()] + [cell_len(cell) for cell in cells], default=0)


def print_table(
    console: Any, table: Results, known: Mapping[str, Mark] | None = None, width: int = UNLIMITED
) -> None:
    """Print ``table``, and say which columns found no room."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    known = known if known and console.is_terminal else {}
    room = width - (max(len(mark.text) for mark in known.values()) + GAP if known else 0)
    kept = fitting(table.columns, table.texts, room)
    drawn = Table(
        box=SIMPLE_HEAD, pad_edge=False, padding=(0, GAP // 2), show_edge=False, header_style="bold"
    )
    if known:
        drawn.add_column("")
    for k in kept:
        left = k == 0 or all(isinstance(row.get(table.columns[k]), str) for row in table.rows)
        drawn.add_column(
            Text(table.columns[k]),
            justify="left" if left else "right",
            vertical="bottom",
            no_wrap=bool(width >= UNLIMITED),
            min_width=min(column_width(table.columns[k], [line[k] for line in table.texts]), width),
        )
    for line in table.texts:
        cells = [_cell(table.columns[k], line[k]) for k in kept]
        mark = known.get(line[0])
        drawn.add_row(
            *([Text(mark.text, style=mark.colour or "") if mark else Text("")] if known else []), *cells
        )
    console.print(drawn)
    if len(kept) < len(table.columns):
        left_out = ", ".join(name for k, name in enumerate(table.columns) if k not in kept)
        console.print(Text(f"no room for: {left_out} (a wider terminal or --json shows all)", style="dim"))


def _cell(column: str, text: str) -> Any:
    from rich.text import Text

    style = ""
    if column == "status":
        style = "red" if text.startswith("diverged") else "green" if text.startswith("converged") else ""
    elif text in ("", "–"):
        style = "dim"
    return Text(text, style=style)

"""CSV files whose texts a spreadsheet shows instead of running them, and which are read back unchanged.

A cell that begins with ``=``, ``+``, ``-`` or ``@`` is a formula to a spreadsheet, and a formula may fetch an address
or start a program. Such a text is written with an apostrophe before it, which spreadsheets take for "this is text".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from slalom.core.errors import printable

_FORMULA = re.compile(r"'*\s*[=+\-@\t\r\n＝＋－＠]")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(inf|nan)", re.IGNORECASE)


def write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table to a file. Numbers, and texts that are numbers, are written as they are."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(list(map(defused, columns)))
        writer.writerows([defused(value) if isinstance(value, str) else value for value in row] for row in rows)


def defused(text: str) -> str:
    """Return a text as a cell of a table: printable, and no formula."""
    text = printable(text, keep="\n\t")
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def restored(cell: str) -> str:
    """Return the text that :func:`defused` made a cell of."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell

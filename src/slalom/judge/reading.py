"""Reads results that somebody already has: a CSV file with the columns optimizer, seed, value, and perhaps task.

A file that slalom wrote also says, in columns of its own, how its values are compared.
"""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

from slalom.core import InputError, csv_files, one_line, quote
from slalom.judge.results import Kind, Results

COLUMNS = ("optimizer", "seed", "value")

FAILED = "failed"
"""What a file has for the value of a run that failed."""

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}(\.0*)?")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?|nan|[+-]?inf(inity)?", re.IGNORECASE)

PERCENTAGES_FROM = 20.0
"""Values up to 100, of which one is at least this, are read as accuracies in per cent."""


def read_results(
    path: str | os.PathLike[str],
    *,
    kind: Kind | None = None,
    higher_is_better: bool | None = None,
    optimum: float | None = None,
    baseline: str | None = None,
    margin: float | None = None,
    steps: int | None = None,
    trials: int | None = None,
) -> tuple[Results, ...]:
    """Return the results in a file, one :class:`Results` per task, in the order of the file.

    ``value`` is nan for a run that diverged, ``failed`` for one that failed (with its reason in a column ``reason``, if
    there is one), inf for a target that was missed; other columns are ignored. Where
    ``kind`` is not given, higher values are taken as better, and the results say so: as accuracies where all lie
    between 0 and 1, or between 0 and 100 with some above 20 (per cent), else as they are.

    Raises :class:`InputError`, with the number of the line, for anything that is not such a file.
    """
    name = os.fspath(path)
    rows = list(_rows(name))
    by_task, failed = _collect(name, iter(rows))
    told = _told(name, rows) if kind is None and higher_is_better is None and optimum is None else {}
    if told:
        return tuple(
            Results(
                task=task,
                values=values,
                failures=failed[task],
                baseline=baseline,
                margin=margin,
                steps=steps,
                trials=trials,
                **told[task],
            )
            for task, values in by_task.items()
        )
    every = [value for task in by_task.values() for runs in task.values() for value in runs.values()]
    chosen, remarks = (kind, ()) if kind is not None else _assumed(every, higher_is_better)
    if chosen == "plain" and kind is None and higher_is_better is None:
        higher_is_better = True
    if chosen == "accuracy" and _percent(every):
        by_task = {
            task: {one: {seed: value / 100 for seed, value in runs.items()} for one, runs in optimizers.items()}
            for task, optimizers in by_task.items()
        }
    return tuple(
        Results(
            task=task,
            metric="value" if chosen == "plain" else chosen,
            values=values,
            failures=failed[task],
            kind=chosen,
            higher_is_better=higher_is_better,
            optimum=optimum,
            baseline=baseline,
            margin=margin,
            steps=steps,
            trials=trials,
            remarks=remarks,
        )
        for task, values in by_task.items()
    )


TELLING = ("kind", "metric", "higher_is_better", "optimum")
"""Columns that say how the values of a task are compared; all of them or none."""


def _told(name: str, rows: Sequence[tuple[int, dict[str, str]]]) -> dict[str, dict[str, Any]]:
    """Return what a file says of each task; nothing where it has no such columns. Raises InputError."""
    found: dict[str, dict[str, Any]] = {}
    for line, row in rows:
        if not all(column in row for column in TELLING):
            return {}
        task = row.get("task", Path(name).stem)
        if row["kind"] not in get_args(Kind):
            raise _broken(name, line, f"the kind must be one of {', '.join(get_args(Kind))}, got {quote(row['kind'])}")
        if row["higher_is_better"] not in ("yes", "no"):
            raise _broken(name, line, f"higher_is_better must be yes or no, got {quote(row['higher_is_better'])}")
        told = {
            "kind": row["kind"],
            "metric": row["metric"],
            "higher_is_better": row["higher_is_better"] == "yes",
            "optimum": _value(name, line, row["optimum"]) if row["optimum"] else None,
        }
        if found.setdefault(task, told) != told:
            raise _broken(name, line, f"{quote(task)} is compared in another way than in the lines before")
    return found


def _rows(name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the lines of a CSV file by column name, with their numbers."""
    lines = csv.reader(io.StringIO(_text(name), newline=""), strict=True)
    header: list[str] | None = None
    while True:
        try:
            row = next(lines)
        except StopIteration:
            break
        except csv.Error as error:
            raise _broken(name, lines.line_num, f"this is no CSV ({error}); check its quotation marks") from None
        cells = [one_line(csv_files.restored(cell.strip())) for cell in row]
        if not any(cells):
            continue
        if header is None:
            header = _header(name, lines.line_num, cells)
            continue
        if len(cells) != len(header):
            columns = f"{len(header)} columns" if len(header) != 1 else "1 column"
            raise _broken(name, lines.line_num, f"the header has {columns}, this line {len(cells)}")
        yield lines.line_num, dict(zip(header, cells, strict=True))
    if header is None:
        raise _broken(name, 1, f"the file is empty; its first line must name the columns {', '.join(COLUMNS)}")


def _text(name: str) -> str:
    given_open = name == "/dev/stdin" or name.startswith("/dev/fd/")  # `slalom judge <(command)`
    try:
        path = Path(name)
        waits = path.is_fifo() and not given_open  # for another process that writes
        endless = path.is_char_device() and name != "/dev/stdin"  # such as /dev/zero
        content = b"" if endless or waits else path.read_bytes()
    except OSError as error:
        raise InputError(f"{quote(name)} cannot be read: {error.strerror or error}.") from None
    except ValueError:  # a null character in the name
        raise InputError(f"{quote(name)} is no name of a file.") from None
    if waits:
        raise InputError(f"{quote(name, 160)} is a pipe: name a file.")
    if endless:
        raise InputError(f"{quote(name)} is a device: name a file.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _broken(name, line, "this is no UTF-8 text; save the table as CSV in UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise _broken(name, line, "this is no text; save the table as CSV in UTF-8")
    return text


def _header(name: str, line: int, cells: list[str]) -> list[str]:
    header = [cell.lower() for cell in cells]
    for column in COLUMNS:
        if column not in header:
            found = f"found {quote(', '.join(cells))}"
            hint = "; separate columns by commas" if len(cells) == 1 and re.search(r"[;\t|]", cells[0]) else ""
            raise _broken(name, line, f"the column `{column}` is missing, {found}{hint}")
    for column in (*COLUMNS, "task"):
        if header.count(column) > 1:
            raise _broken(name, line, f"the column `{column}` is there twice")
    return header


def _collect(
    name: str, rows: Iterator[tuple[int, dict[str, str]]]
) -> tuple[dict[str, dict[str, dict[int, float]]], dict[str, dict[str, dict[int, str]]]]:
    """Return values, and the reasons of runs that failed, by task, optimizer and seed."""
    collected: dict[str, dict[str, dict[int, float]]] = {}
    failed: dict[str, dict[str, dict[int, str]]] = {}
    lines: dict[tuple[str, str, int], int] = {}
    for line, row in rows:
        task, optimizer = row.get("task", Path(name).stem), row["optimizer"]
        for column, text in (("task", task), ("optimizer", optimizer)):
            if not text:
                raise _broken(name, line, f"the {column} is empty")
        seed = _seed(name, line, row["seed"])
        value = None if row["value"].lower() == FAILED else _value(name, line, row["value"])
        first = lines.setdefault((task, optimizer, seed), line)
        if first != line:
            what = f"{quote(optimizer)} has seed {seed} already in line {first}"
            raise _broken(name, line, f"{what}; keep one value per optimizer, seed and task")
        runs = collected.setdefault(task, {}).setdefault(optimizer, {})
        reasons = failed.setdefault(task, {}).setdefault(optimizer, {})
        if value is None:
            reasons[seed] = row.get("reason", "")
        else:
            runs[seed] = value
    if not collected:
        raise InputError(f"{quote(name)} has a header but no results; write one line per optimizer and seed.")
    return collected, failed


def _seed(name: str, line: int, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise _broken(name, line, f"the seed must be a whole number, got {quote(text)}")
    return int(text.split(".")[0])


def _value(name: str, line: int, text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise _broken(
            name, line, f"the value must be a number, nan for a run that diverged, or failed, got {quote(text)}"
        )
    value = float(text)
    if value == -math.inf:
        raise _broken(name, line, "the value must not be minus infinity; write nan for a run that diverged")
    return value


def _assumed(values: list[float], higher_is_better: bool | None) -> tuple[Kind, tuple[str, ...]]:
    """Return how values of no declared kind are compared, and what to say about it."""
    if higher_is_better is not None:
        return "plain", ()
    finite = [value for value in values if not math.isnan(value)]
    if finite and all(0 <= value <= 1 for value in finite):
        return "accuracy", ("Values are taken as accuracies, higher is better; say so if they are losses.",)
    if _percent(values):
        return "accuracy", ("Values are taken as accuracies in per cent, higher is better; say so if they are losses.",)
    return "plain", ("Higher values are taken as better; say so if they are losses or steps.",)


def _percent(values: list[float]) -> bool:
    finite = [value for value in values if not math.isnan(value)]
    return bool(finite) and all(0 <= value <= 100 for value in finite) and max(finite) >= PERCENTAGES_FROM


def _broken(name: str, line: int, rule: str) -> InputError:
    return InputError(f"{quote(name)}, line {line}: {rule}.")

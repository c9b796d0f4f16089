"""From a finished race or sweep to the terminal and to files."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from slalom.cli.progress import Watch
from slalom.cli.tables import console, hanging, marks, show, table_lines, terminal_width
from slalom.cli.terminal import echo, echo_json

INTERRUPTED = 130


def carry_out(
    work: Callable[[Any], Any],
    heading: Callable[[Any], str],
    save: Sequence[str],
    as_json: bool,
    watched: bool = False,
    **choices: Any,
) -> None:
    """Do ``work``, which takes the progress callback and returns a result; print that and write its files.

    Where ``watched``, it takes the whole :class:`Watch`, to which it can also say what it does. ``choices`` go to its
    ``save``. After Ctrl-C whatever was finished is printed and written all the same, and the exit code is 130.
    """
    # What the user's own code prints must not get into the JSON.
    aside = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
    with Watch() as watch, aside:
        result = work(watch if watched else watch.progress)
    if watch.interrupted and _is_empty(result):
        raise KeyboardInterrupt
    try:
        if as_json:
            echo_json(result.to_json())
        else:
            for part in getattr(result, "parts", ()):
                _print(part, heading(part))
                echo()
            if hasattr(result, "parts"):
                _print_across(result)
            else:
                _print(result, heading(result))
        for remark in result.remarks:
            echo(f"remark: {remark}", err=as_json)
        for path in save:
            result.save(path, **choices)
            echo(f"wrote {path} ({_size(Path(path).expanduser())})", err=as_json)
    except KeyboardInterrupt:
        echo("Interrupted while printing or writing: every file named above is whole.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    if watch.interrupted and _is_partial(result):
        echo("Interrupted: this is what had been finished.", err=True)
        raise click.exceptions.Exit(INTERRUPTED)


def _is_empty(result: Any) -> bool:
    """Whether an interruption came before anything was finished."""
    return result is None or not len(getattr(result, "runners", "?")) or not getattr(result, "steps", 1)


def _is_partial(result: Any) -> bool:
    """Whether an interruption left something out: the remarks of a race then begin with it. A study is always whole."""
    return any(str(remark).startswith("interrupted") for remark in result.remarks)


def _print(result: Any, heading: str) -> None:
    from rich.text import Text

    screen, width, table = console(), terminal_width(), result.table()
    known = marks(_families(result)) if screen.is_terminal else {}
    above = [line for text in (heading, result.sentence) if text for line in hanging(text, 0, width)]
    below = [line for text in (table.notes, _conditions(result)) if text for line in hanging(text, 0, width)]
    show(
        screen,
        *(Text(line, style="" if index else "bold") for index, line in enumerate(above)),
        "",
        *table_lines(table, known, width),
        "",
        *(Text(line, style="dim") for line in below),
    )


def _print_across(result: Any) -> None:
    from rich.text import Text

    screen, width, table = console(), terminal_width(), result.table()
    above = hanging(f"Across {len(result.parts)} courses: {result.across.sentence}", 0, width)
    lines = table_lines(table, marks(_families(result)) if screen.is_terminal else {}, width)
    below = (Text(line, style="dim") for line in hanging(table.notes, 0, width))
    show(screen, *(Text(line, style="bold") for line in above), "", *lines, "", *below)


def _families(result: Any) -> list[tuple[str, str]]:
    """Return (name, family) of every optimizer of a result, in order."""
    if hasattr(result, "runners"):
        return list({runner.name: (runner.name, runner.optimizer.family) for runner in result.runners}.values())
    return [(name, entry.family) for name, entry in zip(result.names, result.optimizers, strict=True)]


def _conditions(result: Any) -> str:
    """Return which engine ran, in which precision, on which data, by which versions."""
    versions = ", ".join(f"{name} {result.versions[name]}" for name in ("slalom", "torch"))
    precision = "bf16" if getattr(result, "precision", "") == "bf16" else ""
    device = getattr(result, "device", "cpu")
    parts = [f"{result.engine} engine", result.dtype, precision, "" if device == "cpu" else device]
    return ", ".join([*filter(None, parts), versions])


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, round(size / 1024))} kB"

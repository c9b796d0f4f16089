"""From a finished race or sweep to the terminal and to files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from slalom.cli.progress import Watch
from slalom.cli.tables import marks, print_table, terminal_width

INTERRUPTED = 130

MOST_ROWS = 60
"""Rows that a terminal is given; files have all of them."""


def carry_out(
    work: Callable[[Any], Any], heading: Callable[[Any], str], save: Sequence[str], as_json: bool
) -> None:
    """Do ``work``, which takes the progress callback and returns a result; print that and write its files.

    After Ctrl-C whatever was finished is printed and written all the same, and the exit code is 130.
    """
    with Watch() as watch:
        result = work(watch.progress)
    if watch.interrupted and _is_empty(result):
        raise KeyboardInterrupt
    if as_json:
        click.echo(result.to_json(), nl=False)
        click.echo()
    else:
        _print(result, heading(result))
    for remark in result.remarks:
        click.echo(f"remark: {remark}", err=as_json)
    for path in save:
        result.save(path)
        click.echo(f"wrote {path} ({_size(Path(path).expanduser())})", err=as_json)
    if watch.interrupted:
        click.echo("Interrupted: this is what had been finished.", err=True)
        raise click.exceptions.Exit(INTERRUPTED)


def _is_empty(result: Any) -> bool:
    """Whether an interruption came before anything was finished."""
    return result is None or not len(getattr(result, "runners", "?")) or not getattr(result, "steps", 1)


def _print(result: Any, heading: str) -> None:
    from rich.console import Console
    from rich.text import Text

    width = terminal_width()
    console = Console(
        file=sys.stdout, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False
    )
    console.print(Text(heading, style="bold"))
    if result.sentence:
        console.print(Text(result.sentence))
    console.print()
    table = result.table()
    print_table(console, table, marks(_families(result)), width)
    console.print()
    if table.notes:
        console.print(Text(table.notes, style="dim"))
    console.print(Text(_conditions(result), style="dim"))


def _families(result: Any) -> list[tuple[str, str]]:
    """Return (name, family) of every optimizer of a result, in order."""
    if hasattr(result, "runners"):
        return list(
            {runner.name: (runner.name, runner.optimizer.family) for runner in result.runners}.values()
        )
    return [(optimizer.name, optimizer.family) for optimizer in result.optimizers]


def _conditions(result: Any) -> str:
    """Return which engine ran, in which precision, by which versions."""
    versions = ", ".join(f"{name} {result.versions[name]}" for name in ("slalom", "torch"))
    return f"{result.engine} engine, {result.dtype}, {versions}"


def _size(path: Path) -> str:
    size = path.stat().st_size
    return f"{size / 2**20:.1f} MB" if size >= 2**20 else f"{max(1, round(size / 1024))} kB"

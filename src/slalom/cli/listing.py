"""``slalom list``."""

from __future__ import annotations

import sys
from typing import Any

import click

from slalom.cli import options
from slalom.cli.tables import terminal_width


@click.command("list", cls=options.Command)
@click.argument("what", metavar="optimizers|landscapes")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_names(what: str, as_json: bool) -> None:
    """List what can be raced, or what can be descended.

    For optimizers: the name, the default learning rate, and what it does. For landscapes: the name, the
    formula, its minimum, and what it teaches.

    \b
    Examples:
      slalom list optimizers
      slalom list landscapes
      slalom list landscapes --json
    """
    from slalom.core import nearest, quote

    if what not in LISTS:
        raise click.UsageError(
            f"{quote(what)} cannot be listed: choose {' or '.join(LISTS)}.{nearest(what, LISTS)}"
        )
    entries = LISTS[what]()
    if as_json:
        import json

        click.echo(json.dumps(entries, ensure_ascii=False, indent=1))
    else:
        _print(what, entries)


def optimizers() -> list[dict[str, Any]]:
    """Return what is known of every named optimizer."""
    from slalom.core import InputError
    from slalom.optimizers import catalogue, parse

    entries = []
    for entry in catalogue().values():
        try:
            rate = parse(entry.name).hyperparameters.get("lr")
            installed = True
        except InputError:  # its package is not installed
            rate, installed = None, False
        entries.append(
            {
                "name": entry.name,
                "class": entry.path,
                "lr": rate if isinstance(rate, int | float) else None,
                "description": entry.description,
                "paper": entry.paper,
                "preset": dict(entry.preset),
                "installed": installed,
            }
        )
    return entries


def landscapes() -> list[dict[str, Any]]:
    """Return what is known of every named landscape."""
    from slalom.landscapes import NAMES, describe

    entries = []
    for name in NAMES:
        card = describe(name)
        course = card.landscape
        entries.append(
            {
                "name": name,
                "formula": card.formula,
                "dim": course.dim,
                "domain": [list(interval) for interval in course.domain],
                "minima": [{"point": list(m.point), "value": m.value} for m in course.minima],
                "starts": [list(start) for start in course.starts],
                "teaches": card.teaches,
                "source": card.source,
            }
        )
    return entries


LISTS = {"optimizers": optimizers, "landscapes": landscapes}


def _print(what: str, entries: list[dict[str, Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, width=terminal_width(), highlight=False, markup=False, emoji=False)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    rows = _optimizer_rows(entries) if what == "optimizers" else _landscape_rows(entries)
    for heading in rows[0]:
        wraps = heading in ("what it does", "what it teaches", "formula")
        table.add_column(heading, no_wrap=not wraps, justify="right" if heading == "lr" else "left")
    for row in rows[1:]:
        table.add_row(*map(Text, row))
    console.print(table)
    example = "slalom show adam" if what == "optimizers" else "slalom show rosenbrock"
    console.print(Text(f"\n{example} tells more of one.", style="dim"))


def _optimizer_rows(entries: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("name", "lr", "what it does")]
    for entry in entries:
        rate = "–" if entry["lr"] is None else f"{entry['lr']:g}"
        missing = "" if entry["installed"] else ' (not installed: pip install "slalom[optimizers]")'
        rows.append((entry["name"], rate, entry["description"] + missing))
    return rows


def _landscape_rows(entries: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    from slalom.show.views.words import number, point

    rows: list[tuple[str, ...]] = [("name", "formula", "minimum", "what it teaches")]
    for entry in entries:
        minima = entry["minima"]
        text = "none"
        if minima:
            text = f"{number(minima[0]['value'], 5)} at {point(minima[0]['point'])}"
            text += f" and {len(minima) - 1} more" if len(minima) > 1 else ""
        rows.append((entry["name"], entry["formula"], text, entry["teaches"]))
    return rows

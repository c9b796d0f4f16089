"""``slalom list``."""

from __future__ import annotations

from typing import Any

import click

from slalom.cli import options
from slalom.cli.tables import GAP, UNLIMITED, cells, console, hanging, show, terminal_width


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
        raise click.UsageError(f"{quote(what)} cannot be listed: choose {' or '.join(LISTS)}.{nearest(what, LISTS)}")
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
    rows = [(_optimizer_row if what == "optimizers" else _landscape_row)(entry) for entry in entries]
    widths = [max(map(cells, column)) + GAP for column in zip(*(row[:-1] for row in rows), strict=True)]
    width = terminal_width()
    side_by_side = sum(widths) + 40 <= width
    lines: list[Any] = []
    for row in rows:
        lines += _in_columns(row, widths, width) if side_by_side else _in_lines(row, widths[0], width)
    show(console(), *lines)


def _in_columns(row: tuple[str, ...], widths: list[int], width: int) -> list[Any]:
    """Return a name and what belongs to it side by side, the last of it broken into lines where it must be."""
    from rich.text import Text

    *heads, told = row
    line = Text()
    for index, (head, room) in enumerate(zip(heads, widths, strict=True)):
        line.append(head + " " * (room - cells(head)), style="" if index else "bold")
    first, *rest = hanging(told, sum(widths), width) if width < UNLIMITED else [told]
    return [line.append(first), *(Text(" " * sum(widths) + more) for more in rest)]


def _in_lines(row: tuple[str, ...], indent: int, width: int) -> list[Any]:
    """Return the name with the rest below it, where columns would be too narrow to read."""
    from rich.text import Text

    name, *facts, told = row
    first, *rest = hanging("; ".join(facts), indent, width)
    lines = [Text(name.ljust(indent), style="bold").append(first, style="not bold")]
    lines += [Text(" " * indent + more) for more in rest]
    return [*lines, *(Text(" " * indent + more, style="dim") for more in hanging(told, indent, width))]


def _optimizer_row(entry: dict[str, Any]) -> tuple[str, ...]:
    rate = "" if entry["lr"] is None else f"lr {entry['lr']:g}"
    missing = "" if entry["installed"] else ' Not installed: pip install "slalom[optimizers]".'
    return entry["name"], rate, entry["description"] + missing


def _landscape_row(entry: dict[str, Any]) -> tuple[str, ...]:
    from slalom.show.views.words import number, point

    minima = entry["minima"]
    lowest = "no minimum"
    if minima:
        lowest = f"minimum {number(minima[0]['value'], 5)} at {point(minima[0]['point'])}"
        lowest += f" and {len(minima) - 1} more" if len(minima) > 1 else ""
    return entry["name"], entry["formula"], lowest, entry["teaches"]

"""``slalom list``."""

from __future__ import annotations

from typing import Any

import click

from slalom.cli import options
from slalom.cli.tables import GAP, UNLIMITED, cells, console, hanging, show, terminal_width
from slalom.cli.terminal import echo_json


@click.command("list", cls=options.Command)
@click.argument("what", metavar="optimizers|landscapes|tasks", default="")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def list_names(what: str, as_json: bool) -> None:
    """List what can be raced, or what can be descended.

    For optimizers: the name, the default learning rate, and what it does. For landscapes: the name, the
    formula, its minimum, and what it teaches. For tasks: the name, the network, the data, and what it teaches.

    \b
    Examples:
      slalom list optimizers
      slalom list landscapes
      slalom list tasks --json
    """
    from slalom.core import nearest, quote

    if what and what not in LISTS:
        raise click.UsageError(f"{quote(what)} cannot be listed: choose {_choices()}.{nearest(what, LISTS)}")
    entries = LISTS[what]() if what else [{"list": name, "of": told} for name, told in TOLD.items()]
    if as_json:
        echo_json(entries)
    elif what:
        _print([ROWS[what](entry) for entry in entries])
    else:
        _print([(f"slalom list {name}", told) for name, told in TOLD.items()])


def _choices() -> str:
    *others, last = LISTS
    return f"{', '.join(others)} or {last}"


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


def tasks() -> list[dict[str, Any]]:
    """Return what is known of every named task."""
    from slalom.tasks import rows

    return rows()


LISTS = {"optimizers": optimizers, "landscapes": landscapes, "tasks": tasks}

TOLD = {
    "optimizers": "what descends: SGD, Adam and the others, by name",
    "landscapes": "what is descended: functions of a few variables",
    "tasks": "what is descended: networks with their data",
}
"""What ``slalom list`` answers when it is not told what to list."""


def _print(rows: list[tuple[str, ...]]) -> None:
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


def _task_row(entry: dict[str, Any]) -> tuple[str, ...]:
    return entry["name"], entry["title"], f"{entry['parameters']:,} parameters", entry["teaches"]


ROWS = {"optimizers": _optimizer_row, "landscapes": _landscape_row, "tasks": _task_row}

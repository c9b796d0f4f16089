"""``slalom show``."""

from __future__ import annotations

import re
from typing import Any

import click

from slalom.cli import options
from slalom.cli.terminal import echo

_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_WORD = re.compile(r"[A-Za-z][\w -]*")


@click.command(cls=options.Command)
@click.argument("name", metavar="NAME")
@click.option("--latex", is_flag=True, help="Print the formula alone, as LaTeX.")
@options.data_dir
def show(name: str, latex: bool, data_dir: str | None) -> None:
    """Show what an optimizer, a landscape or a task is.

    Prints the formula, the defaults and what they mean, the minima, and the source; of a task its network, data,
    batches and budget. NAME is any name of slalom list, with its options; an import path, an expression or
    file.py:name will do too.

    \b
    Examples:
      slalom show adam
      slalom show adam:amsgrad=True
      slalom show rosenbrock
      slalom show ellipse:condition=100 --latex
      slalom show digits-mlp
    """
    card = find(name, data_dir)
    text = card.latex() if latex else card.text()
    if not text:
        from slalom.core import InputError, quote

        raise InputError(f"{quote(name)} has no formula that could be printed: its code is all that is known of it.")
    echo(text)


def find(name: str, data_dir: str | None = None) -> Any:
    """Return the card of an optimizer, a task, or else a landscape."""
    from slalom import landscapes, tasks
    from slalom.core import InputError, nearest, python_files, quote

    head = name.partition(":")[0].strip().lower()
    # No name stands in two catalogues, and landscapes are found without torch.
    if re.sub(r"[_ ]", "-", head) in landscapes.NAMES:
        return landscapes.describe(name)
    if tasks.names_a_task(name):
        return tasks.describe(name, data_dir)
    from slalom import optimizers

    if optimizers.is_in_a_file(name):
        return optimizers.describe(name)
    if python_files.names_a_file(name):
        return _of_file(name)
    known = optimizers.catalogue()
    if head in known or _IMPORT_PATH.fullmatch(name.partition(":")[0].strip()):
        return optimizers.describe(name)
    if _WORD.fullmatch(head) and len(head) > 1:
        hint = nearest(head, [*known, *landscapes.NAMES, *tasks.NAMES])
        raise InputError(
            f"{quote(name)} is neither an optimizer nor a landscape nor a task.{hint} `slalom list optimizers`, "
            "`slalom list landscapes` and `slalom list tasks` show all."
        )
    return landscapes.describe(name)


def _of_file(name: str) -> Any:
    """Return the card of what a file of the user's defines."""
    from slalom import landscapes, tasks
    from slalom.lab import courses

    found = courses.find(name)
    return landscapes.describe(name) if courses.is_landscape(found) else tasks.describe(found)

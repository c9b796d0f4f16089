"""``slalom show``."""

from __future__ import annotations

import re
from typing import Any

import click

from slalom.cli import options

_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
_WORD = re.compile(r"[A-Za-z][\w -]*")


@click.command(cls=options.Command)
@click.argument("name", metavar="NAME")
@click.option("--latex", is_flag=True, help="Print the formula alone, as LaTeX.")
def show(name: str, latex: bool) -> None:
    """Show the formula of an optimizer or a landscape.

    Prints the formula, the defaults and what they mean, the minima, and the source. NAME is any name of
    slalom list, with its options; an import path, an expression or file.py:name will do too.

    \b
    Examples:
      slalom show adam
      slalom show adam:amsgrad=True
      slalom show rosenbrock
      slalom show ellipse:condition=100 --latex
    """
    card = find(name)
    text = card.latex() if latex else card.text()
    if not text:
        from slalom.core import InputError, quote

        raise InputError(f"{quote(name)} has no formula that could be printed: its code is all that is known of it.")
    click.echo(text)


def find(name: str) -> Any:
    """Return the card of an optimizer, or else of a landscape."""
    from slalom import landscapes
    from slalom.core import InputError, nearest, quote

    head = name.partition(":")[0].strip().lower()
    # No name stands in both catalogues, and landscapes are found without torch.
    if re.sub(r"[_ ]", "-", head) in landscapes.NAMES:
        return landscapes.describe(name)
    from slalom import optimizers

    known = optimizers.catalogue()
    if head in known or (_IMPORT_PATH.fullmatch(name.partition(":")[0].strip()) and not head.endswith(".py")):
        return optimizers.describe(name)
    if _WORD.fullmatch(head) and len(head) > 1:
        hint = nearest(head, [*known, *landscapes.NAMES])
        raise InputError(
            f"{quote(name)} is neither an optimizer nor a landscape.{hint} "
            "`slalom list optimizers` and `slalom list landscapes` show all."
        )
    return landscapes.describe(name)

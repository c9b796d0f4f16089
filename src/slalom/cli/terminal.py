"""The one way to standard output and standard error: what could steer a terminal is not let through.

Names and errors come from files of the user's and from stores, and may hold anything. Here only the colours pass that
:mod:`rich` and :mod:`click` write. (`click.echo` is banned elsewhere in this package: see ``pyproject.toml``.)
"""

from __future__ import annotations

import json
import re
from typing import Any

import click

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text; of what is not shown as itself only line ends, tabs and colours are kept."""
    parts = _COLOUR.split(str(text))
    click.echo("".join(one if i % 2 else _cleaned(one) for i, one in enumerate(parts)), err=err, nl=nl)


def _cleaned(text: str) -> str:
    """Return a text without what is not shown as itself, line ends and tabs aside."""
    if text.replace("\n", "").replace("\t", "").isprintable():
        return text  # such as `--help`, for which slalom's core need not be imported
    from slalom.core import printable

    return printable(text, keep="\n\t")


def echo_json(content: Any) -> None:
    """Print JSON, given as text, as bytes, or as what it encodes; what is not shown as itself is escaped in it."""
    if isinstance(content, bytes):
        content = content.decode()
    elif not isinstance(content, str):
        content = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
    click.echo(re.sub(r"[^ -~\n]", _as_shown, content))


def _as_shown(character: re.Match[str]) -> str:
    from slalom.core import printable

    return character[0] if printable(character[0]) == character[0] else json.dumps(character[0])[1:-1]

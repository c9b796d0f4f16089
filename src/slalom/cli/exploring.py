"""``slalom explore``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from slalom.cli import options
from slalom.cli.terminal import echo

DEFAULT = "slalom-explorer.html"


@click.command(cls=options.Command)
@click.option(
    "--out",
    metavar="FILE",
    help=f"Write the page to this file, which ends in html, and do not open it.  [default: {DEFAULT}, opened]",
)
def explore(out: str | None) -> None:
    """Write and open a page to play with.

    Drag the start, and every optimizer's path redraws at once. One HTML file that needs neither network nor Python:
    choose landscapes or type expressions, turn the hyperparameters, look inside an update, map the basins, and copy
    the command that repeats it with the real classes. Without --out it is opened in the browser; where no one sits at
    the terminal it is only written.

    \b
    Examples:
      slalom explore
      slalom explore --out explorer.html
    """
    from slalom.lab import files

    target = DEFAULT if out is None else out
    # Refused before the page is made, which takes seconds.
    files.check_savable([target], ["html"])

    def write(path: Path) -> None:
        from slalom.show.explorer import explorer_html

        path.write_text(explorer_html(), encoding="utf-8")

    written = files.save(target, {"html": write})
    echo(f"wrote {written}")
    if out is None and somebody_looks():
        _open(written)


def somebody_looks() -> bool:
    """Whether the command was typed at a terminal, so that somebody wants to see the page."""
    return sys.stdout.isatty()


def _open(page: Path) -> None:
    """Open the page in the browser; where there is none, its path is printed already."""
    import webbrowser

    try:
        opened = webbrowser.open(page.resolve().as_uri())
    except webbrowser.Error:
        opened = False
    if not opened:
        echo("No browser could be opened: open the file yourself.", err=True)

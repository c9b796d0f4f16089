"""``slalom demo``."""

from __future__ import annotations

from pathlib import Path

import click

from slalom.cli import options
from slalom.cli.progress import Watch


@click.command(cls=options.Command)
@click.option(
    "--out",
    default="slalom-demo",
    show_default=True,
    metavar="DIR",
    help="The folder to write; made where missing.",
)
def demo(out: str) -> None:
    """Make every picture, and a page of what they show.

    Races the classic optimizers down x² + y² from (-75, -10) with the real torch.optim classes, and writes
    the surface, a card for each optimizer, their comparison, an animation, a learning-rate ladder, a table,
    and a page of observations computed from the runs. Takes less than a minute; prints where the page is.

    \b
    Examples:
      slalom demo
      slalom demo --out pictures
    """
    from slalom import lab

    with Watch() as watch:
        page = lab.demo(Path(out).expanduser(), progress=watch.progress)
    click.echo(f"Open {page}")

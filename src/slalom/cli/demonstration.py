"""``slalom demo``."""

from __future__ import annotations

import click

from slalom.cli import options


@click.command(cls=options.Command)
@click.option(
    "--out", default="demo", show_default=True, metavar="DIR", help="The folder to write; made where it is missing."
)
def demo(out: str) -> None:
    """Make every picture, and a page of what they show.

    Races the classic optimizers down x² + y² from (-75, -10) with the real torch.optim classes, and writes the
    surface, a card for each optimizer, their comparison, an animation, a learning-rate ladder, a table, and a page of
    observations computed from the runs. Takes less than a minute; prints where the page is.

    \b
    Examples:
      slalom demo
      slalom demo --out pictures
    """
    from slalom import lab

    page = lab.demo(out, report=lambda line: click.echo(f"{line} …", err=True))
    click.echo(f"The page: {page.resolve()}")

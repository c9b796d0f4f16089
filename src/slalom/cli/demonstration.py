"""``slalom demo``."""

from __future__ import annotations

import click

from slalom.cli import options
from slalom.cli.progress import Watch
from slalom.cli.results import INTERRUPTED
from slalom.cli.terminal import echo


@click.command(cls=options.Command)
@click.option(
    "--out", default="demo", show_default=True, metavar="DIR", help="The folder to write; made where it is missing."
)
@click.option(
    "--data",
    default="digits",
    show_default=True,
    metavar="NAME",
    help="What the networks are trained on: digits, mnist or fashion-mnist.",
)
@options.data_dir
def demo(out: str, data: str, data_dir: str | None) -> None:
    """Make every picture, and a page of what they show.

    Races the classic optimizers down x² + y² from (-75, -10) with the real torch.optim classes, and writes the
    surface, a card for each optimizer, their comparison, an animation, a learning-rate ladder, a table, and a page of
    observations computed from the runs. Then trains a fully connected network and a CNN with each of them, at one
    learning rate and with ten seeds, and ends with a study of four of them on the CNN, each tuned. Takes two or three
    minutes, longer on the larger data sets; prints where the page is.

    \b
    Examples:
      slalom demo
      slalom demo --out pictures
      slalom demo --data fashion-mnist --out fashion
    """
    from slalom import lab

    with Watch() as watch:

        def report(line: str) -> None:
            watch.hide()
            echo(f"{line} …", err=True)

        page = lab.demo(out, report=report, data=data, data_dir=data_dir, progress=watch.progress)
    echo(f"The page: {page.resolve()}")
    if watch.interrupted:
        echo("Interrupted: the page holds what had been finished.", err=True)
        raise click.exceptions.Exit(INTERRUPTED)

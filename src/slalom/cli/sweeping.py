"""``slalom sweep``."""

from __future__ import annotations

from typing import Any

import click

from slalom.cli import options
from slalom.cli.results import carry_out


@click.command(cls=options.Command)
@options.course_and_field
@click.option(
    "--over",
    default="lr",
    show_default=True,
    metavar="WHAT",
    help="What is varied: lr (a curve). On a landscape also start (a map), or ladder (a few learning rates, every path "
    "shown). On a task also two hyperparameters of one optimizer, as in lr,momentum (a map).",
)
@click.option(
    "--grid",
    type=options.Whole(1, options.MOST, 64),
    metavar="N",
    help="Values of a curve, or along each side of a map.  [default: 61 or 256; on a task 15 or 64]",
)
@click.option(
    "--range",
    "ranges",
    type=options.RANGE,
    multiple=True,
    metavar="LOW,HIGH",
    help="The values covered, on a task; for a map, one range for each hyperparameter.  [default: by the optimizer]",
)
@click.option(
    "--factors",
    type=options.FACTORS,
    metavar="A,B,…",
    help="Multiples of each optimizer's learning rate; makes a ladder.  [default: 0.1,0.3,1,3,10]",
)
@options.starting_points
@options.conditions
@options.outcome("png svg pdf csv json")
def sweep(
    course: str,
    optimizers: tuple[str, ...],
    points: tuple[tuple[float, ...], ...],
    starts: int | None,
    ranges: tuple[tuple[float, ...], ...],
    save: tuple[str, ...],
    as_json: bool,
    **conditions: Any,
) -> None:
    """Run optimizers over a range of learning rates or starts.

    Prints where each optimizer works and where it does not: its best learning rate and the width around it,
    or the share of starting points from which it arrives. On a task, what networks reach on the validation
    examples, or the final training loss of each of a whole map of networks.

    \b
    Examples:
      slalom sweep sphere -o sgd -o adam --save sensitivity.png
      slalom sweep himmelblau -o adam:lr=0.1 --over start --save basins.png
      slalom sweep ravine -o sgd:lr=0.1 -o momentum:lr=0.1 --factors 0.1,0.3,1,3,10 --save ladder.png
      slalom sweep rosenbrock -o adam --grid 31 --starts 50 --json > sweep.json
      slalom sweep digits-mlp -o sgd -o adam --epochs 10 --save sensitivity.png
      slalom sweep digits-mlp -o sgd --over lr,momentum --grid 64 --save trainability.png
    """
    from slalom import lab
    from slalom.lab.pictures import SWEEP_ENDINGS

    given = options.chosen_starts(points, starts)
    lab.check_savable(save, SWEEP_ENDINGS)

    def work(progress: Any) -> Any:
        field = list(optimizers) or None
        return lab.sweep(course, field, ranges=list(ranges) or None, **given, **conditions, progress=progress)

    carry_out(work, heading, save, as_json)


def heading(sweep: Any) -> str:
    """Return ``"x² + y²: a sweep, 500 steps each"``."""
    return f"{sweep.course.title}: a sweep, {sweep.steps:,} steps each"

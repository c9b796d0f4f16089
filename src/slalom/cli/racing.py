"""``slalom race``."""

from __future__ import annotations

from typing import Any

import click

from slalom.cli import options
from slalom.cli.results import carry_out


@click.command(cls=options.Command)
@options.course_and_field
@options.starting_points
@options.conditions
@options.outcome("png svg pdf gif mp4 csv json parquet")
@click.option(
    "--picture",
    type=click.Choice(["auto", "comparison", "path", "surface"]),
    default="auto",
    show_default=True,
    help="What a png, svg or pdf shows: all optimizers compared, the first one's path, or the surface with the paths.",
)
def race(
    course: str,
    optimizers: tuple[str, ...],
    points: tuple[tuple[float, ...], ...],
    starts: int | None,
    save: tuple[str, ...],
    as_json: bool,
    picture: str,
    **conditions: Any,
) -> None:
    """Race optimizers down COURSE and show how each one moves.

    COURSE is a landscape's name, an expression in quotes, or file.py:name. Prints one line per runner (does
    it settle, when, on how long a path, does it leave again) and a sentence that says what to see.

    \b
    Examples:
      slalom race sphere --start -75,-10 -o sgd:lr=0.1 -o adam:lr=1
      slalom race sphere -o sgd:lr=0.1 -o adam:lr=1 --save card.png
      slalom race "x**2 + 10*y**2 + sin(3*x)" -o adam:lr=0.1 --steps 2000
      slalom race rosenbrock -o adam:lr=0.05 --starts 100 --seed 7 --save paths.csv
      slalom race sphere -o sgd:lr=0.1 --noise 0.5 --seeds 10 --json > race.json
    """
    from slalom import lab

    given = options.chosen_starts(points, starts)
    lab.check_savable(save)

    def work(progress: Any) -> Any:
        return lab.race(course, list(optimizers) or None, **given, **conditions, progress=progress)

    carry_out(work, heading, save, as_json, picture=picture)


def heading(race: Any) -> str:
    """Return ``"x² + y²: 500 steps from (−75, −10)"``."""
    from slalom.show.views.words import count, number, point

    starts = {runner.start for runner in race.runners}
    seeds = {runner.seed for runner in race.runners}
    whence = point(next(iter(starts))) if len(starts) == 1 else count(len(starts), "start")
    parts = [f"{race.course.title}: {count(race.steps, 'step')} from {whence}"]
    if len(seeds) > 1:
        parts.append(count(len(seeds), "seed"))
    if race.noise:
        parts.append(f"gradient noise {number(race.noise)}")
    return ", ".join(parts)

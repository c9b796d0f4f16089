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
@click.option(
    "--evaluate-every",
    type=options.Whole(1, options.MOST, 100),
    metavar="N",
    help="Evaluate after every N steps, on a task.  [default: every epoch]",
)
@options.outcome("png svg pdf html gif mp4 csv json parquet")
@click.option(
    "--picture",
    type=click.Choice(["auto", "comparison", "path", "surface", "curves", "final"]),
    default="auto",
    show_default=True,
    help="What a png, svg or pdf shows. On a landscape: all optimizers compared, the first one's path, or the surface "
    "with the paths. On a task: training curves, or the final results.",
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
    """Race optimizers on COURSE and show how each one moves.

    COURSE is a landscape (a name, or an expression in quotes) or a task (a name such as digits-mlp), or
    file.py:name for one of your own. Prints one line per runner or optimizer, and a sentence that says what to
    see: on a landscape whether it settles, when, on how long a path; on a task how far it gets, over the seeds.

    \b
    Examples:
      slalom race sphere --start -75,-10 -o sgd:lr=0.1 -o adam:lr=1
      slalom race sphere -o sgd:lr=0.1 -o adam:lr=1 --save card.png
      slalom race "x**2 + 10*y**2 + sin(3*x)" -o adam:lr=0.1 --steps 2000
      slalom race rosenbrock -o adam:lr=0.05 --starts 100 --seed 7 --save paths.csv
      slalom race sphere -o sgd:lr=0.1 --noise 0.5 --seeds 10 --json > race.json
      slalom race digits-mlp -o sgd:lr=0.01 -o adam:lr=0.01 --seeds 10 --epochs 20 --save curves.png
    """
    from slalom import lab
    from slalom.lab import courses

    given = options.chosen_starts(points, starts)
    lab.check_savable(save)

    def work(progress: Any) -> Any:
        found = courses.find(course, conditions["data_dir"], start=points[0] if points else None)
        lab.check_wishes(found, save, picture)
        return lab.race(found, list(optimizers) or None, **given, **conditions, progress=progress)

    carry_out(work, heading, save, as_json, picture=picture)


def heading(race: Any) -> str:
    """Return ``"x² + y²: 500 steps from (−75, −10)"``, or ``"digits, fully connected: 20 epochs, ten seeds"``."""
    from slalom.show.views.words import count, number, point

    seeds = {runner.seed for runner in race.runners}
    if hasattr(race, "runs"):
        parts = [f"{race.course.title}: {_length(race)}"]
    else:
        starts = {runner.start for runner in race.runners}
        whence = point(next(iter(starts))) if len(starts) == 1 else count(len(starts), "start")
        parts = [f"{race.course.title}: {count(race.steps, 'step')} from {whence}"]
    if len(seeds) > 1:
        parts.append(count(len(seeds), "seed"))
    if getattr(race, "noise", 0):
        parts.append(f"gradient noise {number(race.noise)}")
    return ", ".join(parts)


def _length(race: Any) -> str:
    """Return how long a race on a task is: in epochs where it is whole ones."""
    from slalom.show.views.training_sentences import length
    from slalom.show.views.words import count

    if race.training is None:
        return count(race.steps, "evaluation")
    if any(run.interrupted for run in race.runs):
        return length(race)
    epochs, rest = divmod(race.training.steps, race.training.steps_per_epoch)
    return count(race.training.steps, "step") if rest else count(epochs, "epoch")

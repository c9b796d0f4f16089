"""``slalom study``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from slalom.cli import options
from slalom.cli.results import INTERRUPTED, carry_out

RATE = options.Positive("a learning rate is a finite number above 0", " 0.01")
MARGIN = options.Positive("a margin is a finite number above 0", " 0.3")


@click.command(cls=options.Command)
@options.course_and_field
@click.option(
    "--track",
    default="lr",
    show_default=True,
    metavar="NAME",
    help="lr (the learning rate is tuned), full (also momentum or betas, weight decay, epsilon) or defaults (nothing "
    "is tuned). What was typed in a spec is fixed.",
)
@click.option("--lr", type=RATE, metavar="X", help="One learning rate for all, on the track defaults.")
@click.option(
    "--baseline", metavar="SPEC", help="Whom everyone is compared with, one of the optimizers.  [default: the first]"
)
@click.option(
    "--margin",
    type=MARGIN,
    metavar="D",
    help="The difference that matters: points of accuracy, per cent of loss.  [default: 0.3 points, 2 %]",
)
@click.option("--metric", metavar="NAME", help="What counts, such as loss.  [default: the task's first metric]")
@click.option(
    "--seeds",
    type=options.Whole(1, options.MOST, 10),
    default=10,
    show_default=True,
    metavar="N",
    help="Fresh seeds for the evaluation; tuning has its own.",
)
@click.option(
    "--seed", type=options.SEED, default=0, show_default=True, metavar="FIRST", help="The first evaluation seed."
)
@click.option("--steps", type=options.COUNT, metavar="N", help="Steps of each run.  [default: the task's epochs]")
@click.option("--epochs", type=options.Whole(1, options.MOST, 20), metavar="N", help="The same in epochs.")
@click.option(
    "--engine",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="auto, solo (plain loops), field (the real classes, together) or fleet (update rules).",
)
@click.option("--dtype", metavar="NAME", help="float64 or float32.  [default: float32]")
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, or cuda for a GPU.")
@click.option(
    "--workers",
    type=options.Whole(1, options.MOST, 2),
    metavar="N",
    help="Processes to compute on.  [default: one per core where it takes long]",
)
@options.data_dir
@click.option("--store", metavar="FILE", help="Where runs are kept.  [default: a file in your data directory]")
@click.option("--dry-run", "dry", is_flag=True, help="Print the plan and an estimate of its time; run nothing.")
@options.outcome("csv json")
@click.pass_context
def study(
    context: click.Context,
    course: str,
    optimizers: tuple[str, ...],
    store: str | None,
    dry: bool,
    save: tuple[str, ...],
    as_json: bool,
    **asked: Any,
) -> None:
    """Tune optimizers on a task, and say which one is better.

    COURSE is a task: a name such as digits-mlp, or file.py:name for one of your own. Each optimizer gets the same
    number of trials, on tuning seeds, and is then run on fresh seeds; the test set is opened once, after tuning. The
    verdict says how sure it is, and how many seeds would decide what is open. A
    value typed in a spec is fixed and not tuned. A file study.toml holds all of it: course, optimizers, and the other
    options by their names. Runs are kept: what is in the store is not computed again, and a
    study that was stopped goes on where it was when the same command is typed again.

    \b
    Examples:
      slalom study digits-mlp -o sgd -o adam
      slalom study digits-mlp -o sgd -o adam -o adamw --baseline adam --seeds 30 --save verdict.json
      slalom study digits-mlp -o sgd -o adam --track defaults --lr 0.01
      slalom study digits-cnn -o sgd -o momentum -o adam --epochs 5 --dry-run
    """
    from slalom.lab import check_savable
    from slalom.lab.studying import ENDINGS, is_study_file, plan_study, read_study_file
    from slalom.lab.studying import study as conduct

    check_savable(save, ENDINGS)
    asked = {"course": course, "optimizers": list(optimizers) or None, **asked}
    if is_study_file(course):
        told = read_study_file(course)
        _refuse_mixture(context, asked)
        asked |= told
    if dry:
        _print_plan(plan_study(store=store, **asked), as_json)
        return

    def work(progress: Any) -> Any:
        return conduct(store=store, **asked, progress=progress)

    try:
        carry_out(work, heading, save, as_json)
    except KeyboardInterrupt:
        click.echo("\nInterrupted: what was finished is kept, and the same command goes on from there.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _refuse_mixture(context: click.Context, asked: Mapping[str, Any]) -> None:
    """Refuse options that a study file decides: what runs must be what the file says."""
    from click.core import ParameterSource

    source = context.get_parameter_source
    for name in asked:
        if name not in ("course", "workers", "data_dir") and source(name) == ParameterSource.COMMANDLINE:
            option = "-o" if name == "optimizers" else f"--{name}"
            raise click.UsageError(f"`{option}` has no part beside a study file, which holds it all: write it there.")


def heading(study: Any) -> str:
    """Return ``"digits, fully connected: a study on the track lr, 540 steps each"``."""
    return f"{study.course.title}: a study on the track {study.plan.question.track}, {study.steps:,} steps each"


def _print_plan(plan: Any, as_json: bool) -> None:
    if as_json:
        from slalom.lab.formats import as_json as encoded

        click.echo(encoded(plan.as_dictionary()))
        return
    for line in plan.lines():
        click.echo(line)

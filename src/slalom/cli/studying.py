"""``slalom study``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from slalom.cli import options
from slalom.cli.results import INTERRUPTED, carry_out
from slalom.cli.terminal import echo, echo_json

RATE = options.Positive("a learning rate is a finite number above 0", " 0.01")
MARGIN = options.Positive("a margin is a finite number above 0", " 0.3")


ELSEWHERE = ("course", "workers", "timeout", "data_dir", "trust")
"""What may be typed beside a study file: it belongs to the machine."""


@click.command(cls=options.Command)
@click.argument("courses", metavar="COURSE... | study.toml", nargs=-1, required=True)
@options.optimizers
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
@click.option(
    "--metric",
    metavar="NAME[:max|min]",
    help="What counts, such as loss, or val_psnr:max where the name does not say which way is better.  [default: the "
    "task's first metric]",
)
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
    "--budget",
    metavar="TIME",
    help="About how long it may take, such as 10m: turned into equal steps and trials for everybody before it starts.",
)
@click.option("--halving", is_flag=True, help="Stop hopeless trials after a ninth or a third of their steps.")
@click.option(
    "--trials",
    type=options.Whole(1, options.MOST, 11),
    metavar="N",
    help="Trials of each optimizer: 11, 9, 7 or 5; on the track full 32, 16 or 8.  [default: the most]",
)
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
@click.option("--timeout", metavar="TIME", help="What one run may take, such as 5m; one that takes longer has failed.")
@options.data_dir
@click.option("--store", metavar="FILE", help="Where runs are kept.  [default: a file in your data directory]")
@click.option("--trust", is_flag=True, help="Let a study file name Python files outside its own folder: they are run.")
@click.option("--dry-run", "dry", is_flag=True, help="Print the plan and an estimate of its time; run nothing.")
@click.option(
    "--picture",
    default="auto",
    metavar="NAME",
    help="What to draw: card, verdict, sensitivity, curves, final or budget; of several courses profiles.  "
    "[default: card, or profiles]",
)
@options.outcome("png svg pdf html csv json toml")
@click.pass_context
def study(
    context: click.Context,
    courses: tuple[str, ...],
    optimizers: tuple[str, ...],
    store: str | None,
    dry: bool,
    picture: str,
    save: tuple[str, ...],
    as_json: bool,
    **asked: Any,
) -> None:
    """Tune optimizers, and say which one is better.

    With how sure that is, and how many seeds would decide what is open.

    COURSE is a task: a name such as digits-mlp, or file.py:name for one of your own; or a landscape, whose seeds are
    starting points. Several are studied one after another and compared across. Each optimizer gets the same number
    of trials, on tuning seeds, and is then run on fresh seeds; the test set is opened once, after tuning. A value typed
    in a spec is fixed and not tuned.

    A file study.toml holds all of it: course, optimizers, and the other options by their names; --save study.toml
    writes one. Python files that it names are looked for from its own folder, and run. Runs are kept: what is in the
    store is not computed again, and a study that was stopped goes on where it was when the same command is typed again.

    \b
    Examples:
      slalom study digits-mlp -o sgd -o adam
      slalom study digits-mlp -o sgd -o adam -o adamw --baseline adam --seeds 30 --save verdict.json
      slalom study digits-mlp -o sgd -o adam --track defaults --lr 0.01
      slalom study rosenbrock beale booth -o momentum -o adam --steps 200 --save profiles.png
      slalom study digits-cnn -o sgd -o momentum -o adam --budget 5m --dry-run
    """
    from slalom.lab import check_savable
    from slalom.lab.studying import ENDINGS, IN_FILE, is_study_file, plan_study, read_study_file
    from slalom.lab.studying import study as conduct
    from slalom.lab.studying.pictures import check_picture

    check_savable(save, ENDINGS)
    _refuse_overwriting(save, courses, store)
    course: Any = courses[0] if len(courses) == 1 else list(courses)
    asked = {"course": course, "optimizers": list(optimizers) or None, **asked}
    track, several = asked["track"], len(courses) > 1
    if is_study_file(course):
        _refuse_mixture(context, asked)
        told = read_study_file(course, IN_FILE, asked["trust"])
        track, several = told.get("track", track), isinstance(told["course"], list) and len(told["course"]) > 1
    elif asked["trust"]:
        raise click.UsageError("`--trust` belongs to a study file: a file that you name yourself is run anyway.")
    check_picture(picture, several=several, track=track)
    if dry:
        _print_plans(plan_study(store=store, **asked), as_json)
        return

    def work(watch: Any) -> Any:
        return conduct(store=store, **asked, progress=watch.progress, say=watch.say)

    from slalom.core import interrupts

    try:
        carry_out(work, heading, save, as_json, watched=True, picture=picture)
    except interrupts():
        echo("\nInterrupted: what was finished is kept, and the same command goes on from there.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _refuse_overwriting(save: Sequence[str], courses: Sequence[str], store: str | None) -> None:
    """Refuse files that a study reads or keeps its runs in."""
    from slalom.core import python_files
    from slalom.store import default_path

    def followed(path: str | os.PathLike[str]) -> Path:  # as far as it leads: links may lead back to themselves
        return Path(os.path.realpath(os.path.expanduser(path)))

    kept = followed(store if store is not None else default_path())
    files = (python_files.split(course) or (course, "") for course in courses)
    read = {followed(path) for path, _ in files if "\0" not in path}
    for path in save:
        place = followed(path)
        if place in (kept, *(kept.with_name(kept.name + ending) for ending in ("-wal", "-shm"))):
            raise click.UsageError(f"`--save {path}` would replace the store, which keeps the runs: name another file.")
        if place in read:
            raise click.UsageError(f"`--save {path}` would replace what is studied: name another file.")


def _refuse_mixture(context: click.Context, asked: Mapping[str, Any]) -> None:
    """Refuse options that a study file decides: what runs must be what the file says."""
    from click.core import ParameterSource

    for name in asked:
        if name not in ELSEWHERE and context.get_parameter_source(name) == ParameterSource.COMMANDLINE:
            option = "-o" if name == "optimizers" else f"--{name}"
            raise click.UsageError(f"`{option}` has no part beside a study file, which holds it all: write it there.")


def heading(study: Any) -> str:
    """Return ``"digits, fully connected: a study on the track lr, 540 steps each"``."""
    return f"{study.course.title}: a study on the track {study.plan.question.track}, {study.steps:,} steps each"


def _print_plans(plans: Sequence[Any], as_json: bool) -> None:
    if as_json:
        from slalom.lab.formats import as_json as encoded

        told = [plan.as_dictionary() for plan in plans]
        echo_json(encoded(told[0] if len(told) == 1 else {"plans": told}))
        return
    for index, plan in enumerate(plans):
        for line in ([""] if index else []) + plan.lines():
            echo(line)

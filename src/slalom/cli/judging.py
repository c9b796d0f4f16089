"""``slalom judge``: the verdict on results that somebody already has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slalom.cli import options
from slalom.cli.judgements import (
    Printed,
    across_lines,
    exploration_lines,
    judgement_lines,
    remark_lines,
    remarks,
)
from slalom.cli.terminal import echo_json

if TYPE_CHECKING:
    from slalom.judge import Results

MARGIN = options.Positive("a margin is a finite number above 0", " 0.5")
OPTIMUM = options.Number("the smallest possible loss is a finite number", " 0")


@click.command(cls=options.Command)
@click.argument("results_file", metavar="FILE.csv")
@click.option("--baseline", metavar="NAME", help="What the others are compared with.  [default: the first of the file]")
@click.option(
    "--margin",
    type=MARGIN,
    metavar="D",
    help="The difference that matters in practice: points of accuracy, per cent of loss or steps, a factor of what "
    "lies above --optimum, else the units of the values.  [default: 0.3 points, 2 %, 10 % of steps, a factor 2, else "
    "2 % of the baseline's mean]",
)
@click.option(
    "--kind",
    type=click.Choice(["accuracy", "loss", "steps", "plain"]),
    help="What the values are: accuracies (0 to 1, or per cent), losses (compared as ratios), steps to a target (inf: "
    "missed), or plain numbers.  [default: accuracies where they look so, else plain]",
)
@click.option("--lower-is-better", "direction", flag_value="lower", help="Smaller values are better.")
@click.option("--higher-is-better", "direction", flag_value="higher", help="Larger values are better.")
@click.option("--optimum", type=OPTIMUM, metavar="X", help="The smallest possible loss: what lies above it is judged.")
@click.option("--steps", type=options.COUNT, metavar="N", help="The steps that all runs made, for the sentence.")
@click.option("--trials", type=options.COUNT, metavar="N", help="The trials that tuned each optimizer, likewise.")
@click.option("--explore", is_flag=True, help="Compare all pairs as well, which is exploration and no verdict.")
@click.option("--json", "as_json", is_flag=True, help="Print the judgement as JSON.")
def judge(results_file: str, direction: str | None, explore: bool, as_json: bool, **told: Any) -> None:
    """Judge results that you already have, by the rules of a study.

    FILE.csv has the columns optimizer, seed and value, and perhaps task, in any order; others are ignored. Write
    nan for a run that diverged, failed for one that failed. Runs of one seed are compared in pairs. Prints which
    optimizers are tied for the best, and for each its result with a 95 % interval and how it stands against the
    baseline: better, worse, practically equal, equivalent, inconclusive (which does not mean equal, and says how many
    seeds would decide) or not comparable. With several tasks each has its table, and one more puts them together.
    docs/judging.md explains every number and word.

    \b
    Examples:
      slalom judge results.csv                              accuracies; the first optimizer is the baseline
      slalom judge results.csv --baseline sgd --margin 0.5  half a point is what matters
      slalom judge losses.csv --kind loss                   test losses, as ratios
      slalom judge losses.csv --kind loss --optimum 0       as factors of what lies above the smallest possible
      slalom judge results.csv --explore --json
    """
    from slalom.judge import read_results

    higher = None if direction is None else direction == "higher"
    if told["optimum"] is not None:
        told["kind"] = _kind_of_optimum(told["kind"], higher)
    every = read_results(results_file, higher_is_better=higher, **told)
    if as_json:
        _print_json(every, explore)
    else:
        _print(results_file, every, explore)


def _kind_of_optimum(kind: str | None, higher: bool | None) -> str:
    """Only losses are compared by what lies above the smallest possible one."""
    if higher:
        raise click.UsageError("`--optimum` and `--higher-is-better` exclude each other: only losses have an optimum.")
    if kind not in (None, "loss"):
        raise click.UsageError(f"`--optimum` and `--kind {kind}` exclude each other: only losses have an optimum.")
    return "loss"


def _print(file: str, every: Sequence[Results], explore: bool) -> None:
    from slalom.judge import across, judge
    from slalom.judge import explore as all_pairs

    printed = Printed()
    printed.bold(_heading(file, every))
    judgements = [judge(results) for results in every]
    first, *others = [remarks(judgement) for judgement in judgements]
    common = [remark for remark in first if others and all(remark in other for other in others)]
    for results, judgement in zip(every, judgements, strict=True):
        printed.add(*judgement_lines(judgement, printed.width, titled=bool(others), told=common))
        if explore:
            printed.add(*exploration_lines(all_pairs(results), judgement.scale, printed.width))
    if others:
        together = across(every) if len(_common(every)) > 1 else None
        printed.add(*across_lines(together, _left_out(every), printed.width))
    printed.add(*remark_lines(common, printed.width))
    printed.show()


def _print_json(every: Sequence[Results], explore: bool) -> None:

    from slalom.judge import across, judge
    from slalom.judge import explore as all_pairs

    tasks = []
    for results in every:
        task = judge(results).as_dictionary()
        if explore:
            task["exploration"] = [
                {
                    "optimizer": pair.comparison.optimizer,
                    "other": pair.comparison.other,
                    "difference": _finite(pair.comparison.difference),
                    "p": pair.comparison.p,
                    "adjusted_p": pair.adjusted_p,
                }
                for pair in all_pairs(results)
            ]
        tasks.append(task)
    told: dict[str, Any] = {"tasks": tasks}
    if len(_common(every)) > 1 and len(every) > 1:
        told["across"] = across(every).as_dictionary()
    echo_json(told)


def _heading(file: str, every: Sequence[Results]) -> str:
    """Return what is judged: ``"results.csv: 3 optimizers, 30 runs, accuracy, higher is better"``."""
    names = {name for results in every for name in results.values}
    runs = sum(results.runs(name) for results in every for name in results.values)
    first = every[0]
    higher = first.higher_is_better if first.higher_is_better is not None else first.kind == "accuracy"
    tasks = f"{len(every)} tasks, " if len(every) > 1 else ""
    what = f"{first.metric}, {'higher' if higher else 'lower'} is better"
    return f"{Path(file).name}: {tasks}{len(names)} optimizers, {runs:,} runs, {what}"


def _common(every: Sequence[Results]) -> list[str]:
    """Return the optimizers that have results on all tasks."""
    return [name for name in every[0].values if all(name in results.values for results in every)]


def _left_out(every: Sequence[Results]) -> list[str]:
    """Return the optimizers that lack a task, in the order of the file."""
    names = dict.fromkeys(name for results in every for name in results.values)
    return [name for name in names if name not in _common(every)]


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None

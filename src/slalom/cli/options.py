"""The options that commands share, and how their values are read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from slalom.cli.errors import left_over

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

MOST = 10**15
"""Beyond this, a count is a slip of the finger. Long before it, memory is estimated and refused."""


class Command(click.Command):
    """A command that says in its own words what is wrong with words that belong nowhere."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.context_settings = {**self.context_settings, "allow_extra_args": True}
        self.params.append(
            click.Option(
                ["--traceback"],
                is_flag=True,
                expose_value=False,
                callback=_ask_for_tracebacks,
                help="Print the whole traceback where your own code raises an error.",
            )
        )

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        try:
            rest = super().parse_args(context, args)
        except click.BadOptionUsage as mistake:
            mistake.ctx = mistake.ctx or context  # click's parser leaves it out
            raise
        if rest and not context.resilient_parsing:
            raise click.UsageError(left_over(rest, context), context)
        return rest

    def invoke(self, context: click.Context) -> Any:
        from slalom.core.raised import hide_advice

        hide_advice()
        return super().invoke(context)


def _ask_for_tracebacks(context: click.Context, option: click.Parameter, asked: bool) -> None:
    if asked:
        from slalom.core.raised import TRACEBACK

        os.environ[TRACEBACK] = "1"  # worker processes have it too


class _Value(click.ParamType):
    """A value that is read from text; ``rule`` and ``example`` are told where it cannot be."""

    rule = ""
    example = ""

    def read(self, text: str) -> Any:
        """Return the value of ``text``, or raise ValueError."""
        raise NotImplementedError

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value  # a default
        try:
            return self.read(value)
        except (ValueError, OverflowError):
            pass
        from slalom.core import quote

        option = max(parameter.opts, key=len) if parameter else ""
        shown = f"{option}={value}" if value.startswith("-") else f"{option} {value}"
        raise click.UsageError(f"{quote(shown)}: {self.rule}, as in {option}{self.example}.", context)


class Whole(_Value):
    """A whole number from ``least`` to ``most``."""

    name = "whole number"

    def __init__(self, least: int, most: int, example: int):
        self.least, self.most = least, most
        self.rule = f"this must be a whole number of at least {least:,} and at most {most:,}"
        self.example = f" {example}"

    def read(self, text: str) -> int:
        value = int(text)
        if not self.least <= value <= self.most:
            raise ValueError
        return value


class Deviation(_Value):
    """A finite number of at least 0."""

    name = "number"
    rule = "the noise is a standard deviation, a finite number of at least 0"
    example = " 0.1"

    def read(self, text: str) -> float:
        value = float(text)
        if not 0 <= value < math.inf:
            raise ValueError
        return value


class Number(_Value):
    """A finite number."""

    name = "number"

    def __init__(self, rule: str, example: str):
        self.rule, self.example = rule, example

    def read(self, text: str) -> float:
        value = float(text.replace("−", "-"))
        if not math.isfinite(value):
            raise ValueError
        return value


class Positive(_Value):
    """A finite number above 0."""

    name = "number"

    def __init__(self, rule: str, example: str):
        self.rule, self.example = rule, example

    def read(self, text: str) -> float:
        value = float(text)
        if not 0 < value < math.inf:
            raise ValueError
        return value


class Numbers(_Value):
    """Finite numbers separated by commas; brackets around them and the minus sign of print are welcome."""

    name = "numbers"

    def __init__(self, rule: str, example: str):
        self.rule, self.example = rule, example

    def read(self, text: str) -> tuple[float, ...]:
        text = text.strip().replace("−", "-")
        if text[:1] + text[-1:] in ("()", "[]"):
            text = text[1:-1]
        values = tuple(float(item) for item in text.split(","))
        if not all(map(math.isfinite, values)):
            raise ValueError
        return values


COUNT = Whole(1, MOST, 500)
SEED = Whole(0, 2**63 - 1, 0)
POINT = Numbers("a start is one finite number per variable, separated by commas", "=-75,-10")
RANGE = Numbers("a range is the lowest and the highest value, separated by a comma", " 0.001,1")
FACTORS = Numbers("factors are numbers separated by commas", " 0.1,0.3,1,3,10")


def course_and_field(command: Decorated) -> Decorated:
    """Add what every race and sweep begins with: the course, and who descends it."""
    return _with(command, click.argument("course", metavar="COURSE"), optimizers)


def optimizers(command: Decorated) -> Decorated:
    """Add who descends."""
    return _with(
        command,
        click.option(
            "-o",
            "--optimizer",
            "optimizers",
            multiple=True,
            metavar="SPEC",
            help="An optimizer: adam, sgd:lr=0.1,momentum=0.9, torch.optim.NAdam:lr=0.01. Repeat it for "
            "more.  [default: the six classics, SGD, Adagrad, RMSprop, Adadelta, Adam and AdamW]",
        ),
    )


def starting_points(command: Decorated) -> Decorated:
    """Add where the runners start."""
    return _with(
        command,
        click.option(
            "--start",
            "points",
            multiple=True,
            type=POINT,
            metavar="X,Y",
            help="A starting point; repeat it for more.  [default: the landscape's own]",
        ),
        click.option("--starts", type=Whole(1, MOST, 100), metavar="N", help="Draw N starting points in the domain."),
    )


def conditions(command: Decorated) -> Decorated:
    """Add how the runners are moved, on any course."""
    return _with(
        command,
        click.option(
            "--steps",
            type=COUNT,
            metavar="N",
            help="Steps of each runner.  [default: 500 on a landscape; on a task, its epochs]",
        ),
        click.option("--epochs", type=Whole(1, MOST, 20), metavar="N", help="The same in epochs, on a task."),
        click.option(
            "--noise",
            type=Deviation(),
            default=0.0,
            show_default=True,
            metavar="SD",
            help="Standard deviation of Gaussian noise on every gradient, the same for all optimizers; on a landscape.",
        ),
        click.option(
            "--seeds",
            type=Whole(1, MOST, 10),
            metavar="N",
            help="Runs of each optimizer and start. On a task each seed has its own initial weights and batches; on a "
            "landscape they differ where there is noise.  [default: 1; for a curve over lr on a task, 3]",
        ),
        click.option(
            "--seed",
            type=SEED,
            default=0,
            show_default=True,
            metavar="FIRST",
            help="The first seed, counted up from.",
        ),
        click.option(
            "--engine",
            default="auto",
            show_default=True,
            metavar="NAME",
            help="auto, solo (plain loops), field (the real classes, together) or fleet (update rules, by "
            "the thousand).",
        ),
        click.option(
            "--dtype",
            metavar="NAME",
            help="float64 or float32.  [default: float64 on a landscape, float32 on a task]",
        ),
        click.option(
            "--precision",
            default="fp32",
            show_default=True,
            metavar="NAME",
            help="fp32 (the dtype as it is) or bf16 (torch's autocast), on a task.",
        ),
        click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, or cuda for a GPU."),
        click.option(
            "--workers",
            type=Whole(1, MOST, 2),
            metavar="N",
            help="Processes to compute on, on a task.  [default: one per core where it takes long]",
        ),
        data_dir,
    )


data_dir = click.option(
    "--data-dir",
    "data_dir",
    metavar="DIR",
    help="Where the files of MNIST and Fashion-MNIST lie.  [default: $SLALOM_DATA, the system's, or a download]",
)


def outcome(saves: str) -> Callable[[Decorated], Decorated]:
    """Add where the result goes; ``saves`` names the endings that can be written."""

    def add(command: Decorated) -> Decorated:
        return _with(
            command,
            click.option(
                "--save",
                "save",
                multiple=True,
                metavar="FILE",
                help=f"Write the result to a file; its ending gives the format: {saves}. Repeat it for more.",
            ),
            click.option(
                "--json",
                "as_json",
                is_flag=True,
                help="Print the result as JSON on standard output, and all else on standard error.",
            ),
        )

    return add


def chosen_starts(points: tuple[tuple[float, ...], ...], starts: int | None) -> dict[str, Any]:
    """Return ``start`` or ``starts`` as the library takes them."""
    if points and starts is not None:
        raise click.UsageError(
            "`--start` and `--starts` exclude each other: name the starting points, or how many to draw."
        )
    if len(points) == 1:
        return {"start": points[0]}
    return {"starts": list(points) or starts}


def _with(command: Decorated, *decorators: Callable[[Decorated], Decorated]) -> Decorated:
    """Apply ``decorators`` so that they read in the order of the help text."""
    for decorate in reversed(decorators):
        command = decorate(command)
    return command

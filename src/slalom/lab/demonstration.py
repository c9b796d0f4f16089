"""``slalom demo``: the experiment that slalom began with, from real runs to a page of pictures and observations."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slalom.core import InputError, Progress, quote
from slalom.lab import files
from slalom.lab.demonstration_page import demonstration_page
from slalom.lab.network_demonstration import check_data, show_networks
from slalom.lab.observations import observe
from slalom.lab.racing import race
from slalom.lab.record import Race
from slalom.lab.sweeping import sweep

if TYPE_CHECKING:
    from slalom.show.report.demonstrations import Picture

START = (-75.0, -10.0)
CLASSICS = ("sgd:lr=0.1", "adagrad:lr=1", "rmsprop:lr=1", "adadelta:lr=1", "adam:lr=1", "adamw:lr=1")
VARIANTS = ("sgd:lr=0.1", "momentum:lr=0.1", "momentum:lr=0.1,dampening=0.5", "nesterov:lr=0.1")
BOUNCING = ("sgd:lr=1",)

LONG = 10_000
"""Adagrad and Adadelta need thousands of steps to arrive; Adam and AdamW leave again near step 7,000."""
SHORT = 500
BOUNCES = 200

Report = Callable[[str], None]
"""Called with one line about each thing that is being made."""


def demo(
    out: str | os.PathLike[str] = "demo",
    report: Report | None = None,
    *,
    data: str = "digits",
    data_dir: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Run the whole experiment and write its pictures, numbers and page into the folder ``out``; return the page.

    f(x, y) = x² + y² from (−75, −10), with the real ``torch.optim`` classes: SGD at learning rate 0.1, Adagrad,
    RMSprop, Adadelta, Adam and AdamW at 1, all else default; four variants of SGD; and SGD at learning rate 1. Then the
    six at learning rate 0.01 on two networks, with ten seeds, on ``data``: ``digits``, ``mnist`` or ``fashion-mnist``,
    whose files lie in ``data_dir``; and a study of four of them, each at a learning rate of its own. After Ctrl-C in
    these parts the page holds what had been finished.

    Raises InputError if ``out`` cannot be a folder of ours, or the data cannot be had.
    """
    tell = report or (lambda line: None)
    folder = _prepare(Path(out).expanduser())
    tasks = check_data(data, data_dir)
    tell(f"racing six optimizers for {LONG:,} steps, four variants of SGD, and SGD at learning rate 1")
    classics = race("sphere", CLASSICS, start=START, steps=LONG)
    short = race("sphere", CLASSICS, start=START, steps=SHORT)
    variants = race("sphere", VARIANTS, start=START, steps=SHORT)
    bouncing = race("sphere", BOUNCING, start=START, steps=BOUNCES)
    exhibits = []
    for exhibit, make in _exhibits(classics, short, variants, bouncing):
        tell(f"drawing {exhibit.file}")
        make(folder / exhibit.file)
        exhibits.append(exhibit)
    for name, record in (("classics", short), ("variants", variants), ("bouncing", bouncing)):
        record.save(folder / f"{name}.csv")
    classics.save(folder / "classics.json")
    tell("computing what was seen")
    observations = observe(classics, variants, bouncing)
    page = folder / "index.html"
    chapters = show_networks(data, tasks, folder, tell, progress)
    tuned = None
    if len(chapters) == len(tasks):  # nobody has pressed Ctrl-C
        from slalom.lab.study_demonstration import show_study  # with the judge, which takes a while to import

        tuned = show_study(data, tasks[-1], chapters[-1].race, folder, tell, progress)
    tell("writing the page")
    content = demonstration_page(classics, short, variants, observations, exhibits, chapters, tuned)
    files.save(page, {"html": lambda path: _write(path, content)})
    return page


def _prepare(folder: Path) -> Path:
    """Make the folder; refuse a place that is taken by something else."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InputError(f"{quote(folder)} cannot be made a folder: {reason}; name another with --out.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"{quote(folder)} cannot be written to: permission denied; name another folder with --out.")
    return folder


def _exhibits(
    classics: Race, short: Race, variants: Race, bouncing: Race
) -> Iterator[tuple[Picture, Callable[[Path], Any]]]:
    """Yield each picture with what writes it, in the order of the page."""
    from slalom.show.report.demonstrations import Picture

    field = " ".join(f"-o {spec}" for spec in CLASSICS)
    begin = "slalom race sphere --start -75,-10"
    yield (
        Picture(
            "comparison.png",
            "All six on one map, with their losses and measures.",
            _command(begin, field, LONG, "comparison.png"),
        ),
        classics.save,
    )
    yield (
        Picture(
            "race.gif",
            "The race, all in step: heads and tails on the map, the loss in lock-step, and inside each optimizer the "
            "downhill direction, its momentum, its step, and the root of the second moment that divides it.",
            f"{begin} {field} --save race.gif",
        ),
        short.save,
    )
    yield (
        Picture(
            "surface.png",
            "What is being descended, with the paths lying on it.",
            f"{begin} {field} --picture surface --save surface.png",
        ),
        partial(short.save, picture="surface"),
    )
    for index, spec in enumerate(CLASSICS):
        alone = _only(classics, index)
        name = alone.runners[0].name.lower()
        yield (
            Picture(
                f"path-{name}.png",
                "One dot every ten steps: where dots lie close, it is slow.",
                _command(begin, f"-o {spec}", LONG, f"path-{name}.png"),
            ),
            alone.save,
        )
    yield (
        Picture(
            "bouncing.png",
            "SGD at learning rate 1: too far, every time.",
            _command(begin, "-o sgd:lr=1", BOUNCES, "bouncing.png"),
        ),
        bouncing.save,
    )
    yield (
        Picture(
            "variants.png",
            "SGD plain, with momentum, with dampened momentum, and with Nesterov's.",
            _command(begin, " ".join(f"-o {spec}" for spec in VARIANTS), SHORT, "variants.png"),
        ),
        variants.save,
    )
    yield (
        Picture(
            "ladder.png",
            "Each optimizer at a tenth to ten times its learning rate, all on the same axes.",
            f"slalom sweep sphere --start -75,-10 {field} --over ladder --save ladder.png",
        ),
        lambda path: sweep("sphere", CLASSICS, over="ladder", start=START, steps=SHORT).save(path),
    )


def _command(begin: str, field: str, steps: int, file: str) -> str:
    return f"{begin} {field} --steps {steps} --save {file}"


def _only(record: Race, index: int) -> Race:
    """Return the race of one runner of ``record``."""
    runner = record.runners[index]
    return race("sphere", [runner.optimizer], start=runner.start, steps=record.steps)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")

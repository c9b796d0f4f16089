"""``slalom runs``: the runs that studies have kept."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from slalom.cli import options
from slalom.cli.errors import unknown_subcommand
from slalom.cli.terminal import echo, echo_json

if TYPE_CHECKING:
    from slalom.store import Store, StudyRecord, Summary
    from slalom.store.records import Row

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

STATUSES = ("finished", "diverged", "failed")
"""How a run that is kept has ended; one that was interrupted is computed again."""

SHOWN_FIRST = ("test_accuracy", "test_loss", "validation_accuracy", "validation_loss", "train_loss")
"""Metrics that the list shows, as far as there are any, in this order."""

LEAST_TELLING = ("written", "seconds", "steps", "test loss", "validation loss", "train loss")
"""Columns that give way in a narrow terminal, in this order."""

LATEST = 50
"""Runs that the list shows unless told otherwise."""

METRICS = 2
"""Metrics in the list at most; all of them are in the JSON and in exports."""


class Group(click.Group):
    """Commands below a command, with an answer of its own to one that does not exist."""

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(context, args[0])
        if command is None:
            raise click.UsageError(unknown_subcommand(args[0], context.command_path, self.commands), context)
        return args[0], command, args[1:]


@click.group(cls=Group, invoke_without_command=True)
@click.pass_context
def runs(context: click.Context) -> None:
    """List, export, merge and verify the runs that studies have kept.

    A study keeps every run in one file, the store, so that none is computed twice. It lies in your data directory
    unless --store names another file.

    \b
    Examples:
      slalom runs list                              the latest runs, and the studies
      slalom runs list --course digits-mlp --optimizer adam
      slalom runs export runs.csv                   one line per run
      slalom runs merge all.sqlite a.sqlite b.sqlite
      slalom runs verify                            is every run as it was written?
      slalom runs verify --repair

    Every command explains itself: slalom runs list --help.
    """
    if context.invoked_subcommand is None:
        echo(context.get_help())


store_option = click.option(
    "--store",
    "store_file",
    metavar="FILE",
    help="The store.  [default: slalom/runs.sqlite in your data directory]",
)


def which(command: Decorated) -> Decorated:
    """Add what narrows the runs down."""
    narrowing = (
        store_option,
        click.option("--course", "on_course", metavar="COURSE", help="Only runs on this course, as a study names it."),
        click.option("--optimizer", metavar="NAME", help="Only runs of this class: adam, AdamW, torch.optim.sgd.SGD."),
        click.option("--status", type=click.Choice(STATUSES), help="Only runs that ended like this."),
        click.option("--study", metavar="NAME", help="Only runs of this study, in its order."),
    )
    for decorate in reversed(narrowing):
        command = decorate(command)
    return command


@runs.command("list", cls=options.Command)
@which
@click.option(
    "--last",
    type=options.Whole(1, options.MOST, LATEST),
    metavar="N",
    help=f"Show the N latest.  [default: {LATEST}; as JSON, all]",
)
@click.option("--json", "as_json", is_flag=True, help="Print runs and studies as JSON.")
def list_runs(store_file: str | None, last: int | None, as_json: bool, **wanted: str | None) -> None:
    """List the runs of a store, the latest ones last, and its studies.

    Every run has a line: the first digits of its key, what was descended, the optimizer with its learning rate, the
    seed, how it ended, the steps it made, its last test results, and the seconds it took.

    \b
    Examples:
      slalom runs list
      slalom runs list --optimizer adamw --status diverged
      slalom runs list --last 500 --json
    """
    path = _path(store_file)
    if store_file is None and not path.exists():
        _print_nothing(path, as_json)
        return
    with _opened(store_file) as store:
        numbered = deque(enumerate(_chosen(store, **wanted), 1), maxlen=last or (None if as_json else LATEST))
        fitting = numbered[-1][0] if numbered else 0
        found, studies, total = _read(store, (row for _, row in numbered)), store.studies(), store.count()
    if as_json:
        _print_json(path, found, studies)
    else:
        _print(path, found, studies, fitting=fitting, total=total)


@runs.command("export", cls=options.Command)
@click.argument("table_file", metavar="FILE")
@which
def export_runs(table_file: str, store_file: str | None, **wanted: str | None) -> None:
    """Write runs to FILE, a table with one line per run.

    The format follows the file's ending: csv, json or parquet. Hyperparameters have columns such as
    hyperparameter.lr, results such as metric.test_loss; what is missing or not finite is empty. The JSON also holds
    every run's losses and evaluations.

    \b
    Examples:
      slalom runs export runs.csv
      slalom runs export adam.json --course digits-mlp --optimizer adam
      slalom runs export all.parquet --store all.sqlite
    """
    from slalom import store as stores
    from slalom.core import InputError, quote
    from slalom.lab import files
    from slalom.store.exporting import ENDINGS

    (target,) = files.check_savable([table_file], ENDINGS)
    with _opened(store_file) as store:
        found: Sequence[Summary] = _read(store, _chosen(store, **wanted))
        if not found:
            raise InputError(f"No run in {quote(store.name)} fits, so there is nothing to export.")
        if target.suffix.lower() == ".json":  # with the series, which the others have no room for
            found = [run for key in [one.key for one in found] if (run := store.get(key)) is not None]
        stores.export(found, target, files.save)
    echo(f"wrote {target} ({_runs(len(found))})")


@runs.command("merge", cls=options.Command, short_help="Copy runs and studies from other stores into one.")
@click.argument("target", metavar="TARGET")
@click.argument("sources", metavar="SOURCE...", nargs=-1, required=True)
def merge_runs(target: str, sources: tuple[str, ...]) -> None:
    """Copy the runs and studies of every SOURCE into the store TARGET, which is made if need be.

    The sources stay as they are. A run that is there already is left alone. One that differs from it is a conflict,
    and a damaged one cannot be copied: both are told, and the exit code is then 1.

    \b
    Examples:
      slalom runs merge all.sqlite laptop.sqlite server.sqlite
    """
    from slalom import store as stores

    report = stores.merge(Path(target), [Path(source) for source in sources])
    echo(str(report))
    if report.conflicts or report.damaged:
        raise click.exceptions.Exit(1)


@runs.command("verify", cls=options.Command)
@store_option
@click.option("--repair", is_flag=True, help="Write a damaged store anew from all that can be read; keep the old file.")
def verify_runs(store_file: str | None, repair: bool) -> None:
    """Look at every byte of a store: is every run as it was written?

    The exit code is 1 where damage is found and remains. With --repair a damaged store is written anew from all that
    can be read, what was lost is told, and the file as it was is kept beside it.

    \b
    Examples:
      slalom runs verify
      slalom runs verify --store all.sqlite --repair
    """
    from slalom import store as stores
    from slalom.cli.progress import Watch

    path = _path(store_file)
    _check_exists(store_file, path)
    with Watch("runs") as watch:
        report = stores.verify(path, repair=repair, progress=watch.progress)
    echo(str(report))
    if not report.is_whole and not report.repaired:
        raise click.exceptions.Exit(1)


def _path(store_file: str | None) -> Path:
    from slalom.store import default_path

    if store_file is None:
        return default_path()
    try:
        return Path(store_file).expanduser()
    except RuntimeError:  # no such user: then it is the file's name
        return Path(store_file)


def _check_exists(store_file: str | None, path: Path) -> None:
    from slalom.core import InputError, quote

    if store_file is None and not path.exists():
        raise InputError(f"No runs have been kept yet, in {quote(path)}: run a study, or name a file with `--store`.")


def _opened(store_file: str | None) -> Store:
    from slalom import store as stores

    path = _path(store_file)
    _check_exists(store_file, path)
    return stores.open(path, create=False, readonly=True)


def _chosen(
    store: Store,
    *,
    on_course: str | None = None,
    optimizer: str | None = None,
    status: str | None = None,
    study: str | None = None,
) -> Iterator[Row]:
    """Go through the rows that fit, unread. An optimizer is known by its class, or by where that is imported from."""
    from slalom.store.interface import Filter
    from slalom.store.records import key_bytes, storable

    keys = None if study is None else [key_bytes(key) for key in store.known_study(study).keys]
    wanted = (optimizer or "").lower()
    for row in store.rows(Filter(None if on_course is None else storable(on_course), None, status, keys)):
        path = str(row.optimizer).lower()
        if not wanted or wanted in (path, short_name(path)):
            yield row


def _read(store: Store, rows: Iterable[Row]) -> list[Summary]:
    """Return what rows say. Raises StoreError at a damaged one."""
    from slalom.store.records import DamagedRunError, summarise

    found = []
    for row in rows:
        try:
            found.append(summarise(row))
        except DamagedRunError as problem:
            raise store.damaged(row, problem) from problem
    return found


def _print_nothing(path: Path, as_json: bool) -> None:
    if as_json:
        _print_json(path, [], [])
    else:
        echo(f"No runs have been kept yet: a study will keep its runs in {path}.")


def _print_json(path: Path, found: Sequence[Summary], studies: Sequence[StudyRecord]) -> None:

    from slalom.store.exporting import columns

    table = columns(found)
    told = {
        "store": str(path),
        "runs": [dict(zip(table, map(_finite, row), strict=True)) for row in zip(*table.values(), strict=True)],
        "studies": [
            {"name": one.name, "runs": len(one.keys), "created": one.created, "touched": one.touched} for one in studies
        ],
    }
    echo_json(told)


def _print(path: Path, found: Sequence[Summary], studies: Sequence[StudyRecord], *, fitting: int, total: int) -> None:
    from rich.text import Text

    from slalom.cli.judgements import Printed
    from slalom.cli.tables import hanging, table_lines

    printed = Printed()
    heading = f"{path}: {_runs(total)}"
    if fitting != total:
        heading += f", of which {fitting:,} fit{'s' * (fitting == 1)}"
    if len(found) < fitting:
        heading += f"; the latest {len(found):,}"
    printed.bold(heading)
    if found:
        printed.add("", *table_lines(_table(found), {}, printed.width, LEAST_TELLING))
    if studies:
        printed.add("")
        for study in studies:
            told = f"study {study.name}: {_runs(len(study.keys))}, last touched {_date(study.touched)}"
            printed.add(*(Text(line) for line in hanging(told, 0, printed.width)))
    printed.show()


def _table(found: Sequence[Summary]) -> Any:
    from slalom.cli.judgements import Texts

    measures = _measures(found)
    columns = ("run", "course", "optimizer", "lr", "seed", "status", "steps", *measures, "seconds", "written")
    texts = []
    for run in found:
        rate = run.spec.hyperparameters.get("lr")
        name = " | ".join([short_name(run.spec.optimizer), *run.spec.stages])
        results = [_result(measure, run.metrics.get(measure)) for measure in measures]
        texts.append(
            (
                run.key[:12],
                run.spec.course,
                name,
                f"{rate:.3g}" if isinstance(rate, int | float) else "–",
                str(run.spec.seed),
                str(run.status),
                f"{run.completed:,}",
                *results,
                f"{run.cost.seconds:.2f}",
                _date(run.written),
            )
        )
    headings = tuple(column.replace("_", " ") for column in columns)
    return Texts(headings, tuple(texts))


def _measures(found: Sequence[Summary]) -> list[str]:
    """Return the metrics that the table shows."""
    there = dict.fromkeys(name for run in found for name in run.metrics if name not in ("step", "epoch"))
    ranked = [*(name for name in SHOWN_FIRST if name in there), *(name for name in there if name not in SHOWN_FIRST)]
    return ranked[:METRICS]


def _result(name: str, value: Any) -> str:
    from slalom.show.views.words import fixed, percent

    if not isinstance(value, int | float):
        return "–"
    return percent(float(value)) if name.endswith("accuracy") else fixed(float(value))


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def short_name(path: str) -> str:
    """Return ``Adam`` for ``torch.optim.Adam``, and ``MyOptimizer`` for ``mine.py:MyOptimizer``."""
    return re.split("[.:]", path)[-1]

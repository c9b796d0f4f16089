"""What a page tells beside the pictures' numbers: tables, how it was done, how to do it again, the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slalom.show.report.cards import SmallPath
from slalom.show.report.document import DataFile


@dataclass(frozen=True)
class PlainTable:
    """A table: ``rows`` of raw values by which it sorts, and ``texts``, the same as people read them."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    texts: Sequence[Sequence[str]]
    notes: str = ""


@dataclass(frozen=True)
class Facts:
    """What the caller of a page knows beside the record.

    ``command`` does it again at the command line, ``study_file`` is the text of its study.toml; each empty where there
    is none, and ``why`` then says so. ``plan`` are (what, how) of the protocol, ``machine`` is the one that wrote the
    page. ``small`` are the pictures of the formula cards, by the optimizers' names. ``clean`` takes out of every text
    what is not to be given away; the content of ``files`` has been cleaned.
    """

    table: PlainTable
    command: str = ""
    study_file: str = ""
    why: str = ""
    code: str = ""
    plan: Sequence[tuple[str, str]] = ()
    cost: PlainTable | None = None
    machine: Mapping[str, str] | None = None
    versions: Mapping[str, str] | None = None
    files: Sequence[DataFile] = ()
    small: Mapping[str, SmallPath] | None = None
    remarks: Sequence[str] = ()
    clean: Callable[[str], str] = str

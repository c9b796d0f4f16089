"""Parts that every page has: warnings, tables, cards, the protocol, how to do it again, the data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from slalom.core import Optimizer, TrainingRecord
from slalom.show.report import curves, strips
from slalom.show.report.cards import card
from slalom.show.report.document import DataFile, Page, kept_files
from slalom.show.report.elements import Child, Element, element
from slalom.show.report.facts import Facts, PlainTable
from slalom.show.views import final_results
from slalom.show.views.groups import training_groups
from slalom.show.views.seeds import lost_told, primary
from slalom.show.views.styles import Style

Section = tuple[str, str, Element]
"""Its id, its title in the list of contents, and the element."""


def section(name: str, title: str, *children: Child, level: int = 2) -> Section:
    """Return a section with a heading; one of a level below 2 is for inside of another."""
    heading = element(f"h{level}", title, id=f"{name}-title")
    return (
        name,
        title,
        element("section", heading, children, id=name, aria_labelledby=f"{name}-title"),
    )


def warned(warnings: Sequence[str], title: str = "Mind") -> Element | None:
    """Return the doubts, each a line; None where there are none."""
    if not warnings:
        return None
    items = [element("li", warning) for warning in warnings]
    return element("section", element("h2", title), element("ul", items), class_="warnings", aria_label="Warnings")


def table(content: PlainTable, label: str) -> list[Element]:
    """Return a table that the page's scripts make sortable, and what its marks mean."""
    head = element("tr", [element("th", column, scope="col") for column in content.columns])
    rows = [
        element("tr", [_cell(value, text, k) for k, (value, text) in enumerate(zip(values, texts, strict=True))])
        for values, texts in zip(content.rows, content.texts, strict=True)
    ]
    inside = element("table", element("thead", head), element("tbody", rows), class_="sortable", aria_label=label)
    box = element("div", inside, class_="wide", tabindex="0", role="region", aria_label=label)
    return [box, *([element("p", content.notes, class_="note")] if content.notes else [])]


def _cell(value: Any, text: str, place: int) -> Element:
    if place == 0:
        return element("th", text, scope="row", data_value=text)
    return element("td", text, data_value=_raw(value))


def _raw(value: Any) -> str:
    """Return a value as CSV has it: a number in full, nothing for what is missing or not finite."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return repr(float(value)) if isinstance(value, float) else str(value)


def cards(page: Page, shown: Iterable[tuple[str, Optimizer, Style]], facts: Facts) -> Section | None:
    """Return the formula cards of the optimizers involved."""
    small = facts.small or {}
    made = [card(page, name, optimizer, style, small.get(name)) for name, optimizer, style in shown]
    known = [one for one in made if one is not None]
    if not known:
        return None
    how = (
        "Each small picture: the same bowl, the same start, the real optimizer at the learning rate of a short list "
        "with which its losses are lowest on average. It shows how the optimizer moves, not how good it is."
    )
    note = element("p", how, class_="note") if small else None
    return section("formulas", "What each optimizer computes", element("div", known, class_="cards"), note)


def again(facts: Facts) -> Section:
    """Return the command and the study file that reproduce the page."""
    parts: list[Child] = [element("p", facts.why, class_="note") if facts.why else None]
    if facts.command:
        parts += [taken(facts.command, "Command")]
    if facts.study_file:
        parts += [
            element("p", "The same as a file, study.toml; ", element("code", "slalom study study.toml"), " runs it:"),
            taken(facts.study_file, "study.toml"),
        ]
    if facts.code:
        parts += [
            element("p", "The best result, to paste; of several that are tied, one:"),
            taken(facts.code, "The best result"),
        ]
    return section("again", "Do it again", parts)


def taken(text: str, label: str) -> Element:
    """Return a text to take away; the page's scripts put a button beside it, which is told apart by ``label``."""
    return element("pre", text, class_="take", tabindex="0", aria_label=label)


def training_curves(page: Page, record: TrainingRecord, name: str, scope: str) -> Element:
    """Return the figure of a race's curves, and how it is read."""
    means, gone = curves.means(record), lost_told(record, training_groups(record))
    told = [f"Bold and shade: {means}; thin: each seed."] if means else []
    told += [gone] if gone else []
    told.append(
        "Point at a line for its numbers; click a name to hide it, double-click for it alone; drag across to enlarge a "
        "stretch, double-click to undo."
    )
    return page.chart(name, curves.training(record), "Training curves", " ".join(told), scope)


def training_results(page: Page, record: TrainingRecord, name: str, numbers: PlainTable, label: str) -> list[Child]:
    """Return where every seed of a race ended: the figure, the table, and what its seconds are."""
    final = final_results(record)
    drawn = strips.results(record, final, primary(record))
    shared = element("p", "Seconds: runs that train together share them evenly.", class_="note")
    return [
        page.chart(name, drawn, "Final results", strips.results_means(final)),
        table(numbers, label),
        shared if record.engine != "solo" else None,
    ]


def protocol(facts: Facts, more: Sequence[tuple[str, str]] = ()) -> Section:
    """Return how it was done: plan, seeds, versions, the machine."""
    told = [*facts.plan, *more]
    told += [("remark", remark) for remark in facts.remarks]
    if facts.versions:
        told.append(("versions", ", ".join(f"{name} {version}" for name, version in facts.versions.items())))
    told += [(what, how) for what, how in (facts.machine or {}).items()]
    items = [(element("dt", what), element("dd", how)) for what, how in told]
    return section("protocol", "How it was done", element("dl", items, class_="facts"))


def data(page: Page, facts: Facts) -> Section | None:
    """Return the buttons that hand out the data in the page, and a word on what is not in it."""
    page.files.extend(facts.files)
    inside = kept_files(page)
    if not facts.files:
        return None
    buttons = [_button(k, file) for k, file in enumerate(inside)]
    left = [
        f"{file.name} ({file.means}) is too large for this page: the command with --save {file.name} writes it."
        for file in facts.files
        if file not in inside
    ]
    words = [element("p", one, class_="note") for one in left]
    drawn = "Numbers in the charts have seven digits; the files have all of them."
    return section(
        "data", "The data", element("div", buttons, class_="files"), words, element("p", drawn, class_="note")
    )


def _button(k: int, file: DataFile) -> Element:
    return element("button", f"{file.name}: {file.means} ({_size(file)})", type="button", data_file=str(k))


def _size(file: DataFile) -> str:
    size = len(file.content or b"")
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(1, round(size / 1000))} kB"


def written(facts: Facts) -> str:
    """Return the footer."""
    version = (facts.versions or {}).get("slalom", "")
    return f"Made by slalom {version}. This file is complete: it asks nothing of any network."


def present(*sections: Section | None) -> list[Section]:
    return [one for one in sections if one is not None]

"""Pages from records: of a study, of several, of a race on a task and of a race on a landscape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slalom.core import RaceRecord, TrainingRecord
from slalom.show.report import parts
from slalom.show.report.across import across_sections
from slalom.show.report.document import Page, document
from slalom.show.report.elements import Element, element
from slalom.show.report.facts import Facts
from slalom.show.report.landscapes import race_sections
from slalom.show.report.studies import cost_section, study_sections
from slalom.show.views import training_sentence
from slalom.show.views.groups import groups, training_groups
from slalom.show.views.seeds import primary
from slalom.show.views.sentences import sentence
from slalom.show.views.study_records import StudyRecord, protocol_told, study_styles
from slalom.show.views.study_sentences import study_sentence
from slalom.show.views.styles import styles_for
from slalom.show.views.training_sentences import length
from slalom.show.views.verdict_strips import verdict_strip
from slalom.show.views.words import capital, count, listing

if TYPE_CHECKING:
    from slalom.judge import Across

FEW = 4
"""So many optimizers are named in the question."""


def study_html(record: StudyRecord, facts: Facts) -> str:
    """Return the page of a study on one course."""
    page = Page(title=f"{_who(record.names)} on {record.course.title}")
    head = [
        element("h1", _question(record.names, record.course.title)),
        element("p", _asked(record), class_="question"),
        element("p", study_sentence(record), class_="answer", id="answer"),
        _tied(record),
        parts.warned(record.warnings),
    ]
    styles = study_styles(record)
    shown = [(name, optimizer, styles[name]) for name, optimizer in zip(record.names, record.optimizers, strict=True)]
    sections = parts.present(
        *study_sections(page, record, facts),
        cost_section(page, record, facts),
        parts.cards(page, shown, facts),
        parts.protocol(facts),
        parts.again(facts),
        parts.data(page, facts),
    )
    return document(page, head, sections, parts.written(facts), facts.clean)


def studies_html(across: Across, records: Sequence[StudyRecord], facts: Facts, each: Sequence[Facts]) -> str:
    """Return the page of studies of the same optimizers on several courses; ``each`` are the facts of one alone."""
    page = Page(title=f"{_who(across.names)} on {count(len(records), 'course')}")
    head = [
        element("h1", _question(across.names, count(len(records), "course"))),
        element(
            "p",
            f"Courses: {listing([one.course.title for one in records], 8)}. {_asked(records[0])}",
            class_="question",
        ),
        element("p", across.sentence, class_="answer", id="answer"),
        parts.warned([*across.remarks, *_shared(records)]),
    ]
    first = records[0]
    styles = styles_for([optimizer.family for optimizer in first.optimizers])
    by_name = dict(zip(first.names, zip(first.optimizers, styles, strict=True), strict=True))
    sections = across_sections(page, across, records, facts)
    for k, (record, own) in enumerate(zip(records, each, strict=True)):
        inside = [part for _, _, part in parts.present(*study_sections(page, record, own, f"course-{k}-"))]
        answer = element("p", study_sentence(record), class_="answer")
        name, told = record.course.name, record.course.title
        title = told if told.lower().startswith(name.lower()) else f"{name}: {told}"
        sections.append(parts.section(f"course-{k}", title, answer, _tied(record), inside))
    sections += parts.present(
        parts.cards(page, [(name, *by_name[name]) for name in across.names], facts),
        parts.protocol(facts),
        parts.again(facts),
        parts.data(page, facts),
    )
    return document(page, head, sections, parts.written(facts), facts.clean)


def training_html(record: TrainingRecord, facts: Facts) -> str:
    """Return the page of a race on a task, or in a training loop of the caller's own."""
    field = training_groups(record)
    names = [group.name for group in field]
    page = Page(title=f"{_who(names)} on {record.course.title}")
    measure = primary(record)
    head = [
        element("h1", f"How {'does' if len(names) == 1 else 'do'} {_and(names)} train on {record.course.title}?"),
        element("p", capital(f"{measure.title} after {length(record)}, {_seeds(record)}."), class_="question"),
        element("p", training_sentence(record), class_="answer", id="answer"),
        parts.warned(list(map(capital, record.remarks))),
    ]
    results = parts.training_results(page, record, "results-chart", facts.table, "Final results")
    sections = parts.present(
        parts.section("curves", "How training went", parts.training_curves(page, record, "curves-chart", "all")),
        parts.section("results", "Where it ended", results),
        parts.cards(page, [(g.name, record.runners[g.typical].optimizer, g.style) for g in field], facts),
        parts.protocol(facts),
        parts.again(facts),
        parts.data(page, facts),
    )
    return document(page, head, sections, parts.written(facts), facts.clean)


def race_html(record: RaceRecord, facts: Facts) -> str:
    """Return the page of a race on a landscape."""
    field = groups(record)
    names = [group.name for group in field]
    page = Page(title=f"{_who(names)} on {record.course.title}")
    head = [
        element("h1", f"How {'does' if len(names) == 1 else 'do'} {_and(names)} move on {record.course.title}?"),
        element("p", sentence(record), class_="answer", id="answer"),
        parts.warned([*map(capital, record.remarks), "Ranks on a landscape do not carry over to networks."]),
    ]
    sections = race_sections(page, record, field) + parts.present(
        parts.section("numbers", "The measures", parts.table(facts.table, "Measures of every runner")),
        parts.cards(page, [(g.name, record.runners[g.typical].optimizer, g.style) for g in field], facts),
        parts.protocol(facts),
        parts.again(facts),
        parts.data(page, facts),
    )
    return document(page, head, sections, parts.written(facts), facts.clean)


def _shared(records: Sequence[StudyRecord]) -> list[str]:
    """Return the warnings of several studies: once where it is said of all, else with the course."""
    every = dict.fromkeys(warning for record in records for warning in record.warnings)
    told = []
    for warning in every:
        where = [record.course.name for record in records if warning in record.warnings]
        told.append(warning if len(where) == len(records) else f"{listing(where, 8)}: {warning}")
    return told


def _tied(record: StudyRecord) -> Element:
    """Say who is at the top, each with its learning rate and result."""
    top = [row for row in verdict_strip(record).rows if row.tied]
    if not top:
        return element("p", "No optimizer can be compared fairly, so none is called best.", class_="tied")
    rivals = len(record.names) - len(record.judgement.left_out) > 1
    told = "Best:" if len(top) == 1 and rivals else "Alone:" if len(top) == 1 else "Tied for the best:"
    chips = [
        element("span", row.name, " ", element("small", row.about), class_="chip", data_name=row.name) for row in top
    ]
    return element("p", element("span", told), chips, class_="tied")


def _asked(record: StudyRecord) -> str:
    """Say what was judged, in a sentence."""
    judged = record.judgement.metric.replace("_", " ")
    length, *rest, _ = protocol_told(record)
    return f"Judged by {judged} at the end of {length}: {'; '.join(rest)}."


def _seeds(record: TrainingRecord) -> str:
    seeds = sorted({runner.seed for runner in record.runners})
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"{count(len(seeds), 'seed')} ({seeds[0]}–{seeds[-1]})"


def _who(names: Sequence[str]) -> str:
    return _and(names) if len(names) <= FEW else count(len(names), "optimizer").capitalize()


def _and(names: Sequence[str]) -> str:
    return listing(names, FEW) if len(names) <= FEW else count(len(names), "optimizer")


def _question(names: Sequence[str], where: str) -> str:
    if len(names) == 1:
        return f"How good is {names[0]} on {where}?"
    return f"{names[0]} or {names[1]} on {where}?" if len(names) == 2 else f"Which of {_and(names)} is best on {where}?"

"""The page of the demonstration: six optimizers on a plane, on networks, and each tuned, in one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slalom.core import RaceRecord, TrainingRecord
from slalom.show.report import parts
from slalom.show.report.document import Page, document
from slalom.show.report.elements import Child, Element, element
from slalom.show.report.facts import Facts, PlainTable
from slalom.show.report.landscapes import race_sections
from slalom.show.report.parts import Section
from slalom.show.report.studies import study_sections
from slalom.show.views import training_sentence
from slalom.show.views.groups import groups
from slalom.show.views.study_records import StudyRecord
from slalom.show.views.study_sentences import study_sentence

Seen = Sequence[tuple[str, str]]
"""What was seen: headings with their sentences, computed from the runs."""


@dataclass(frozen=True)
class Plane:
    """The race on the plane: ``race`` is played, ``answer``, ``seen`` and ``table`` are of all ``steps``."""

    race: RaceRecord
    steps: int
    answer: str
    seen: Seen
    table: PlainTable
    variants: PlainTable
    command: str


@dataclass(frozen=True)
class Network:
    """One network that all optimizers trained."""

    name: str  # begins the ids of its part of the page
    heading: str
    race: TrainingRecord
    seen: Seen
    table: PlainTable
    command: str


@dataclass(frozen=True)
class Tuned:
    """The study at the end. ``change`` tells what tuning changed."""

    record: StudyRecord
    facts: Facts
    change: str
    command: str


@dataclass(frozen=True)
class Picture:
    """A file beside the page."""

    file: str
    caption: str
    command: str


def demonstration_html(
    plane: Plane, networks: Sequence[Network], tuned: Tuned | None, pictures: Sequence[Picture], facts: Facts
) -> str:
    """Return the page. ``facts`` has what belongs to all of it: machine, versions, data, the small pictures."""
    page = Page(title="How six optimizers move, and how they train")
    field = groups(plane.race)
    told = (
        "Every path is the path of the real, unmodified torch.optim class on x² + y² from (−75, −10): SGD at learning "
        "rate 0.1, Adagrad, RMSprop, Adadelta, Adam and AdamW at 1, all else default. Nothing is clipped, scheduled or "
        "tuned. Then the six train two networks at one learning rate, and in the end each gets its own."
    )
    head = [
        element("h1", "How six optimizers move, and how they train"),
        element("p", told, class_="question"),
        element("p", plane.answer, class_="answer", id="answer"),
        _further(networks, tuned),
    ]
    sections: list[Section | None] = [
        *race_sections(page, plane.race, field, plane.steps),
        parts.section("seen", "What was seen on the plane", _computed(_of_the_plane(plane)), _listed(plane.seen)),
        parts.section(
            "measures",
            f"The measures, over {plane.steps:,} steps",
            parts.table(plane.table, f"Measures over {plane.steps:,} steps"),
            element("p", f"Variants of SGD, over {plane.race.steps:,} steps:"),
            parts.table(plane.variants, "Measures of SGD's variants"),
            _typed(plane.command, "Command of the race on the plane"),
        ),
        *(_network(page, network) for network in networks),
        None if tuned is None else _study(page, tuned),
        parts.cards(page, [(g.name, plane.race.runners[g.typical].optimizer, g.style) for g in field], facts),
        _pictures(pictures),
        parts.protocol(facts),
        parts.data(page, facts),
    ]
    return document(page, head, parts.present(*sections), parts.written(facts), facts.clean)


def _further(networks: Sequence[Network], tuned: Tuned | None) -> Element | None:
    """Return what the networks and the study answer, each with the way to its section."""
    told = [(network.name, network.heading, training_sentence(network.race)) for network in networks]
    if tuned is not None:
        told.append(("study", "When each has a learning rate of its own", study_sentence(tuned.record)))
    if not told:
        return None
    items = [element("li", element("a", heading, href=f"#{name}"), f". {answer}") for name, heading, answer in told]
    return element("ul", items, class_="sentences")


def _network(page: Page, network: Network) -> Section:
    record = network.race
    fair = (
        "All at learning rate 0.01, all else default; of each seed one set of initial weights and one order of batches "
        "is shared by all. One learning rate for all ranks defaults, not optimizers."
    )
    scope = network.name
    return parts.section(
        network.name,
        network.heading,
        element("p", training_sentence(record), class_="answer"),
        element("p", fair),
        parts.training_curves(page, record, f"{scope}-curves", scope),
        parts.training_results(page, record, f"{scope}-results", network.table, f"Results: {network.heading}"),
        _computed(),
        _listed(network.seen),
        _typed(network.command, f"Command: {network.heading}"),
    )


def _study(page: Page, tuned: Tuned) -> Section:
    record = tuned.record
    inside = [part for _, _, part in parts.present(*study_sections(page, record, tuned.facts, "study-"))]
    return parts.section(
        "study",
        "And when each has a learning rate of its own?",
        element("p", tuned.change, class_="answer"),
        element("p", study_sentence(record)),
        parts.warned(record.warnings),
        inside,
        element("p", "The best result, to paste:"),
        parts.taken(tuned.facts.code, "The best result"),
        _typed(tuned.command, "Command of the study"),
    )


def _of_the_plane(plane: Plane) -> str:
    return (
        f"Of all {plane.steps:,} steps, of which the pictures above show the first {plane.race.steps:,}; of SGD's "
        "variants and of SGD at learning rate 1, of their own."
    )


def _computed(scope: str = "") -> Element:
    told = "Each sentence is computed from the runs; where they show otherwise, it says so."
    return element("p", f"{told} {scope}".strip(), class_="note")


def _listed(seen: Seen) -> Element:
    return element("dl", [(element("dt", heading), element("dd", text)) for heading, text in seen], class_="seen")


def _typed(command: str, label: str) -> list[Child]:
    return [element("p", "The same at the command line:"), parts.taken(command, label)]


def _pictures(pictures: Sequence[Picture]) -> Section | None:
    if not pictures:
        return None
    items = [
        (
            element("dt", element("a", one.file, href=one.file)),
            element("dd", f"{one.caption} ", element("code", one.command)),
        )
        for one in pictures
    ]
    told = "Pictures and an animation lie beside this page, each with the command that makes it."
    return parts.section("pictures", "The same as pictures", element("p", told), element("dl", items, class_="seen"))

"""The demonstration's page: what its chapters found, handed to the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from slalom.lab import exports, reports
from slalom.lab.given_away import files_without_folders, folders_remover, without_store
from slalom.lab.network_demonstration import KINDS, Chapter
from slalom.lab.observations import Observation, leavers
from slalom.lab.record import Race
from slalom.lab.training_observations import observe_training

if TYPE_CHECKING:
    from slalom.lab.study_demonstration import StudyChapter
    from slalom.show.report.demonstrations import Network, Picture, Tuned


def demonstration_page(
    classics: Race,
    short: Race,
    variants: Race,
    observations: Sequence[Observation],
    exhibits: Sequence[Picture],
    chapters: Sequence[Chapter],
    tuned: StudyChapter | None,
) -> str:
    """Return the page: ``classics`` are the long race, ``short`` is the one that can be played."""
    from slalom.show.report.demonstrations import Plane, demonstration_html
    from slalom.show.report.facts import Facts
    from slalom.show.views.groups import groups

    plane = Plane(
        race=short,
        steps=classics.steps,
        answer=answer(classics),
        seen=_said(observations),
        table=reports.plain(classics.table()),
        variants=reports.plain(variants.table()),
        command=exhibits[0].command,
    )
    field = groups(short)
    facts = Facts(
        clean=folders_remover(),
        table=plane.table,
        plan=[
            ("plane", f"{short.steps:,} steps to be played, {classics.steps:,} in the table; {classics.engine} engine")
        ],
        machine=reports.machine(),
        versions=classics.versions,
        files=files_without_folders(_files(short, tuned)),
        small=reports.small_paths((group.name, short.runners[group.typical].optimizer) for group in field),
    )
    pictures = [*exhibits]
    pictures += [picture for chapter in chapters for picture in _drawn(chapter)]
    return demonstration_html(
        plane, list(map(_network, chapters)), None if tuned is None else _tuned(tuned), pictures, facts
    )


def answer(race: Race) -> str:
    """Return who settles when, everybody by name, and who leaves again."""
    from slalom.show.views.words import listing

    steps = {runner.name: metrics.settles for runner, metrics in zip(race.runners, race.metrics, strict=True)}
    order = sorted((step, name) for name, step in steps.items() if step is not None)
    never = [name for name, step in steps.items() if step is None]
    missing = f"{listing(never, 12)} {'does' if len(never) == 1 else 'do'} not settle within {race.steps:,} steps"
    if not order:
        return f"{missing}."
    (first, name), later = order[0], [f"{one} at {step:,}" for step, one in order[1:]]
    told = f"Over {race.steps:,} steps {name} settles first, at step {first:,}"
    told += f", then {listing(later, 12)}" if later else ""
    told += f"; {missing}" if never else ""
    return f"{told}. {leavers(race).heading}."


def _said(observations: Sequence[Observation]) -> list[tuple[str, str]]:
    return [(one.heading, one.text) for one in observations]


def _files(short: Race, tuned: StudyChapter | None) -> list[reports.DataFile]:
    means = f"the plane's first {short.steps:,} steps, {reports.STEPWISE}"
    csv = reports.as_csv("race.csv", lambda path: exports.write_csv(short, path), means)
    studied = (
        []
        if tuned is None
        else [reports.as_json("study.json", without_store(tuned.study.to_json()), f"the study: {reports.STUDIED}")]
    )
    return [csv, *studied]


def _network(chapter: Chapter) -> Network:
    from slalom.show.report.demonstrations import Network

    race = chapter.race
    return Network(
        name=chapter.network,
        heading=f"On {KINDS[chapter.network]}: {race.course.title}",
        race=race,
        seen=_said(observe_training(race)),
        table=reports.plain(race.table()),
        command=chapter.command,
    )


def _drawn(chapter: Chapter) -> list[Picture]:
    from slalom.show.report.demonstrations import Picture

    files = f"curves-{chapter.network}.png", f"final-{chapter.network}.png"
    said = "Loss and accuracy over epochs and seconds.", "Where every seed ends."
    commands = chapter.command, f"{chapter.command} --picture final"
    return [
        Picture(file, means, f"{command} --save {file}")
        for file, means, command in zip(files, said, commands, strict=True)
    ]


def _tuned(chapter: StudyChapter) -> Tuned:
    from slalom.lab.studying.pictures import PicturedStudy
    from slalom.show.report.demonstrations import Tuned
    from slalom.show.report.facts import Facts

    study = chapter.study
    facts = Facts(table=reports.plain(study.table()), code=study.code)
    return Tuned(PicturedStudy(study), facts, chapter.change(), chapter.command)

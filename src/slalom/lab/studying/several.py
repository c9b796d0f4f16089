"""What ``slalom.study`` returns for several courses: a study of each, and what they say together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slalom.judge import Across
from slalom.lab import formats
from slalom.lab.result import Result
from slalom.lab.studying.files import to_toml
from slalom.lab.studying.record import Study
from slalom.lab.tables import Table


@dataclass(repr=False, eq=False)
class Studies(Result):
    """Studies of the same optimizers, each tuned anew on its course. ``across`` is what they say together.

    They are saved as a picture of that (png svg pdf), as a page (html), as numbers (json; csv with one line per
    evaluation run), or as the study file that does them again (toml).
    """

    parts: tuple[Study, ...]
    across: Across

    def __getitem__(self, course: str) -> Study:
        """Return the study of a course, by its name."""
        return next(part for part in self.parts if part.course.name == course)

    @property
    def names(self) -> tuple[str, ...]:
        return self.across.names

    @property
    def optimizers(self) -> tuple[Any, ...]:
        """The optimizers as asked for; how each was tuned is told by the parts."""
        return self.parts[0].plan.question.optimizers

    @property
    def versions(self) -> Mapping[str, str]:
        return self.parts[0].versions

    @property
    def sentence(self) -> str:
        return self.verdict()

    def verdict(self) -> str:
        """Return every course's verdict, and what can be said across them."""
        return "\n".join([*(f"{part.course.name}: {part.verdict()}" for part in self.parts), self.across.sentence])

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(f"{part.course.name}: {warning}" for part in self.parts for warning in part.warnings)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the terminal prints below the last table."""
        told = (f"{part.course.name}: {remark}" for part in self.parts for remark in part.remarks)
        return (*self.across.remarks, *told)

    def runs(self) -> list[Any]:
        """Return all runs, course by course, those of tuning first."""
        return [run for part in self.parts for run in part.runs()]

    def best(self) -> dict[str, str]:
        """Return each course's winner as code to paste, by the course's name. Raises InputError where one has none."""
        return {part.course.name: part.best() for part in self.parts}

    def table(self) -> Table:
        """One row per optimizer: how often it came out how on each course, and the chance that it ranks first."""
        rows, texts = [], []
        for place, name in enumerate(self.names):
            first = float(self.across.rank_probabilities[place, 0])
            within = float(self.across.profiles.shares[place, -1])
            row: dict[str, Any] = {"optimizer": name}
            row |= {part.course.name: part.standing(name) for part in self.parts}
            row |= {"ranks first": first, f"within ×{self.across.profiles.ratios[-1]:g}": within}
            rows.append(row)
            texts.append((*map(str, list(row.values())[:-2]), f"{first:.0%}", f"{within:.0%}"))
        notes = (
            "Each course: the result, * where tied for the best there. ranks first: the chance, over "
            "seeds drawn anew and a course drawn at random; within: the share of the courses on which the cost is at "
            "most so many times the best."
        )
        return Table(tuple(rows[0]), tuple(rows), tuple(texts), notes)

    def as_dictionary(self) -> dict[str, Any]:
        """Return what JSON has."""
        told = [part.as_dictionary() for part in self.parts]
        tasks = [task for one in told for task in one["tasks"]]
        return {**told[0], "tasks": tasks, "across": formats.tidy(self.across.as_dictionary())}

    def to_json(self) -> bytes:
        """The studies as JSON; numbers that are not finite are null."""
        return formats.as_json(self.as_dictionary())

    def to_toml(self, folder: Path | None = None) -> str:
        """The study file that does these studies again; it names Python files by their way from ``folder``."""
        return to_toml([part.plan.question for part in self.parts], folder)

    def __repr__(self) -> str:
        return "\n\n".join([*map(repr, self.parts), self.across.sentence])

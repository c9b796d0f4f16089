"""The sections of a study's page."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from slalom.core import InputError
from slalom.show.report import curves, parts, strips
from slalom.show.report.document import Page
from slalom.show.report.elements import Child, Element, element
from slalom.show.report.facts import Facts
from slalom.show.report.parts import Section
from slalom.show.report.pieces import ink
from slalom.show.report.specs import BarSpec, BarsSpec
from slalom.show.views import budget_curves, study_results, study_sensitivity
from slalom.show.views.groups import training_groups
from slalom.show.views.seeds import lost_told, measure_named
from slalom.show.views.study_records import StudyRecord, study_styles
from slalom.show.views.study_sensitivities import sensitivity_lines, sensitivity_means
from slalom.show.views.verdict_strips import MARKED, strip_means, verdict_strip
from slalom.show.views.words import capital

GONE = "✕ runs diverge from there on"
"""What is said of lost learning rates here, where nothing is grey."""
HOW = (
    "Point at a line for its numbers; click a name to hide it, double-click for it alone; drag across to enlarge, "
    "double-click in the chart to undo."
)


def _sentences(record: StudyRecord) -> Element | None:
    """Return the judge's sentences where there are several: the answer on top tells how they stand."""
    if len(record.judgement.sentences) < 2:
        return None
    items = [element("li", sentence) for sentence in record.judgement.sentences]
    return element("ul", items, class_="sentences")


def study_sections(page: Page, record: StudyRecord, facts: Facts, prefix: str = "") -> list[Section | None]:
    """Return verdict, curves, learning rates, final results with the table; ids begin with ``prefix``."""
    return [
        _verdict(page, record, prefix),
        _curves(page, record, prefix),
        _rates(page, record, prefix),
        _results(page, record, facts, prefix),
    ]


def _level(prefix: str) -> int:
    """Return the level of headings: those of one course of several stand below the course's name."""
    return 3 if prefix else 2


def _verdict(page: Page, record: StudyRecord, prefix: str) -> Section:
    strip = verdict_strip(record)
    caption = capital("; ".join(strip_means(record, strip)))
    chart = page.chart(f"{prefix}verdict-chart", strips.verdicts(strip), "Verdicts against the baseline", caption)
    note = element("p", record.judgement.note, class_="note")
    return parts.section(
        f"{prefix}verdict",
        f"Against {record.judgement.baseline}",
        chart,
        _sentences(record),
        note,
        level=_level(prefix),
    )


def _curves(page: Page, record: StudyRecord, prefix: str) -> Section:
    drawn = curves.training(record.fresh, record.curve)
    means = curves.means(record.fresh)
    shade = f"Runs on fresh seeds. Bold and shade: {means}; thin: each seed." if means else "The run on a fresh seed."
    gone = lost_told(record.fresh, training_groups(record.fresh))
    caption = " ".join(filter(None, [shade, gone, HOW]))
    chart = page.chart(f"{prefix}curves-chart", drawn, "Training curves", caption, f"{prefix}all")
    return parts.section(f"{prefix}curves", "How training went", chart, level=_level(prefix))


def _rates(page: Page, record: StudyRecord, prefix: str) -> Section | None:
    try:
        view = study_sensitivity(record)
    except InputError:  # no learning rate was tuned
        return None
    percent = record.yardstick.kind == "accuracy"
    # Pictures hold lines near their axes; who reads numbers wants them as they are.
    view = replace(view, lines=tuple(sensitivity_lines(record)))
    drawn = curves.sensitivity(view, percent)
    means = capital("; ".join(sensitivity_means(record, view.lines, GONE)))
    usable = "; bars at the foot: usable learning rates" if any(line.usable for line in view.lines) else ""
    scope = f"{prefix}all"
    chart = page.chart(f"{prefix}rates-chart", drawn, "Result against learning rate", f"{means}{usable}.", scope)
    said = element("p", " ".join(view.sentence))
    return parts.section(
        f"{prefix}rates",
        "How the learning rate matters",
        said,
        chart,
        _worth(page, record, prefix),
        level=_level(prefix),
    )


def _worth(page: Page, record: StudyRecord, prefix: str) -> Child:
    """Return what more trials of tuning would bring."""
    if not any(len(record.expected_best(name)) for name in record.names):
        return None
    view = budget_curves(record)
    drawn = curves.panel(view.panel, "trials", record.yardstick.kind == "accuracy")
    caption = "The best validation result to expect of so many trials drawn from all that were made."
    chart = page.chart(f"{prefix}worth-chart", drawn, "Expected best over trials", caption, f"{prefix}all")
    return [element(f"h{_level(prefix) + 1}", "What tuning is worth"), element("p", " ".join(view.sentence)), chart]


def _results(page: Page, record: StudyRecord, facts: Facts, prefix: str) -> Section:
    view = study_results(record)
    drawn = strips.results(record.fresh, view, measure_named(record.fresh, record.curve), MARKED)
    caption = strips.results_means(view, MARKED)
    chart = page.chart(f"{prefix}results-chart", drawn, "Final results, every seed", caption)
    return parts.section(
        f"{prefix}results",
        "Every seed's result",
        chart,
        parts.table(facts.table, f"Results on {record.course.title}" if prefix else "Results"),
        level=_level(prefix),
    )


def cost_section(page: Page, record: StudyRecord, facts: Facts) -> Section | None:
    """Return what each optimizer has cost."""
    if facts.cost is None:
        return None
    styles = study_styles(record)
    column = list(facts.cost.columns).index("seconds")
    rows: list[BarSpec] = [
        {"name": name, "style": ink(styles[name]), "value": _number(values[column]), "told": f"{texts[column]} s"}
        for name, values, texts in zip(record.names, facts.cost.rows, facts.cost.texts, strict=True)
    ]
    drawn: BarsSpec = {"kind": "bars", "rows": rows, "title": "seconds of training, tuning included"}
    chart = page.chart("cost-chart", drawn, "Seconds of training")
    return parts.section("cost", "What it cost", chart, parts.table(facts.cost, "Cost"))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else 0.0

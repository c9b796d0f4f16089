"""What Python writes for a chart is what the page's scripts read: no key more, and none less."""

from __future__ import annotations

import re
from itertools import chain
from typing import Any, get_args, get_type_hints

import pytest

from slalom.show.report import specs
from slalom.show.report.document import PAGE, SCRIPTS, DataFile, Page, _payload

SOURCE = "\n".join((PAGE / name).read_text(encoding="utf-8") for name in SCRIPTS)
CHARTS = get_args(specs.ChartSpec)
HELD = {
    **{chart: ["spec"] for chart in CHARTS},
    specs.InkSpec: ["style"],
    specs.AxisSpec: ["axis", "x", "y"],
    specs.PanelSpec: ["panel"],
    specs.LineSpec: ["line"],
    specs.SeedSpec: ["seed"],
    specs.MarkSpec: ["mark"],
    **{row: ["row"] for row in (specs.VerdictSpec, specs.ResultSpec, specs.BarSpec, specs.RankSpec)},
    specs.RunnerSpec: ["runner", "line"],
    specs.TrailSpec: ["trail"],
    specs.TerrainSpec: ["terrain"],
    specs.LossSpec: ["loss"],
    specs.DialSpec: ["dial"],
}
"""By what names the scripts call each kind of record."""
SHOWN = {
    "terrain": {"image", "theme"},
    "mark": {"attr"},
    "style": {"left", "top", "width", "height", "background", "borderColor", "opacity", "flexGrow"},
}
"""Names under which the scripts also keep something else, and what that has."""
BROWSER = {
    "length", "map", "append", "addEventListener", "getBoundingClientRect", "setPointerCapture", "cells", "dataset",
    "prepend", "focus", "setAttribute",
}  # fmt: skip


def reads() -> set[tuple[str, str]]:
    """All pairs (name, key) of ``name.key`` and of ``{ key } = … name`` in the scripts."""
    code = re.sub(r"^\s*//.*$", "", SOURCE, flags=re.M)
    found = set(re.findall(r"\b(\w+)\??\.(?=(\w+))", code))
    for names, value in re.findall(r"\{([\w\s,:]+)\} = ([\w.\[\]]+)", code):
        keys = [one.partition(":")[0].strip() for one in names.split(",")]
        found |= {(value.rpartition(".")[2], key) for key in keys if key}
    for row, names in re.findall(r"\b(\w+)\.\w+\.(?:map|forEach)\(\(\{([\w\s,]+)\}", code):
        found |= {(row, key.strip()) for key in names.split(",")}
    return found


def keys_of(record: Any) -> set[str]:
    return set(get_type_hints(record))


def test_every_kind_of_chart_has_a_drawer_and_every_drawer_a_kind() -> None:
    kinds = set(chain.from_iterable(get_args(get_type_hints(chart)["kind"]) for chart in CHARTS))
    (drawers,) = re.findall(r"const DRAWERS = \{(.*?)\};", SOURCE, re.DOTALL)
    assert set(re.findall(r"(\w+):", drawers)) == kinds


def test_every_record_of_the_contract_is_held() -> None:
    written = {one for one in vars(specs).values() if isinstance(one, type) and hasattr(one, "__total__")}
    assert set(HELD) == written


@pytest.mark.parametrize("record", HELD, ids=lambda record: record.__name__)
def test_every_key_that_is_written_is_read(record: Any) -> None:
    read = reads()
    assert {key for key in keys_of(record) if not any((name, key) in read for name in HELD[record])} == set()


@pytest.mark.parametrize("name", sorted(set(chain.from_iterable(HELD.values())) - {"x", "y"}))
def test_every_key_that_is_read_is_written(name: str) -> None:
    written = set().union(*(keys_of(record) for record, names in HELD.items() if name in names))
    read = {key for one, key in reads() if one == name}
    assert read - written - BROWSER - SHOWN.get(name, set()) == set()
    assert read & written


def test_the_payload_has_what_the_scripts_take_from_it() -> None:
    made = _payload(Page("", files=[DataFile("a.csv", "text/csv", b"a", "")]), str)
    for name, record in (("given", made), ("file", made["files"][0])):
        assert {key for one, key in reads() if one == name} == set(record)


def test_a_name_of_several_styles_has_none() -> None:
    def bars(colour: str, *names: str) -> specs.BarsSpec:
        style: specs.InkSpec = {"light": colour, "dark": colour, "dashes": []}
        return {
            "kind": "bars",
            "rows": [{"name": n, "style": style, "value": 1.0, "told": ""} for n in names],
            "title": "",
        }

    found = specs.styles_of([bars("#111111", "a", "b"), bars("#222222", "b", "c"), bars("#111111", "a")])
    assert {name: style["light"] for name, style in found.items()} == {"a": "#111111", "c": "#222222"}

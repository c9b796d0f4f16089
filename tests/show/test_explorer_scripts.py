"""The page's scripts stand in one scope, the engine's in another: names are declared once and used, elements exist."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from slalom.show.explorer.building import PAGE, SCRIPTS
from slalom.show.explorer.engine import WRITTEN, engine_js

DECLARED = re.compile(r"^(?:async )?(?:function\*?|class) (\w+)|^(?:const|let) (.*)", re.MULTILINE)
COMMENT = re.compile(r"(?<![:\"'`\\])//.*")


def read(names: tuple[str, ...]) -> str:
    """Return scripts as one text, without comments."""
    return COMMENT.sub("", "\n".join((PAGE / name).read_text(encoding="utf-8") for name in names))


def declared(text: str) -> list[str]:
    """Return the names at the outermost level: what begins at the edge of a line, each of `const A = 1, B = 2;` too."""
    names = []
    for match in DECLARED.finditer(text):
        if match[1]:
            names.append(match[1])
            continue
        first, rest = re.match(r"(\w+)(.*)", match[2]).groups()  # type: ignore[union-attr]
        names.append(first)
        if "=>" not in rest:
            names += re.findall(r", (\w+) = ", rest)
    return names


def test_what_is_declared_is_found() -> None:
    lines = ["const A = 1, B = { c: 2 };", "let d = 0;", "async function e() {", "  const inside = 1;", "}"]
    text = "\n".join([*lines, "const f = (x, y = 2) => x;"])
    assert declared(text) == ["A", "B", "d", "e", "f"]


@pytest.mark.parametrize("scripts", [SCRIPTS, WRITTEN], ids=["page", "engine"])
def test_every_name_is_declared_once_and_used(scripts: tuple[str, ...]) -> None:
    text = read(scripts)
    names = Counter(declared(text))
    assert len(names) > (250 if scripts is SCRIPTS else 30)
    assert [name for name, times in names.items() if times > 1] == []
    everything = text if scripts is SCRIPTS else engine_js()
    words = Counter(re.findall(r"[A-Za-z_]\w*", everything))
    assert [name for name in names if words[name] < 2] == []


def test_a_name_of_the_page_hides_none_of_the_engine() -> None:
    assert "slalom" not in declared(read(SCRIPTS))
    assert re.findall(r"^const (\w+)", engine_js(), re.MULTILINE)[0] == "slalom"


def test_every_element_that_a_script_asks_for_is_in_the_page() -> None:
    text, page = read(SCRIPTS), (PAGE / "page.html").read_text(encoding="utf-8")
    standing = set(re.findall(r'\bid="([\w-]+)"', page))
    asked = set(re.findall(r'(?:byId|getElementById)\("([\w-]+)"\)', text)) | set(
        re.findall(r'data-copies="(\w+)"', page)
    )
    assert len(asked) > 40
    assert asked - standing == set()
    ids = re.findall(r'\bid="([\w-]+)"', page)
    assert len(ids) == len(set(ids))


def test_every_file_of_the_page_is_in_it() -> None:
    listed = {*SCRIPTS, *WRITTEN, "page.html", "style.css"}
    assert len(SCRIPTS) + len(WRITTEN) + 2 == len(listed)
    assert {file.name for file in PAGE.iterdir()} == listed

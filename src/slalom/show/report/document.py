"""The file: one HTML document with everything in it, which asks nothing of any network."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from slalom.show.report.elements import Child, Element, element
from slalom.show.report.pieces import on_dark, on_light
from slalom.show.report.specs import ChartSpec, styles_of
from slalom.show.views.styles import Style

PAGE = Path(__file__).parent / "page"
VENDORED = Path(__file__).parents[1] / "vendored"
LIBRARIES = (
    "uplot/uPlot.iife.min.js",
    "d3-selection/d3-selection.min.js",
    "d3-array/d3-array.min.js",
    "d3-contour/d3-contour.min.js",
)
SCRIPTS = (
    "base.js",
    "legend.js",
    "curves.js",
    "lanes.js",
    "strips.js",
    "tables.js",
    "race.js",
    "race-reading.js",
    "main.js",
)
OVERRIDES = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)], "\N{REPLACEMENT CHARACTER}")
"""What would turn the direction of all words after a name."""
MOST_BYTES = 500_000
"""All files for download together, packed: those that do not fit any more are left out."""


@dataclass(frozen=True)
class DataFile:
    """A file that the page holds for download."""

    name: str
    mime: str
    content: bytes | None  # None: too large to be had at all
    means: str


@dataclass
class Page:
    """What a page is made of while it is put together: charts by name, files, and styles in the order of use."""

    title: str
    charts: dict[str, ChartSpec] = field(default_factory=dict)
    files: list[DataFile] = field(default_factory=list)
    styles: list[Style] = field(default_factory=list)

    def chart(self, name: str, spec: ChartSpec, label: str, caption: Child = None, scope: str = "") -> Element:
        """Return the figure in which the page's scripts draw ``spec``. ``label`` is what a screen reader says.

        Charts of one ``scope`` share which optimizers are hidden.
        """
        self.charts[name] = spec
        return element(
            "figure",
            element("div", class_="plot"),
            element("figcaption", caption) if caption else None,
            id=name,
            data_chart=name,
            data_label=label,
            data_scope=scope or None,
        )

    def own(self, style: Style) -> str:
        """Return the class under which the style's colour is ``--own``."""
        if style not in self.styles:
            self.styles.append(style)
        return f"own-{self.styles.index(style)}"


def document(
    page: Page,
    head: Sequence[Element | None],
    sections: Sequence[tuple[str, str, Element]],
    foot: str,
    clean: Callable[[str], str] = str,
) -> str:
    """Return the whole file; ``sections`` are (id, title in the list of contents, element).

    ``clean`` is given every text that a reader can see or take away, and nothing else: neither tags nor scripts.
    """
    style, script = _style(page), _script()
    own, clean = clean, lambda text: own(text).translate(OVERRIDES)
    lines = [
        "<!doctype html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        str(_policy(style, script)),
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        element("title", page.title).markup(clean),
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        *(part.markup(clean) for part in _body(head, sections, foot)),
        f'<script type="application/json" id="report-data">{embedded(_payload(page, clean))}</script>',
        f"<script>{script}</script>",
        "</body>",
        "</html>",
        "",
    ]
    # Half of a surrogate pair in somebody's name has no place in a file.
    return "\n".join(lines).encode("utf-8", "replace").decode("utf-8")


def _body(head: Sequence[Element | None], sections: Sequence[tuple[str, str, Element]], foot: str) -> list[Element]:
    contents = [element("a", told, href=f"#{name}") for name, told, _ in sections if told]
    need = "The tables and sentences can be read as they are; the charts need JavaScript."
    return [
        element("a", "Skip to the answer", href="#answer", class_="skip"),
        element(
            "div",
            element("span", "slalom report"),
            element("button", "dark page", type="button", id="theme", hidden=True),
            class_="top",
        ),
        element("main", *head, element("nav", contents, aria_label="Contents"), [part for _, _, part in sections]),
        element("noscript", element("p", need, class_="note")),
        element("footer", foot),
    ]


def _policy(style: str, script: str) -> Element:
    """Return what the page forbids itself: everything but its own style and script, known by their hashes."""
    told = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    return element("meta", http_equiv="Content-Security-Policy", content=told)


def _payload(page: Page, clean: Callable[[str], str]) -> dict[str, Any]:
    """Return what the scripts read. The files' contents were cleaned where they were made."""
    charts = cleaned(page.charts, clean)
    files = [_packed(file) for file in kept_files(page)]
    return {"charts": charts, "styles": styles_of(list(charts.values())), "files": files}


def cleaned(content: Any, clean: Callable[[str], str]) -> Any:
    """Return JSON's content with every text in it through ``clean``; keys are no texts."""
    if isinstance(content, str):
        return clean(content)
    if isinstance(content, Mapping):
        return {key: cleaned(value, clean) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [cleaned(value, clean) for value in content]
    return content


def embedded(content: Any) -> str:
    """Return JSON that can stand in a script element: nothing in it ends the element or begins another."""
    text = json.dumps(
        content, allow_nan=False, separators=(",", ":"), default=_of_numpy
    )  # ASCII: U+2028 is escaped as well
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _of_numpy(value: Any) -> Any:
    """Return one of NumPy's scalars as Python's own."""
    return value.item()


def kept_files(page: Page) -> list[DataFile]:
    """Return the files that are small enough to be in the page, together."""
    kept, spent = [], 0
    for file in page.files:
        size = len(_gzipped(file.content)) if file.content is not None else MOST_BYTES + 1
        if spent + size <= MOST_BYTES:
            kept.append(file)
            spent += size
    return kept


@cache
def _gzipped(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def _packed(file: DataFile) -> dict[str, str]:
    packed = base64.b64encode(_gzipped(file.content or b"")).decode("ascii")
    return {"name": file.name, "mime": file.mime, "gzip": packed}


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


@cache
def _script() -> str:
    """Return all scripts: the libraries as they are, then the page's own in one scope, strict."""
    libraries = [(VENDORED / name).read_text(encoding="utf-8").strip() for name in LIBRARIES]
    own = [(PAGE / name).read_text(encoding="utf-8").strip() for name in SCRIPTS]
    joined = "\n".join([*libraries, "(() => {", '"use strict";', *own, "})();"])
    if "</script" in joined.lower() or "<!--" in joined:
        raise ValueError("a script of the page holds the end of a script element")
    return joined


@cache
def _sheet() -> str:
    library = (VENDORED / "uplot/uPlot.min.css").read_text(encoding="utf-8").strip()
    return library + "\n" + (PAGE / "report.css").read_text(encoding="utf-8").strip()


def _style(page: Page) -> str:
    """Return the style sheet. Dark colours hold where the reader prefers them, and where the page's button says so."""
    light = "".join(f".own-{k} {{ --own: {on_light(style.colour)}; }}" for k, style in enumerate(page.styles))
    inside = _declarations((PAGE / "dark.css").read_text(encoding="utf-8"))
    night = "".join(f" SCOPE .own-{k} {{ --own: {on_dark(style.colour)}; }}" for k, style in enumerate(page.styles))
    asked, preferred = ':root[data-theme="dark"]', ":root:not([data-theme])"
    return "\n".join(
        [
            _sheet(),
            light,
            f"{asked} {{ {inside} }}{night.replace('SCOPE', asked)}",
            f"@media (prefers-color-scheme: dark) {{ {preferred} {{ {inside} }}{night.replace('SCOPE', preferred)} }}",
        ]
    )


def _declarations(text: str) -> str:
    """Return a file of declarations without its comments; a rule in it would end the one that they are put into."""
    told = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL).strip()
    if set(told) & set("{}"):
        raise ValueError("dark.css holds a rule; it is for declarations alone")
    return told

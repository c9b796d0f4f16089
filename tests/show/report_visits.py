"""The report's pages, opened in a real Chromium, and what tests ask of them."""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import slalom

BAD = '"></script><!--\u2028<script>window.bad=1</script><img src=x onerror=window.bad=1>'


def save_study(folder: Path) -> Any:
    """Return a study of three optimizers, whose page is study.html in ``folder``."""
    made = slalom.study(
        "digits-mlp", ["sgd", "momentum", "adam"], epochs=2, seeds=4, trials=5, store=str(folder / "runs.sqlite")
    )
    made.save(folder / "study.html")
    return made


def save_race(folder: Path) -> Any:
    """Return a race of two optimizers, whose page is race.html in ``folder``."""
    made = slalom.race("rosenbrock", ["sgd:lr=0.001", "adam:lr=0.05"], steps=120)
    made.save(folder / "race.html")
    return made


def inside(page: str) -> dict[str, str]:
    """Everything in a page: its text, and each file as it is handed out."""
    found = re.search(r'<script type="application/json" id="report-data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    files = json.loads(found[1])["files"]
    unpacked = {one["name"]: gzip.decompress(base64.b64decode(one["gzip"])).decode() for one in files}
    return {"page": html.unescape(page), **unpacked}


class Opened:
    """A page, and everything that went wrong in it."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        self.faults: list[str] = []
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.faults.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append("a dialog"))
        self.context.route(re.compile("^(?!file:|blob:|data:)"), self.outside)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]", state="attached")

    def outside(self, route: Any) -> None:
        self.faults.append(f"request: {route.request.url}")
        route.abort()

    def pressed(self, selector: str) -> list[str]:
        return [str(one.get_attribute("aria-pressed")) for one in self.page.query_selector_all(selector)]

    def pixels(self, selector: str) -> str:
        """The picture on a canvas, as a text to compare."""
        return str(self.page.eval_on_selector(f"{selector} canvas", "canvas => canvas.toDataURL()"))

    def payload(self) -> Any:
        return json.loads(self.page.text_content("#report-data"))


def visits(browser: Any) -> Iterator[Any]:
    """Open pages; afterwards, whatever was done: nothing in the console, and nothing asked of the network."""
    pages: list[Opened] = []

    def opens(path: Path, **options: Any) -> Opened:
        pages.append(Opened(browser, path, **options))
        return pages[-1]

    yield opens
    for one in pages:
        one.context.close()
        assert one.faults == []

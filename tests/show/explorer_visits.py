"""The explorer's page, opened in a real Chromium, and what tests ask of it."""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from slalom.show.explorer import explorer_html

Open = Callable[..., Any]


@functools.cache
def html() -> str:
    return explorer_html()


def write_page(folder: Path) -> Path:
    path = folder / "explorer.html"
    path.write_text(html(), encoding="utf-8")
    return path


def visits(browser: Any, file: Path) -> Iterator[Open]:
    """Open the page; afterwards, whatever was done: no error in the console, and nothing asked of the network."""
    faults: list[str] = []
    contexts: list[Any] = []

    def open_page(fragment: str = "", **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda asked: faults.append(asked.url) if not is_inside(asked.url, file) else None)
        page.goto(file.as_uri() + fragment)
        wait_until(page, "document.documentElement.dataset.ready === 'true'")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def is_inside(url: str, file: Path) -> bool:
    return url.startswith((file.as_uri(), "blob:", "data:"))


def wait_until(page: Any, expression: str, seconds: float = 30) -> None:
    """Wait until ``expression`` holds in the page. (Playwright's own way would be refused by the page's policy.)"""
    for _ in range(int(seconds / 0.05)):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"still not so after {seconds} s: {expression}")


def painted(page: Any, canvas: str) -> str:
    """Return what a canvas shows."""
    return str(page.evaluate("id => document.getElementById(id).toDataURL()", canvas))


def start_of(page: Any) -> tuple[float, float]:
    return float(page.input_value("#start-x")), float(page.input_value("#start-y"))


BUSY = """() => new Promise(done => requestAnimationFrame(() => setTimeout(
  () => done(document.documentElement.dataset.busy || ""))))"""
PARTS = ("frame", "rest", "address", "telling", "sweep", "basins")


def idle(page: Any, parts: tuple[str, ...] = PARTS, seconds: float = 60) -> None:
    """Wait until the page has done, for two frames on end, all that is under way, or those ``parts`` of it."""
    calm, deadline = 0, time.monotonic() + seconds
    while calm < 2:
        said = page.evaluate(BUSY).split()
        calm = 0 if set(said) & set(parts) else calm + 1
        if time.monotonic() > deadline:
            raise AssertionError(f"the page comes to no rest in {seconds} s: {said}")


def drawn(page: Any) -> None:
    """Wait until everything is drawn and addressed but for what workers have been asked."""
    idle(page, ("frame", "rest", "address"))


def follow(page: Any, address: str) -> None:
    """Follow a link in the open page, and wait until its scripts have heard of it."""
    page.evaluate(
        """hash => location.hash === hash || new Promise(done => {
            addEventListener("hashchange", () => done(true), { once: true });
            location.hash = hash;
        })""",
        address,
    )


def settled_hash(page: Any) -> str:
    """Return the address once the page has written its state there."""
    drawn(page)
    return str(page.evaluate("location.hash"))


def ends(page: Any) -> list[tuple[float, float]]:
    """Return where each optimizer ends, as its card says in full."""
    titles = page.eval_on_selector_all(".runner:not(.off) .result", "all => all.map(one => one.title)")
    return [tuple(map(float, re.findall(r"-?[\d.]+(?:e[-+]?\d+)?", title))) for title in titles]


def ring(page: Any) -> tuple[float, float]:
    """Return where the ring of the default page is on the screen: (−1.2, 1) on [−2, 2] × [−1, 3] in a wide plane."""
    box = page.locator("#plane").bounding_box()
    scale = min(box["width"], box["height"]) / 4
    return box["x"] + box["width"] / 2 - 1.2 * scale, box["y"] + box["height"] / 2

"""A page with nothing in it but the explorer's engine, and what comes back from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from slalom.show.explorer.engine import engine_js


def engine_page(browser: Any) -> Iterator[Any]:
    """Yield an empty page that has the engine; no error may have gone unnoticed in it."""
    opened = browser.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda problem: problems.append(str(problem)))
    opened.set_content("<!doctype html><title>engine</title>")
    opened.add_script_tag(content=engine_js())
    # What is not finite would not survive the way through JSON.
    opened.evaluate("""() => { window.plain = value => {
        if (typeof value === "number") return Number.isFinite(value) && !Object.is(value, -0) ? value : String(value);
        if (ArrayBuffer.isView(value)) return Array.from(value, plain);
        if (Array.isArray(value)) return value.map(plain);
        if (value && typeof value === "object")
            return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
        return value;
    }; }""")
    yield opened
    assert problems == []
    opened.close()


def numbers(values: Any) -> np.ndarray:
    """Return what the page sent as float64: NaN and infinities come as words."""
    return np.array(values, dtype=object).astype(str).astype(np.float64)

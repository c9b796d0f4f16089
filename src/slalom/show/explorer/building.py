"""The explorer: one page in one file, which asks nothing of the network.

The scripts stand in the page, and its Content-Security-Policy allows those alone, by their hashes: whatever a name or
an expression holds, nothing else is ever run, and nothing is fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "page"
SCRIPTS = (
    "busy.js",
    "styles.js",
    "limits.js",
    "state.js",
    "address.js",
    "snippet.js",
    "frames.js",
    "paths.js",
    "plane.js",
    "basins.js",
    "charts.js",
    "strip.js",
    "formula.js",
    "inside.js",
    "surface_base.js",
    "surface.js",
    "workers.js",
    "svg.js",
    "exporting.js",
    "notices.js",
    "tuning.js",
    "controls.js",
    "pointing.js",
    "app.js",
)
"""The page's scripts, in the order in which they stand; one function holds them all."""


def explorer_html() -> str:
    """Return the explorer as one HTML document: engine, styles, scripts and facts inside, no external request."""
    from slalom.show.explorer.engine import engine_js

    engine = engine_js()
    style = _read("style.css")
    page = '(() => {\n"use strict";\n' + "\n".join(map(_read, SCRIPTS)) + "\n})();\n"
    parts = {
        "POLICY": _policy([engine, page], [style]),
        "STYLE": style,
        "FACTS": _inert(facts()),
        "ENGINE": engine,
        "PAGE": page,
        "VERSIONS": _versions(),
    }
    for text in (engine, page, style):
        if "</script" in text.lower() or "<!--" in text or "</style" in text.lower():
            raise ValueError("a script or style of the page would end its own element")
    document = _read("page.html")
    pieces = document.split("@@")
    return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def facts() -> dict[str, Any]:
    """Return what the page needs to know besides the engine: the colours of slalom's other pictures, and formulas."""
    from slalom.show.explorer.formulas import formulas
    from slalom.show.views import basins, styles

    return {
        "tints": list(styles.TINTS),
        "dashes": [list(dashes) for dashes in styles.DASHES],
        "minima": list(basins.MINIMA),
        "momentum": styles.MOMENTUM,
        "contrasts": {"legible": styles.LEGIBLE, "bright": styles.BRIGHT, "night": styles.NIGHT},
        "formulas": formulas(),
    }


def _read(name: str) -> str:
    return (PAGE / name).read_text(encoding="utf-8")


def _inert(value: Any) -> str:
    """Return JSON that can stand in a script element: no character of it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _policy(scripts: list[str], styles: list[str]) -> str:
    """Return the Content-Security-Policy: these scripts and styles, workers and pictures of the page's own making."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(map(_hash, scripts))}",
            f"style-src {' '.join(map(_hash, styles))}",
            "worker-src blob:",
            "img-src data: blob:",
            "media-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    told = {}
    for package in ("slalom", "torch"):
        try:
            told[package] = f"{package} {version(package)}"
        except PackageNotFoundError:  # run from a folder, never installed
            told[package] = package
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{told['slalom']}, rules as in {told['torch']}, made with Python {python}"

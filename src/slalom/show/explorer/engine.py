"""The explorer's engine: everything that computes in the page, as one text without a word about the page itself.

The page embeds it, and hands the same text to a worker.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from slalom.show.explorer.landscapes_js import landscapes_js
from slalom.show.explorer.noise_js import noise_js
from slalom.show.explorer.rules_js import rules_js
from slalom.show.explorer.tape_js import tape_js

PAGE = Path(__file__).parent / "page"
WRITTEN = ("notation.js", "syntax.js", "expressions.js", "tape.js", "noise.js", "engine.js")
"""The hand-written parts, in the order in which they stand."""


TOLERANCE = 0.01
"""A start has arrived this close above the lowest minimum: that of :mod:`slalom.lab.record`, which a test compares."""


def constants() -> dict[str, float]:
    """Return the numbers that the page shares with Python: when a runner arrives or diverges, how arrows shrink."""
    from slalom.core.metrics import PATIENCE
    from slalom.engines.limits import BEYOND
    from slalom.show.views.moving import COMPRESSION

    return {"tolerance": TOLERANCE, "patience": PATIENCE, "beyond": BEYOND, "compression": COMPRESSION}


@cache
def engine_js() -> str:
    """Return JavaScript that defines one constant, ``slalom``; see ``page/engine.js`` for what it offers."""
    texts = [
        f"const constants = {json.dumps(constants())};\n",
        landscapes_js(),
        noise_js(),
        tape_js(),
        *((PAGE / name).read_text(encoding="utf-8") for name in WRITTEN),
        rules_js(),
    ]
    inside = "\n".join(texts)
    return f'const slalom = (() => {{\n"use strict";\n{inside}\nreturn makeEngine(rules, landscapes);\n}})();\n'

"""Numbers as a picture prints them, and lists as a sentence says them."""

from __future__ import annotations

import math
from collections.abc import Sequence

SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
COUNTS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]


def power(exponent: int) -> str:
    """Return ``"10⁻³"``: Unicode, so that no picture needs a mathematics typesetter."""
    return {0: "1", 1: "10"}.get(exponent, "10" + str(exponent).translate(SUPERSCRIPTS))


def number(value: float, digits: int = 3) -> str:
    """Return ``value`` with ``digits`` significant digits: ``"75.6"``, ``"1,240"``, ``"3.2e−5"`` as ``"3.2×10⁻⁵"``."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞" if value < 0 else "–"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(value)))
    if -4 <= exponent < 6:
        text = f"{value:,.{max(0, digits - 1 - exponent)}f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return text.replace("-", "−")
    mantissa, _, tail = f"{value:.{max(0, digits - 2)}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}×10{str(int(tail)).translate(SUPERSCRIPTS)}".replace("-", "−")


def three(value: float) -> str:
    """Return ``value`` with the three significant digits that a table prints of it, whatever its size."""
    return number(value, 3 if value == 0 or 1e-4 <= abs(value) < 1e6 else 4)


def fixed(value: float, digits: int = 3) -> str:
    """Return ``value`` with ``digits`` significant digits, zeros kept, so that columns stay aligned."""
    if value == 0 or not math.isfinite(value) or not 1e-3 <= abs(value) < 1e6:
        return number(value, digits)
    return f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}".replace("-", "−")


def count(amount: int, noun: str) -> str:
    """Return ``"six optimizers"``, ``"1,000 starts"``: small numbers as words."""
    said = COUNTS[amount] if amount < len(COUNTS) else f"{amount:,}"
    return f"{said} {noun}" + ("" if amount == 1 else "s")


def share(ratio: float) -> str:
    """Return a proportion as ``"24 %"``."""
    return f"{100 * ratio:.0f} %"


def percent(ratio: float, digits: int = 1) -> str:
    """Return a proportion as ``"96.4 %"``; less is said of ``"100 %"`` and ``"0 %"``."""
    if not math.isfinite(ratio):
        return number(ratio)
    return ("0" if ratio == 0 else "100" if ratio == 1 else f"{100 * ratio:.{digits}f}") + " %"


def listing(names: Sequence[str], most: int = 4) -> str:
    """Return ``"A, B and C"``, cut to ``most`` names and the number of the others."""
    if len(names) > most:
        return ", ".join(names[: most - 1]) + f" and {count(len(names) - most + 1, 'other')}"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))


def point(coordinates: Sequence[float]) -> str:
    """Return ``"(−75, −10)"``."""
    shown = [number(value) for value in coordinates[:4]] + (["…"] if len(coordinates) > 4 else [])
    return "(" + ", ".join(shown) + ")"


def shortened(text: str, most: int = 18) -> str:
    """Return ``text``, cut to ``most`` characters."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def wrap(text: str, width: float, size: float, most: int = 2) -> list[str]:
    """Break ``text`` into lines that fit ``width`` points at font ``size``; beyond ``most`` lines it is cut."""
    limit = int(width / (0.51 * size))
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= limit:
            lines[-1] += " " + word
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1].rstrip(" .,;") + " …"]
    return lines

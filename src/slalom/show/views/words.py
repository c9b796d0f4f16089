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
    """Return ``text`` in at most ``most`` characters: its beginning and its end, where it is longer."""
    return _cut(text, most, (most - 1) // 2)


def short_names(names: Sequence[str], most: int = 18) -> list[str]:
    """Return names of at most ``most`` characters that differ where ``names`` do: they keep the part that differs.

    A long name keeps its first word and the words in which it differs from the others that begin so; where that does
    not do, its beginning and its end. Equal names stay equal.
    """
    different = list(dict.fromkeys(names))
    found = {name: name for name in different if len(name) <= most}
    for tail in (None, 0, *range((most - 1) // 2, most - 2)):
        pending = [name for name in different if name not in found]
        made = {name: _distinct(name, different, most) if tail is None else _cut(name, most, tail) for name in pending}
        for name, short in made.items():
            if short and list(made.values()).count(short) == 1 and short not in found.values():
                found[name] = short
    for name in different:
        if name not in found:
            numbered = (f"{_cut(name, most - len(f' ({k})'), 0)} ({k})" for k in range(1, len(different) + 2))
            found[name] = next(short for short in numbered if short not in found.values())
    return [found[name] for name in names]


def _distinct(name: str, others: Sequence[str], most: int) -> str:
    """Return a name's first word and those in which it differs from its namesakes; "" where these are too long."""
    own = name.split()
    alike = [other.split() for other in others if other != name and other.split()[:1] == own[:1]]
    if not alike:
        return ""
    first = min(_shared(own, other) for other in alike)
    last = min(_shared(own[:first:-1], other[:first:-1]) for other in alike)
    for begin in (max(1, first - 1), first):  # a value with what it is a value of, where there is room
        words = " ".join(own[begin : len(own) - last]).rstrip(",")
        short = own[0] + (" " if begin == 1 else "…") + words + ("…" if last else "")
        if words and len(short) <= most:
            return short
    room = most - len(own[0]) - 2
    words = " ".join(own[first:])[: max(0, room)].rstrip(" ,")
    return f"{own[0]} {words}…" if first == 1 and room > 5 and words else ""


def _shared(some: Sequence[str], others: Sequence[str]) -> int:
    """Return how many words two names have in common at their beginnings."""
    return next((k for k, (a, b) in enumerate(zip(some, others, strict=False)) if a != b), min(len(some), len(others)))


def _cut(text: str, most: int, tail: int) -> str:
    """Return ``text`` in at most ``most`` characters, the last ``tail`` of them from its end, of whole words if any."""
    if len(text) <= most:
        return text
    head, end = text[: most - 1 - tail], text[len(text) - tail :]
    if " " in head.strip() and text[len(head)] != " ":
        head = head.rpartition(" ")[0]
    if " " in end.strip() and text[-tail - 1] != " ":
        end = end.partition(" ")[2]
    return head.rstrip(" ,") + "…" + end.strip(" ,")


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

"""Formulas as MathML, which browsers draw by themselves: from the LaTeX that cards have, and no other."""

from __future__ import annotations

import re
from collections.abc import Sequence

from slalom.show.report.elements import Child, Element, element

LETTERS = {
    "alpha": "α", "beta": "β", "eta": "η", "theta": "θ", "kappa": "κ", "lambda": "λ", "mu": "μ", "rho": "ρ",
    "sigma": "σ", "tau": "τ", "psi": "ψ", "varepsilon": "ε", "Delta": "Δ", "Pi": "Π",
}  # fmt: skip
OPERATORS = {
    "leftarrow": "←", "cdot": "·", "infty": "∞", "le": "≤", "ge": "≥", "approx": "≈", "nabla": "∇", "top": "⊤",
    "lVert": "‖", "rVert": "‖",
}  # fmt: skip
FUNCTIONS = frozenset({"max", "min", "sin", "cos", "exp", "log"})
ACCENTS = {"hat": "^", "bar": "¯"}
SPACES = {",": "0.17em", ";": "0.28em", " ": "0.25em", "quad": "1em"}

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)


def formula(latex: str, display: bool = True) -> Element:
    """Return ``latex`` as a ``math`` element; a command that is not known stands there by its name."""
    row = _Reader(latex).row()
    return element("math", element("mrow", row), display="block" if display else None)


class _Reader:
    """Reads LaTeX from left to right."""

    def __init__(self, latex: str) -> None:
        self.tokens = [token for token in _TOKEN.findall(latex) if token.strip() or token == "\\ "]
        self.texts = iter(re.findall(r"\\(?:text|operatorname)\{([^}]*)\}", latex))
        self.at = 0

    def row(self, ends: Sequence[str] = ()) -> list[Element]:
        """Return what stands up to one of ``ends``, which is left to be read, or up to the end."""
        parts: list[Element] = []
        while self.at < len(self.tokens) and self.tokens[self.at] not in ends:
            if self.tokens[self.at] == "&":  # alignment is the page's business
                self.at += 1
                continue
            parts.append(self.scripted())
        return parts

    def scripted(self) -> Element:
        """Return an atom with what is raised or lowered beside it."""
        base, scripts = self.atom(), {}
        while self.at < len(self.tokens) and self.tokens[self.at] in ("^", "_", "'"):
            mark = self.next()
            scripts["^" if mark == "'" else mark] = element("mo", "′") if mark == "'" else self.atom()
        if len(scripts) == 2:
            return element("msubsup", base, scripts["_"], scripts["^"])
        if scripts:
            ((mark, script),) = scripts.items()
            return element("msup" if mark == "^" else "msub", base, script)
        return base

    def atom(self) -> Element:
        token = self.next()
        if token == "{":
            inside = self.row(("}",))
            self.next()
            return inside[0] if len(inside) == 1 else element("mrow", inside)
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return element("mn", token)
        return element("mi", token) if token.isalpha() else element("mo", token.replace("-", "−"), stretchy="false")

    def command(self, name: str) -> Element:
        if name in LETTERS:
            # Capital Greek letters stand upright in formulas.
            return element("mi", LETTERS[name], mathvariant="normal" if name[0].isupper() else None)
        if name in OPERATORS:
            return element("mo", OPERATORS[name], stretchy="false")
        if name in FUNCTIONS:
            return element("mi", name)
        if name in ACCENTS:
            return element("mover", self.atom(), element("mo", ACCENTS[name], stretchy="false"), accent="true")
        if name in SPACES:
            return element("mspace", width=SPACES[name])
        return self.structure(name)

    def structure(self, name: str) -> Element:
        if name == "frac":
            return element("mfrac", self.atom(), self.atom())
        if name == "sqrt":
            return element("msqrt", self.atom())
        if name == "text":
            return element("mtext", self.verbatim())
        if name == "operatorname":
            return element("mi", self.verbatim(), mathvariant="normal")
        if name == "left":
            first = element("mo", self.next(), stretchy="true")
            inside = self.row(("\\right",))
            self.next()
            return element("mrow", first, inside, element("mo", self.next() or ")", stretchy="true"))
        if name == "begin":
            return self.cases()
        return element("mtext", name)

    def cases(self) -> Element:
        """Return a choice, one line under the other, behind a brace."""
        self.atom()  # its name
        rows, cells = [], []
        while self.at < len(self.tokens):
            cells.append(element("mtd", self.row_until_break()))
            mark = self.next()
            if mark != "&":
                rows.append(element("mtr", cells))
                cells = []
            if mark == "\\end":
                self.atom()
                break
        return element("mrow", element("mo", "{", stretchy="true"), element("mtable", rows, class_="cases"))

    def row_until_break(self) -> Child:
        parts: list[Element] = []
        while self.at < len(self.tokens) and self.tokens[self.at] not in ("&", "\\\\", "\\end"):
            parts.append(self.scripted())
        return element("mrow", parts)

    def verbatim(self) -> str:
        """Return the text of a braced group as it was typed, spaces kept."""
        depth = 0
        while self.at < len(self.tokens):
            token = self.next()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                break
        return next(self.texts, "").replace("\\_", "_").replace(" ", "\N{NO-BREAK SPACE}")

    def next(self) -> str:
        """Return the next token and step over it; nothing at the end."""
        token = self.tokens[self.at] if self.at < len(self.tokens) else ""
        self.at += 1
        return token or " "

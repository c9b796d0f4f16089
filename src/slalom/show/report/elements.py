"""Elements of a page: texts in them are escaped, always; there is no way to put markup in as text."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Union

Child = Union["Element", str, None, Iterable["Child"]]
"""What an element holds: elements, texts, nothing, or several of those."""

VOID = frozenset({"meta", "input", "br", "mspace"})
"""Elements without content and without an end."""


@dataclass(frozen=True)
class Element:
    """A tag with attributes and children; ``str(element)`` is its markup, ``markup(clean)`` that of cleaned texts."""

    tag: str
    attributes: tuple[tuple[str, str], ...]
    children: tuple[Element | str, ...]

    def __str__(self) -> str:
        return self.markup(str)

    def markup(self, clean: Callable[[str], str]) -> str:
        """Return the markup, each text and each attribute's value through ``clean`` before it is escaped."""
        told = "".join(f' {name}="{html.escape(clean(value))}"' for name, value in self.attributes)
        if self.tag in VOID:
            return f"<{self.tag}{told}>" if self.tag != "mspace" else f"<{self.tag}{told}></{self.tag}>"
        inside = "".join(
            html.escape(clean(child), quote=False) if isinstance(child, str) else child.markup(clean)
            for child in self.children
        )
        return f"<{self.tag}{told}>{inside}</{self.tag}>"

    @property
    def text(self) -> str:
        """What it says, without markup."""
        return "".join(child if isinstance(child, str) else child.text for child in self.children)


def element(tag: str, *children: Child, **attributes: str | bool | None) -> Element:
    """Return an element. ``class_`` becomes ``class``, ``aria_label`` becomes ``aria-label``; None is left out."""
    told = tuple(
        (name.rstrip("_").replace("_", "-"), "" if value is True else str(value))
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    return Element(tag, told, tuple(_flat(children)))


def _flat(children: Child) -> Iterator[Element | str]:
    if children is None:
        return
    if isinstance(children, Element | str):
        yield children
        return
    for child in children:
        yield from _flat(child)

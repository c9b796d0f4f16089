"""The named tasks. Nothing here reads data or imports torch before a task is used."""

from slalom.tasks.catalogue import deepobs, digits, mnist, modular_addition
from slalom.tasks.catalogue.entry import Entry

CATALOGUE: dict[str, Entry] = {**digits.ENTRIES, **mnist.ENTRIES, **deepobs.ENTRIES, **modular_addition.ENTRIES}

NAMES = tuple(CATALOGUE)

__all__ = ["CATALOGUE", "NAMES", "Entry"]

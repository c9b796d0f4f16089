"""How the store tells that a file cannot be used."""

from __future__ import annotations

from slalom.core import InputError


class StoreError(InputError):
    """A store that cannot be opened, read or written. Its text is one sentence: which file, what is wrong, the way out.

    What was acknowledged before it is kept; what was being written is not there at all.
    """

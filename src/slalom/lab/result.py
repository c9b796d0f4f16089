"""What every result can do beside holding its numbers: be drawn, be saved, and show itself in a notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from slalom.lab.tables import Table


class Result:
    """A result is data. :mod:`slalom.lab.saving` knows how each type of result is drawn and written.

    That module is imported when a picture or a file is asked for, here and nowhere else: results themselves import
    nothing that draws, and whatever draws imports results.
    """

    def table(self) -> Table:
        """Return one row per optimizer, or one per run where there are few."""
        raise NotImplementedError

    def figure(self, picture: str = "auto") -> Any:
        """Return the matplotlib figure of a picture that this type of result has. Raises InputError for others."""
        from slalom.lab import saving

        return saving.figure(self, picture)

    def save(self, path: str | os.PathLike[str], picture: str = "auto") -> Path:
        """Write the result in the format of the ending: a ``picture`` (png, svg, pdf), a page (html) or numbers.

        The file appears whole or not at all. Raises InputError for an ending or a picture that this type of result does
        not have, and for a place that cannot be written.
        """
        from slalom.lab import saving

        return saving.save(self, path, picture)

    def _repr_html_(self) -> str:
        from slalom.lab import saving

        return saving.as_html(self)

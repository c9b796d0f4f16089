"""Where runs are kept unless somebody names a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FILE = "runs.sqlite"


def default_path() -> Path:
    """Return the file in the user's data directory, as each system has it. Nothing is created."""
    home = Path.home()
    if sys.platform == "darwin":
        folder = home / "Library" / "Application Support"
    elif os.name == "nt":
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:  # the XDG Base Directory Specification: a relative path is to be ignored
        named = Path(os.environ.get("XDG_DATA_HOME", ""))
        folder = named if named.is_absolute() else home / ".local" / "share"
    return folder / "slalom" / FILE

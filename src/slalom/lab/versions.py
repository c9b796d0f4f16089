"""What a result depends on beside what was asked for."""

from __future__ import annotations

import platform

from slalom._version import __version__


def versions() -> dict[str, str]:
    """Return the versions of slalom, torch and Python."""
    import torch

    return {"slalom": __version__, "torch": str(torch.__version__), "python": platform.python_version()}

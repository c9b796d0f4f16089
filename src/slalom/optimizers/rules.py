"""The update rules (being written)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slalom.core import Rule


def rule_for(path: str, typed: Mapping[str, Any]) -> Rule | None:
    """Return the rule of the class at ``path``, or None where it has none or ``typed`` is beyond its reach."""
    return None

"""Recording a formula as a graph (being written)."""

from __future__ import annotations

from typing import Any


class Node:
    @classmethod
    def apply(cls, name: str, *arguments: Any) -> Node:
        raise NotImplementedError

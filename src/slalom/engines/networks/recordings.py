"""Recordings of tensor operations for any number of lanes, made from two.

Recording takes a tenth of a second, and every number of lanes is another computation. Two recordings that differ in
nothing but sizes which are multiples of their lanes tell what a third would be: it is written rather than recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch.fx import Graph, GraphModule, Node


class Recordings:
    """What ``record`` gives for arguments of certain shapes, kept by the number of lanes and the other shapes."""

    def __init__(self, record: Callable[..., GraphModule]):
        self._record = record
        self._kept: dict[tuple[int, Any], GraphModule] = {}
        self._templates: dict[Any, Template | None] = {}

    def of(self, lanes: int, shapes: Any, arguments: tuple[Any, ...]) -> Any:
        """Return what the recording for so many lanes and these shapes computes."""
        recording = self._kept.get((lanes, shapes))
        if recording is None:
            recording = self._kept[lanes, shapes] = self._made(lanes, shapes, arguments)
        return recording(*arguments)

    def _made(self, lanes: int, shapes: Any, arguments: tuple[Any, ...]) -> GraphModule:
        template = self._templates.get(shapes)
        if template is not None:
            return template.written(lanes)
        recorded = self._record(*arguments)
        other = next((n for n, known in self._kept if known == shapes), None)
        if other is not None and shapes not in self._templates:
            self._templates[shapes] = Template.of((other, self._kept[other, shapes]), (lanes, recorded))
        return recorded


@dataclass(frozen=True)
class Multiple:
    """Stands for a size: so many times the lanes."""

    times: int


@dataclass(frozen=True)
class Template:
    """A recording, with the arguments of its operations in which sizes are told by the lanes."""

    recording: GraphModule
    arguments: dict[str, tuple[Any, Any]]  # by the name of the operation, where they depend on the lanes

    @staticmethod
    def of(one: tuple[int, GraphModule], other: tuple[int, GraphModule]) -> Template | None:
        """Return the template of two recordings with their lanes; None where they differ in anything but sizes."""
        (lanes, first), (others, second) = one, other
        nodes, theirs = list(first.graph.nodes), list(second.graph.nodes)
        if lanes == others or len(nodes) != len(theirs):
            return None
        place = {node: index for index, node in enumerate(nodes)}
        their_place = {node: index for index, node in enumerate(theirs)}

        def merged(mine: Any, its: Any) -> Any:
            if isinstance(mine, Node) and isinstance(its, Node):
                if place[mine] != their_place[its]:
                    raise _DifferError
                return mine
            if type(mine) is not type(its):
                raise _DifferError
            if isinstance(mine, tuple | list):
                if len(mine) != len(its):
                    raise _DifferError
                return type(mine)(map(merged, mine, its))
            if isinstance(mine, dict):
                if mine.keys() != its.keys():
                    raise _DifferError
                return {key: merged(mine[key], its[key]) for key in mine}
            if mine == its:
                return mine
            if type(mine) is int and mine % lanes == 0 and its == mine // lanes * others:
                return Multiple(mine // lanes)
            raise _DifferError

        arguments: dict[str, tuple[Any, Any]] = {}
        try:
            for mine, its in zip(nodes, theirs, strict=True):
                if (mine.op, mine.target) != (its.op, its.target) or mine.op == "get_attr":
                    return None  # a constant may hold anything
                found = merged(tuple(mine.args), tuple(its.args)), merged(dict(mine.kwargs), dict(its.kwargs))
                if _has_multiple(found):
                    arguments[mine.name] = found
        except _DifferError:
            return None
        return Template(first, arguments)

    def written(self, lanes: int) -> GraphModule:
        """Return the recording for another number of lanes."""
        graph = Graph()
        copies: dict[Node, Node] = {}
        output = graph.graph_copy(self.recording.graph, copies)
        graph.output(output)
        for node in self.recording.graph.nodes:
            if node.name in self.arguments:
                args, kwargs = (_filled(part, lanes, copies) for part in self.arguments[node.name])
                copies[node].args, copies[node].kwargs = args, kwargs
        graph.set_codegen(self.recording.graph._codegen)
        return GraphModule(self.recording, graph)


class _DifferError(Exception):
    """Two recordings differ in more than sizes."""


def _has_multiple(thing: Any) -> bool:
    if isinstance(thing, tuple | list):
        return any(map(_has_multiple, thing))
    if isinstance(thing, dict):
        return any(map(_has_multiple, thing.values()))
    return isinstance(thing, Multiple)


def _filled(thing: Any, lanes: int, copies: dict[Node, Node]) -> Any:
    """Return arguments with sizes for so many lanes, of the copied operations."""
    if isinstance(thing, Node):
        return copies[thing]
    if isinstance(thing, Multiple):
        return thing.times * lanes
    if isinstance(thing, tuple | list):
        return type(thing)(_filled(part, lanes, copies) for part in thing)
    if isinstance(thing, dict):
        return {key: _filled(value, lanes, copies) for key, value in thing.items()}
    return thing

"""The grammar of a spec: ``name:key=value,key=value | stage:key=value | …``.

A name is one of the catalogue, an import path, or ``file.py:name``. A file's path that has a ``|`` or quotation marks
in it is written as a Python string: ``'a|b.py':name:key=value``. Values are Python literals, never evaluated. What
stages there are is told in :mod:`slalom.optimizers.stages`.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from slalom.core import InputError, python_files, quote

LONGEST_SPEC = 2000
"""Longest spec that is read, in characters."""

_CLOSING = {"(": ")", "[": "]", "{": "}"}

_FILE_HEAD = re.compile(
    r"""(?P<head>(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|.*?\.py)\s*:\s*[^\W\d]\w*)"""
    r"""\s*(?P<colon>:|$)(?P<options>.*)""",
    re.DOTALL | re.IGNORECASE,
)
"""``file.py:name``, and what follows it."""

_TOKEN = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|.""", re.DOTALL)
"""A quotation with both its marks, or one character."""


def split_stages(spec: str) -> list[str]:
    """Cut a spec at the pipes outside quotation marks: the optimizer, then each stage, without spaces around."""
    if len(spec) > LONGEST_SPEC:
        raise InputError(
            f"{quote(spec)}: a spec has at most {LONGEST_SPEC:,} characters, this one {len(spec):,}. "
            "Write it as `name:key=value,key=value`."
        )
    pieces, start = [], 0
    for token in _TOKEN.finditer(spec):
        if token.group() == "|":
            pieces.append(spec[start : token.start()].strip())
            start = token.end()
    pieces.append(spec[start:].strip())
    for index, piece in enumerate(pieces):
        if not piece and len(pieces) > 1:
            where = "before the first `|` comes an optimizer" if index == 0 else "after a `|` comes a stage"
            raise InputError(f"{quote(spec)}: {where}, as in `adam:lr=0.01 | cosine`.")
    return pieces


def read_spec(spec: str) -> tuple[str, dict[str, Any]]:
    """Return the name before the colon and the typed hyperparameters. Raises :class:`InputError`."""
    text = spec.strip()
    if not text:
        raise InputError("The optimizer's spec is empty. Name one, such as `adam` or `sgd:lr=0.1,momentum=0.9`.")
    head, colon, options = _partition(text, "MyOptimizer")
    if not _is_dotted(head) and not python_files.names_a_file(head):
        raise InputError(
            f"{quote(spec)}: a spec begins with an optimizer's name or import path, such as `adam` or "
            f"`torch.optim.Adam`, not with {quote(head)}."
        )
    return head, _read_options(spec, head, colon, options, "hyperparameters")


def read_stage(text: str) -> tuple[str, dict[str, Any]]:
    """Return the name of what stands behind a pipe, and its typed options. Raises :class:`InputError`."""
    head, colon, options = _partition(text, "MyScheduler")
    if not _is_dotted(head) and not python_files.names_a_file(head):
        raise InputError(
            f"{quote(text)}: a stage begins with its name, such as `cosine` or `warmup:steps=100`, not with "
            f"{quote(head)}."
        )
    return head, _read_options(text, head, colon, options, "options")


def _partition(text: str, example: str) -> tuple[str, str, str]:
    """Return the name at the beginning of a text, the colon after it if there is one, and what follows.

    Raises :class:`InputError` for a file of which nothing is named.
    """
    match = _FILE_HEAD.fullmatch(text)
    if match is not None:
        path, name = python_files.split(re.sub(r"\s*:\s*(?=\w+$)", ":", match["head"])) or ("", "")
        if path:
            return python_files.joined(path, name), match["colon"], match["options"]
    head, colon, options = text.partition(":")
    head = head.strip()
    if head.lower().endswith(".py"):
        raise InputError(
            f"{quote(text)} does not say what in the file: write {quote(python_files.joined(head, example))}."
        )
    return head, colon, options


def with_paths(spec: str, changed: Callable[[str], str]) -> str:
    """Return a spec with ``changed(path)`` in place of the path of each file that it names, all of it printable."""
    pieces = []
    for piece in split_stages(spec):
        match = _FILE_HEAD.fullmatch(piece)
        path, name = python_files.split(_partition(piece, "")[0]) or ("", "") if match else ("", "")
        if match and path:
            options = f":{match['options']}" if match["colon"] else ""
            piece = python_files.joined(changed(path), name) + options
        pieces.append(piece)
    return " | ".join(pieces)


def _is_dotted(head: str) -> bool:
    return bool(head) and all(part.isidentifier() for part in head.split("."))


def _read_options(spec: str, head: str, colon: str, options: str, what: str) -> dict[str, Any]:
    if colon and not options.strip():
        raise InputError(f"{quote(spec)}: after the colon comes `key=value`; without {what} write {quote(head)}.")
    typed: dict[str, Any] = {}
    for item in _split(spec, options) if colon else ():
        key, value = _read_item(spec, item)
        if key in typed:
            raise InputError(f"{quote(spec)}: {key} is given twice. Keep one of them.")
        typed[key] = value
    return typed


def format_spec(head: str, typed: Mapping[str, Any], stages: Sequence[str] = ()) -> str:
    """Return the spec that reads back as ``head`` with the values ``typed``, and ``stages`` behind it."""
    options = ",".join(f"{key}={_format(value)}" for key, value in typed.items())
    return " | ".join([f"{head}:{options}" if typed else head, *stages])


def _format(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({','.join(map(_format, value))}{',' if len(value) == 1 else ''})"
    return repr(value)


def _split(spec: str, options: str) -> list[str]:
    """Split at the commas that stand outside brackets and quotation marks."""
    items, start, expected = [], 0, []
    for token in _TOKEN.finditer(options):
        character, index = token.group(), token.start()
        if character in ("'", '"'):
            raise InputError(f"{quote(spec)}: a quotation mark {quote(character)} is never closed.")
        if character in _CLOSING:
            expected.append(_CLOSING[character])
        elif character in (")", "]", "}"):
            if not expected or expected.pop() != character:
                raise InputError(f"{quote(spec)}: the {quote(character)} after {quote(options[:index])} opens nowhere.")
        elif character == "," and not expected:
            items.append(options[start:index])
            start = index + 1
    if expected:
        raise InputError(f"{quote(spec)}: a bracket is never closed; {quote(expected[-1])} is missing.")
    return [*items, options[start:]]


def _read_item(spec: str, item: str) -> tuple[str, Any]:
    key, equals, text = item.partition("=")
    key, text = key.strip(), text.strip()
    if not item.strip():
        raise InputError(f"{quote(spec)}: there is a comma too many; hyperparameters are `key=value,key=value`.")
    if not equals:
        raise InputError(f"{quote(spec)}: {quote(item.strip())} has no `=`; hyperparameters are `key=value`.")
    if not key.isidentifier():
        raise InputError(f"{quote(spec)}: {quote(key)} is not the name of a hyperparameter; write `key=value`.")
    if not text:
        raise InputError(f"{quote(spec)}: {key} has no value; write {quote(f'{key}=0.1')}.")
    return key, _read_value(spec, key, text)


def _read_value(spec: str, key: str, text: str) -> Any:
    """Return the literal; a bare word counts as text, so that shells need no inner quotation marks."""
    if text.isidentifier() and text not in ("True", "False", "None"):
        return {"nan": float("nan"), "inf": float("inf")}.get(text.lower(), text)
    if text.lower() in ("-inf", "+inf", "-nan", "+nan"):
        return float(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise InputError(
            f"{quote(spec)}: the value of {key} must be a Python literal, such as 0.1, True or (0.9, 0.999), "
            f"got {quote(text)}."
        ) from None
    return tuple(value) if isinstance(value, list) else value

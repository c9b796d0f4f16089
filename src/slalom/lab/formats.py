"""Numbers as JSON, CSV and Parquet have them: what is not finite is null or empty, and nothing is rounded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from slalom.core import csv_files


def as_json(content: Any) -> bytes:
    """Return dictionaries, lists and numbers as JSON; numbers that are not finite become null."""
    import msgspec

    try:
        return msgspec.json.encode(content, enc_hook=_of_numpy)
    except UnicodeEncodeError:  # a file's name need not be UTF-8
        return msgspec.json.encode(_encodable(content), enc_hook=_of_numpy)


def _encodable(content: Any) -> Any:
    if isinstance(content, str):
        return content.encode("utf-8", "backslashreplace").decode()
    if isinstance(content, Mapping):
        return {_encodable(name): _encodable(value) for name, value in content.items()}
    return list(map(_encodable, content)) if isinstance(content, list | tuple) else content


def _of_numpy(value: Any) -> Any:
    """Return one of NumPy's numbers as Python's."""
    if not hasattr(value, "item"):
        raise NotImplementedError(f"{type(value).__name__} has no form in JSON")
    return value.item()


def number(value: float) -> float | None:
    """Return a number, None where it is not finite."""
    return float(value) if math.isfinite(value) else None


def tidy(value: Any) -> Any:
    """Return dictionaries, lists and numbers with None in place of what is not finite."""
    if isinstance(value, Mapping):
        return {name: tidy(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return [tidy(entry) for entry in value]
    return number(value) if isinstance(value, float) else value


def plain(value: Any) -> Any:
    """Return a hyperparameter: numbers, texts, lists; anything else by its text."""
    if isinstance(value, tuple | list):
        return [plain(entry) for entry in value]
    if isinstance(value, bool | int | str) or value is None:
        return value
    return number(value) if isinstance(value, float) else repr(value)


def nested(array: np.ndarray) -> Any:
    """Return nested lists, None in place of what is not finite."""
    if np.isfinite(array).all():
        return array.tolist()
    objects = array.astype(object)
    objects[~np.isfinite(array)] = None
    return objects.tolist()


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write a table at full precision; what is missing or not finite is left empty."""
    csv_files.write(path, columns, (["" if _is_missing(value) else value for value in row] for row in rows))


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def write_parquet(path: Path, columns: Mapping[str, Any]) -> None:
    """Write a table of arrays, typed; floating numbers that are not finite are null. Arrow arrays stay as they are."""
    import pyarrow as pa
    import pyarrow.parquet

    arrays = {
        name: pa.array(values, mask=~np.isfinite(values)) if _is_floating(values) else values
        for name, values in columns.items()
    }
    pa.parquet.write_table(pa.table(arrays), path)


def _is_floating(values: Any) -> bool:
    return isinstance(values, np.ndarray) and values.dtype.kind == "f"


def repeated_texts(texts: Sequence[str], times: int | np.ndarray) -> Any:
    """Return each text so many times, as an Arrow array that holds every text once."""
    import pyarrow as pa

    once = pa.array(texts).dictionary_encode()
    return pa.DictionaryArray.from_arrays(np.repeat(once.indices.to_numpy(), times), once.dictionary)

"""How speed is measured: in processes of their own, pinned to cores, by medians of runs that take turns."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PEERS = HERE.parent / ".venv-peers" / "bin" / "python"


@dataclass
class Line:
    """One row of the report: what was measured, the figure, and what it is held against."""

    what: str
    figure: str
    target: str
    holds: bool | None


def show(lines: list[Line]) -> None:
    """Print the rows of a report."""
    for line in lines:
        mark = {True: "ok", False: "MISSED", None: "–"}[line.holds]
        print(f"{mark:>6}  {line.what}\n        {line.figure}   ({line.target})")


def median(work: Callable[[], object], repeats: int) -> float:
    """Return the median seconds of ``repeats`` calls."""
    return statistics.median(seconds(work) for _ in range(repeats))


def seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def alternate(one: Callable[[], object], other: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the medians of two pieces of work that take turns, so that a busy moment hits both."""
    pairs = [(seconds(one), seconds(other)) for _ in range(repeats)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def in_process(file: str, name: str, cores: int = 1) -> dict[str, float]:
    """Run one of the measurements of a benchmark's ``file`` in a fresh process on ``cores`` cores."""
    return json.loads(output([sys.executable, file, name], cores))


def output(command: list[str], cores: int = 1) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, preexec_fn=pin(cores)).stdout


def pin(cores: int) -> Callable[[], None] | None:
    if not hasattr(os, "sched_setaffinity"):
        return None
    chosen = set(sorted(os.sched_getaffinity(0))[-cores:])
    return lambda: os.sched_setaffinity(0, chosen)


def cpu_seconds(command: list[str], repeats: int = 5) -> float:
    """Return the median CPU seconds, user and system, of running ``command``."""
    times = []
    for _ in range(repeats):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(times)

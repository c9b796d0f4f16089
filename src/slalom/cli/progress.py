"""Long work: how far it is, and how Ctrl-C stops it."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from types import FrameType, TracebackType
from typing import Any

from slalom.cli.terminal import echo
from slalom.stopping import handled

PATIENCE = 1.0
"""Seconds of work before a bar appears: what takes less needs none."""

REFRESH = 0.1
"""Seconds between two looks of the bar."""


class Watch:
    """Watches over one piece of work: draws a bar where somebody sees it, and notes a Ctrl-C.

    The engines end early on Ctrl-C and return what is finished; ``interrupted`` then tells that they did.
    """

    def __init__(self, counted: str = "steps") -> None:
        self.interrupted = False
        self._counted = counted  # what progress tells the number of
        # Without a terminal there is nobody to see a bar, and the engines need not report.
        self.progress = self._advance if sys.stderr is not None and sys.stderr.isatty() else None
        self._began = self._drawn = time.monotonic()
        self._stage = (self._began, 0)  # when the work in hand was first reported, and how far it was then
        self._last = 0
        self._doing = ""  # what is being done, where somebody has said so
        self._bar: Any = None
        self._task: Any = None
        self._listening = ExitStack()

    def __enter__(self) -> Watch:
        self._listening.enter_context(handled(self._interrupt))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()
        self._listening.close()

    def hide(self) -> None:
        """Take the bar away, so that something else can be printed; it comes back with the next progress."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def say(self, doing: str) -> None:
        """Tell what is being done: it stands beside the bar, or in a line of its own where nobody watches a bar."""
        if self.progress is None:
            if sys.stderr is not None:
                echo(doing, err=True)
            return
        from slalom.core import one_line

        self._doing = one_line(doing)
        if self._bar is not None:
            self._bar.update(self._task, doing=self._doing, refresh=True)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        raise KeyboardInterrupt

    def _advance(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done < self._last or not self._last:  # another stage begins; what came before was preparation
            self._stage = now, done
        self._last = done
        if now - self._began < PATIENCE or now - self._drawn < REFRESH:
            return
        self._drawn = now
        if self._bar is None:
            self._open()
        since, already = self._stage
        left = (now - since) / (done - already) * (total - done) if done > already else None
        self._bar.update(
            self._task, completed=done, total=total, told=told(done, total, left, self._counted), refresh=True
        )

    def _open(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        look = BarColumn(bar_width=24), TextColumn("{task.fields[told]}  {task.fields[doing]}", markup=False)
        self._bar = Progress(*look, console=Console(stderr=True), transient=True, auto_refresh=False)
        self._bar.start()
        self._task = self._bar.add_task("", told="", doing=self._doing)


def told(done: int, total: int, left: float | None, counted: str = "steps") -> str:
    """Return ``"12,800 of 100,000 steps, 7 s left"``; the time only where there is something to reckon it from."""
    sofar = f"{done:,} of {total:,} {counted}"
    if left is None:
        return sofar
    if left < 90:
        return f"{sofar}, {left:.0f} s left"
    return f"{sofar}, {left / 60:.0f} min left" if left < 5400 else f"{sofar}, {left / 3600:.1f} h left"

"""What worker processes are given: a job and its units, in a form from which another process can make them again."""

from __future__ import annotations

import functools
import io
import pickle
import re
import runpy
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from slalom import tasks
from slalom.core import Progress, Run, Runner, Task, Training, TrainingLoop
from slalom.tasks import sharing


class Works(Protocol):
    """What computes units of runs, in this process or, where it pickles, in another."""

    @property
    def course(self) -> Any: ...
    @property
    def training(self) -> Training | None: ...  # None for a loop of the caller's own
    def compute(self, runners: Sequence[Runner], progress: Progress | None = None) -> list[Run]: ...
    def size(self, runners: Sequence[Runner]) -> int: ...  # in steps; for a loop, in runs


@dataclass(frozen=True, eq=False)
class Job:
    """Computes runs on a task or of a loop: the course, the engine, the conditions (None for a loop).

    ``lanes`` are the hyperparameters in which runners that a fleet moves together may differ.
    """

    course: Task | TrainingLoop
    engine: str
    training: Training | None
    lanes: tuple[str, ...] = ()

    def compute(self, runners: Sequence[Runner], progress: Progress | None = None) -> list[Run]:
        """Compute one unit in this process. A ``progress`` that raises KeyboardInterrupt stops it.

        Torch's default dtype is afterwards what it was: an optimizer that changes it must not change another's run.
        """
        import torch

        before = torch.get_default_dtype()
        try:
            return self._computed(runners, progress)
        finally:
            torch.set_default_dtype(before)

    def _computed(self, runners: Sequence[Runner], progress: Progress | None) -> list[Run]:
        from slalom.engines import networks

        if self.training is not None:
            engine = getattr(networks, self.engine)
            lanes = {"lanes": self.lanes} if self.engine == "fleet" else {}
            runs: list[Run] = engine(self.course, runners, self.training, progress=progress, **lanes)
            return runs
        return [networks.follow(self.course, runner, progress=progress) for runner in runners]  # type: ignore[arg-type]

    def size(self, runners: Sequence[Runner]) -> int:
        """Return how much work a unit is: the steps of all its networks, or one for each run of a loop."""
        return len(runners) * (self.training.steps if self.training is not None else 1)


def parcel(thing: Any, *, share: bool = True) -> bytes | None:
    """Return ``thing`` as another process can make it again, or None where it cannot.

    What the user's own script defines is known in another process only after that script has run there: this is done
    where it keeps its doings under ``if __name__ == "__main__":``, and nowhere else. Large tensors lie in memory that
    both processes share, as long as they exist here; with ``share=False`` they are copied.
    """
    try:
        packed = _packed_sharing(thing) if share else pickle.dumps(thing)
    except Exception:
        return None
    return packed if b"__main__" not in packed or guarded_script() else None


def _packed_sharing(thing: Any) -> bytes:
    written = io.BytesIO()
    _Pickler(written).dump(thing)
    return written.getvalue()


class _Pickler(pickle.Pickler):
    """Writes where large tensors lie rather than what they hold, and hands over a task with the data it has read."""

    def persistent_id(self, thing: Any) -> Any:
        if "torch" not in sys.modules or not sharing.is_large(thing):
            return None
        return sharing.shared(thing)

    def reducer_override(self, thing: Any) -> Any:
        return thing.reduced_with_data() if isinstance(thing, tasks.Task) else NotImplemented


class _Unpickler(pickle.Unpickler):
    """Opens what lies in shared memory."""

    def persistent_load(self, where: Any) -> Any:
        return where.open()


def guarded_script() -> str:
    """Return the path of the user's script if other processes may run it for what it defines, "" where not."""
    path = getattr(sys.modules["__main__"], "__file__", None)
    try:
        text = Path(path).read_text(encoding="utf-8") if path else ""
    except (OSError, UnicodeDecodeError):
        return ""
    return str(Path(str(path)).absolute()) if re.search(r"^if __name__ ==", text, re.MULTILINE) else ""


def unpacked(packed: bytes, script: str) -> Any:
    """Return what was sent; the user's script is run for it where it must be, once in a process.

    Raises :class:`slalom.tasks.sharing.SharingError` where memory that was to be shared cannot be had.
    """
    if b"__main__" in packed:
        _run_script(script)
    return _Unpickler(io.BytesIO(packed)).load()


@functools.cache
def _run_script(script: str) -> None:
    """Run the user's script under the name that guarded scripts expect, and let it stand for the main module."""
    module = ModuleType("__mp_main__")
    module.__dict__.update(runpy.run_path(script, run_name="__mp_main__"))
    sys.modules["__main__"] = sys.modules["__mp_main__"] = module

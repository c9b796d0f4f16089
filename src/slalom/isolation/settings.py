"""Settings of the whole process that an optimizer may change: seen by comparison, and put back."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch


class _Setting(NamedTuple):
    name: str  # as a note to the reader calls it
    get: Callable[[], Any]
    put: Callable[[Any], Any]


_TINY, _ONE = 5e-324, 1.0
"""A denormal number, and what it is multiplied by to see whether the processor takes it for zero."""


def _put_grad_mode(on: bool) -> None:
    torch.set_grad_enabled(on)  # takes effect without being entered as a context


def _put_device(name: str) -> None:
    torch.set_default_device(None if name == "cpu" else name)


def _put_matmul_tf32(allowed: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = allowed


def _put_cudnn(values: tuple[bool, bool, bool]) -> None:
    cudnn = torch.backends.cudnn
    cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32 = values


def _put_path(path: list[str]) -> None:
    sys.path[:] = path


def _put_environment(values: dict[str, str]) -> None:
    for name in os.environ.keys() - values.keys():
        del os.environ[name]
    os.environ.update(values)


def _put_filters(filters: list[Any]) -> None:
    warnings.filters[:] = filters  # type: ignore[index]
    getattr(warnings, "_filters_mutated", lambda: None)()  # which empties the cache of warnings seen


def _put_folder(folder: str) -> None:
    if folder:
        os.chdir(folder)


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # the folder was deleted
        return ""


_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGCHLD", "SIGPIPE")
    if hasattr(signal, name)
)


def _handlers() -> dict[Any, Any]:
    return {number: signal.getsignal(number) for number in _SIGNALS}


def _stopping_handlers() -> dict[Any, Any]:
    return {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}


def _put_handlers(handlers: dict[Any, Any]) -> None:
    if threading.current_thread() is not threading.main_thread():
        return  # where a signal handler can be neither changed nor put back
    for number, handler in handlers.items():
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _streams() -> tuple[Any, ...]:
    return sys.stdout, sys.stderr, sys.stdin, sys.excepthook, threading.excepthook


def _put_streams(streams: tuple[Any, ...]) -> None:
    sys.stdout, sys.stderr, sys.stdin, sys.excepthook, threading.excepthook = streams


_AT_EVERY_STEP = (
    _Setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype),
    _Setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads),
    _Setting("whether torch records gradients", torch.is_grad_enabled, _put_grad_mode),
    _Setting(
        "torch's deterministic algorithms", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode
    ),
    _Setting(
        "torch's precision of float32 products",
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    _Setting("whether tiny numbers are taken for zero", lambda: _TINY * _ONE == 0.0, torch.set_flush_denormal),
    _Setting("sys.path", lambda: list(sys.path), _put_path),
    _Setting("the working directory", _folder, _put_folder),
    _Setting("standard input and output", _streams, _put_streams),
    _Setting("signal handlers", _stopping_handlers, _put_handlers),
)
"""What may change how others run from one step to the next; cheap to compare."""

_NOW_AND_THEN = (
    _Setting("torch's anomaly detection", torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    _Setting("torch's default device", lambda: str(torch.get_default_device()), _put_device),
    _Setting("TF32 of torch's products", lambda: torch.backends.cuda.matmul.allow_tf32, _put_matmul_tf32),
    _Setting(
        "torch's settings of cuDNN",
        lambda: (
            torch.backends.cudnn.benchmark,
            torch.backends.cudnn.deterministic,
            torch.backends.cudnn.allow_tf32,
        ),
        _put_cudnn,
    ),
    _Setting("NumPy's treatment of errors", np.geterr, lambda state: np.seterr(**state)),
    _Setting("signal handlers", _handlers, _put_handlers),
    _Setting("Python's recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
)

_UNTOLD = (
    _Setting("warnings", lambda: list(warnings.filters), _put_filters),
    _Setting("environment variables", lambda: dict(os.environ), _put_environment),
)
"""Put back without a word: imports that a first step makes change these too."""


@dataclass(frozen=True)
class Settings:
    """The settings of the process at a moment."""

    values: tuple[tuple[_Setting, Any], ...]

    @staticmethod
    def now(*, at_every_step: bool = False) -> Settings:
        """Return the settings as they are, all of them or those that are compared after every step."""
        settings = _AT_EVERY_STEP if at_every_step else (*_AT_EVERY_STEP, *_NOW_AND_THEN, *_UNTOLD)
        return Settings(tuple((setting, setting.get()) for setting in settings))

    def put_back(self) -> tuple[str, ...]:
        """Put back what has changed since; return its names, those that a reader is told."""
        changed = []
        for setting, before in self.values:
            if setting.get() != before:
                setting.put(before)
                if setting not in _UNTOLD:
                    changed.append(setting.name)
        return tuple(changed)

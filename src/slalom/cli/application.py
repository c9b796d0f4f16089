"""The program ``slalom``: its commands by name, and how it ends."""

from __future__ import annotations

import atexit
import contextlib
import errno
import importlib
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from slalom import stopping
from slalom._version import __version__
from slalom.cli import witness
from slalom.cli.errors import sentence, unknown_command
from slalom.cli.terminal import echo

COMMANDS = {
    "race": "slalom.cli.racing:race",
    "sweep": "slalom.cli.sweeping:sweep",
    "study": "slalom.cli.studying:study",
    "judge": "slalom.cli.judging:judge",
    "runs": "slalom.cli.runs:runs",
    "explore": "slalom.cli.exploring:explore",
    "demo": "slalom.cli.demonstration:demo",
    "list": "slalom.cli.listing:list_names",
    "show": "slalom.cli.showing:show",
    "selfcheck": "slalom.cli.selfchecking:selfcheck",
}
"""Command to the module and object behind it, in the order of ``slalom --help``; imported when named."""

MISTAKE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells count
CLOSED_PIPE = 141  # 128 + SIGPIPE


class Application(click.Group):
    """All commands. It ends with an exit code whatever happens, and with a traceback only for a bug."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        command = self.get_command(context, args[0])
        if command is None:
            raise click.UsageError(unknown_command(args[0], COMMANDS), context)
        return args[0], command, args[1:]

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> NoReturn:
        """Run the command that ``args`` name, and exit."""
        typed = list(sys.argv[1:] if args is None else args)
        sys.exit(_supervised(lambda: self._run(typed)))

    def _run(self, args: list[str]) -> int:
        with self.make_context("slalom", args) as context:
            self.invoke(context)
        return 0


@click.group(
    cls=Application,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="slalom", message="%(prog)s %(version)s")
@click.pass_context
def program(context: click.Context) -> None:
    """Race PyTorch optimizers downhill, and see how each one moves.

    \b
    Examples:
      slalom race sphere                          the six classic optimizers, side by side
      slalom race rosenbrock -o adam:lr=0.1 --save card.png
      slalom sweep sphere -o adam --over lr       which learning rates work
      slalom study digits-mlp -o sgd -o adam      which one is better, each tuned
      slalom judge results.csv                    a verdict on results you already have
      slalom list landscapes                      what can be descended
      slalom show adam                            what an optimizer computes
      slalom explore                              a page to play with, in your browser

    Every command explains itself: slalom race --help.
    """
    if context.invoked_subcommand is None:
        echo(context.get_help())


def main() -> NoReturn:
    """The console script: run the command line of this process, and exit."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets a question mark instead of a traceback.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    arguments = sys.argv[1:]
    del sys.argv[1:]  # what slalom is asked for must not be parsed by a file of the user's that parses arguments
    stopping.listen()
    witness.call(arguments)
    try:
        program.main(arguments)
    except SystemExit as end:
        _leave(end.code if isinstance(end.code, int) else 1)


def _open_what_is_closed() -> None:
    """Let a standard stream that is closed lead nowhere: the next file opened would else get its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system gives it the lowest number that is free


def _leave(code: int) -> NoReturn:
    """Exit, and leave no process behind; threads of the user's code, for which Python would wait, end with this one."""
    stopping.hurry_only()
    atexit._run_exitfuncs()
    tracker = sys.modules.get("multiprocessing.resource_tracker")
    if tracker is not None:
        with contextlib.suppress(Exception):  # a private method of Python's; without it the process ends a moment later
            tracker._resource_tracker._stop()
    witness.dismiss()
    folder = sys.modules.get("slalom.lab.worker_folder")
    if folder is not None:  # what the user's code started in this process
        folder.kill(folder.descendants(os.getpid()))
    if any(not one.daemon and one is not threading.main_thread() for one in threading.enumerate()):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _supervised(run: Callable[[], int]) -> int:
    """Return the exit code of ``run``; whatever it raises is told in the right way.

    What was interrupted ends with 128 + the number of the signal, as shells count: 130, 143 after SIGTERM, 129 after
    SIGHUP.
    """
    code = _ended(run)
    return 128 + stopping.last_signal() if code == INTERRUPTED else code


def _ended(run: Callable[[], int]) -> int:
    try:
        code = run()
        if sys.stdout is not None:
            sys.stdout.flush()
        return code
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.UsageError as mistake:
        return _refuse(sentence(mistake))
    except (KeyboardInterrupt, click.Abort) as end:
        from slalom.core.raised import is_raised_by_a_file

        if is_raised_by_a_file(end):
            return _ended_by(end)
        _tell("\nInterrupted before anything was finished; nothing was written.")
        return INTERRUPTED
    except BrokenPipeError:
        return _closed()
    except Exception as error:
        return _told(error)
    except BaseException as end:  # SystemExit among them: the user's code does not choose slalom's exit code
        return _ended_by(end)


def _ended_by(end: BaseException) -> int:
    """Print the exception by which the user's code ended the program, and return the exit code."""
    from slalom.core import describe_exception

    return _refuse(f"your code raised {describe_exception(end)}.")


def _told(error: Exception) -> int:
    """A caller's mistake or a full disk is one sentence; anything else is a bug, and shows where."""
    from slalom.core import InputError
    from slalom.core.raised import TRACEBACK, trace_lines

    if isinstance(error, InputError):
        code = _refuse(str(error))
        for line in trace_lines(error, whole=TRACEBACK in os.environ):
            _tell(line)
        return code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        _drop_output()
        return _refuse("The output could not be written: there is no space left on the device.")
    traceback.print_exc()
    _tell(
        f"\nThis is a bug in slalom {__version__}, not a mistake of yours. Please report it {_tracker()}, "
        "with the lines above and the command you typed."
    )
    return 1


def _tracker() -> str:
    """Where to report, as the package's own description says."""
    from importlib.metadata import PackageNotFoundError, metadata

    try:
        urls = metadata("slalom").get_all("Project-URL") or []
    except PackageNotFoundError:
        urls = []
    for entry in urls:
        label, _, url = entry.partition(", ")
        if label.lower() in ("issues", "tracker", "bug tracker"):
            return f"at {url}"
    return "where you got slalom from"


def _refuse(text: str) -> int:
    """Print one line that begins with ``Error:``."""
    _tell(click.style("Error: ", fg="red", bold=True) + " ".join(text.split()))
    return MISTAKE


def _tell(text: str) -> None:
    with contextlib.suppress(OSError):  # nobody is listening, and nothing else can be done
        echo(text, err=True)


def _closed() -> int:
    """The reader of a pipe, such as ``head``, has seen enough."""
    _drop_output()
    return CLOSED_PIPE


def _drop_output() -> None:
    """Let what is still in the buffers go nowhere, so that Python's own last flush cannot fail again."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a stream that is no file, as in tests
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

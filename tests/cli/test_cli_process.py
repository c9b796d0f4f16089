"""The program as a process: exit codes, pipes, Ctrl-C, and what it imports."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SLALOM = [sys.executable, "-m", "slalom"]
HEAVY = ("torch", "numpy", "scipy", "sympy", "matplotlib", "rich", "msgspec")

COUNTING = """
from pathlib import Path

calls = 0

def bowl(x, y):
    global calls
    calls += 1
    if calls == 2000:
        Path({marker!r}).touch()
    return x**2 + y**2
"""


def run(*typed: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SLALOM, *typed], capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload, no-any-return]


@pytest.mark.parametrize("typed", [["--help"], ["race", "--help"], ["list", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(typed: list[str]) -> None:
    code = (
        "import sys; from slalom.cli.application import program\n"
        f"try: program.main({typed!r})\n"
        "except SystemExit as end: assert not end.code\n"
        f"sys.exit(str([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stderr == "[]\n"


def test_json_of_a_process_is_parseable_and_stands_alone() -> None:
    done = run("race", "sphere", "-o", "sgd:lr=0.1", "--steps", "3", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["runners"][0]["path"]) == 4


def test_a_mistake_ends_with_code_2_and_one_line() -> None:
    done = run("race", "sphere", "--steps", "many")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("closing", ["<&-", "<&- >&- 2>&-"])
def test_standard_streams_that_are_closed_are_no_error(closing: str, tmp_path: Path) -> None:
    """No file that slalom opens gets their numbers, so nothing that is printed gets into one."""
    typed = [*SLALOM, "race", "sphere", "-o", "sgd:lr=0.1", "--steps", "3", "--save", str(tmp_path / "race.json")]
    done = subprocess.run(["sh", "-c", f"exec {shlex.join(typed)} {closing}"], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(json.loads((tmp_path / "race.json").read_text())["runners"][0]["path"]) == 4


@pytest.mark.parametrize("name", ["loop", "~nobody-of-this-name/runs.sqlite"])
def test_a_store_whose_path_leads_nowhere_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    done = run("study", "sphere", "-o", "sgd", "-o", "adam", "--store", name, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), done.stderr
    told = "is a symbolic link that leads back to itself" if name == "loop" else "cannot be opened: there is no folder"
    assert done.stderr.startswith(f"Error: `{name}` {told}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_after_the_work_is_done_changes_nothing(number: signal.Signals) -> None:
    code = (
        "import atexit, sys, time\n"
        "atexit.register(lambda: (print('cleaning up', flush=True), time.sleep(1), print('clean', flush=True)))\n"
        "from slalom.cli.application import main\n"
        "sys.argv[1:] = ['--version']\n"
        "main()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        while process.stdout.readline() != b"cleaning up\n":
            assert process.poll() is None
        process.send_signal(number)
        assert (*process.communicate(timeout=60), process.returncode) == (b"clean\n", b"", 0)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="only some systems have a file without an end")
def test_a_device_is_not_read_for_results() -> None:
    done = run("judge", "/dev/zero")
    assert (done.returncode, done.stderr) == (2, "Error: `/dev/zero` is a device: name a file.\n")


def test_a_closed_pipe_is_no_error() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([*SLALOM, "list", "landscapes"], stdout=writer, stderr=subprocess.PIPE, timeout=60)
    os.close(writer)
    assert (process.returncode, process.stderr) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only some systems have a disk that is always full")
def test_a_full_disk_is_told_in_one_sentence() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*SLALOM, "list", "landscapes"], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 2
    assert done.stderr == b"Error: The output could not be written: there is no space left on the device.\n"


def test_bytes_that_are_no_text_end_in_a_sentence() -> None:
    done = subprocess.run([*SLALOM, "race", b"\xff\xfe\x01"], capture_output=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr.startswith("Error: `���`".encode())


def test_a_terminal_without_greek_gets_question_marks() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = run("list", "landscapes", env=environment, encoding="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert [word.rstrip(";") for word in done.stdout.splitlines()[0].split()[:3]] == ["sphere", "??", "x?²"]


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    """A race that is stopped prints and writes the steps it has made, and exits with 130."""
    marker = tmp_path / "running"
    (tmp_path / "mine.py").write_text(COUNTING.format(marker=str(marker)))
    typed = ["race", "mine.py:bowl", "-o", "adam", "--steps", "1000000", "--engine", "field", "--json"]
    process = subprocess.Popen(
        [*SLALOM, *typed, "--save", "part.csv"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 60
    while not marker.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    race = json.loads(out)
    assert process.returncode == 130, err
    assert 0 < race["steps"] < 1_000_000
    assert race["remarks"][0] == f"interrupted after step {race['steps']} of 1000000"
    assert len(race["runners"][0]["path"]) == race["steps"] + 1
    assert len((tmp_path / "part.csv").read_text().splitlines()) == race["steps"] + 2
    assert err.decode().endswith("Interrupted: this is what had been finished.\n")

"""Files of the user's: run once, under a name of their own, alike in every process."""

import pickle
import subprocess
import sys

import pytest

from slalom.core import InputError, python_files


def test_an_unchanged_file_is_run_once(tmp_path):
    """Fetching twice gives the same class, so that what was made before is still an instance of it."""
    (tmp_path / "mine.py").write_text("class Net:\n    pass\n")
    course = f"{tmp_path}/mine.py:Net"
    assert python_files.fetch(course)[0] is python_files.fetch(course)[0]


def test_a_changed_file_is_run_again_at_once(tmp_path):
    """Even where the change keeps the file's length and falls within the same second."""
    path = tmp_path / "mine.py"
    for number in (1, 2):
        path.write_text(f"number = {number}\n")
        assert python_files.fetch(f"{path}:number")[0] == number


def test_two_files_of_one_name_do_not_meet(tmp_path):
    """Same stem, different folders: each keeps its own module."""
    classes = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "task.py").write_text("class Net:\n    pass\n")
        classes.append(python_files.fetch(f"{tmp_path}/{folder}/task.py:Net")[0])
    assert classes[0].__module__ != classes[1].__module__
    assert all(pickle.loads(pickle.dumps(kind())).__class__ is kind for kind in classes)


def test_another_process_that_fetches_the_file_can_unpickle(tmp_path):
    """What was pickled here is read by a process that has fetched from the same file, by another spelling of it."""
    path = tmp_path / "mine.py"
    path.write_text("class Net:\n    size = 7\n")
    (tmp_path / "net.pickle").write_bytes(pickle.dumps(python_files.fetch(f"{path}:Net")[0]()))
    code = (
        "import pickle, sys; from slalom.core import python_files; python_files.fetch('mine.py:Net');"
        "sys.exit(pickle.load(open('net.pickle', 'rb')).size)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 7


def test_a_file_that_fails_leaves_no_module_behind(tmp_path):
    """A failed run is told with its line, and forgotten."""
    path = tmp_path / "mine.py"
    path.write_text("x = 1\n1 / 0\n")
    with pytest.raises(InputError, match=r"raised `ZeroDivisionError: division by zero \(mine\.py, line 2\)`\.$"):
        python_files.fetch(f"{path}:x")
    assert python_files.module_name(path) not in sys.modules

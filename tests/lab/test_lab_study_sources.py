"""A run is stored under the text that computed it: files that change, modules of one name, imports from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import slalom
from slalom.core import InputError
from slalom.lab.studying import Study
from slalom.lab.workers import dismiss
from slalom.store import MemoryStore, Store
from slalom.store import open as open_store

PAIR = ["sgd:lr=0.1", "adam:lr=0.1"]
QUICK: dict[str, Any] = {"track": "defaults", "seeds": 2, "workers": 1}

LOOP = """
import time
import torch
{imports}

def train(make_optimizer, seed):
    import late
    optimizer = make_optimizer([torch.nn.Parameter(torch.ones(1))])
    time.sleep({pause})
    yield {{"validation_loss": VALUE + late.VALUE}}
"""


def write(folder: Path, imports: str = "from amount import VALUE", pause: float = 0, **values: float) -> str:
    """Write a loop that yields the sum of two numbers, ``VALUE`` and the one in ``late.py``; return its course."""
    folder.mkdir(exist_ok=True)
    (folder / "loop.py").write_text(LOOP.format(imports=imports, pause=pause))
    for name, value in {"late": 0.0, **values}.items():
        (folder / f"{name}.py").write_text(f"VALUE = {value}\n")
    return f"{folder}/loop.py:train"


def losses(store: Store) -> dict[str, set[float]]:
    """Return what was stored, by the hash of the course's files."""
    found: dict[str, set[float]] = {}
    for run in store:
        found.setdefault(run.spec.course_fingerprint, set()).add(run.metrics["validation_loss"])
    return found


def study(course: str, store: Store, optimizers: Any = PAIR, **terms: Any) -> Study:
    found = slalom.study(course, optimizers, store=store, **{**QUICK, **terms})
    assert isinstance(found, Study)
    return found


# -- files that change -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_editing_a_module_while_its_study_runs_stops_it_and_keeps_what_was_right(tmp_path: Path, workers: int) -> None:
    """Another process edits; the study runs on the command line."""
    course, path = write(tmp_path, pause=0.1, amount=1.0), tmp_path / "runs.sqlite"
    typed = ["study", course, "-o", "sgd:lr=0.1", "-o", "adam:lr=0.1", "--track", "defaults", "--seeds", "60"]
    typed += ["--workers", f"{workers}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "slalom", *typed, "--store", str(path)], stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None and count(path) < 4:
        time.sleep(0.02)
    (tmp_path / "amount.py").write_text("VALUE = 2.0\n")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 2, err
    assert f"Error: `{tmp_path}/amount.py` has changed while the study was running." in err
    assert "type the same command again" in err
    with open_store(path) as store:
        first = losses(store)
        assert list(first.values()) == [{1.0}]
        before = store.count()
        assert study(course, store).computed == 4
        assert sorted(map(sorted, losses(store).values())) == [[1.0], [2.0]]
        assert before >= 4


def count(path: Path) -> int:
    try:
        with open_store(path, create=False, readonly=True) as store:
            return store.count()
    except InputError:  # it is being made
        return 0


@pytest.mark.parametrize("name", ["loop", "amount", "late"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_refuses_another_text_than_the_one_that_was_planned(tmp_path: Path, name: str, workers: int) -> None:
    course, store = write(tmp_path, amount=1.0), MemoryStore()
    file = tmp_path / f"{name}.py"

    def edit(told: str) -> None:
        if told.startswith("evaluating"):
            file.write_text(file.read_text().replace("VALUE", "VALUE  "))

    with pytest.raises(InputError, match=rf"`.*{name}\.py` has changed while the study was running\."):
        study(course, store, workers=workers, say=edit)
    assert store.count() == 0
    dismiss()


def test_a_worker_that_has_served_before_computes_with_the_text_of_today(tmp_path: Path) -> None:
    course, store = write(tmp_path, amount=1.0), MemoryStore()
    study(course, store, workers=2)
    (tmp_path / "amount.py").write_text("VALUE = 2.0\n")
    found = study(course, store, workers=2)
    assert found.computed == 4
    assert sorted(map(sorted, losses(store).values())) == [[1.0], [2.0]]
    dismiss()


def test_a_file_that_changes_and_changes_back_within_a_second_is_run_as_it_is(tmp_path: Path) -> None:
    """Python's cache of compiled files would take the second text, of equal length, for the first."""
    store = MemoryStore()
    for value in (1.0, 2.0, 1.0):
        course = write(tmp_path, amount=value)
        os.utime(tmp_path / "amount.py", (1_000_000_000, 1_000_000_000))
        study(course, store)
    assert sorted(map(sorted, losses(store).values())) == [[1.0], [2.0]]


def test_a_module_that_no_text_names_is_not_stored_silently(tmp_path: Path) -> None:
    """It is imported after the first evaluation, which is as far as a loop is run before its study."""
    course, store = write(tmp_path, amount=1.0), MemoryStore()
    with (tmp_path / "loop.py").open("a") as file:
        file.write(
            '    import importlib\n    importlib.import_module("hid" + "den")\n    yield {"validation_loss": 3}\n'
        )
    (tmp_path / "hidden.py").touch()
    with pytest.raises(
        InputError, match=r"hidden\.py` was imported .* by a name that is not in the text of `loop\.py`"
    ):
        study(course, store)
    assert store.count() == 0


def test_a_module_with_a_computed_name_that_is_imported_at_once_is_in_the_key(tmp_path: Path) -> None:
    computed = "import importlib\nVALUE = importlib.import_module('am' + 'ount').VALUE"
    course, store = write(tmp_path, computed, amount=1.0), MemoryStore()
    study(course, store)
    write(tmp_path, computed, amount=2.0)
    assert study(course, store).computed == 4
    assert sorted(map(sorted, losses(store).values())) == [[1.0], [2.0]]


def test_a_module_with_a_computed_name_that_is_imported_when_a_loop_runs_is_in_the_key_with_any_workers(
    tmp_path: Path,
) -> None:
    course, store = write(tmp_path, "import importlib\nVALUE = 0", hidden=1.0), MemoryStore()
    loop = tmp_path / "loop.py"
    loop.write_text(loop.read_text().replace("import late", "late = importlib.import_module('hid' + 'den')"))
    assert study(course, store, workers=2).computed == 4
    assert study(course, store, workers=1).computed == 0
    (tmp_path / "hidden.py").write_text("VALUE = 2.0\n")
    assert study(course, store, workers=2).computed == 4
    assert sorted(map(sorted, losses(store).values())) == [[1.0], [2.0]]
    dismiss()


def test_a_landscape_whose_file_changes_is_not_stored_under_the_former_text(tmp_path: Path) -> None:
    (tmp_path / "factor.py").write_text("FACTOR = 1.0\n")
    (tmp_path / "bowl.py").write_text(
        "from factor import FACTOR\n\ndef bowl(x, y):\n    return FACTOR * x**2 + y**2 + 1\n"
    )
    store = MemoryStore()

    def edit(told: str) -> None:
        if told.startswith("evaluating"):
            (tmp_path / "factor.py").write_text("FACTOR = 2.0\n")

    with pytest.raises(InputError, match="has changed while the study was running"):
        study(f"{tmp_path}/bowl.py:bowl", store, say=edit, steps=5)
    assert study(f"{tmp_path}/bowl.py:bowl", store, steps=5).computed == 4


# -- modules of the same name ------------------------------------------------------------------------------------------


def two_folders(root: Path) -> list[str]:
    return [write(root / name, amount=value, late=value / 10) for name, value in (("a", 1.0), ("b", 2.0))]


@pytest.mark.parametrize("workers", [1, 2])
def test_files_in_two_folders_each_have_their_own_modules_in_one_study(tmp_path: Path, workers: int) -> None:
    store = MemoryStore()
    found = slalom.study(two_folders(tmp_path), PAIR, store=store, **{**QUICK, "workers": workers})
    assert [set(part.results.array("SGD")) for part in found.parts] == [{1.1}, {2.2}]
    assert sorted(map(sorted, losses(store).values())) == [[1.1], [2.2]]
    dismiss()


def test_files_in_two_folders_each_have_their_own_modules_in_races(tmp_path: Path) -> None:
    ends = [slalom.race(course, PAIR).runs[0].last["validation_loss"] for course in two_folders(tmp_path)]
    assert ends == [1.1, 2.2]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("found", ["pkgutil.resolve_name('amount:VALUE')", "pickle.loads(b'camount\\nVALUE\\n.')"])
def test_what_a_library_imports_by_a_name_is_from_beside_the_file(tmp_path: Path, found: str, lazy: bool) -> None:
    """The library, such as pickle, says ``import``; each of two files means the module in its own folder."""
    text = "from functools import cache\nimport pickle, pkgutil\n@cache\ndef value():\n"
    text += f"    return {found}\n" + ("" if lazy else "value()\n")
    courses = [write(tmp_path / name, text, amount=value) for name, value in (("a", 1.0), ("b", 2.0))]
    for course in courses:
        file = Path(course.partition(":")[0])
        file.write_text(file.read_text().replace("VALUE + late", "value() + late"))
    store = MemoryStore()
    slalom.study(courses, PAIR, store=store, **QUICK)
    assert list(losses(store).values()) == [{1.0}, {2.0}]
    assert "amount" not in sys.modules or lazy
    write(tmp_path / "b", text, amount=3.0)
    file.write_text(file.read_text().replace("VALUE + late", "value() + late"))
    assert study(courses[1], store).computed == 4
    assert list(losses(store).values()) == [{1.0}, {2.0}, {3.0}]


def test_a_new_file_that_goes_before_an_old_one_makes_other_runs(tmp_path: Path) -> None:
    course, store = write(tmp_path, "from part.amount import VALUE"), MemoryStore()
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "amount.py").write_text("VALUE = 1.0\n")
    study(course, store)
    (tmp_path / "part" / "__init__.py").write_text("from part import amount\namount.VALUE = 2.0\n")
    assert study(course, store).computed == 4
    assert list(losses(store).values()) == [{1.0}, {2.0}]


def test_two_files_of_one_folder_do_not_share_what_they_change_in_a_module(tmp_path: Path) -> None:
    """Each file sets the width, which is read when the network is made: as if each were run by itself."""
    (tmp_path / "config.py").write_text("width = 0\n")
    for width in (3, 5):
        (tmp_path / f"task{width}.py").write_text(
            "import torch, config\nfrom slalom import Task\n"
            f"config.width = {width}\n"
            "def net():\n    first = torch.nn.Linear(2, config.width)\n"
            "    return torch.nn.Sequential(first, torch.nn.Linear(config.width, 1))\n"
            "task = Task(net, (torch.ones(20, 2), torch.ones(20, 1)))\n"
        )
    found = [slalom.tasks.find(f"{tmp_path}/task{width}.py:task") for width in (3, 5)]
    assert [task.model(0)[0].out_features for task in found] == [3, 5]


# -- imports from elsewhere --------------------------------------------------------------------------------------------


def inserted(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return f"import sys\nsys.path.insert(0, {str(root / 'lib')!r})\nfrom elsewhere import VALUE"


def appended(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return f"import sys\nsys.path.append({str(root / 'lib')!r})\nfrom elsewhere import VALUE"


def on_the_search_path(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(root / "lib"))
    return "from elsewhere import VALUE"


def namespace(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(root))
    return "from lib.elsewhere import VALUE"


def by_location(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return (
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('elsewhere', {str(root / 'lib' / 'elsewhere.py')!r})\n"
        "module = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\nVALUE = module.VALUE"
    )


def by_a_third(root: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (root / "lib" / "third.py").write_text("import elsewhere\n\ndef value():\n    return elsewhere.VALUE\n")
    return f"import sys\nsys.path.insert(1, {str(root / 'lib')!r})\nimport third\nVALUE = third.value()"


@pytest.mark.parametrize("how", [inserted, appended, on_the_search_path, namespace, by_location, by_a_third])
def test_a_change_of_a_module_from_elsewhere_makes_other_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Any
) -> None:
    store = MemoryStore()
    (tmp_path / "lib").mkdir()
    elsewhere = tmp_path / "lib" / "elsewhere.py"
    elsewhere.write_text("VALUE = 1.0\n")
    course = write(tmp_path / "tasks", how(tmp_path, monkeypatch))
    assert study(course, store).computed == 4
    assert study(course, store).computed == 0
    (tmp_path / "lib" / "unrelated.py").write_text("VALUE = 5.0\n")
    assert study(course, store).computed == 0
    elsewhere.write_text("VALUE = 2.0\n")
    assert study(course, store).computed == 4
    assert sorted(map(sorted, losses(store).values())) == [[1.0], [2.0]]
    for name in ("elsewhere", "lib", "lib.elsewhere"):
        sys.modules.pop(name, None)


def test_a_folder_that_is_moved_finds_its_runs(tmp_path: Path) -> None:
    store = MemoryStore()
    study(write(tmp_path / "before", amount=1.0), store)
    (tmp_path / "before").rename(tmp_path / "after")
    assert study(f"{tmp_path}/after/loop.py:train", store).computed == 0


def test_versions_of_packages_that_are_imported_directly_are_in_the_key_and_no_others(tmp_path: Path) -> None:
    course, store = write(tmp_path, "from amount import VALUE\nimport numpy", amount=1.0), MemoryStore()
    (tmp_path / "amount.py").write_text("from PIL import Image\nimport json\nVALUE = 1.0\n")
    study(course, store)
    (run, *_) = store
    assert run.spec.versions.keys() == {"torch", "numpy", "pillow"}

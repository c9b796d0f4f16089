"""Where published data come from: the user's folders, the system's, the cache, a server; and what is refused."""

import functools
import http.server
import io
import threading
from dataclasses import replace
from pathlib import Path

import idx_files
import numpy as np
import pytest
import torch

from conftest import missing
from slalom import InputError, tasks
from slalom.tasks import downloads, files, images

MNIST_FOLDER = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "mnist"


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch, tmp_path):
    """No variable, no cache of the user's; and no data read before."""
    monkeypatch.delenv("SLALOM_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    images.published.cache_clear()
    yield
    images.published.cache_clear()


@pytest.fixture
def server(tmp_path):
    """Give a folder that a web server serves, its address, and the paths it was asked for."""
    folder, asked = tmp_path / "served", []
    folder.mkdir()

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            asked.append(self.path)

    serving = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{serving.server_port}", asked
    serving.shutdown()
    thread.join()
    serving.server_close()


def like(published, raw, **fields):
    """Return a data set of the given files, under the name of a published one."""
    digests = tuple(files.digest(content) for content in raw.values())
    return replace(published, digests=digests, system=(), **fields)


def contents(fetched):
    return [raw for _, raw in fetched]


def refused(function, *arguments):
    with pytest.raises(InputError) as problem:
        function(*arguments)
    assert "\n" not in str(problem.value)
    return str(problem.value)


@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("compressed", [True, False])
def test_a_folder_of_the_users(tmp_path, below, compressed):
    """The folder itself or one below it, as others lay it out; compressed or not."""
    raw = idx_files.four()
    idx_files.write(tmp_path / "data" / below, raw, compressed)
    assert contents(downloads.fetch(files.MNIST, str(tmp_path / "data"))) == list(raw.values())


def test_the_other_spelling(tmp_path):
    """train-images.idx3-ubyte, with a dot, is found as well."""
    raw = idx_files.four()
    idx_files.write(tmp_path, {name.replace("-idx", ".idx"): content for name, content in raw.items()}, False)
    assert contents(downloads.fetch(files.MNIST, str(tmp_path))) == list(raw.values())


def test_the_variable_and_who_comes_first(tmp_path, monkeypatch):
    """SLALOM_DATA is looked into, after the folder that was named."""
    named, variable = idx_files.four(seed=1), idx_files.four(seed=2)
    idx_files.write(tmp_path / "named", named)
    idx_files.write(tmp_path / "variable" / "mnist", variable)
    monkeypatch.setenv("SLALOM_DATA", str(tmp_path / "variable"))
    assert contents(downloads.fetch(files.MNIST)) == list(variable.values())
    assert contents(downloads.fetch(files.MNIST, str(tmp_path / "named"))) == list(named.values())


def test_a_package_of_the_system_and_the_cache_are_checked(tmp_path):
    """What the user did not name must have the right checksums."""
    raw = idx_files.four()
    wanted = replace(like(files.MNIST, raw), system=(str(idx_files.write(tmp_path / "system", raw)),))
    assert contents(downloads.fetch(wanted)) == list(raw.values())
    other = replace(wanted, digests=("0" * 32, *wanted.digests[1:]))
    assert refused(downloads.fetch, other).endswith("is corrupt: its checksum is not that of MNIST; delete it.")


def test_folders_that_do_not_hold_the_data(tmp_path, monkeypatch):
    """A folder that is not there, an empty one, one that lacks a file: each has its sentence."""
    monkeypatch.chdir(tmp_path)
    assert refused(downloads.fetch, files.MNIST, "nowhere") == (
        "`nowhere` is not a folder: the data folder is where the files of MNIST lie."
    )
    (tmp_path / "empty").mkdir()
    assert refused(downloads.fetch, files.MNIST, "empty") == (
        "`empty` holds no MNIST: it needs train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
        "t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz, compressed or not, in it or in `mnist` below it."
    )
    raw = idx_files.four()
    raw.pop("t10k-labels-idx1-ubyte")
    idx_files.write(tmp_path / "three", raw)
    assert refused(downloads.fetch, files.MNIST, "three") == (
        "`three` lacks `t10k-labels-idx1-ubyte.gz` (or `t10k-labels.idx1-ubyte`)."
    )
    monkeypatch.setenv("SLALOM_DATA", "nowhere")
    assert refused(downloads.fetch, files.MNIST) == (
        "`nowhere` is not a folder: SLALOM_DATA is where the files of MNIST lie."
    )


def test_the_files_of_another_data_set_are_refused(tmp_path, monkeypatch):
    """MNIST and Fashion-MNIST have files of the same names: they are told apart by their checksums."""
    raw = idx_files.four()
    other = like(files.FASHION_MNIST, raw)
    monkeypatch.setattr(files, "PUBLISHED", (files.MNIST, other))
    idx_files.write(tmp_path / "mine", raw)
    monkeypatch.chdir(tmp_path)
    assert refused(downloads.fetch, files.MNIST, "mine") == (
        "`mine/train-images-idx3-ubyte.gz` is `train-images-idx3-ubyte` of Fashion-MNIST: MNIST's train-images-idx3 is "
        "wanted."
    )
    swapped = dict(zip(raw, [*list(raw.values())[2:], *list(raw.values())[:2]], strict=True))
    idx_files.write(tmp_path / "swapped", swapped)
    assert "of Fashion-MNIST: Fashion-MNIST's train-images-idx3" in refused(downloads.fetch, other, "swapped")


def test_a_data_set_is_downloaded_once(server, tmp_path):
    """The second mirror serves where the first does not; what is in the cache is not fetched again."""
    folder, address, asked = server
    raw = idx_files.four()
    idx_files.write(folder / "good", raw)
    wanted = like(files.MNIST, raw, mirrors=(f"{address}/none", f"{address}/good"))
    assert contents(downloads.fetch(wanted)) == list(raw.values())
    count = len(asked)
    assert contents(downloads.fetch(wanted)) == list(raw.values())
    assert len(asked) == count
    assert sorted(path.name for path in files.cache(wanted).iterdir()) == sorted(f"{name}.gz" for name in raw)
    (files.cache(wanted) / "t10k-labels-idx1-ubyte.gz").unlink()
    assert contents(downloads.fetch(wanted)) == list(raw.values())


def test_a_download_shows_how_far_it_is(server, monkeypatch):
    """A bar on standard error, where that is a terminal, with the name of each file; nothing elsewhere."""
    folder, address, _ = server
    raw = idx_files.four()
    wanted = like(files.MNIST, raw, mirrors=(f"{address}/none", str(address)))
    idx_files.write(folder, raw)
    monkeypatch.setenv("COLUMNS", "120")
    written = {}
    for terminal in (True, False):
        stream = io.StringIO()
        stream.isatty = lambda terminal=terminal: terminal
        monkeypatch.setattr("sys.stderr", stream)
        downloads.download(wanted)
        written[terminal] = stream.getvalue()
    assert all(f"MNIST: {name}.gz" in written[True] for name in raw)
    assert written[False] == ""


def test_a_download_that_is_not_what_it_should_be_leaves_nothing(server):
    """Another file, or a truncated one, under the right name: the cache stays empty, and the reason is told."""
    folder, address, _ = server
    raw = idx_files.four()
    idx_files.write(folder / "other", idx_files.four(seed=9))
    idx_files.write(folder / "cut", raw)
    for path in (folder / "cut").iterdir():
        path.write_bytes(path.read_bytes()[:-9])
    wanted = like(files.MNIST, raw, mirrors=(f"{address}/other", f"{address}/cut"))
    sentence = refused(downloads.fetch, wanted)
    assert sentence.count("the file that came has another checksum") == 2
    assert list(files.cache(wanted).iterdir()) == []


def test_without_network_one_sentence_says_what_to_do(server):
    """Which mirrors failed and how, the four files by name, and where to put them."""
    _, address, _ = server
    wanted = replace(files.FASHION_MNIST, mirrors=(f"{address}/none", "http://127.0.0.1:9"), system=())
    assert refused(downloads.fetch, wanted) == (
        f"Fashion-MNIST is not on this machine and could not be downloaded ({address}/none: HTTPError; "
        "http://127.0.0.1:9: ConnectionError): put train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, "
        "t10k-images-idx3-ubyte.gz, t10k-labels-idx1-ubyte.gz into a folder and name it with --data-dir or "
        "SLALOM_DATA, or install Debian's package dataset-fashion-mnist."
    )


def test_images_become_tensors_as_published(tmp_path):
    """Pixels scaled by (x/255 − 0.5)/0.5, training images first; labels as they are."""
    raw = idx_files.four()
    idx_files.write(tmp_path / "data", raw)
    held = images.published(files.MNIST, str(tmp_path / "data"), centred=True)
    assert (held.train, held.validation, held.test) == (30, 0, 20)
    pixels = np.frombuffer(raw["t10k-images-idx3-ubyte"], np.uint8, offset=16).reshape(20, 1, 28, 28)
    assert torch.allclose(
        held.examples.inputs[0][30:], torch.tensor(pixels / 127.5 - 1, dtype=torch.float32), atol=1e-6
    )
    assert held.examples.target[:30].tolist() == list(raw["train-labels-idx1-ubyte"][8:])
    plain = images.published(files.MNIST, str(tmp_path / "data"), centred=False, tested=5)
    assert plain.test == 5
    assert torch.allclose(plain.examples.inputs[0][30:], torch.tensor(pixels[:5] / 255, dtype=torch.float32))


def test_too_small_a_set_for_the_validation_of_the_catalogue(tmp_path):
    """mnist-mlp holds out 5,000 images."""
    idx_files.write(tmp_path / "data", idx_files.four())
    assert refused(tasks.find("mnist-mlp", tmp_path / "data").check) == (
        "`mnist-mlp`: 30 examples are too few to hold out 5,000 for validation and 0 for the test: hold out fewer, or "
        "validation=0."
    )


@pytest.mark.parametrize("wanted", [files.MNIST, files.FASHION_MNIST], ids=lambda wanted: wanted.name)
def test_the_real_sets_where_they_are(wanted):
    """Sizes, the first labels as published, ten classes, and the mean pixel that everybody normalises by."""
    folder = MNIST_FOLDER if wanted is files.MNIST else Path(wanted.system[0])
    if not folder.is_dir():
        if wanted is files.MNIST:
            pytest.skip("MNIST is not on this machine")
        missing("Debian's package dataset-fashion-mnist")
    held = images.published(wanted, str(folder), centred=False)
    pixels, labels = held.examples.inputs[0], held.examples.target
    assert (held.train, held.test) == (60_000, 10_000)
    first = {"MNIST": [5, 0, 4, 1, 9], "Fashion-MNIST": [9, 0, 0, 3, 0]}[wanted.name]
    assert labels[:5].tolist() == first
    assert sorted(labels.unique().tolist()) == list(range(10))
    assert float(pixels[:60_000].mean()) == pytest.approx(
        {"MNIST": 0.1307, "Fashion-MNIST": 0.2860}[wanted.name], abs=5e-5
    )
    assert [files.digest(raw) for _, raw in downloads.fetch(wanted, str(folder))] == list(wanted.digests)

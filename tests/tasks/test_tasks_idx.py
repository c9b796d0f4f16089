"""IDX files: read as they are published, and refused by name and reason where they are not."""

import gzip
import struct
from pathlib import Path

import idx_files
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from slalom import InputError
from slalom.tasks import idx

PATH = Path("data/train-images-idx3-ubyte.gz")
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 28, 28))
LABELS = np.array([3, 0, 9])


def refused(function, *arguments, **options):
    with pytest.raises(InputError) as problem:
        function(*arguments, **options)
    return str(problem.value)


@given(arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5)))
def test_what_was_written_is_read(array):
    """Any array of bytes of up to four dimensions, empty ones included."""
    assert np.array_equal(idx.parse(idx_files.idx(array), PATH), array)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_one_sentence(raw):
    """No bytes cause anything but an array or one sentence that names the file."""
    for start in (b"", b"\0\0\x08", b"\0\0\x08\x01", b"\0\0\x08\x03\0\0\0\x01"):
        sentence = f"`{PATH}` "
        try:
            idx.parse(start + raw, PATH)
        except InputError as problem:
            sentence = str(problem)
        assert sentence.startswith(f"`{PATH}` ")
        assert "\n" not in sentence


@given(st.integers(0, 2367))
def test_a_file_cut_anywhere_is_refused(length):
    """Wherever a compressed or a plain file ends early."""
    raw = idx_files.idx(IMAGES)
    assert refused(idx.images, raw[:length], PATH, side=28)


def test_packed_or_not(tmp_path):
    """A gzip file is known by its first bytes, whatever its name."""
    raw = idx_files.idx(LABELS)
    for content in (raw, gzip.compress(raw)):
        path = tmp_path / "labels"
        path.write_bytes(content)
        assert idx.unpacked(path) == raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "is not an IDX file: it does not begin with two zero bytes and a type."),
        (b"<html>not found</html>", "is not an IDX file: it does not begin with two zero bytes and a type."),
        (b"\0\0\x0d\x01" + bytes(8), "holds floats, not unsigned bytes: images and labels are bytes."),
        (b"\0\0\x07\x01" + bytes(8), "holds the unknown type 7, not unsigned bytes: images and labels are bytes."),
        (b"\0\0\x08\x00", "has 0 dimensions: labels have 1, images 3."),
        (b"\0\0\x08\x03" + bytes(5), "is truncated: it ends inside its header, after 9 bytes."),
        (
            idx_files.idx(IMAGES)[:-1],
            "is truncated: its header says 3×28×28, so 2,368 bytes, but it has 2,367; fetch it again.",
        ),
        (
            idx_files.idx(IMAGES) + b"\0",
            "has bytes too many: its header says 3×28×28, so 2,368 bytes, but it has 2,369; fetch it again.",
        ),
        (
            b"\0\0\x08\x03" + struct.pack(">III", 2**32 - 1, 2**32 - 1, 2**32 - 1),
            "is truncated: its header says 4294967295×4294967295×4294967295, so 79,228,162,458,924,105,385,300,197,391 "
            "bytes, but it has 16; fetch it again.",
        ),
        (idx_files.idx(LABELS), "holds labels, and images are expected: has it the name of another file?"),
        (idx_files.idx(IMAGES[:, :27]), "holds the shape [3, 27, 28], not images of 28×28 pixels."),
        (idx_files.idx(IMAGES[:0]), "holds no images."),
    ],
)
def test_what_is_no_file_of_images(raw, reason):
    """The whole sentence for each."""
    assert refused(idx.images, raw, PATH, side=28) == f"`{PATH}` {reason}"


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (IMAGES, " holds images, and labels are expected: has it the name of another file?"),
        (LABELS[:2], " holds 2 labels for 3 images: the files do not belong together."),
        (np.array([1, 10, 2]), ": labels are 0 to 9, but number 1 is 10."),
    ],
)
def test_what_is_no_file_of_labels(array, reason):
    """The whole sentence for each."""
    assert refused(idx.labels, idx_files.idx(array), PATH, classes=10, count=3) == f"`{PATH}`{reason}"


def test_compressed_files_that_are_damaged(tmp_path):
    """Cut short, or with a byte that flipped: gzip's own checksum finds it."""
    packed = bytearray(gzip.compress(idx_files.idx(IMAGES)))
    path = tmp_path / "x.gz"
    path.write_bytes(packed[:-20])
    assert refused(idx.unpacked, path).endswith("is truncated: its compressed data end early; fetch it again.")
    packed[len(packed) // 2] ^= 255
    path.write_bytes(packed)
    assert "x.gz` is corrupt (" in refused(idx.unpacked, path)
    assert refused(idx.unpacked, tmp_path).endswith("cannot be read: `Is a directory`.")

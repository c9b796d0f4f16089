"""Small IDX files, written independently of the reader."""

import gzip
import struct

import numpy as np

NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def idx(array: np.ndarray) -> bytes:
    """Return an array of bytes as an IDX file has it."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(struct.pack(">I", size) for size in array.shape)
    return header + array.astype(np.uint8).tobytes()


def four(train: int = 30, test: int = 20, seed: int = 0) -> dict[str, bytes]:
    """Return images and labels of 28×28 pixels at random, by file name, uncompressed."""
    generator = np.random.default_rng(seed)
    files = {}
    for name, count in zip(NAMES, (train, train, test, test), strict=True):
        shape, most = ((count, 28, 28), 256) if "images" in name else ((count,), 10)
        files[name] = idx(generator.integers(0, most, shape))
    return files


def write(folder, files: dict[str, bytes], compressed: bool = True):
    """Write the files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, raw in files.items():
        path = folder / (f"{name}.gz" if compressed else name)
        path.write_bytes(gzip.compress(raw, 1) if compressed else raw)
    return folder

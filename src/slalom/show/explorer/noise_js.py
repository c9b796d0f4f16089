"""What the page needs to draw the very numbers that NumPy draws: the widths of the layers of its ziggurat.

NumPy's normal numbers (Marsaglia and Tsang 2000, doi:10.18637/jss.v005.i08) are a random integer times the width of a
randomly chosen layer. The widths are rounded in a way that no formula gives back exactly, so NumPy is asked for them:
a Mersenne twister whose state is chosen puts out any word one likes, among them "layer i, integer 1".
"""

from __future__ import annotations

import base64

import numpy as np

LAYERS = 256


def noise_js() -> str:
    """Return ``const zigguratWidths = …;``, 256 float64 as text, for ``page/noise.js``."""
    text = base64.b64encode(widths().astype("<f8").tobytes()).decode()
    return f'const zigguratWidths = "{text}";\n'


def widths() -> np.ndarray:
    """Return the width of each layer of NumPy's ziggurat, shape [256], float64."""
    return np.array([_normal_from((1 << 9) | layer) for layer in range(LAYERS)])


def _normal_from(word: int) -> float:
    """Return the normal number that NumPy makes of one 64-bit word (and of zeros after it, where it needs more)."""
    twister = np.random.MT19937(0)
    key = np.zeros(624, dtype=np.uint32)
    key[0], key[1] = _untempered(word >> 32), _untempered(word & 0xFFFFFFFF)
    twister.state = {"bit_generator": "MT19937", "state": {"key": key, "pos": 0}}
    return float(np.random.Generator(twister).standard_normal())


def _untempered(output: int) -> int:
    """Return the word of the twister's state that it puts out as ``output``: its tempering, backwards."""
    word = output ^ (output >> 18)
    word ^= (word << 15) & 0xEFC60000
    found = word
    for _ in range(5):  # each turn settles seven more bits
        found = word ^ ((found << 7) & 0x9D2C5680)
    word = found & 0xFFFFFFFF
    for _ in range(3):  # and eleven more here
        found = word ^ (found >> 11)
    return found & 0xFFFFFFFF

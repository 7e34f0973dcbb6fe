"""How are many levels kept small?

As 16-bit steps of 1/256 octave (0.27%), little-endian: far finer than any spread that is judged by (10% and more), and
one size for bytes and nanoseconds. What the running comparison reckons with goes through the same steps, so that a
baseline looks the same while it is judged and when it has become history.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streams.judging.levels.scale import Floats

_PER_OCTAVE = 256.0
MISSING = -32768
ZERO, _LARGEST = -32767, 32766
Codes = NDArray[np.int16]


def encode(levels: Floats) -> Codes:
    """Levels as steps; not a number is missing, 0 and less is zero."""
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.clip(np.rint(np.log2(levels) * _PER_OCTAVE), ZERO + 1, _LARGEST)
        steps = np.where(levels > 0.0, steps, ZERO)
    return np.where(np.isnan(levels), MISSING, steps).astype("<i2")


def decode(codes: Codes) -> Floats:
    """The levels again, each within 0.14%.

    >>> import numpy as np
    >>> decode(encode(np.array([np.nan, 0.0, 1.0, 1024.0]))).tolist()
    [nan, 0.0, 1.0, 1024.0]
    """
    levels = np.exp2(codes.astype(np.float64) / _PER_OCTAVE)
    return np.where(codes == MISSING, np.nan, np.where(codes == ZERO, 0.0, levels))


def to_bytes(array: NDArray[np.generic], dtype: str) -> bytes:
    """Row by row; `dtype` is numpy's, little-endian: `<i2`, `<u2`, `<f4`, `<f8`."""
    return np.ascontiguousarray(array, dtype=dtype).tobytes()


def from_bytes(data: bytes, dtype: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The array again, as float64, writable."""
    return np.frombuffer(data, dtype=dtype).reshape(shape).astype(np.float64)

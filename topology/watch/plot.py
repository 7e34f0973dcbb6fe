"""The signal, its score and its alarms in one picture, at most 1,500 columns wide: each shows the range of its values.

SVG with words and scales, or PNG without them: what a browser shows, and what everything else does.
"""

from __future__ import annotations

import struct
import zlib
from array import array
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from numpy.typing import NDArray

from streams.errors import BadPolicy

_COLUMNS, _UPPER, _LOWER, _GAP = 1500, 300, 120, 10
_WHITE, _RINGS, _VALUE, _SCORE = (255, 255, 255), (250, 220, 220), (40, 70, 120), (196, 38, 46)
Floats = NDArray[np.float64]


class Picture:
    """`add` values as they are judged, then `save`."""

    def __init__(self, path: Path) -> None:
        """Begin a picture.

        Raises:
            BadPolicy: its name ends in neither .svg nor .png.
        """
        if path.suffix.lower() not in (".svg", ".png"):
            raise BadPolicy("plot", str(path), "a name that ends in .svg or .png is")
        self._path = path
        self._values, self._scores, self._rings = array("d"), array("d"), array("b")

    def add(self, value: float, score: float, rings: bool) -> None:
        """One more value."""
        self._values.append(value)
        self._scores.append(score)
        self._rings.append(rings)

    def save(self) -> None:
        """Write the file."""
        if self._path.suffix.lower() == ".png":
            self._path.write_bytes(_png(self._raster()))
        else:
            self._path.write_text(self._svg(), encoding="utf-8")

    def _columns(self) -> tuple[list[tuple[float, float]], list[float], list[bool], float, float]:
        """Per column: range of the value (0..1), greatest score, whether it rings; and what 0 and 1 stand for."""
        values, scores = np.asarray(self._values), np.asarray(self._scores)
        if not values.size:
            return [], [], [], 0.0, 1.0
        least, most = float(values.min()), float(values.max())
        span = (most - least) or 1.0
        parts = np.array_split(np.arange(values.size), min(_COLUMNS, values.size))
        ranges = [
            (float(values[part].min() - least) / span, float(values[part].max() - least) / span) for part in parts
        ]
        rings = np.asarray(self._rings)
        return (
            ranges,
            [float(scores[part].max()) for part in parts],
            [bool(rings[part].any()) for part in parts],
            least,
            most,
        )

    def _raster(self) -> NDArray[np.uint8]:
        ranges, scores, rings, _, _ = self._columns()
        width = max(len(ranges), 1)
        image = np.full((_UPPER + _GAP + _LOWER, width, 3), _WHITE, np.uint8)
        before: tuple[float, float] | None = None
        for x, ((low, high), score, ringing) in enumerate(zip(ranges, scores, rings, strict=True)):
            if ringing:
                image[:, x] = _RINGS
            last_low, last_high = before or (low, high)
            before = low, high
            edges = max(high, last_low), min(low, last_high)  # no holes between neighbouring columns
            top, bottom = (int((1.0 - edge) * (_UPPER - 1)) for edge in edges)
            image[top : bottom + 1, x] = _VALUE
            begin = _UPPER + _GAP + int((1.0 - score) * (_LOWER - 1))
            image[begin : _UPPER + _GAP + _LOWER, x] = _SCORE
        return image

    def _svg(self) -> str:
        ranges, scores, rings, least, most = self._columns()
        templates = Environment(
            loader=PackageLoader("topology.watch"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        edges = [(x, edge) for x, (low, high) in enumerate(ranges) for edge in (low, high)]
        return templates.get_template("watch.svg").render(
            width=max(len(ranges), 1),
            height=_UPPER + _GAP + _LOWER,
            upper=_UPPER,
            value=" ".join(f"{x},{(1.0 - edge) * _UPPER:.1f}" for x, edge in edges),
            score=" ".join(f"{x},{_UPPER + _GAP + (1.0 - each) * _LOWER:.1f}" for x, each in enumerate(scores)),
            rings=[x for x, each in enumerate(rings) if each],
            least=f"{least:.6g}",
            most=f"{most:.6g}",
        )


def _png(image: NDArray[np.uint8]) -> bytes:
    """RGB, 8 bits, no filter. Source: PNG specification (W3C, third edition), sections 5 and 11.2."""
    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )

"""Where does the last whole member of a gzip file end?

A gzip file is any number of members one after another (RFC 1952, section 2.2); appending one keeps it whole. A process
that is killed while it writes leaves half a member, behind which nothing could be read any more.
"""

from __future__ import annotations

import logging
import zlib
from pathlib import Path

from streams.errors import BadPolicy

log = logging.getLogger(__name__)

_CHUNK = 2**20


def cut_broken_end(path: Path) -> int:
    """Cut off what follows the last whole gzip member; the number of bytes cut.

    Raises:
        BadPolicy: the file holds no gzip member at all.
    """
    if not path.exists() or not path.stat().st_size:
        return 0
    whole = _whole_members(path)
    size = path.stat().st_size
    if whole == size:
        return 0
    if not whole:
        raise BadPolicy("out", str(path), "it exists and is no gzip file")
    log.warning("%s: %d bytes at its end were half written and are cut off", path, size - whole)
    with path.open("r+b") as file:
        file.truncate(whole)
    return size - whole


def _whole_members(path: Path) -> int:
    """Bytes up to the end of the last member that is whole."""
    whole = position = 0
    member = zlib.decompressobj(31)
    with path.open("rb") as file:
        while data := file.read(_CHUNK):
            position += len(data)
            while data:
                try:
                    member.decompress(data, _CHUNK)
                except zlib.error:
                    return whole
                if member.eof:
                    data = member.unused_data
                    whole = position - len(data)
                    member = zlib.decompressobj(31)
                else:
                    data = member.unconsumed_tail
    return whole

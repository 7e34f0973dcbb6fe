"""Which records are the rest of a line that the container runtime has cut? The first piece is the line.

A runtime cuts lines at 16 KiB (CRI's `P`, Docker), four times what a signature looks at: the first piece says what the
whole line would. Its rest are records, and no events of their own.

That a piece is a rest, its form does not tell: it takes the record before it, of the same container and stream, as each
is cut by itself (of the pod, where the shipper says neither). So the open pieces of an input partition are remembered
from one run to the next, and `rewind` goes back to what was committed when a transaction is read again.
A worker that takes a partition over remembers nothing: of a line that is cut just there, the rest counts as a line.
"""

from __future__ import annotations

from collections.abc import Hashable

from streams.records.identity import Source
from streams.records.log import LogRecord, Piece

_GAP_NS = 1_000_000_000
"""Pieces of one line are written at once."""
_MOST = 1_000
"""Open pieces per partition; the oldest go first."""

_Writer = tuple[Source, str, str]
"""Pod, container and stream: what others write between two pieces is none of the line."""
Pieces = dict[_Writer, int]
"""Whose latest line is not whole -> event time of the latest piece, ns."""


class CutLines:
    """The open pieces of each input partition."""

    def __init__(self) -> None:
        self._open: dict[Hashable, Pieces] = {}
        self._committed: dict[Hashable, Pieces] = {}

    def of(self, partition: Hashable) -> Pieces:
        """The open pieces of a partition."""
        return self._open.setdefault(partition, {})

    def drop_before(self, partition: Hashable, earliest_ns: int) -> None:
        """Drop a partition's pieces whose rest would come too late to be counted."""
        pieces = self._open.get(partition)
        if pieces:
            for writer in [writer for writer, time_ns in pieces.items() if time_ns + _GAP_NS < earliest_ns]:
                del pieces[writer]

    def commit(self) -> None:
        """What has been read will not be read again."""
        self._committed = {partition: dict(pieces) for partition, pieces in self._open.items() if pieces}

    def rewind(self) -> None:
        """All since the last commit is read again."""
        self._open = {partition: dict(pieces) for partition, pieces in self._committed.items()}

    def forget(self) -> None:
        """What is read next comes after what others have read."""
        self._open.clear()
        self._committed.clear()


def is_rest(pieces: Pieces, record: LogRecord) -> bool:
    """Whether the record is a piece of a line of which an earlier one has counted; notes what it says of the next.

    >>> from streams.records.identity import Revision, Workload
    >>> pod, pieces = Source(Revision(Workload("", "prod", "shop"), "6f"), "shop-6f-a"), {}
    >>> is_rest(pieces, Piece(pod, 0, "a long")), is_rest(pieces, LogRecord(pod, 0, " line"))
    (False, True)
    >>> pieces
    {}
    """
    time_ns, writer = record.time_ns, (record.source, record.container, record.stream)
    before_ns = pieces.pop(writer, None)
    if isinstance(record, Piece):
        pieces[writer] = time_ns
        if len(pieces) > _MOST:
            del pieces[min(pieces, key=lambda each: (pieces[each], each))]
    return before_ns is not None and abs(time_ns - before_ns) <= _GAP_NS

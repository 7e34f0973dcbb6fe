"""What is known now: the latest risk document of every comparison, in memory, bounded.

No Kafka and no HTTP here: `follower` writes, in a thread of its own, and the handlers read.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
from msgspec import Struct

from streams.judging.evidence import RiskPoint
from streams.records.times import rfc3339_s
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument
from topology.codecs import DOCUMENT_FAULTS, decode_risk_document
from topology.freshness import Freshness

MOST_COMPARISONS = 20_000
"""Held at a time; past it the ended one that changed longest ago is dropped, then the running one."""

MOST_BYTES = 192 * 2**20
"""Of their messages; decoded beside them they take two to three times as much, and a replica's limit is a gibibyte
(`deploy/kubernetes`). A message of 68 signals has 32 KB. What is dropped is that which the number above would drop."""

KEPT_S = 7 * 86_400.0
"""What has ended is held for so long after its last window, as Kafka keeps it (`retention.ms` of `serinus.risk`)."""

Refusal = Literal["not_a_document", "key_differs"]


class _History(Struct, frozen=True):
    """The only part of a document that pages alone read."""

    history: tuple[RiskPoint, ...] = ()


_decode_history = msgspec.json.Decoder(_History).decode


class Entry(Struct, frozen=True):
    """One comparison as it was last published."""

    document: RiskDocument
    """Without its history, which stays in `payload`: decoded it takes ten times the memory."""
    as_of_s: float
    """`document.as_of` in seconds since 1970; 0 while nothing was judged."""
    payload: bytes
    """The message as it came."""

    @property
    def history(self) -> tuple[RiskPoint, ...]:
        """The risk over time, decoded anew."""
        return _decode_history(self.payload).history


def entry_of(value: bytes) -> Entry | None:
    """What a message holds; None where it holds no document."""
    try:
        document = decode_risk_document(value)
        as_of_s = 0.0 if document.as_of is None else rfc3339_s(document.as_of)
        if document.started_at is not None:
            rfc3339_s(document.started_at)
    except DOCUMENT_FAULTS:
        return None
    return Entry(msgspec.structs.replace(document, history=()), as_of_s, value)


class View(Freshness):
    """The latest document of each comparison, and how far it can be trusted to be the latest.

    Args:
        most: number of comparisons held.
        clock: seconds, for the time since the broker last answered; never set back.
        most_bytes: of their messages.
    """

    def __init__(
        self,
        most: int = MOST_COMPARISONS,
        clock: Callable[[], float] = time.monotonic,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        super().__init__(clock)
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._running: dict[str, Entry] = {}
        self._ended: dict[str, Entry] = {}
        self._by_hashes: dict[tuple[str, str], set[str]] = {}
        """Baseline and canary hash -> keys of the comparisons held."""
        self.dropped = 0
        """Comparisons dropped because there were too many."""

    def __len__(self) -> int:
        return len(self._running) + len(self._ended)

    def __iter__(self) -> Iterator[Entry]:
        """All entries as they are now, those that changed longest ago first; running before ended."""
        with self._lock:
            return iter([*self._running.values(), *self._ended.values()])

    def running(self) -> list[Entry]:
        """The entries of comparisons that have not ended."""
        with self._lock:
            return list(self._running.values())

    def get(self, comparison: Comparison) -> Entry | None:
        """The entry of a comparison, if there is one."""
        key = comparison.key
        with self._lock:  # an entry that is being replaced is in neither for a moment
            return self._running.get(key) or self._ended.get(key)

    def of_hashes(self, baseline: str, canary: str) -> list[Entry]:
        """The entries of all comparisons of these two hashes, whichever workload's."""
        with self._lock:
            keys = sorted(self._by_hashes.get((baseline, canary), ()))
            return [entry for key in keys if (entry := self._running.get(key) or self._ended.get(key)) is not None]

    def apply(self, key: bytes | None, value: bytes | None) -> Refusal | None:
        """Take one message of `serinus.risk`; why it was skipped, if it was.

        A value replaces what was known under its key, no value (a tombstone) removes it.
        """
        try:
            name = (key or b"").decode()
        except UnicodeDecodeError:
            return "key_differs"
        if value is None:
            self._remove(name)
            return None
        entry = entry_of(value)
        if entry is None:
            return "not_a_document"
        if entry.document.comparison.key != name:
            return "key_differs"
        self.put(entry)
        return None

    def put(self, entry: Entry) -> None:
        """Hold an entry in place of the one before."""
        key = entry.document.comparison.key
        place = self._ended if entry.document.state == "ended" else self._running
        with self._lock:
            self._forget(key)
            place[key] = entry
            pair = entry.document.comparison
            self._by_hashes.setdefault((pair.baseline, pair.canary), set()).add(key)
            self._bytes += len(entry.payload)
            self._forget_old(entry.as_of_s)
            while len(self) > self._most or (self._bytes > self._most_bytes and len(self) > 1):
                self._forget(next(iter(self._ended or self._running)))
                self.dropped += 1

    def _forget_old(self, now_s: float) -> None:
        while self._ended:
            key, oldest = next(iter(self._ended.items()))
            if now_s - oldest.as_of_s <= KEPT_S:
                return
            self._forget(key)

    def _remove(self, key: str) -> None:
        with self._lock:
            self._forget(key)

    def _forget(self, key: str) -> None:
        entry = self._running.pop(key, None) or self._ended.pop(key, None)
        if entry is None:
            return
        self._bytes -= len(entry.payload)
        pair = entry.document.comparison
        keys = self._by_hashes[pair.baseline, pair.canary]
        keys.discard(key)
        if not keys:
            del self._by_hashes[pair.baseline, pair.canary]

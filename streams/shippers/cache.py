"""Answers that were worked out before, bounded in number and bytes however hostile the variety.

Two generations: an answer lands in `recent`; when that is full it becomes the old one, and what is asked for again
moves back. So what is in use stays, at the price of one dict look-up, and at most twice the bounds is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from streams.errors import BadRecord, Reason

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class BoundedCache(Generic[Key, Answer]):
    """Key -> answer; forgets what has not been asked for lately."""

    def __init__(self, entries: int = 20_000, total_bytes: int = 32 << 20) -> None:
        self.recent: dict[Key, Answer] = {}
        """For the hot path: `cache.recent.get(key)` before anything else."""
        self._older: dict[Key, Answer] = {}
        self._entries = entries
        self._total_bytes = total_bytes
        self._bytes = 0

    def get(self, key: Key, size_bytes: int) -> Answer | None:
        """The answer, moved among the recent ones; None if unknown."""
        answer = self.recent.get(key)
        if answer is None:
            answer = self._older.get(key)
            if answer is not None:
                self.put(key, answer, size_bytes)
        return answer

    def put(self, key: Key, answer: Answer, size_bytes: int) -> None:
        """Remember an answer; `size_bytes` is about what key and answer hold in memory."""
        if size_bytes > self._total_bytes // 16:
            return
        if len(self.recent) >= self._entries or self._bytes + size_bytes > self._total_bytes:
            self._older, self.recent, self._bytes = self.recent, {}, 0
        self.recent[key] = answer
        self._bytes += size_bytes


class Remembered(Generic[Key, Answer]):
    """Answers worked out once per key, also those that were refused."""

    def __init__(self) -> None:
        self.answers: BoundedCache[Key, Answer] = BoundedCache()
        # As text: an exception that is raised again and again would gather tracebacks.
        self._refusals: BoundedCache[Key, tuple[Reason, str]] = BoundedCache(total_bytes=8 << 20)

    def of(self, key: Key, size_bytes: int, work_out: Callable[[], Answer]) -> Answer:
        """The answer of a key, of `size_bytes` together.

        Raises:
            BadRecord: as `work_out` raised it, now or then.
        """
        answer = self.answers.get(key, size_bytes)
        if answer is not None:
            return answer
        refusal = self._refusals.get(key, size_bytes)
        if refusal is not None:
            raise BadRecord(*refusal)
        try:
            answer = work_out()
        except BadRecord as bad:
            self._refusals.put(key, (bad.reason, bad.detail), size_bytes)
            raise
        self.answers.put(key, answer, size_bytes)
        return answer

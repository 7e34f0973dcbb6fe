"""The new-error-cluster rule: an error cluster that the canary shows and the baseline does not fails the canary.

What log-based canary products describe (Harness "Verify", Autopilot's clusters of errors): lines that hold a word of
error are clustered, and the clusters of both sides compared at the end. The clustering is a small Drain (He et al.,
Drain: An Online Log Parsing Approach with Fixed Depth Tree, ICWS 2017): lines of equal length and equal first word meet
in a cluster if at least .4 of their words agree; where words differ the cluster has a hole.
"""

from __future__ import annotations

import re

from streams.records.log import LogRecord
from streams.windows.masks import HOLE
from streams.windows.signature import fold, signature
from tests.bench.peers.cases import Recorded

SIMILARITY = 0.4
"""Drain3's default."""
_ERRORS = re.compile(
    r"\b(?:error|exception|fail\w{0,9}|fatal|panic|critical|refused|timeout|timed out|denied)\b|Exception|Error",
    re.IGNORECASE,
)


def is_error(record: LogRecord) -> bool:
    """Whether its line holds one of the words."""
    return _ERRORS.search(record.message[:4096]) is not None


def failed_at_s(recorded: Recorded) -> float | None:
    """Seconds from the start at which it fails: the end, where it is looked at once."""
    clusters = Clusters()
    baseline = {clusters.add(line.message) for line in recorded.baseline_log if is_error(line)}
    canary = {clusters.add(line.message) for line in recorded.canary_log if is_error(line)}
    return recorded.case.length_s if canary - baseline else None


class Clusters:
    """Lines to clusters, as they come."""

    def __init__(self) -> None:
        self._words: list[list[str]] = []
        self._leaves: dict[tuple[int, str], list[int]] = {}
        self._known: dict[str, int] = {}

    def add(self, message: str) -> int:
        """The number of the cluster that a line belongs to; it stays that of the same signature."""
        text = signature(fold(message)).text
        number = self._known.get(text)
        if number is None:
            number = self._known[text] = self._place(text.split())
        return number

    def _place(self, words: list[str]) -> int:
        leaf = self._leaves.setdefault((len(words), words[0] if words else ""), [])
        best = max(leaf, key=lambda number: self._alike(number, words), default=None)
        if best is not None and self._alike(best, words) >= SIMILARITY:
            known = self._words[best]
            self._words[best] = [mine if mine == theirs else HOLE for mine, theirs in zip(known, words, strict=True)]
            return best
        leaf.append(len(self._words))
        self._words.append(words)
        return leaf[-1]

    def _alike(self, number: int, words: list[str]) -> float:
        pairs = list(zip(self._words[number], words, strict=True))
        return sum(mine == theirs != HOLE for mine, theirs in pairs) / max(1, len(pairs))

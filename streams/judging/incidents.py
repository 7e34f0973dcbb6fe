"""How many incidents of each log class had a side, and of which signatures?

An incident is counted once per pod and window however many lines it wrote, and **once however many signatures of its
class it wrote**: of a class, the most widespread signature of the window counts, i.e. the pods that at least had one
incident. A failed request that logs three different error lines is one failure; counting it three times makes a healthy
pair fail at many times alpha (`tests/simulation/test_incidents.py`). The price: of two unrelated error signatures in
the same window and revision one counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from streams.judging.counts import cut
from streams.judging.side import SignatureInfo


class LoggedBin(Struct, array_like=True):
    """Log incidents of the windows of one bin."""

    baseline: dict[str, float] = {}
    """Log class -> incidents."""
    canary: dict[str, float] = {}
    baseline_signatures: dict[int, float] = {}
    """Signature id -> pods and windows in which it appeared."""
    canary_signatures: dict[int, float] = {}


def add_window(
    into: LoggedBin,
    baseline: Mapping[int, int],
    canary: Mapping[int, int],
    signatures: Mapping[int, SignatureInfo],
) -> None:
    """Count one window; signatures that nobody knows a class of are not judged.

    >>> logged = LoggedBin()
    >>> known = {1: SignatureInfo("db pool exhausted", "error"), 2: SignatureInfo("GET <*> failed", "error")}
    >>> add_window(logged, {}, {1: 2, 2: 1}, known)
    >>> logged.canary
    {'error': 2.0}
    """
    for incidents, classes, ids in (
        (baseline, into.baseline, into.baseline_signatures),
        (canary, into.canary, into.canary_signatures),
    ):
        widest: dict[str, float] = {}
        for number, pods in incidents.items():
            info = signatures.get(number)
            if info is not None:
                widest[info.log_class] = max(widest.get(info.log_class, 0.0), cut(pods))
                ids[number] = ids.get(number, 0.0) + cut(pods)
        for log_class, pods_concerned in widest.items():
            classes[log_class] = classes.get(log_class, 0.0) + pods_concerned

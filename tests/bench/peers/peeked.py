"""The peeked z-test: are error lines a larger share of the canary's log? Asked after every bin, believed at once.

The usual two-proportion z-test, one-sided at 5%, on all lines so far; what many home-made checks do on a dashboard.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from streams.records.log import LogRecord
from tests.bench.peers.cases import Recorded
from tests.bench.peers.new_cluster import is_error

BIN_NS = 5_000_000_000
_Z = NormalDist().inv_cdf(0.95)


def failed_at_s(recorded: Recorded) -> float | None:
    """Seconds from the start of the first bin's end at which the test rejects."""
    case = recorded.case
    bins = math.ceil((case.end_ns - case.start_ns) / BIN_NS)
    baseline = _counts(recorded.baseline_log, case.start_ns, bins)
    canary = _counts(recorded.canary_log, case.start_ns, bins)
    for number, (control, experiment) in enumerate(zip(baseline, canary, strict=True), 1):
        if _z(experiment, control) > _Z:
            return min(number * BIN_NS / 1e9, case.length_s)
    return None


def _counts(log: list[LogRecord], start_ns: int, bins: int) -> list[tuple[int, int]]:
    """(errors, lines) so far, at the end of each bin."""
    errors, lines = [0] * bins, [0] * bins
    for record in log:
        number = (record.time_ns - start_ns) // BIN_NS
        lines[number] += 1
        errors[number] += is_error(record)
    return [(sum(errors[: number + 1]), sum(lines[: number + 1])) for number in range(bins)]


def _z(experiment: tuple[int, int], control: tuple[int, int]) -> float:
    (x, n), (y, m) = experiment, control
    if not n or not m or not 0 < x + y < n + m:
        return 0.0
    pooled = (x + y) / (n + m)
    return (x / n - y / m) / math.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))

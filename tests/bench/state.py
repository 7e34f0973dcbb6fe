"""Does what score keeps grow with time? A board alone, in event time: an hour of many workloads in some minutes.

Beside `memory`, which watches the processes from outside, and in which a machine that stalls shows as a step.
"""

from __future__ import annotations

import random
from pathlib import Path

from streams.risk.comparison import CompareRequest, Comparison
from streams.shippers.formats import reader
from streams.windows.roller import Roller
from streams.windows.summary import Bundle, Limits
from streams.workload.state import WorkloadSettings
from tests.bench.freshness import BASELINE, CANARY
from tests.bench.memory import SIGNATURES
from tests.bench.records import fluent_bit
from tests.bench.stage import PAGE_BYTES
from topology.codecs import decode_bundle, encode_bundle
from topology.score.board import Board

_START_S = 1_787_300_000
_SECOND_NS = 10**9
_RECORDS_PER_S = 2
"""Of each workload."""
_CHECKPOINT_S = 5


def run(workloads: int = 60, seconds: int = 3600, ring_s: int = 300) -> dict[str, object]:
    """Resident memory of this process in MB, and bytes of all snapshots, by the minute of event time.

    Every workload has two revisions, a comparison that runs, and 200 kinds of lines, as in `memory`.

    Args:
        workloads: how many there are.
        seconds: of event time.
        ring_s: how long windows are kept for late comparisons; what is kept grows until then, and the risk over time
            of a comparison until it has all of its points (20 minutes).
    """
    board = Board(WorkloadSettings(ring_ns=ring_s * _SECOND_NS), 60 * _SECOND_NS, 0)
    names = [f"shop-{''.join(chr(97 + int(digit)) for digit in str(number))}" for number in range(workloads)]
    for number, name in enumerate(names):
        asked = CompareRequest(Comparison("", "prod", name, BASELINE, CANARY))
        board.apply_event(number, asked, _START_S * _SECOND_NS)
    draw, lines, roller = random.Random(2), reader("logs"), Roller(5 * _SECOND_NS, Limits())
    resident: list[float] = []
    snapshots: list[int] = []
    for second in range(seconds):
        end_ns = (_START_S + second + 1) * _SECOND_NS
        for number in range(_RECORDS_PER_S * workloads):
            revision = (BASELINE, CANARY)[number // workloads % 2]
            line = fluent_bit(_START_S + second + 0.5, draw, names[number % workloads], revision, kinds=SIGNATURES)
            for record in lines.read(line, end_ns):
                roller.add(record)  # type: ignore[arg-type]
        rolled = roller.drain()
        read_to = {"logs/0": end_ns - _SECOND_NS}
        bundle = Bundle("bench", read_to, {"logs": 1}, rolled.signatures, rolled.series, rolled.summaries)
        board.apply_bundle(second, decode_bundle(encode_bundle(bundle)))
        board.alarms()
        board.watched()
        written = sum(len(value or b"") for _, value in board.checkpoint()) if second % _CHECKPOINT_S == 0 else 0
        if second % 60 == 0:
            snapshots.append(written)
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            resident.append(round(pages * PAGE_BYTES / 2**20, 1))
    return {"mb_by_minute": resident, "snapshot_bytes_by_minute": snapshots}

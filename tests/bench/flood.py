"""A million distinct lines a minute of one workload, for ten minutes: does memory stay, and what does a window cost?

Ingest's reader and roller and score's board in one process, in event time, a bundle a second.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from streams.risk.comparison import CompareRequest, Comparison
from streams.shippers.formats import reader
from streams.windows.roller import Roller
from streams.windows.summary import Bundle, Limits
from streams.workload.state import WorkloadSettings
from tests.bench.freshness import BASELINE, CANARY
from tests.bench.stage import PAGE_BYTES
from topology.codecs import decode_bundle, encode_bundle
from topology.score.board import Board

_START_S = 1_787_300_000
_SECOND_NS = 10**9
_WINDOW_S = 5
_CHECKPOINT_S = 5
_WORDS = 10
"""Of a line; of 50,000 there are."""
_GRAVE_RATIO = 0.05


def run(seconds: int = 600, lines_per_s: int = 16_667) -> dict[str, object]:
    """By the minute: resident memory of this process (MB) and its snapshot (MB); processor seconds a window of each.

    Args:
        seconds: of event time.
        lines_per_s: of the workload, at three pods of either revision.
    """
    board = Board(WorkloadSettings(), 60 * _SECOND_NS, 0)
    asked = CompareRequest(Comparison("", "prod", "shop", BASELINE, CANARY))
    board.apply_event(0, asked, _START_S * _SECOND_NS)
    draw, lines, roller = random.Random(2), reader("logs"), Roller(_WINDOW_S * _SECOND_NS, Limits())
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(3, 9))) for _ in range(50_000)]
    resident: list[float] = []
    snapshots: list[float] = []
    ingest_s = score_s = 0.0
    told = 0
    for second in range(seconds):
        end_ns = (_START_S + second + 1) * _SECOND_NS
        messages = [_line(_START_S + second + 0.5, draw, words) for _ in range(lines_per_s)]
        began_s = time.process_time()
        for message in messages:
            for record in lines.read(message, end_ns):
                roller.add(record)  # type: ignore[arg-type]
        rolled = roller.drain()
        told += sum(summary.records for summary in rolled.summaries)
        read_to = {"logs/0": end_ns - _SECOND_NS}
        data = encode_bundle(Bundle("bench", read_to, {"logs": 1}, rolled.signatures, rolled.series, rolled.summaries))
        rolled_s = time.process_time()
        board.apply_bundle(second, decode_bundle(data))
        board.alarms()
        board.watched()
        written = sum(len(value or b"") for _, value in board.checkpoint()) if second % _CHECKPOINT_S == 0 else 0
        ingest_s, score_s = ingest_s + rolled_s - began_s, score_s + time.process_time() - rolled_s
        if second % 60 == 55:
            snapshots.append(round(written / 2**20, 2))
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            resident.append(round(pages * PAGE_BYTES / 2**20, 1))
    windows = seconds / _WINDOW_S
    return {
        "mb_by_minute": resident,
        "snapshot_mb_by_minute": snapshots,
        "ingest_s_per_window": round(ingest_s / windows, 2),
        "score_s_per_window": round(score_s / windows, 2),
        "lost": seconds * lines_per_s - told,
    }


def _line(time_s: float, draw: random.Random, words: list[str]) -> bytes:
    """A Fluent Bit record of a line like no other."""
    revision = draw.choice((BASELINE, CANARY))
    level = "ERROR" if draw.random() < _GRAVE_RATIO else "INFO"
    labels = {"rollouts-pod-template-hash": revision}
    pod = {"pod_name": f"shop-{revision}-x{draw.randrange(3)}k9p", "namespace_name": "prod", "labels": labels}
    text = f"{level} {' '.join(draw.choices(words, k=_WORDS))}"
    return json.dumps({"@timestamp": time_s, "stream": "stdout", "log": text, "kubernetes": pod}).encode()

"""How well, how fast and in how much memory are templates found?

Grouping needs the labelled samples of loghub, in the layout `<system>/<system>_2k.log_structured[_corrected].csv`; the
rest needs nothing. One configuration for all systems. Rates are of one core, from message to template and back.
"""

from __future__ import annotations

import csv
import gc
import io
import os
import random
import time
from pathlib import Path
from statistics import fmean

from streams.records.log import Severity
from streams.templates.classes import Classes
from streams.templates.templates import Templates
from streams.windows.signature import Signature, fold, signature, signature_id
from tests.simulation.log_lines import grouping, line, service, word
from topology.templates.listing import Listing

LINES = 1_000_000
DISTINCT_LINES = 100_000
WINDOWS = 120
"""Of five seconds: ten minutes."""
DISTINCT_PER_WINDOW = 20_000
"""What ingest's limits leave of a million a minute."""


def run(data: Path | None) -> dict[str, object]:
    """The figures; grouping only where the samples are."""
    found: dict[str, object] = {
        **_memory(),  # first, while nothing has been freed that it might fill
        "repetitive_lines_per_s": round(_rate(_repetitive())),
        "distinct_lines_per_s": round(_rate(_distinct())),
        "distinct_values_lines_per_s": round(_rate(_distinct_values())),
    }
    return {**found, **_quality(data)} if data is not None else found


def _quality(data: Path) -> dict[str, object]:
    """GA and FGA per system, their means, and the mean without each system in turn."""
    scores = {folder.name: _scores(folder) for folder in sorted(data.iterdir()) if folder.is_dir()}
    return {
        "ga": round(fmean(one["ga"] for one in scores.values()), 4),
        "fga": round(fmean(one["fga"] for one in scores.values()), 4),
        "systems": scores,
    }


def _scores(folder: Path) -> dict[str, float]:
    corrected = folder / f"{folder.name}_2k.log_structured_corrected.csv"
    labelled = corrected if corrected.exists() else folder / f"{folder.name}_2k.log_structured.csv"
    with labelled.open(encoding="utf-8", newline="") as rows:
        lines, truth = zip(*((row["Content"], row["EventTemplate"]) for row in csv.DictReader(rows)), strict=True)
    listing = Listing(Classes(), io.BytesIO())
    listing.read(lines)
    accuracy, f1 = grouping([number for _, number, _, _ in listing.each_line()], truth)
    alone, alone_f1 = grouping([signature(fold(line)).text for line in lines], truth)
    return {
        name: round(value, 4)
        for name, value in (("ga", accuracy), ("fga", f1), ("ga_of_signatures", alone), ("fga_of_signatures", alone_f1))
    }


def _rate(lines: list[str]) -> float:
    """Lines per second of processor time."""
    listing = Listing(Classes(), io.BytesIO())
    began_s = time.process_time()
    listing.read(lines)
    return len(lines) / (time.process_time() - began_s)


def _repetitive() -> list[str]:
    """Forty templates whose values change."""
    draw = random.Random(1)
    made, vocabulary = service(draw)
    some = [line(draw, made[number % len(made)], vocabulary[:40]) for number in range(10_000)]
    return some * (LINES // len(some))


def _distinct() -> list[str]:
    """No line like another, also but for values."""
    draw = random.Random(2)
    _, vocabulary = service(draw)
    return [" ".join(word(draw, vocabulary) for _ in range(12)) for _ in range(DISTINCT_LINES)]


def _distinct_values() -> list[str]:
    """Forty templates; no line comes twice, and most not even with its digits folded."""
    draw = random.Random(3)
    made, vocabulary = service(draw)
    return [
        f"{line(draw, made[number % len(made)], vocabulary)} {draw.getrandbits(80):x}"
        for number in range(DISTINCT_LINES)
    ]


def _memory() -> dict[str, float]:
    """Resident MB that the templates of a workload add under distinct lines: at half time, and at the end."""
    draw = random.Random(4)
    templates = Templates()
    before_mb, at_mb = _resident_mb(), []
    for window in range(WINDOWS):
        some = (Signature(f"a{draw.getrandbits(60):x} " * 8, Severity.INFO) for _ in range(DISTINCT_PER_WINDOW))
        templates.learn({signature_id(one): one for one in some}, window)
        if window in {WINDOWS // 2, WINDOWS - 1}:
            gc.collect()
            at_mb.append(_resident_mb() - before_mb)
    return {"memory_half_mb": round(at_mb[0], 1), "memory_end_mb": round(at_mb[1], 1)}


def _resident_mb() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

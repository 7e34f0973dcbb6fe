"""Small recordings, made up: what a test needs of a directory of the layout."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path

T0 = 1_787_300_000
"""Seconds since 1970, a multiple of five."""


def rfc3339(time_s):
    """As data sets write it."""
    return datetime.fromtimestamp(time_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def case(name, start_s, length_s, *, label=None, workload="shop", **more):
    """An entry of cases.json; the revisions are named after the case."""
    entry = {
        "id": name,
        "namespace": "prod",
        "workload": workload,
        "baseline_hash": f"{name}b",
        "canary_hash": f"{name}c",
        "start": rfc3339(start_s),
        "end": rfc3339(start_s + length_s),
        **more,
    }
    return entry if label is None else {**entry, "label": label}


def log_lines(entry, errors_per_window, seed=1):
    """A line a second of two pods a side, and errors of the canary alone."""
    draw = random.Random(seed)
    start_s = datetime.fromisoformat(entry["start"]).timestamp()
    end_s = datetime.fromisoformat(entry["end"]).timestamp()
    lines = []
    for second in range(int(end_s - start_s)):
        for side in ("baseline_hash", "canary_hash"):
            for pod in range(2):
                time_s = start_s + second + draw.random()
                lines.append(log_line(entry, time_s, side, pod, f"INFO handled {draw.randrange(1000)}"))
        if second % 5 == 0:
            lines += [
                log_line(entry, start_s + second + 0.1, "canary_hash", number % 2, "ERROR db refused")
                for number in range(errors_per_window)
            ]
    return sorted((line for line in lines if line["ts"] < entry["end"]), key=lambda line: line["ts"])


def log_line(entry, time_s, side, pod, message):
    """One line of logs.jsonl."""
    hash_ = entry[side]
    return {
        "case": entry["id"],
        "ts": rfc3339(time_s),
        "namespace": entry["namespace"],
        "workload": entry["workload"],
        "pod": f"{entry['workload']}-{hash_}-{pod}",
        "pod_template_hash": hash_,
        "message": message,
    }


def counters(entry, every_s=5, requests_per_s=20):
    """Cumulative request counters of two pods a side."""
    start_s = datetime.fromisoformat(entry["start"]).timestamp()
    end_s = datetime.fromisoformat(entry["end"]).timestamp()
    for second in range(2, int(end_s - start_s), every_s):
        for side in ("baseline_hash", "canary_hash"):
            for pod in range(2):
                line = log_line(entry, start_s + second, side, pod, "")
                del line["message"]
                yield {
                    **line,
                    "name": "http_requests_total",
                    "value": 1000 * pod + requests_per_s * second,
                    "kind": "cumulative",
                    "attributes": {"code": "200"},
                }


def write(directory: Path, entries, logs=None, metrics=None, *, packed=True):
    """The directory, made."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "cases.json").write_text(json.dumps(entries))
    for name, lines in (("logs", logs), ("metrics", metrics)):
        if lines is not None:
            text = "".join(line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines).encode()
            path = directory / f"{name}.jsonl{'.gz' if packed else ''}"
            path.write_bytes(gzip.compress(text) if packed else text)
    return directory

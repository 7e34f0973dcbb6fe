"""`make bench`: measures, writes build/bench.json, prints the table of docs/benchmarks.md.

`--only peers --data DIR` measures no machine but judges: Serinus beside its peers on labelled recordings, the table of
docs/judging.md. `--only watch --data DIR` holds the watch over production against labelled streams: docs/watch.md.

All figures of one run compare with each other; figures of different machines do not.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from tests.bench import flood, freshness, ingest, judging, memory, query, state, templates
from tests.bench.peers import table
from tests.bench.stage import Stage
from tests.bench.watch import table as watch
from topology import pipeline
from topology.embedded import EmbeddedBroker
from topology.settings import Kafka

OUTPUT = Path("build/bench.json")
_RECORDS = (240_000, 2_400_000)
"""Of the scaling part; the smaller is more than one transaction of a worker that is behind."""


def main() -> None:
    """Run the parts asked for; figures of other parts already in the output are kept."""
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument(
        "--only",
        choices=(
            "ingest",
            "freshness",
            "memory",
            "state",
            "scaling",
            "judging",
            "peers",
            "templates",
            "watch",
            "flood",
        ),
        action="append",
    )
    parser.add_argument(
        "--data", metavar="DIR", type=Path, help="labelled recordings for the peers; labelled lines for templates"
    )
    parser.add_argument("--kafka", metavar="SERVERS", help="also measure ingest on this Apache Kafka, topics empty")
    parser.add_argument(
        "--memory-s", type=float, default=120.0, help="seconds of the memory part [120]; 1560 for the claim"
    )
    parser.add_argument(
        "--warm-up-s",
        type=float,
        help="growth of memory counts from here [half time]; 960 for the claim: the ring is full",
    )
    options = parser.parse_args()
    judged = {"peers": table.make, "watch": watch.make}
    if options.only and len(options.only) == 1 and options.only[0] in judged:
        if options.data is None:
            parser.error(f"--only {options.only[0]} needs --data DIR")
        sys.stdout.write(judged[options.only[0]](options.data) + "\n")
        return
    parts = options.only or ["ingest", "freshness", "memory", "scaling"]
    found: dict[str, object] = msgspec.json.decode(OUTPUT.read_bytes(), type=dict) if OUTPUT.exists() else {}
    found["machine"] = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    if "ingest" in parts:
        found["ingest"] = _on_embedded(ingest.run)
        if options.kafka:
            pipeline.prepare(Kafka(options.kafka), None)
            found["ingest_apache_kafka"] = ingest.run(options.kafka)
    if "freshness" in parts:
        with EmbeddedBroker() as broker, Stage(broker.bootstrap_servers) as stage:
            found["freshness"] = freshness.run(stage)
            found["query"] = query.run(stage)
    if "memory" in parts:
        with EmbeddedBroker() as broker, Stage(broker.bootstrap_servers) as stage:
            found["memory"] = memory.run(stage, 500, options.memory_s, warm_up_s=options.warm_up_s)
    others: dict[str, Callable[[], object]] = {
        "scaling": _scaling,
        "judging": judging.run,
        "state": state.run,
        "flood": flood.run,
        "templates": lambda: templates.run(options.data),
    }
    found |= {name: run() for name, run in others.items() if name in parts}
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    sys.stdout.write(OUTPUT.read_text())


def _scaling() -> dict[str, object]:
    """Cost per record as records grow tenfold, and per workload as workloads do."""
    records = {number: _on_embedded(lambda servers, n=number: ingest.run(servers, n, 1)) for number in _RECORDS}
    workloads = {}
    for number in (50, 500):
        with EmbeddedBroker() as broker, Stage(broker.bootstrap_servers) as stage:
            workloads[number] = memory.run(stage, number, 60.0, records_per_s=10 * number)
    return {
        "us_per_record": {str(number): each["us_per_record"] for number, each in records.items()},
        "score_cpu_ms_per_workload_s": {
            str(number): each["score_cpu_ms_per_workload_s"] for number, each in workloads.items()
        },
    }


def _on_embedded(measure):
    """The figures on an embedded broker of its own."""
    with EmbeddedBroker() as broker:
        pipeline.prepare(Kafka(broker.bootstrap_servers), None)
        return measure(broker.bootstrap_servers)


if __name__ == "__main__":
    main()

"""`serinus record` beside a running pipeline: what the two revisions sent is in the files, in whichever way it ends."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time

import pytest
from confluent_kafka import Producer

from streams.records.log import LogRecord
from topology.demo.service import Counter, Line
from topology.demo.shipped import fluent_bit_line, otlp_counters, prometheus_counters, vector_line
from topology.embedded import EmbeddedBroker
from topology.recording.faults import Faults
from topology.recording.reading import open_recording, records

BASELINE, CANARY = "6f87c5d5d5", "9b7f4d6c8f"
START_S = 60.0
STRANGERS = 20_000
"""More records than are taken at a time stand before those of the pair."""


def words(servers, topic, out, *more):
    """The command line."""
    command = ["record", "--bootstrap-servers", servers, "--log-topic", f"{topic}.logs", "--metric-topic"]
    pair = ["--namespace", "demo", "--workload", "issuegen", "--baseline", BASELINE, "--canary", CANARY]
    return [sys.executable, "-m", "topology", *command, f"{topic}.metrics", *pair, "--out", str(out), *more]


def send(servers, topic, seconds):
    """A line a second of both revisions and of a stranger, counters of both; how many records are of the pair."""
    producer = Producer({"bootstrap.servers": servers})
    begun_s, sent = time.time() - seconds, 0
    for _ in range(STRANGERS):
        producer.produce(f"{topic}.logs", b'{"log": "of others"}')
        producer.poll(0)
    for second in range(seconds):
        for number, hash_ in enumerate((BASELINE, CANARY, "5d4c7b8f6d")):
            time_s, pod = begun_s + second + number / 10, f"issuegen-{hash_}-x2k9p"
            writer = (fluent_bit_line, vector_line)[second % 2]
            producer.produce(f"{topic}.logs", writer(Line(pod, hash_, time_s, f"ERROR line {second}"))[0])
            counters = [Counter(pod, hash_, time_s, 200, 10 * second)]
            for payload, _ in otlp_counters(counters) if second % 2 else prometheus_counters(counters):
                producer.produce(f"{topic}.metrics", payload)
            sent += 2 * (number < 2)
    producer.produce(f"{topic}.logs", f'{{"log": "of {CANARY}, but broken'.encode())
    assert producer.flush(30) == 0
    return sent


def written(directory):
    """Lines of both files so far."""
    files = [directory / f"{name}.jsonl.gz" for name in ("logs", "metrics")]
    return sum(gzip.decompress(path.read_bytes()).count(b"\n") for path in files if path.exists())


def read(directory, tmp_path):
    """All records of the only case."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    recording = open_recording(directory, scratch)
    (files,) = recording.cases
    faults = Faults()
    found = list(records(files, faults))
    assert faults.total + recording.faults.total == 0
    return found


@pytest.mark.parametrize("ending", ["seconds", "SIGINT"])
def test_what_the_pair_sent_is_in_the_recording(broker: EmbeddedBroker, tmp_path, ending):
    """Promise: every record of either revision, no stranger's, in any format; a bad one is told.

    Of the past that was asked for all, however soon the time is over.
    """
    topic, out = f"recorder.{ending}", tmp_path / "r"
    sent = send(broker.bootstrap_servers, topic, 20)
    more = ["--since-s", "3600", "--label", "faulty", *(["--seconds", "0.01"] if ending == "seconds" else [])]
    with subprocess.Popen(
        words(broker.bootstrap_servers, topic, out, *more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        if ending == "SIGINT":
            deadline = time.monotonic() + START_S
            while written(out) < sent:
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
        said, told = process.communicate(timeout=60)
    assert process.returncode == 0, told
    assert f"{sent // 2} log lines and {sent // 2} samples" in said
    assert "not_json" in told
    found = read(out, tmp_path)
    assert len(found) == sent
    assert {record.source.revision.pod_template_hash for record in found} == {BASELINE, CANARY}
    assert {record.message for record in found if isinstance(record, LogRecord)} == {
        f"ERROR line {second}" for second in range(20)
    }
    (entry,) = json.loads((out / "cases.json").read_text())
    assert (entry["label"], entry["baseline_hash"], entry["canary_hash"]) == ("faulty", BASELINE, CANARY)


def test_nothing_heard_is_a_failure_that_says_so(broker: EmbeddedBroker, tmp_path):
    """Promise: a wrong hash or namespace does not leave an empty recording behind."""
    topic = "recorder.silent"
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for name in ("logs", "metrics"):
        producer.produce(f"{topic}.{name}", b"{}")
    producer.flush(30)
    done = subprocess.run(
        words(broker.bootstrap_servers, topic, tmp_path / "r", "--seconds", "0.5"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "no record of either revision of /demo/issuegen came" in done.stderr
    assert not (tmp_path / "r/cases.json").exists()


def test_fields_that_a_shipper_has_taken_out_are_kept_where_they_are_named(broker: EmbeddedBroker, tmp_path):
    """Promise: those alone, of any shipper's layout, so that a backtest reads them as ingest would."""
    topic, out = "recorder.fields", tmp_path / "r"
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    payload, _ = fluent_bit_line(Line(f"issuegen-{CANARY}-x2k9p", CANARY, time.time() - 5, "served"))
    shipped = {**json.loads(payload), "duration_ms": 12.5, "secret": "s3cr3t", "took": {"ms": 7}}
    producer.produce(f"{topic}.logs", json.dumps(shipped).encode())
    producer.produce(f"{topic}.metrics", b"{}")
    assert producer.flush(30) == 0
    more = ["--since-s", "3600", "--seconds", "5", "--log-fields", "duration_ms:ms,took.ms"]
    subprocess.run(words(broker.bootstrap_servers, topic, out, *more), check=True, capture_output=True)
    (record,) = read(out, tmp_path)
    assert record.fields == {"duration_ms": 12.5, "took.ms": 7}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--canary", BASELINE), f"canary: '{BASELINE}' is not allowed; give another hash than the baseline's"),
        (("--workload", "shop/x"), "workload: 'shop/x' is not allowed; give a Kubernetes name"),
        (("--seconds", "nan"), "'--seconds': nan is not a finite number"),
    ],
)
def test_what_cannot_be_recorded_is_refused_before_anything_is_written(tmp_path, option, said):
    """Promise: a recording that was written can be read; the fault names the field, the value and what is allowed."""
    done = subprocess.run(
        words("127.0.0.1:1", "recorder.refused", tmp_path / "r", *option),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert not (tmp_path / "r").exists()

"""Whatever ends a recording leaves one that can be read, and the next case is appended to it."""

from __future__ import annotations

import json
import random
import resource
import signal

import pytest

from streams.errors import BadPolicy
from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord, Severity
from streams.records.metric import Kind, MetricSample, Series
from tests.topology.recording.recordings import T0
from topology.recording.cases import CaseEntry
from topology.recording.faults import Faults
from topology.recording.members import cut_broken_end
from topology.recording.reading import open_recording, records
from topology.recording.writing import RecordingWriter

SHOP = Workload("", "prod", "shop")


def entry(name="x"):
    """A case that is about to be recorded."""
    return CaseEntry(
        id=name, namespace="prod", workload="shop", baseline_hash="b", canary_hash="c", start="", end="", label="faulty"
    )


def some_records(number=100, begin_s=T0):
    """Lines and samples of both revisions, in order of time."""
    draw = random.Random(7)
    found = []
    for index in range(number):
        source = Source(Revision(SHOP, draw.choice("bc")), f"shop-{draw.randrange(3)}")
        time_ns = begin_s * 10**9 + index * 123_456_789
        found.append(LogRecord(source, time_ns, f"line {index}", Severity.WARN))
        found.append(MetricSample(source, time_ns, Series("up"), Kind.GAUGE, draw.random()))
    return found


def read(directory, tmp_path, name="scratch"):
    """Case id -> its records; the entries of cases.json."""
    scratch = tmp_path / name
    scratch.mkdir()
    recording = open_recording(directory, scratch)
    faults = Faults()
    found = {files.case.id: list(records(files, faults)) for files in recording.cases}
    assert faults.total + recording.faults.total == 0, faults
    return found, recording


def in_order(found):
    """By time, lines first: files keep no order between each other."""
    return sorted(found, key=lambda record: (record.time_ns, isinstance(record, MetricSample)))


def test_what_was_added_is_read_back(tmp_path):
    """Promise: every record to the bit; the case reaches from the first to just past the last."""
    given = some_records()
    with RecordingWriter(tmp_path / "r", entry()) as writer:
        for number, record in enumerate(given):
            writer.add(record)
            if number % 30 == 0:
                writer.flush()
    found, recording = read(tmp_path / "r", tmp_path)
    assert in_order(found["x"]) == given
    (case,) = (files.case for files in recording.cases)
    assert case.start_ns == given[0].time_ns
    assert given[-1].time_ns < case.end_ns <= given[-1].time_ns + 1_000_000
    assert recording.truth["x"].label == "faulty"


def test_a_second_case_is_appended_under_a_name_of_its_own(tmp_path):
    """Promise: the first stays as it was, also what its entry held that we know nothing of."""
    for begin_s in (T0, T0 + 1000):
        with RecordingWriter(tmp_path / "r", entry()) as writer:
            for record in some_records(20, begin_s):
                writer.add(record)
        cases = tmp_path / "r/cases.json"
        first, *rest = json.loads(cases.read_text())
        cases.write_text(json.dumps([{**first, "note": "mine"}, *rest]))
    found, _ = read(tmp_path / "r", tmp_path)
    assert {name: len(each) for name, each in found.items()} == {"x": 40, "x-2": 40}
    assert json.loads(cases.read_text())[0]["note"] == "mine"


@pytest.mark.parametrize("cut", [1, 20, 300])
def test_a_half_written_end_is_cut_off_before_more_is_appended(tmp_path, cut):
    """Promise: a process killed while writing costs its last member, and nothing that comes later."""
    directory = tmp_path / "r"
    with RecordingWriter(directory, entry()) as writer:
        for number, record in enumerate(some_records(100)):
            writer.add(record)
            if number == 100:
                writer.flush()
    path = directory / "logs.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-cut])
    with RecordingWriter(directory, entry()) as writer:
        for record in some_records(20, T0 + 1000):
            writer.add(record)
    found, _ = read(directory, tmp_path)
    assert len([each for each in found["x"] if isinstance(each, LogRecord)]) == 51
    assert len(found["x-2"]) == 40
    assert cut_broken_end(path) == 0


def test_no_room_leaves_no_half_member(tmp_path):
    """Promise: what did not fit is written once there is room, and nothing before or after it is lost."""
    given = some_records()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    heard = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with RecordingWriter(tmp_path / "r", entry()) as writer:
        for record in given[:100]:
            writer.add(record)
        writer.flush()
        for record in given[100:]:
            writer.add(record)
        room = (tmp_path / "r/logs.jsonl.gz").stat().st_size + 100
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
            with pytest.raises(OSError, match="large"):
                writer.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            signal.signal(signal.SIGXFSZ, heard)
    assert in_order(read(tmp_path / "r", tmp_path)[0]["x"]) == given


def test_a_foreign_file_is_not_touched(tmp_path):
    """Promise: what is no gzip file is refused, not cut."""
    (tmp_path / "logs.jsonl.gz").write_text("my notes")
    with pytest.raises(BadPolicy, match="gzip"), RecordingWriter(tmp_path, entry()):
        pass
    assert (tmp_path / "logs.jsonl.gz").read_text() == "my notes"


def test_two_processes_do_not_record_into_one_directory(tmp_path):
    """Promise: the second says so and leaves everything as it is."""
    with (
        RecordingWriter(tmp_path, entry()),
        pytest.raises(BadPolicy, match="another process"),
        RecordingWriter(tmp_path, entry()),
    ):
        pass


def test_nothing_recorded_leaves_no_case(tmp_path):
    """Promise: a case without a record is none."""
    with RecordingWriter(tmp_path, entry()):
        pass
    assert not (tmp_path / "cases.json").exists()

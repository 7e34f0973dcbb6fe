"""A recording is read case by case; what cannot be used is told by file and line and never fatal."""

from __future__ import annotations

import gzip
import json

import pytest

from streams.errors import BadPolicy
from tests.topology.recording.recordings import T0, case, counters, log_line, log_lines, write
from topology.recording.faults import Faults
from topology.recording.reading import open_recording, records


def opened(directory, tmp_path):
    """The recording, laid out."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return open_recording(directory, scratch)


def read(recording):
    """Case id -> its records, and the faults of all."""
    faults = Faults()
    faults.merge(recording.faults)
    return {files.case.id: list(records(files, faults)) for files in recording.cases}, faults


@pytest.mark.parametrize("packed", [True, False])
def test_cases_are_told_apart_wherever_their_lines_stand(tmp_path, packed):
    """Promise: lines of several cases may be mixed; each case gets its own, logs and metrics, gzipped or not."""
    entries = [case("x", T0 + 30, 60), case("y", T0, 60)]
    lines = [*log_lines(entries[0], 0), *log_lines(entries[1], 1)]
    lines.sort(key=lambda line: line["ts"])
    directory = write(tmp_path / "r", entries, lines, list(counters(entries[1])), packed=packed)
    recording = opened(directory, tmp_path)
    found, faults = read(recording)
    assert [files.case.id for files in recording.cases] == ["y", "x"]
    assert faults.total == 0
    assert len(found["x"]) == len(log_lines(entries[0], 0))
    assert len(found["y"]) == len(log_lines(entries[1], 1)) + len(list(counters(entries[1])))
    assert {record.source.revision.pod_template_hash for record in found["y"]} == {"yb", "yc"}


def test_bad_lines_are_counted_and_told_by_file_and_line(tmp_path):
    """Promise: of ten good and seven bad lines ten are read, and each bad one is counted by its reason."""
    entry = case("x", T0, 60)
    good = log_lines(entry, 0)[:10]
    early = log_line(entry, T0 - 1, "canary_hash", 0, "too early")
    late = log_line(entry, T0 + 60, "canary_hash", 0, "too late")
    other = {**log_line(entry, T0 + 1, "canary_hash", 0, "x"), "workload": "other"}
    stranger = {**log_line(entry, T0 + 1, "canary_hash", 0, "x"), "case": "nobody"}
    bad = ['{"case": "x", "ts":\n', "\x00\n", '{"case": "x"}\n', early, late, other, stranger]
    directory = write(tmp_path / "r", [entry], [*good[:5], *bad, "\n", *good[5:]])
    found, faults = read(opened(directory, tmp_path))
    assert len(found["x"]) == 10
    assert faults.total == len(bad)
    assert faults.counts == {"not_json": 2, "bad_name": 2, "unknown_format": 1, "too_early": 1, "too_late": 1}
    assert "logs.jsonl.gz:6: not_json" in " ".join(faults.examples)


def test_a_line_of_the_only_case_need_not_name_it(tmp_path):
    """Promise: where there is one case, `case` may be left out; where there are two, it may not."""
    entries = [case("x", T0, 60), case("y", T0, 60)]
    line = log_line(entries[0], T0 + 1, "canary_hash", 0, "hello")
    del line["case"]
    found, faults = read(opened(write(tmp_path / "one", entries[:1], [line]), tmp_path))
    assert (len(found["x"]), faults.total) == (1, 0)
    (tmp_path / "scratch").rename(tmp_path / "before")
    found, faults = read(opened(write(tmp_path / "two", entries, [line]), tmp_path))
    assert (len(found["x"]), faults.total) == (0, 1)


def test_a_file_that_breaks_off_is_read_as_far_as_it_goes(tmp_path):
    """Promise: a gzip file cut anywhere gives its first lines, and is told to be cut."""
    entry = case("x", T0, 60)
    lines = log_lines(entry, 0)
    directory = write(tmp_path / "r", [entry], lines)
    path = directory / "logs.jsonl.gz"
    whole = gzip.compress(json.dumps(lines[0]).encode() + b"\n")
    path.write_bytes(whole + path.read_bytes()[:-500])
    found, faults = read(opened(directory, tmp_path))
    assert 1 <= len(found["x"]) <= len(lines)
    assert faults.total >= 1
    assert any("breaks off" in example for example in faults.examples)


def test_an_overlong_line_is_skipped_and_the_next_is_read(tmp_path):
    """Promise: a line of many megabytes takes no memory and costs no other line."""
    entry = case("x", T0, 60)
    line = log_line(entry, T0 + 1, "canary_hash", 0, "short")
    directory = write(tmp_path / "r", [entry], [json.dumps({**line, "message": "x" * 3_000_000}) + "\n", line])
    found, faults = read(opened(directory, tmp_path))
    assert [record.message for record in found["x"]] == ["short"]
    assert faults.counts == {"too_large": 1}


@pytest.mark.parametrize(
    "entries",
    [
        "no json",
        [{"id": "x"}],
        [case("x", T0, 0)],
        [case("x", T0, 60), case("x", T0, 60)],
        [{**case("x", T0, 60), "start": "soon"}],
        [{**case("x", T0, 60), "canary_hash": "xb"}],
        [{**case("x", T0, 60), "workload": "a/b"}],
        [{**case("x", T0, 60), "label": "maybe"}],
        [case("x", T0, 100 * 86_400)],
    ],
)
def test_cases_that_cannot_be_are_refused_whole(tmp_path, entries):
    """Promise: one line that names the file; nothing is replayed by guess."""
    directory = write(tmp_path / "r", entries)
    if entries == "no json":
        (directory / "cases.json").write_text("{")
    with pytest.raises(BadPolicy, match=r"cases\.json"):
        opened(directory, tmp_path)

"""Recorded cases through the judge: what is broken is found, and nothing but the records decides."""

from __future__ import annotations

import random
import time

import pytest

from streams.errors import BadPolicy
from tests.topology.recording.recordings import T0, case, counters, log_lines, write
from topology.backtest.rules import rules_of
from topology.backtest.run import _processes, find, run

LENGTH_S = 120
RULES = rules_of(None, 0.05, None)


def rows_of(directory, tmp_path, name="scratch", **given):
    """Case id -> row."""
    scratch = tmp_path / name
    scratch.mkdir()
    rules, jobs = given.pop("rules", RULES), given.pop("jobs", 1)
    (result,) = run([directory], rules, scratch, jobs=jobs, **given)
    return {row.case: row for row in result.rows}


def two_cases(directory, *, labels=(None, None)):
    """A healthy one and, later, one whose canary logs errors."""
    entries = [
        case("good", T0, LENGTH_S, label=labels[0], kind="made-up"),
        case("bad", T0 + 200, LENGTH_S, label=labels[1], fault_type="db"),
    ]
    logs = [*log_lines(entries[0], 0), *log_lines(entries[1], 3)]
    return write(directory, entries, logs, [*counters(entries[0]), *counters(entries[1])])


def test_a_broken_canary_is_found_and_a_healthy_one_is_not(tmp_path):
    """Promise: with the time from the case's start at which it first failed, and the reason."""
    rows = rows_of(two_cases(tmp_path / "r"), tmp_path)
    bad, good = rows["bad"], rows["good"]
    assert (bad.verdict, bad.risk) == ("fail", 100)
    assert bad.failed_at_s is not None
    assert 0 < bad.failed_at_s <= LENGTH_S
    assert "db refused" in bad.reasons[0]
    assert good.verdict != "fail"
    assert good.failed_at_s is None
    assert good.records == 4 * LENGTH_S + len(list(counters(case("good", T0, LENGTH_S))))


def test_labels_change_nothing(tmp_path):
    """Promise: the rows are the same whatever somebody claims of the cases."""
    plain = rows_of(two_cases(tmp_path / "a/r"), tmp_path, "1")
    told = rows_of(two_cases(tmp_path / "b/r", labels=("healthy", "faulty")), tmp_path, "2")
    lied = rows_of(two_cases(tmp_path / "c/r", labels=("faulty", "healthy")), tmp_path, "3")
    assert plain == told == lied


def test_processes_change_nothing(tmp_path):
    """Promise: the result of two processes is that of one, to the bit."""
    directory = two_cases(tmp_path / "r")
    assert rows_of(directory, tmp_path, "1", jobs=2) == rows_of(directory, tmp_path, "2")


def test_backwards_the_broken_one_is_found_too(tmp_path):
    """Promise: mirrored time judges the same cases, in the other order."""
    rows = rows_of(two_cases(tmp_path / "r"), tmp_path, reverse=True)
    assert list(rows) == ["bad", "good"]
    assert rows["bad"].verdict == "fail"
    assert rows["good"].verdict != "fail"


def test_the_order_of_lines_changes_nothing(tmp_path):
    """Promise: lines may stand in the files in any order."""
    directory = two_cases(tmp_path / "r")
    entries = [case("good", T0, LENGTH_S), case("bad", T0 + 200, LENGTH_S)]
    logs = [*reversed(log_lines(entries[1], 3)), *reversed(log_lines(entries[0], 0))]
    metrics = [*reversed([*counters(entries[0]), *counters(entries[1])])]
    turned = write(tmp_path / "turned/r", entries, logs, metrics, packed=False)
    assert rows_of(turned, tmp_path, "1") == rows_of(directory, tmp_path, "2")


def test_a_case_without_records_is_not_judged(tmp_path):
    """Promise: its verdict is `none`, and it says why."""
    row = rows_of(write(tmp_path / "r", [case("x", T0, 60)]), tmp_path)["x"]
    assert (row.verdict, row.records) == ("none", 0)
    assert row.reasons


def test_directories_of_recordings_are_found(tmp_path):
    """Promise: a directory is a recording or holds some; one that is neither is refused."""
    for name in ("b", "a"):
        write(tmp_path / "sets" / name, [case("x", T0, 60)])
    (tmp_path / "sets/notes").mkdir()
    assert [path.name for path in find([tmp_path / "sets"])] == ["a", "b"]
    assert find([tmp_path / "sets/a"]) == [tmp_path / "sets/a"]
    for wrong in (tmp_path / "sets/notes", tmp_path / "nowhere"):
        with pytest.raises(BadPolicy, match="recording"):
            find([wrong])


def test_fields_of_log_lines_are_judged_where_they_are_named(tmp_path):
    """Promise: a canary that tells of slow requests in its JSON lines is found where ingest would read them."""
    entries = [case("good", T0, LENGTH_S), case("bad", T0 + 200, LENGTH_S)]
    draw, logs = random.Random(1), []
    for entry, slower in zip(entries, (1, 3), strict=True):
        for line in log_lines(entry, 0):
            took_ms = draw.lognormvariate(3, 0.5) * (slower if line["pod_template_hash"].endswith("c") else 1)
            logs.append({**line, "message": f'{{"msg":"handled","took_ms":{took_ms:.2f}}}'})
    directory = write(tmp_path / "r", entries, logs, [])
    plain = rows_of(directory, tmp_path, "plain")
    assert {row.verdict for row in plain.values()} == {"none"}
    named = rows_of(directory, tmp_path, "named", rules=rules_of(None, 0.05, None, ("took_ms:ms",)))
    assert named["bad"].verdict == "fail"
    assert "log.field.took_ms" in named["bad"].reasons[0]
    assert named["good"].failed_at_s is None


def test_a_recording_counts_once(tmp_path):
    """Promise: named twice, or by its directory as well, its cases are not counted twice."""
    directory = two_cases(tmp_path / "all" / "r")
    assert find([tmp_path / "all", directory, tmp_path / "all" / ".." / "all" / "r"]) == [directory]


@pytest.mark.timeout(60)
def test_told_to_end_nobody_waits_for_what_runs():
    """Promise: Ctrl-C does not wait for cases that take minutes."""

    def interrupted():
        with _processes(1) as pool:
            running = pool.submit(time.sleep, 3600)
            while not running.running():
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

"""What `serinus watch --replay` promises: a row out for every row in, online, and nothing skipped silently."""

from __future__ import annotations

import csv
import json
from functools import partial

import numpy as np
import pytest
from click.testing import CliRunner

from streams.errors import BadPolicy
from streams.records.log import Severity
from topology.cli import command
from topology.errors import Unavailable
from topology.recording.faults import Faults
from topology.watch import logs
from topology.watch.logs import line_of, sorted_lines
from topology.watch.rows import time_of

HEADER = "timestamp,value\n"


def run(*args, given=None):
    """The command, which has to end well."""
    result = CliRunner().invoke(command, ["watch", *map(str, args)], input=given)
    assert result.exit_code == 0, result.output
    return result


def signal(points, seed=1):
    """Lines of NAB's form, five minutes apart."""
    values = np.random.default_rng(seed).normal(10.0, 1.0, points)
    hours = [f"2014-04-{1 + at // 288:02d} {at % 288 // 12:02d}:{at % 12 * 5:02d}:00" for at in range(points)]
    return [f"{when},{value:.4f}\n" for when, value in zip(hours, values, strict=True)]


def test_each_row_comes_back_with_score_and_alarm(tmp_path):
    """In its own words."""
    lines = signal(300)
    (tmp_path / "in.csv").write_text(HEADER + "".join(lines))
    run("--replay", tmp_path / "in.csv", "--csv", tmp_path / "out.csv")
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [f"{row['timestamp']},{row['value']}\n" for row in rows] == lines
    assert all(0.0 <= float(row["score"]) <= 1.0 and row["alarm"] in "01" for row in rows)


def test_what_comes_later_changes_nothing_before():
    """Strictly online."""
    short, long = signal(300), signal(300)[:250] + [line.replace(",", ",9") for line in signal(300)[250:]]
    first, second = (run("--replay", "-", given=HEADER + "".join(lines)).stdout for lines in (short, long))
    assert first.splitlines()[:251] == second.splitlines()[:251]


def test_a_step_rings():
    """And says since when on standard error."""
    lines = signal(600) + [f"2014-04-04 {at // 12:02d}:{at % 12 * 5:02d}:00,20\n" for at in range(20)]
    result = run("--replay", "-", given=HEADER + "".join(lines))
    assert result.stdout.splitlines()[-1].endswith(",1")
    assert "1 alarm(s): 2014-04-04 00:" in result.stderr


def test_a_value_of_any_size_is_judged():
    """As in production, where it is cut; only what is no finite number is not used."""
    given = HEADER + "".join([*signal(6), "2014-05-01 00:00:00,1e308\n", "2014-05-01 00:05:00,1e400\n"])
    result = run("--replay", "-", given=given)
    assert "7 values" in result.stderr
    assert "line 9: bad_value: not a finite number: '1e400'" in result.stderr


@pytest.mark.parametrize("name", ["a.png", "a.svg"])
def test_values_of_any_size_are_drawn(tmp_path, name):
    """Also such as are farther apart than a number can say."""
    given = HEADER + "".join(
        f"2014-05-01 00:0{minute}:00,{value}\n" for minute, value in enumerate(("1e308", "-1e308"))
    )
    run("--replay", "-", "--plot", tmp_path / name, given=given)
    assert b"nan" not in (tmp_path / name).read_bytes()


def test_bad_rows_keep_their_place_and_are_told():
    """None stops it."""
    bad = ["x,y\n", "1\n", "2014-04-09 00:00:00,nan\n", '2014-04-09 00:05:00,"1\n', "1\r2,3\n"]
    good = signal(12)
    given = HEADER + "".join([*good[:5], good[4], *bad, *good[5:]])
    result = run("--replay", "-", given=given)
    assert len(result.stdout.rstrip("\n").split("\n")) == 1 + 12 + 1 + len(bad)
    assert "12 values" in result.stderr
    assert "6 not used: 1 bad_time, 2 bad_value, 1 no_value, 2 wrong_type" in result.stderr
    text = "2014-04-01 00:20:00"
    told = f"line 7: bad_time: '{text}' is not after '{text}' of line 6: rows have to be in time order, sort them first"
    assert told in result.stderr


@pytest.mark.parametrize("text", ["timestamp;value\n2014-04-01 00:00:00;1\n", "a,b\n", "\x00\x01"])
def test_a_file_of_which_nothing_could_be_used_is_a_fault(text):
    """Promise: exit status and last line say that nothing was judged, and not that nothing rang."""
    result = CliRunner().invoke(command, ["watch", "--replay", "-"], input=text)
    assert isinstance(result.exception, Unavailable)
    assert "none could be used" in str(result.exception)


@pytest.mark.parametrize(("text", "words"), [("", []), (HEADER, []), ("", ["--logs"])])
def test_a_file_that_holds_nothing_is_a_fault(text, words):
    """Promise: a recording that was never written is not taken for one in which nothing rang."""
    result = CliRunner().invoke(command, ["watch", "--replay", "-", *words], input=text)
    assert isinstance(result.exception, Unavailable)
    assert str(result.exception) == "-: no row or line is in it"


@pytest.mark.parametrize("words", [["watch", "--replay"], ["templates"]])
def test_the_file_that_is_read_is_not_written(tmp_path, words):
    """Promise: --csv with the name of the input, or of a link to it, costs nobody a recording."""
    (tmp_path / "in.csv").write_text(HEADER + "".join(signal(10)))
    (tmp_path / "link.csv").symlink_to(tmp_path / "in.csv")
    for target in ("in.csv", "link.csv"):
        result = CliRunner().invoke(command, [*words, str(tmp_path / "in.csv"), "--csv", str(tmp_path / target)])
        assert isinstance(result.exception, BadPolicy)
        assert str(result.exception).startswith("csv: ")
        assert (tmp_path / "in.csv").read_text() == HEADER + "".join(signal(10))


@pytest.mark.parametrize("option", ["--arl-days", "--window-s"])
@pytest.mark.parametrize("number", ["nan", "inf"])
def test_a_number_has_to_be_one(option, number):
    """Click lets them pass."""
    result = CliRunner().invoke(command, ["watch", "--replay", "-", option, number], input="")
    assert result.exit_code == 2
    assert f"{number} is not a finite number" in result.output


@pytest.mark.parametrize(
    "text", ["2014-04-01 00:05:00", "2014-04-01T00:05:00Z", "2014-04-01T02:05:00.0+02:00", "1396310700"]
)
def test_times_are_read_as_they_are_written(text):
    """NAB's, RFC 3339, Unix."""
    assert time_of(text) == 1_396_310_700_000_000_000


def test_log_lines_become_counts_of_classes():
    """A burst of errors rings."""
    lines = [
        {"ts": f"2026-01-01T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z", "message": "GET /cart done"}
        for s in range(3600)
    ]
    lines += [
        {"ts": f"2026-01-01T01:00:{s:02d}Z", "message": "ERROR no database", "severity": "ERROR"} for s in range(60)
    ]
    result = run("--replay", "-", "--logs", given="".join(json.dumps(each) + "\n" for each in lines) + "no time\n")
    rows = result.stdout.splitlines()
    assert len(rows) == 1 + 720 + 12
    assert rows[720].endswith(",0")
    assert rows[-1].endswith(",1")
    assert "1 no_time" in result.stderr


def test_the_order_of_log_lines_is_no_event():
    """Promise: a recording that came partition by partition says what it says in order of time, and rings of no gap."""
    texts = [
        f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z job {second % 3} done\n"
        for second in range(4000)
    ]
    partitions = "".join(text for number in range(4) for text in texts[number::4])
    in_order = run("--replay", "-", "--logs", given="".join(texts))
    assert run("--replay", "-", "--logs", given=partitions).output == in_order.output
    assert "not used" not in in_order.output
    assert ",1\n" not in in_order.stdout


@pytest.mark.parametrize("most", [0, 1, 3, 10])
def test_few_lines_are_held_to_be_sorted(most):
    """Each comes out once, after at most so many that follow it in the file; the place of each is kept."""
    order = [4, 2, 3, 0, 1, 9, 8, 7, 6, 5]
    faults = Faults()
    found = list(sorted_lines((f"2026-01-01T00:00:0{number} x" for number in order), faults, most))
    assert sorted(place for place, _ in found) == list(range(1, 11))
    assert all(line.time_ns == time_of(f"2026-01-01 00:00:0{order[place - 1]}") for place, line in found)
    assert ([line.time_ns for _, line in found] == sorted(line.time_ns for _, line in found)) == (most >= 4)
    assert not faults.total


def test_a_log_line_that_comes_too_late_is_told_with_its_number(monkeypatch):
    """It is not used; which one it is, is said."""
    monkeypatch.setattr(logs, "sorted_lines", partial(sorted_lines, most=2))
    texts = [f"2026-01-01T00:0{minute}:00Z done\n" for minute in (1, 2, 3, 4, 0)]
    result = run("--replay", "-", "--logs", given="".join(texts))
    assert "line 5: too_late: its window is over" in result.stderr


def test_a_severity_may_be_a_number():
    """As in recordings: bunyan's and pino's 50 and syslog's 3 are errors."""
    for severity in ("ERROR", 50, 3):
        text = json.dumps({"ts": "2026-01-01T00:00:00Z", "message": "no database", "severity": severity})
        assert line_of(text).severity is Severity.ERROR


def test_a_log_line_that_is_gone_is_told():
    """With the line, and what it was like."""
    lines = []
    for second in range(0, 5400, 5):
        at = f"2026-01-01T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"
        lines += [{"ts": at, "message": "GET /cart done"}, {"ts": at, "message": "queue has 7 jobs"}]
        lines += [{"ts": at, "message": "order placed"}] if second < 5000 else []
    result = run("--replay", "-", "--logs", given="".join(json.dumps(each) + "\n" for each in lines))
    assert result.stdout.splitlines()[1000].endswith(",0")
    assert "log/gone/order placed: 0.2 before, 0 per pod-second (0 times), not written any more" in result.stderr


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), f"{HEADER}2014-04-01,1\r\n"),
        ((), "2014-04-01,1\r\n"),
        (("--logs",), '{"ts": "2026-01-01T00:00:00Z", "message": "x"}\r\n'),
    ],
)
def test_a_byte_order_mark_is_none_of_the_first_line(words, text):
    """As Windows writes it: a first row without a header, or a first line of JSON, is as good as the second."""
    result = run("--replay", "-", *words, given=f"\ufeff{text}")
    assert "1 values" in result.stderr
    assert "not used" not in result.stderr


def test_a_bad_time_is_quoted_as_it_was_written():
    """Not as it was tried to be read."""
    result = run("--replay", "-", given=f"{HEADER}2014-04-01,1\nyesterday,1\n2014-04-01 25:00:00,1\n")
    assert "not a time within 1970..2262: 'yesterday'" in result.stderr
    assert "'2014-04-01 25:00:00'" in result.stderr


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<svg")])
def test_pictures(tmp_path, name, begins):
    """Of both kinds."""
    run("--replay", "-", "--plot", tmp_path / name, given=HEADER + "".join(signal(200)))
    assert (tmp_path / name).read_bytes().startswith(begins)

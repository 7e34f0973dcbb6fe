"""What `serinus watch --replay` promises: a row out for every row in, online, and nothing skipped silently."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

from topology.cli import command
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


def test_bad_rows_keep_their_place_and_are_told():
    """None stops it."""
    bad = ["x,y\n", "1\n", "2014-04-09 00:00:00,nan\n", '"open\n']
    result = run("--replay", "-", given=HEADER + "".join(signal(10) + bad))
    assert len(result.stdout.splitlines()) == 1 + 10 + len(bad)
    assert "4 not used" in result.stderr


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


def test_a_bad_time_is_quoted_as_it_was_written():
    """Not as it was tried to be read."""
    result = run("--replay", "-", given=f"{HEADER}yesterday,1\n2014-04-01 25:00:00,1\n")
    assert "not a time within 1970..2262: 'yesterday'" in result.stderr
    assert "'2014-04-01 25:00:00'" in result.stderr


@pytest.mark.parametrize(("name", "begins"), [("a.png", b"\x89PNG"), ("a.svg", b"<svg")])
def test_pictures(tmp_path, name, begins):
    """Of both kinds."""
    run("--replay", "-", "--plot", tmp_path / name, given=HEADER + "".join(signal(200)))
    assert (tmp_path / name).read_bytes().startswith(begins)

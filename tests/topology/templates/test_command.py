"""`serinus templates`: one message a line in; CSV, and a summary for a person, out."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.templates.template import OTHER
from streams.templates.templates import Budget
from topology import cli
from topology.templates import listing as listings
from topology.templates.lines import MAX_LINE_BYTES, Lines

LINES = [
    "INFO order 4711 placed by 10.0.0.1",
    "ERROR order 4711 failed: java.lang.NullPointerException",
    "INFO order 4712 placed by 10.0.0.2",
    "",
    "WARN password=hunter2 rejected",
]


def _serinus(*words: str, given: bytes | None = None):
    return CliRunner().invoke(cli.command, ["templates", *words], input=given)


def _rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(), newline="")))


@pytest.fixture
def source(tmp_path):
    """Five lines, two of one template."""
    path = tmp_path / "messages.log"
    path.write_text("\n".join(LINES) + "\n")
    return path


def test_a_file_may_be_packed(source, tmp_path):
    """Promise: a gzipped file is the same; one that breaks off is told, not listed as noise."""
    packed = gzip.compress(source.read_bytes())
    out = {}
    for name, content in (("a.log", source.read_bytes()), ("b.log.gz", packed), ("c.log.gz", packed[:-9])):
        (tmp_path / name).write_bytes(content)
        shown = _serinus(str(tmp_path / name), "--csv", str(tmp_path / f"{name}.csv"))
        out[name] = _rows(tmp_path / f"{name}.csv") if shown.exit_code == 0 else shown.exception
    assert out["a.log"] == out["b.log.gz"]
    assert "not a whole gzip file" in str(out["c.log.gz"])


def test_a_file_becomes_a_csv(source, tmp_path):
    """Promise: a row for each line with its number, its template and class; the same template has the same id."""
    out = tmp_path / "out.csv"
    shown = _serinus(str(source), "--csv", str(out))
    assert shown.exit_code == 0, shown.output
    header, *rows = _rows(out)
    assert header == ["line", "template_id", "template", "class"]
    assert [row[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[0][1:] == rows[2][1:]
    assert len(rows[0][1]) == 16
    assert [row[2] for row in rows] == [
        "INFO order <*> placed by <*>",
        "ERROR order <*> failed: java.lang.NullPointerException",
        "INFO order <*> placed by <*>",
        "",
        "WARN password=<*> rejected",
    ]
    assert [row[3] for row in rows] == ["info", "critical", "info", "info", "warning"]


def test_the_summary_counts_and_puts_the_gravest_first(source):
    """Promise: a person sees classes, counts and templates, the gravest first, and how many lines there were."""
    shown = _serinus(str(source), "--top", "2").output
    assert shown.index("critical") < shown.index("warning")
    assert "... and 2 more" in shown
    assert "5 lines, 4 templates (1 critical, 1 warning, 2 info)" in shown


def test_standard_input_and_output(source, tmp_path):
    """Promise: `-` reads a pipe and writes one, the summary apart; the CSV is that of the file."""
    out = tmp_path / "out.csv"
    _serinus(str(source), "--csv", str(out))
    piped = _serinus("-", "--csv", "-", given=source.read_bytes())
    assert piped.exit_code == 0
    assert piped.stdout.encode().replace(b"\r\n", b"\n") == out.read_bytes().replace(b"\r\n", b"\n")
    assert "5 lines" in piped.stderr


def test_masks_and_topics_of_a_service(source):
    """Promise: what the policy may say per service can be tried here."""
    shown = _serinus(
        str(source), "--mask", "order|placed", "--topic", "rejected=critical", "--no-default-topics"
    ).output
    assert "(1 critical, 1 error, 2 info)" in shown
    assert "INFO <*> by <*>" in shown


@pytest.mark.parametrize("words", [["--topic", "x=grave"], ["--topic", "x"], ["--mask", r"(a)\1"], ["--mask", ".*"]])
def test_what_cannot_be_followed_is_said(source, words):
    """Promise: a bad topic or expression is refused with the reason, before anything is read."""
    failed = _serinus(str(source), *words)
    assert failed.exception is not None
    assert "is not allowed" in str(failed.exception)


def test_a_file_that_is_not_there_is_said(tmp_path):
    """Promise: one line, no trace."""
    failed = _serinus(str(tmp_path / "none"))
    assert "No such file" in str(failed.exception)


def test_hostile_input_is_read_to_the_end(tmp_path):
    """Promise: lines of 10 MB, bytes that are no UTF-8, escapes and NULs each are one line, and it is said."""
    path, out = tmp_path / "bad.log", tmp_path / "out.csv"
    path.write_bytes(b"a" * 10_000_000 + b"\n\xff\xfe\x00 b\n\x1b[31mERROR c\x1b[0m\r\nlast without end")
    shown = _serinus(str(path), "--csv", str(out))
    assert shown.exit_code == 0, shown.output
    assert "1 lines were longer" in shown.output
    assert "1 lines were not UTF-8" in shown.output
    rows = _rows(out)
    assert len(rows) == 5
    assert rows[3][2:] == ["ERROR c", "error"]
    assert "\x1b" not in shown.output


def test_lines_are_cut_not_split():
    """Promise: what is longer than is kept stays one line, also where it ends just there."""
    for length in (MAX_LINE_BYTES - 1, MAX_LINE_BYTES, MAX_LINE_BYTES + 1, 3 * MAX_LINE_BYTES):
        lines = Lines(io.BytesIO(b"x" * length + b"\ny\n"))
        assert [line[:1] for line in lines] == ["x", "y"]
        assert lines.cut == (length >= MAX_LINE_BYTES)


def test_more_lines_than_are_remembered_give_the_same_templates(tmp_path, monkeypatch):
    """Promise: neither batches nor forgotten lines change which template a line has."""
    words = ["red", "blue", "green", "white", "black", "brown"]
    path, out = tmp_path / "many.log", tmp_path / "out.csv"
    path.write_text("".join(f"cache {words[number % 6]} holds {number % 7}x\n" for number in range(3_000)))
    monkeypatch.setattr(listings, "BATCH_LINES", 100)
    monkeypatch.setattr(listings, "_CACHED_LINES", 3)
    assert _serinus(str(path), "--csv", str(out)).exit_code == 0
    assert {row[2] for row in _rows(out)[1:]} == {"cache <*> holds <*>"}


def test_lines_without_room_keep_their_class(tmp_path, monkeypatch):
    """Promise: where templates find no room, an error is still told as one."""
    monkeypatch.setattr(listings, "BATCH_LINES", 10)
    monkeypatch.setattr(listings, "_BUDGET", Budget(templates=20, signatures=20, new=10))
    first = ["alpha", "bravo", "delta", "gamma", "kappa", "omega", "sigma", "theta"]
    second = ["kills", "holds", "takes", "loses", "finds", "sends", "reads", "moves"]
    levels = ("ERROR", "WARN", "INFO")
    lines = [f"{level} {one} {two} {one}" for one in first for two in second for level in levels]
    source, out = tmp_path / "wide.log", tmp_path / "out.csv"
    source.write_text("\n".join(lines) + "\n")
    shown = _serinus(str(source), "--csv", str(out), "--no-default-topics")
    assert shown.exit_code == 0, shown.output
    rows = _rows(out)[1:]
    left_out = [row for row in rows if row[2] == OTHER]
    wanted = {"ERROR": "error", "WARN": "warning", "INFO": "info"}
    assert len(left_out) > 100
    assert [row[3] for row in rows] == [wanted[line.split()[0]] for line in lines]
    assert len({row[1] for row in left_out}) == len({row[3] for row in left_out}) > 1

"""`serinus backtest` as a user meets it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from click.testing import CliRunner

from streams.errors import BadPolicy
from tests.topology.backtest.test_run import two_cases
from tests.topology.recording.recordings import T0, case, log_line, log_lines, write
from topology import cli

SVG = "{http://www.w3.org/2000/svg}"


def backtest(*words):
    """What the command says and does."""
    return CliRunner().invoke(cli.command, ["backtest", "--jobs", "1", *map(str, words)])


def test_labelled_cases_become_tables(tmp_path):
    """Promise: false alarms by kind, found by fault, precision, recall, F1 with intervals, time to detect."""
    directory = two_cases(tmp_path / "incidents", labels=("healthy", "faulty"))
    done = backtest(directory, "--alpha", "0.05")
    assert done.exit_code == 0, done.output
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "incidents" in lines
    assert "healthy: made-up 1 0 0.0..79.3 % 0 0.0..79.3 %" in lines
    assert "faulty: db 1 1 20.7..100.0 % 0 0.0..79.3 %" in lines
    assert any(line.startswith("precision 1 of 1 = 100.0 %") for line in lines)
    assert any(line.startswith("F1 1.00 (") for line in lines)
    assert any(line.startswith("median time to detect") for line in lines)


def test_cases_without_labels_become_rows(tmp_path):
    """Promise: no claim of what is right; the cases and their most important reason."""
    done = backtest(two_cases(tmp_path / "r"))
    assert done.exit_code == 0, done.output
    assert "no case has a label" in done.stdout
    assert "recall" not in done.stdout
    assert "bad" in done.stdout


def test_a_recording_without_a_case_is_told(tmp_path):
    """Promise: silence is never what a recording of nothing looks like."""
    write(tmp_path / "nothing", [], logs=[])
    done = backtest(tmp_path / "nothing")
    assert (done.exit_code, done.stdout.split("\n")[-2]) == (0, "nothing: holds no case")


def test_of_cases_of_which_some_have_labels_all_are_told(tmp_path):
    """Promise: those that have none are rows below the tables, and are not counted."""
    directory = two_cases(tmp_path / "r", labels=("healthy", "faulty"))
    entries = json.loads((directory / "cases.json").read_text())
    del entries[1]["label"]
    (directory / "cases.json").write_text(json.dumps(entries))
    done = backtest(directory, "--alpha", "0.05")
    assert done.exit_code == 0, done.output
    assert "1 case without a label is not counted" in done.stdout
    (row,) = [line.split() for line in done.stdout.splitlines() if line.strip().startswith("bad ")]
    assert "fail" in row
    assert "healthy: made-up" in done.stdout


@pytest.mark.parametrize("target", ["rows.json", "-"])
def test_json_is_a_list_with_a_row_a_case(tmp_path, target):
    """Promise: these keys, in whatever order of cases they began; `-` is stdout, and then it holds nothing else."""
    path = tmp_path / target if target != "-" else "-"
    done = backtest(two_cases(tmp_path / "r", labels=("healthy", "faulty")), "--json", path)
    assert done.exit_code == 0, done.output
    text = done.stdout if target == "-" else path.read_text()
    rows = json.loads(text)
    assert [row["case"] for row in rows] == ["good", "bad"]
    for row in rows:
        assert {"case", "verdict", "risk", "failed_at_s", "passed_at_s", "reasons", "set", "workload"} <= row.keys()
        assert not {"label", "kind", "fault_type", "name"} & row.keys()
    assert rows[0]["failed_at_s"] is None
    assert 0 < rows[1]["failed_at_s"] <= 120


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_what_cannot_be_written_is_told_before_the_work(tmp_path, option):
    """Promise: one line with the option and the path, and no case is replayed for nothing."""
    (tmp_path / "file").touch()
    done = backtest(two_cases(tmp_path / "r"), option, tmp_path / "file" / "below")
    assert isinstance(done.exception, BadPolicy)
    assert str(done.exception).startswith(f"{option.removeprefix('--')}: ")
    assert not done.stdout


def test_bad_records_are_told_on_stderr(tmp_path):
    """Promise: with file, line and reason; the command succeeds all the same."""
    entry = case("x", T0, 60)
    directory = write(tmp_path / "r", [entry], [*log_lines(entry, 0), "nonsense\n"])
    done = backtest(directory)
    assert done.exit_code == 0
    assert "1 records could not be used (1 not_json)" in done.stderr
    assert "logs.jsonl.gz:241: not_json" in done.stderr


def test_pictures_are_well_formed_and_escape_what_they_show(tmp_path):
    """Promise: an SVG a case and a page; no id, log line or fault type can break out of either, nor out of DIR."""
    evil = "../../<script>alert(1)</script>\"&'..\\x"
    entry = case(evil, T0, 120, label="faulty", fault_type=evil)
    entry |= {"baseline_hash": "b", "canary_hash": "c"}
    lines = [*log_lines(entry, 0)]
    lines += [log_line(entry, T0 + second, "canary_hash", 0, f"ERROR {evil}") for second in range(0, 120, 5)]
    done = backtest(write(tmp_path / "r", [entry], lines), "--plot", tmp_path / "plots", "--alpha", "0.3")
    assert done.exit_code == 0, done.output
    files = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert len(files) == 2
    assert {path.name for path in tmp_path.iterdir()} == {"r", "plots"}
    picture = ET.parse(tmp_path / "plots" / files[0]).getroot()  # noqa: S314 - our own file
    assert picture.tag == f"{SVG}svg"
    assert picture.find(f".//{SVG}polyline") is not None
    assert not list(picture.iter(f"{SVG}script"))
    page = (tmp_path / "plots/index.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert f'src="{files[0]}"' in page


@pytest.mark.parametrize(
    "words",
    [
        ["{}/nowhere"],
        ["{}/r", "--alpha", "0.9"],
        ["{}/r", "--alpha", "0"],
        ["{}/r", "--plot", "{}/r/cases.json/x"],
        ["{}/r", "--policy", "{}/p"],
    ],
)
def test_what_cannot_be_followed_is_refused(tmp_path, words):
    """Promise: a typed error, which `serinus` shows as one line with status 2."""
    write(tmp_path / "r", [case("x", T0, 60)])
    done = backtest(*[word.format(tmp_path) for word in words])
    assert isinstance(done.exception, BadPolicy)


def test_a_policy_holds_for_the_workloads_it_matches(tmp_path):
    """Promise: it is followed as score follows it, by workload; what the command line says wins."""
    directory = two_cases(tmp_path / "r")
    policy = tmp_path / "policy.yml"

    def failed_at_s(of, *words):
        policy.write_text(f"version: 1\nworkloads:\n  - match: {{workload: {of}}}\n    alpha: 1.0e-9\n")
        done = backtest(directory, "--json", "-", "--policy", policy, *words)
        return json.loads(done.stdout)[1]["failed_at_s"]

    assert failed_at_s("shop") > failed_at_s("somebody-else")
    assert failed_at_s("shop", "--alpha", "0.01") == failed_at_s("somebody-else")

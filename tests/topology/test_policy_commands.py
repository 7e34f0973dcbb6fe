"""`serinus policy` and `serinus schema`: what an operator sees."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.errors import BadPolicy
from streams.policy.workload_policy import WorkloadPolicy
from topology import cli, schemas
from topology.pipeline import Plan
from topology.settings import Kafka, ScoreSettings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "deploy/policy.example.yml"


def serinus(*words: str, **environment: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(cli.command, words, env=environment, auto_envvar_prefix="SERINUS")


def test_check_says_what_is_matched() -> None:
    """One line an entry, with its line."""
    shown = serinus("policy", "check", str(EXAMPLE))
    assert shown.exit_code == 0
    first, *told = shown.output.splitlines()
    assert first == f"{EXAMPLE}: OK, 3 entries"
    entries = [line for line in told if "not followed" not in line]
    assert entries == told
    assert [line.split()[-1] for line in entries] == ["(defaults)", "shop/*", "eu-*/shop/checkout"]
    lines = EXAMPLE.read_text().splitlines()
    assert all("match:" in lines[int(line.split()[1]) - 1] for line in entries[1:])


def test_what_is_shipped_and_shown_is_followed(tmp_path: Path) -> None:
    """The policy of deploy/kubernetes, and what docs/policy.md shows: all of it, to the last line."""
    shown = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/policy.md").read_text(), re.DOTALL)
    assert shown
    files = [ROOT / "deploy/kubernetes/policy/policy.yml"]
    for number, text in enumerate(shown):
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(text)
    for file in files:
        said = serinus("policy", "check", str(file))
        assert said.exit_code == 0, said.output
        assert "not followed" not in said.output


def test_check_as_json() -> None:
    """The same for a machine."""
    shown = json.loads(serinus("policy", "check", "--json", str(EXAMPLE)).output)
    assert shown["ok"] is True
    assert shown["entries"][2]["workload"] == "checkout"


def test_check_tells_every_fault_and_ends_with_2(tmp_path: Path) -> None:
    """By line, as compilers do."""
    file = tmp_path / "p.yml"
    file.write_text("version: 1\ndefaults:\n  alpah: 0.05\n  beta: 2\n")
    shown = serinus("policy", "check", str(file))
    assert shown.exit_code == 2
    assert shown.output.splitlines() == [
        f"{file}:3: defaults.alpah: 'alpah' is not allowed; did you mean alpha?",
        f"{file}:4: defaults.beta: 2 is not allowed; give a number above 0 and below 0.5",
    ]
    answer = serinus("policy", "check", "--json", str(file))
    assert answer.exit_code == 2
    assert [fault["line"] for fault in json.loads(answer.output)["faults"]] == [3, 4]


def test_a_file_that_is_not_there_is_a_configuration_fault() -> None:
    """Named."""
    assert isinstance(serinus("policy", "check", "/nowhere/p.yml").exception, BadPolicy)


def test_explain_says_where_each_value_comes_from() -> None:
    """Default, or file and line."""
    shown = serinus("policy", "explain", "--workload", "eu-1/shop/checkout", "--policy", str(EXAMPLE))
    assert shown.exit_code == 0, shown.output
    rows = {line.split()[0]: line.split()[1:] for line in shown.output.splitlines()}
    line = next(n for n, text in enumerate(EXAMPLE.read_text().splitlines(), 1) if "lifetime:" in text)
    assert rows["lifetime"] == ["30m", f"{EXAMPLE}:{line}"]
    assert rows["look_back"] == ["growing", "default"]
    assert rows["minimum_requests"][0] == "500.0"


def test_explain_without_a_file_shows_the_defaults() -> None:
    """And as JSON the effective policy with them; the file may also come from the environment."""
    shown = json.loads(serinus("policy", "explain", "--workload", "shop/cart", "--json").output)
    assert shown["workload"] == "/shop/cart"
    assert {row["origin"] for row in shown["values"]} == {"default"}
    assert shown["effective"]["alpha"] == WorkloadPolicy().alpha
    words = ("policy", "explain", "--workload", "shop/cart", "--json")
    with_file = json.loads(serinus(*words, SERINUS_POLICY=str(EXAMPLE)).output)
    assert with_file["effective"]["minimum_requests"] == 500


@pytest.mark.parametrize("workload", ["shop", "a/b/c/d", "shop/", "/shop", "shop/Checkout", "shop/caf\udce9"])
def test_a_workload_is_named_whole(workload: str) -> None:
    """Namespace and name at least, as records may have them: of others nothing holds, whatever the file says."""
    assert isinstance(serinus("policy", "explain", "--workload", workload).exception, BadPolicy)


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_schema_prints_what_is_kept(name: str) -> None:
    """Byte by byte."""
    assert serinus("schema", name).output == schemas.path(name).read_text(encoding="utf-8")


def test_score_and_run_carry_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Into the settings of score, and from run to the score children only."""
    from topology import roles  # noqa: PLC0415 - to be replaced

    called: list[Any] = []
    monkeypatch.setattr(roles, "score", lambda *arguments: called.extend(arguments))
    run = serinus("score", SERINUS_BOOTSTRAP_SERVERS="a:1", SERINUS_POLICY=str(EXAMPLE))
    assert run.exception is None
    assert called[0].policy == EXAMPLE
    commands = dict(Plan(policy=EXAMPLE).commands("a:1"))
    assert [name for name, words in commands.items() if "--policy" in words] == ["score-0"]


def test_score_needs_a_file_that_is_there() -> None:
    """Checked with the settings."""
    with pytest.raises(BadPolicy, match="policy"):
        ScoreSettings(Kafka("a:1"), policy=Path("/nowhere/p.yml"))


def test_a_policy_for_one_workload_fits_on_a_screen() -> None:
    """A terminal's 24 lines; the example ends with it."""
    lines = EXAMPLE.read_text().splitlines()
    start = next(n for n, line in enumerate(lines) if "workload: checkout" in line)
    assert len(lines[start:]) <= 24

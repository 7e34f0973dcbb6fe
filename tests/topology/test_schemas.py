"""The schemas that are kept in the repository are those of the code, and say what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from msgspec import Struct

from streams.policy.document import (
    GroupEntry,
    HistoricBaseline,
    LogsEntry,
    Match,
    PolicyDocument,
    Settings,
    SignalEntry,
)
from streams.policy.reader import read
from streams.policy.workload_policy import WorkloadPolicy
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument, undecided
from streams.watch.alarm import Alarm
from tests.streams.watch.test_watch import Played
from tests.streams.workload.test_life import BROKEN, lived
from tests.topology.alarms.documents import alarm
from topology import schemas
from topology.codecs import encode_json

ROOT = Path(__file__).parents[2]


def validator(name: str) -> jsonschema.Draft202012Validator:
    """Of the file that is kept."""
    return jsonschema.Draft202012Validator(msgspec.json.decode(schemas.path(name).read_bytes()))


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_the_kept_schema_is_up_to_date(name: str) -> None:
    """Else: `python -m topology.schemas`."""
    assert schemas.path(name).read_text(encoding="utf-8") == schemas.text(name)


@pytest.mark.parametrize("name", schemas.SCHEMAS)
def test_the_schema_is_one(name: str) -> None:
    """By the rules of JSON Schema."""
    jsonschema.Draft202012Validator.check_schema(schemas.schema(name))


@pytest.mark.parametrize("name", ["policy"])
def test_every_field_is_described(name: str) -> None:
    """By the line under it in the code."""
    for title, definition in schemas.schema(name)["$defs"].items():
        for field, described in definition["properties"].items():
            assert described.get("description"), f"{title}.{field}"


def test_a_risk_document_fits_its_schema() -> None:
    """As it is published; one that lacks a field does not."""
    document: Any = msgspec.json.decode(encode_json(undecided(Comparison("", "prod", "shop", "a", "b"), "nothing yet")))
    validator("risk").validate(document)
    for field in RiskDocument.__struct_fields__:
        assert not validator("risk").is_valid({name: value for name, value in document.items() if name != field})


def test_the_example_fits() -> None:
    """Reader and schema."""
    text = (ROOT / "deploy/policy.example.yml").read_text(encoding="utf-8")
    read(text, "example")
    validator("policy").validate(yaml.safe_load(text))


@pytest.mark.parametrize(
    "kind", [PolicyDocument, Match, Settings, SignalEntry, GroupEntry, LogsEntry, HistoricBaseline]
)
def test_every_field_is_documented(kind: type[Struct]) -> None:
    """In the table of docs/policy.md."""
    table = [
        line for line in (ROOT / "docs/policy.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    fields = re.findall(r"[a-z_]+", " ".join(line.split("|")[1] for line in table))
    for field in set(kind.__struct_fields__) - {"groups", "signals", "logs", "historic_baseline"}:
        assert field in fields


def test_the_documented_example_is_a_policy() -> None:
    """The page's YAML can be followed."""
    page = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert len(read(example, "docs/policy.md").document.workloads) == 1


def test_the_documented_defaults_hold() -> None:
    """Those that are numbers or words."""
    rows = {}
    for line in (ROOT / "docs/policy.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and cells[1].startswith("`"):
            rows[cells[1]] = cells[3].strip("`")
    policy = WorkloadPolicy()
    assert rows["`alpha`"] == str(policy.alpha)
    assert rows["`beta`"] == str(policy.beta)
    assert rows["`sensitivity`"] == policy.sensitivity
    assert rows["`minimum_requests`"] == f"{policy.minimum_requests:g}"
    assert rows["`minimum_pod_seconds`"] == f"{policy.minimum_pod_s:g}"
    assert rows["`pass_score`"] == f"{policy.pass_score:g}"
    assert rows["`marginal_score`"] == f"{policy.marginal_score:g}"
    assert rows["`exposure`"] == policy.exposure
    assert rows["`logs.context_lines`"] == str(policy.logs.context_lines)


def test_an_alarm_fits_its_schema() -> None:
    """As it is published; one that lacks a field does not."""
    document: Any = msgspec.json.decode(encode_json(alarm()))
    validator("alarm").validate(document)
    for field in Alarm.__struct_fields__:
        assert not validator("alarm").is_valid({name: value for name, value in document.items() if name != field})


def test_what_a_workloads_life_says_fits_the_schemas() -> None:
    """Documents that are made, with all they hold: a comparison that fails, and an incident that rings and clears."""
    failed = lived(BROKEN)
    assert failed is not None
    assert failed.verdict == "fail"
    assert failed.templates
    validator("risk").validate(msgspec.json.decode(encode_json(failed)))
    played = Played()
    played.windows(720)
    played.watch.promoted("new", played.now_ns)
    alarms = [*played.windows(18, times=5.0, revision="new"), *played.windows(120, revision="new")]
    assert {each.state for each in alarms} == {"raised", "held", "cleared"}
    assert all(each.suspects for each in alarms)
    for each in alarms:
        validator("alarm").validate(msgspec.json.decode(encode_json(each)))

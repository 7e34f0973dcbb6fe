"""Reading a policy: what fits is taken as written, what does not is refused with its line, whatever the text."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from streams.errors import BadPolicy
from streams.policy.document import (
    GroupEntry,
    HistoricBaseline,
    LogsEntry,
    Match,
    PolicyDocument,
    Settings,
    SignalEntry,
    WorkloadEntry,
)
from streams.policy.fault import BadPolicyFile, Faults
from streams.policy.reader import read, write
from streams.policy.yaml_text import MAX_CHARACTERS, parse
from topology import schemas

GOLDEN = Path(__file__).parents[2] / "golden/policy"
GOOD = sorted((GOLDEN / "good").glob("*.yml"))
BAD = sorted((GOLDEN / "bad").glob("*.yml"))
SCHEMA = jsonschema.Draft202012Validator(schemas.schema("policy"))
EXPECTED = re.compile(r"# ([0-9]+): (.+?)(?:: (.*))?")


def text_of(path):
    """A golden file."""
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_are_taken_by_reader_and_schema(path):
    """And written out and read again they say the same."""
    document = read(text_of(path), path.name).document
    assert read(write(document), "again").document == document
    SCHEMA.validate(parse(text_of(path), Faults()).plain())


def test_a_good_file_sets_every_field():
    """So that no field goes untried."""
    document = read(text_of(GOLDEN / "good/every-field.yml"), "").document
    signals = document.defaults.signals.values()
    blocks = [document.defaults, document.defaults.logs, *document.defaults.groups.values()]
    assert all(getattr(block, name) is not UNSET for block in blocks for name in block.__struct_fields__)
    for name in SignalEntry.__struct_fields__:
        assert any(getattr(signal, name) is not UNSET for signal in signals), name


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_files_are_refused_with_every_line(path):
    """All faults and no others, each with line, field and what is allowed; the first is in the error's own text."""
    lines = [line for line in text_of(path).splitlines() if line.startswith("#")]
    matches = [EXPECTED.fullmatch(line) for line in lines if line != "# schema cannot tell"]
    with pytest.raises(BadPolicyFile) as caught:
        read(text_of(path), path.name)
    faults = caught.value.faults
    assert [(fault.line, fault.field) for fault in faults] == sorted((int(each[1]), each[2]) for each in matches)
    for each in matches:
        assert any(each[2] == fault.field and (each[3] or "") in fault.allowed for fault in faults)
    assert str(caught.value).startswith(f"{path.name}:{faults[0].line}: {faults[0].field}: ")
    assert isinstance(caught.value, BadPolicy)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("workloads", [{"match": {"workload": f"a{number}"}} for number in range(501)]),
        ("defaults.signals", {f"a{number}": {"weight": 1.0} for number in range(501)}),
        ("defaults.logs.classes", {f"a{number}": "error" for number in range(501)}),
        ("defaults.logs.masks", [f"a{number}" for number in range(101)]),
    ],
)
def test_more_entries_than_are_allowed_are_refused(field, written):
    """With their number, and with whatever else is wrong: an alpha of 2 here."""
    document = {"version": 1, "workloads": [{"match": {}, "alpha": 2}]}
    *above, last = field.split(".")
    place = document
    for name in above:
        place = place.setdefault(name, {})
    place[last] = [{"match": {}, "alpha": 2}, *written[1:]] if field == "workloads" else written
    with pytest.raises(BadPolicyFile) as caught:
        read(json.dumps(document), "policy.yml")
    found = {fault.field: fault.value for fault in caught.value.faults}
    assert found == {field: f"'{len(written)} entries'", "workloads[0].alpha": "2"}


@pytest.mark.parametrize(("name", "most"), [("classes", 200), ("masks", 100)])
def test_what_entries_that_meet_bring_is_counted(name, most):
    """What cannot all be followed is refused, where it stands; other workloads' entries and a few do not count."""

    def document(first, second, third, other):
        def logs(number, mark):
            texts = [f"{mark}{place}x" for place in range(number)]
            return {"logs": {name: dict.fromkeys(texts, "error") if name == "classes" else texts}}

        entries = [("shop", second, "b"), ("other", other, "c"), ("s*", third, "d")]
        workloads = [{"match": {"workload": who}, **logs(size, mark)} for who, size, mark in entries]
        return json.dumps({"version": 1, "defaults": logs(first, "a"), "workloads": workloads})

    third = most // 2
    read(document(third - 1, third - most // 4, most // 4 + 1, third + 1), "policy.yml")
    with pytest.raises(BadPolicyFile) as caught:
        read(document(third - 1, third - most // 4, most // 4 + 2, third + 2), "policy.yml")
    allowed = {fault.field: (fault.value, fault.allowed) for fault in caught.value.faults}
    assert allowed == {
        f"workloads[1].logs.{name}": (
            f"'{third + 2} entries'",
            f"give at most {third + 1}, as {third - 1} hold beside them",
        ),
        f"workloads[2].logs.{name}": (
            f"'{most // 4 + 2} entries'",
            f"give at most {most // 4 + 1}, as {most - most // 4 - 1} hold beside them",
        ),
    }


@pytest.mark.parametrize(("name", "most"), [("classes", 200), ("masks", 100)])
def test_what_is_refused_by_itself_is_told_once(name, most):
    """With its own number: nothing is counted of lists that could not be read whole."""
    texts = [f"{place}x" for place in range(most + 1)]
    logs = {name: dict.fromkeys(texts, "error") if name == "classes" else texts}
    one = {"logs": {name: {"boom": "error"} if name == "classes" else ["boom"]}}
    document = {"version": 1, "defaults": one, "workloads": [{"match": {"workload": "shop"}, "logs": logs}]}
    with pytest.raises(BadPolicyFile) as caught:
        read(json.dumps(document), "policy.yml")
    assert [(fault.field, fault.value) for fault in caught.value.faults] == [
        (f"workloads[0].logs.{name}", f"'{most + 1} entries'")
    ]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_schema_refuses_what_a_schema_can(path):
    """Files that only the reader can refuse say so; all others the schema refuses too."""
    if text_of(path).startswith("# schema cannot tell"):
        return
    assert not SCHEMA.is_valid(parse(text_of(path), Faults()).plain())


def optional(**fields):
    """Keyword arguments of a struct, each given or not."""
    return st.fixed_dictionaries({}, optional=fields)


numbers = st.floats(0.001, 0.499, allow_nan=False)
percents = st.integers(0, 100).map("{}%".format)
durations = st.integers(1, 86_400).map("{}s".format)
names = st.text("abc-*?.", max_size=6)
words = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=20).filter(
    lambda text: not text.startswith("/")
)
signal_entries = optional(
    group=st.sampled_from(["errors", "latency", "cpu"]),
    worse=st.sampled_from(["higher", "lower", "either"]),
    weight=numbers,
    tolerance_up=percents,
    tolerance_down=percents,
    criticality=st.sampled_from(["normal", "must_have", "critical", "watch"]),
    not_a_number=st.just("remove"),
    missing_data=st.sampled_from(["unjudged", "zero"]),
).map(lambda fields: SignalEntry(**fields))
group_entries = optional(weight=numbers, tolerance_up=percents).map(lambda fields: GroupEntry(**fields))
logs = optional(
    default_topics=st.booleans(),
    classes=st.dictionaries(words, st.sampled_from(["critical", "ignore"]), max_size=3),
    masks=st.lists(words.map(re.escape), max_size=2).map(tuple),
    context_lines=st.integers(0, 50),
).map(lambda fields: LogsEntry(**fields))
plain = {
    "alpha": numbers,
    "beta": numbers,
    "sensitivity": st.sampled_from(["low", "medium", "high"]),
    "warm_up": durations,
    "minimum_requests": st.floats(0, 1e12, allow_nan=False),
    "pass_score": st.floats(75, 100, allow_nan=False),
    "look_back": st.integers(60, 86_400).map("{}s".format) | st.just("growing"),
    "exposure": st.sampled_from(["auto", "requests", "log_lines", "pod_seconds"]),
    "historic_baseline": st.integers(1, 840).map("{}s".format).map(lambda ago: HistoricBaseline(ago=ago)),
    "groups": st.dictionaries(st.sampled_from(["errors", "latency"]), group_entries, max_size=2),
    "signals": st.dictionaries(st.sampled_from(["a", "a*", "b.c", "x?", "-"]), signal_entries, max_size=3),
    "logs": logs,
}
matched = optional(cluster=names, namespace=names, workload=names).map(lambda fields: Match(**fields))
documents = st.builds(
    lambda defaults, entries: PolicyDocument(version=1, defaults=defaults, workloads=tuple(entries)),
    optional(**plain).map(lambda fields: Settings(**fields)),
    st.lists(
        st.builds(lambda match, fields: WorkloadEntry(match=match, **fields), matched, optional(**plain)), max_size=3
    ),
)


@settings(deadline=None, max_examples=200)
@given(documents)
def test_what_is_written_is_read_again(document):
    """Every document survives `write` and `read`, and fits the schema."""
    text = write(document)
    assert read(text, "round trip").document == document
    SCHEMA.validate(json.loads(text))


MARKS = "{}[]:,-#&*!|>'\"%@`?\n\t "
WORDS = ["\n  ", "\n- ", ": ", "version: 1\n", "defaults", "workloads", "match", "&a ", "*a", "alpha", "signals", "<<"]
ODD = ["!!str ", "---\n", "1e999", "0.05", "~", "\x00", "\ud800", "é", "\ufeff"]
fragments = st.lists(st.sampled_from([*MARKS, *WORDS, *ODD]), max_size=40).map("".join)


@settings(deadline=None, max_examples=500)
@given(fragments | st.text(max_size=60))
@example("%YAML 9.9\n---\nversion: 1")
@example("version: 99999999999999999999999999")
@example("version: 1\nworkloads: [{match: {workload: 1}}]")
def test_any_text_is_a_policy_or_refused(text):
    """Nothing but BadPolicyFile comes out of hostile text, and its message is one line."""
    try:
        read(text, "hostile")
    except BadPolicyFile as refused:
        assert "\n" not in str(refused)  # noqa: PT017 - taking it is right as well


def test_size_is_bounded_before_anything_is_read():
    """Also where the text would be fine."""
    with pytest.raises(BadPolicyFile, match="characters"):
        read("version: 1\n" + "#" * MAX_CHARACTERS, "long")


def test_no_more_faults_are_told_than_a_person_reads():
    """A hundred."""
    text = "version: 1\ndefaults:\n" + "".join(f"  x{number}: 1\n" for number in range(500))
    with pytest.raises(BadPolicyFile) as caught:
        read(text, "p.yml")
    assert len(caught.value.faults) == 100


def test_values_are_shown_cut():
    """A long value does not fill the log."""
    with pytest.raises(BadPolicyFile) as caught:
        read(f"version: 1\ndefaults: {{lifetime: {'9' * 5000}s}}", "p.yml")
    assert len(str(caught.value)) < 300

"""A document says by which policy it was made."""

from __future__ import annotations

from streams.policy.effective import effective
from streams.policy.reader import read
from streams.policy.statement import statement
from streams.policy.workload_policy import WorkloadPolicy
from streams.records.identity import Workload

TEXT = """version: 1
defaults:
  alpha: 0.01
  rollback: true
  exposure: pod_seconds
  look_back: 10m
  historic_baseline: {ago: 5m, length: 2m}
  parts: {logs: 2}
  groups: {latency: {weight: 2, margin: 50%}}
  signals:
    requests/error: {criticality: critical, floor_per_pod_second: 0.5}
    "jvm_*": {criticality: must_have}
"""


def said(text):
    """What a document says of a file."""
    return statement(effective(read(text, "p.yml"), Workload("", "n", "w")))


def test_what_is_not_the_default_is_said_in_the_words_of_the_file():
    """Field by field; what is as it would be without a file is not."""
    assert said(TEXT) == (
        "look_back: 10m",
        "exposure: pod_seconds",
        "historic_baseline: 5m ago, 2m long",
        "parts: logs 2, errors 1, values 1, levels 1",
        "groups.latency.weight: 2",
        "groups.latency.margin: 50%",
        "signals['requests/error'].criticality: critical",
        "signals['requests/error'].floor_per_pod_second: 0.5",
        "signals['jvm_*'].criticality: must_have",
    )


def test_a_time_is_one_that_people_read_and_a_group_is_said_whatever_the_signal_is_called():
    """A signal may have the name of its group."""
    text = """{version: 1, defaults: {historic_baseline: {start: "2026-08-21T08:00:00+02:00"},
      signals: {latency: {group: latency}}}}"""
    assert said(text) == ("historic_baseline: from 2026-08-21T06:00:00.000Z", "signals.latency.group: latency")


def test_without_a_policy_there_is_nothing_to_say():
    """No line."""
    assert statement(WorkloadPolicy()) == ()


def test_what_is_said_is_bounded():
    """Of many entries the first, and how many more."""
    many = "".join(f"    s{number}: {{weight: 2}}\n" for number in range(80))
    lines = said(f"version: 1\ndefaults:\n  signals:\n{many}")
    assert len(lines) == 51
    assert lines[-1] == "and 30 lines more"

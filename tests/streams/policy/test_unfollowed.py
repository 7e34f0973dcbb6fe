"""What is read but not followed is told, field by field."""

from __future__ import annotations

from streams.policy.reader import read
from streams.policy.unfollowed import sentence, unfollowed

TEXT = """version: 1
defaults:
  alpha: 0.02
  exposure: pod_seconds
workloads:
  - match: {workload: shop}
    look_back: 10m
    groups:
      latency: {weight: 2, tolerance_up: 15%}
    signals:
      requests/error: {criticality: critical, weight: 2}
      jvm_classes: {criticality: watch, missing_data: zero}
    logs: {default_topics: false, context_lines: 21}
"""


def test_every_field_that_is_not_followed_is_named_with_its_line():
    """And none that is."""
    found = unfollowed(read(TEXT, "policy.yml"))
    assert found == [(13, "workloads[0].logs.context_lines", "at most 20 are kept on either side")]


def test_a_file_that_is_followed_has_nothing_to_tell():
    """No sentence at all."""
    assert sentence(read("version: 1\ndefaults: {alpha: 0.02}\n", "policy.yml")) is None
    why = "at most 20 are kept on either side"
    told = f"policy.yml: read but not followed: workloads[0].logs.context_lines (line 13: {why})"
    assert sentence(read(TEXT, "policy.yml")) == told


def test_what_can_never_be_found_is_told_with_the_reason():
    """Digits are holes in the text that classes and masks meet: what stands for digits finds them, `42` does not."""
    logs = "{classes: {error 42: ignore, /shard 7/: ignore, status=503: ignore}, masks: ['shard [0-9]+ of', 'eth0']}"
    found = unfollowed(read(f"version: 1\ndefaults:\n  logs: {logs}\n", "policy.yml"))
    assert [path for _, path, _ in found] == [
        "defaults.logs.classes['error 42']",
        "defaults.logs.classes['/shard 7/']",
        "defaults.logs.masks[1]",
    ]
    assert all("now" in why for _, _, why in found)


def test_what_only_the_watch_follows_is_told():
    """Promise: nobody believes that fewer errors fail a canary; what is as it is anyway is not told."""
    signals = (
        "{log/error: {worse: lower, group: cpu}, requests/error: {worse: higher, group: errors}, heap: {worse: lower}}"
    )
    found = unfollowed(read(f"version: 1\ndefaults:\n  signals: {signals}\n", "policy.yml"))
    assert [path for _, path, _ in found] == [
        "defaults.signals['log/error'].worse",
        "defaults.signals['log/error'].group",
    ]


def test_they_are_told_in_the_order_of_the_file():
    """Whichever kind they are of."""
    text = (
        "version: 1\ndefaults:\n  logs:\n    masks: ['eth0']\n    classes: {error 42: ignore}\n    context_lines: 21\n"
    )
    assert [line for line, _, _ in unfollowed(read(text, "policy.yml"))] == [4, 5, 6]

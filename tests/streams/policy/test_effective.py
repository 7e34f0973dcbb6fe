"""What a policy comes to: later entries win, field by field, and every value knows its line."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.judging.critical import CRITICAL_SHARE
from streams.judging.policy_settings import judge_settings
from streams.judging.settings import JudgeSettings
from streams.policy.agreement import conflicts
from streams.policy.effective import effective
from streams.policy.explanation import explain
from streams.policy.fault import BadPolicyFile
from streams.policy.policy_file import PolicyFile
from streams.policy.reader import read
from streams.policy.rules import apply, counted, named
from streams.policy.sensitivity import SENSITIVITIES
from streams.policy.workload_policy import BaselineTime, LogClassRule, SignalPolicy, WorkloadPolicy
from streams.records.identity import Workload
from streams.signals.rule import SignalRule

S = 1_000_000_000
CHECKOUT = Workload("eu-1", "shop", "checkout")
LAYERED = """\
version: 1
defaults:
  alpha: 0.05
  minimum_requests: 7
  signals: {jvm_*: {weight: 2, worse: higher}}
workloads:
  - match: {namespace: shop}
    alpha: 0.02
    groups: {latency: {weight: 2}}
    logs: {classes: {declined: ignore}, masks: [a+], context_lines: 1}
  - match: {namespace: elsewhere}
    alpha: 0.3
  - match: {cluster: eu-*, workload: check*}
    lifetime: 1h
    groups: {latency: {tolerance_up: 15%}}
    signals: {jvm_threads: {weight: 3}, jvm_*: {criticality: watch}}
    logs: {classes: {/declin.*/: error, declined: warning}, masks: [b+], default_topics: false}
"""


def policy_of(text, workload=CHECKOUT):
    """What a file comes to."""
    return effective(read(text, "p.yml"), workload)


def defaults(settings_text):
    """What defaults alone come to."""
    return policy_of(f"version: 1\ndefaults: {settings_text}")


def test_without_a_file_all_is_as_the_judge_has_it():
    """The defaults of policy and judge are the same numbers, to the bit."""
    policy = effective(PolicyFile(), CHECKOUT)
    assert policy == WorkloadPolicy()
    assert judge_settings(policy) == JudgeSettings()


def test_later_entries_win_field_by_field():
    """Defaults, then what matches in the order of the file; what does not match says nothing."""
    policy = policy_of(LAYERED)
    assert (policy.alpha, policy.minimum_requests, policy.lifetime_ns) == (0.02, 7.0, 3600 * S)
    assert [(each.group, each.weight, each.tolerance_up) for each in policy.groups] == [("latency", 2.0, 0.15)]
    assert (policy.logs.default_topics, policy.logs.context_lines) == (False, 1)
    assert policy.logs.masks == ("a+", "b+")
    assert policy.logs.classes == (
        LogClassRule("declined", False, "ignore"),
        LogClassRule("declin.*", True, "error"),
        LogClassRule("declined", False, "warning"),
    )
    assert policy_of(LAYERED, Workload("us", "other", "cart")).alpha == 0.05


def test_signals_are_laid_over_the_rule_in_order():
    """Every pattern that fits has its say, the later one the last."""
    policy = policy_of(LAYERED)
    found = apply(SignalRule("jvm_threads", "level", group="cpu", known=False), policy)
    assert (found.weight, found.worse, found.criticality, found.known) == (3.0, "higher", "watch", True)
    assert apply(SignalRule("jvm_gc", "level"), policy).weight == 2.0
    untouched = SignalRule("node_load", "level", group="cpu", known=False)
    assert apply(untouched, policy) == untouched


def test_the_nearest_tolerance_holds():
    """Signal, group, all, then the rule's own by sensitivity; a fall is never more than all."""
    policy = defaults(
        "{tolerance: 150%, margin: 200%, sensitivity: high, "
        "groups: {cpu: {tolerance_up: 40%}}, signals: {a: {tolerance_up: 5%}}}"
    )
    rule = SignalRule("a", "level", group="cpu", tolerance_up=0.3, tolerance_down=0.4)
    ups = [
        apply(msgspec.structs.replace(rule, signal=name, group=g), policy).tolerance_up
        for name, g in (("a", "cpu"), ("b", "cpu"), ("b", "gc"))
    ]
    assert ups == [0.05, 0.4, 1.5]
    assert apply(rule, policy).tolerance_down == 1.0
    by_rule = apply(rule, defaults("{sensitivity: high}"))
    assert (by_rule.tolerance_up, by_rule.tolerance_down) == (0.15, 0.2)
    assert apply(rule, defaults("{sensitivity: medium}")) == rule


def test_a_signal_can_change_its_group():
    """And then has that group's tolerance, margin and weight."""
    policy = defaults("{groups: {latency: {weight: 4, margin: 50%}}, signals: {a: {group: latency}}}")
    found = apply(SignalRule("a", "level", group="cpu"), policy)
    assert (found.group, found.group_weight, found.margin) == ("latency", 4.0, 0.5)
    other = apply(SignalRule("b", "level", group="cpu"), policy)
    assert (other.group_weight, other.margin) == (1.0, None)
    general = defaults("{margin: 150%, groups: {cpu: {margin: 60%}}, signals: {a: {margin: 90%}}}")
    margins = [apply(SignalRule(name, "level", group=g), general).margin for name, g in (("a", "cpu"), ("b", "cpu"))]
    assert margins == [0.9, 0.6]
    assert apply(SignalRule("c", "level", group="gc"), general).margin == 1.5


def test_rules_for_missing_data():
    """None is set unless a pattern says so: then the known counters' own rule holds."""
    policy = defaults("{signals: {'*_total': {missing_data: zero}, a_total: {missing_data: unjudged}}}")
    found = [apply(SignalRule(name, "events"), policy).missing_data for name in ("a_total", "b_total", "b")]
    assert found == ["unjudged", "zero", None]


def test_named_are_those_no_later_entry_takes_back():
    """By name or pattern; what a signal is called last holds."""
    policy = defaults(
        "{signals: {'jvm_*': {criticality: must_have}, jvm_a: {criticality: normal}, b: {criticality: must_have},"
        " requests/error: {criticality: critical}, 'b*': {criticality: critical}}}"
    )
    assert named(policy, "must_have") == ("jvm_*",)
    assert named(policy, "critical") == ("b*", "requests/error")
    settings_ = judge_settings(policy)
    assert (settings_.must_have, settings_.critical_share) == (("jvm_*",), CRITICAL_SHARE)
    assert judge_settings(defaults("{exposure: pod_seconds}")).logs.exposure == "pod_seconds"


@pytest.mark.parametrize(
    ("given", "ratio"),
    [
        ("{}", 1.2),
        ("{tolerance: 80%}", 1.8),
        ("{signals: {log/critical: {tolerance_up: 50%}}}", 1.5),
        ("{signals: {log/warning: {tolerance_up: 50%}}}", 1.2),
        ("{sensitivity: high}", 1.1),
    ],
)
def test_what_is_tolerated_of_errors_is_tolerated_of_logs_judged_by_the_past(given, ratio):
    """The more of both classes of failed traces."""
    assert judge_settings(defaults(given)).logs.tolerance == pytest.approx(ratio)


def test_quantities_become_the_units_of_the_judging():
    """Nanoseconds and ratios."""
    policy = defaults("{warm_up: 1m30s, look_back: 10m, canary_share: 12.5%, historic_baseline: {ago: 7m, length: 1h}}")
    assert (policy.warm_up_ns, policy.look_back_ns, policy.canary_share) == (90 * S, 600 * S, 0.125)
    assert policy.historic_baseline == BaselineTime(None, 420 * S, 3600 * S)
    assert defaults("{look_back: growing}").look_back_ns is None
    start = defaults("{historic_baseline: {start: '2026-08-21T10:13:20.123+02:00'}}").historic_baseline
    assert start == BaselineTime(1_787_300_000_123_000_000)


@pytest.mark.parametrize("name", SENSITIVITIES)
def test_sensitivity_moves_weight_between_log_classes_only(name):
    """Their weights sum to one and error requests keep theirs."""
    signals = {each.signal: each for each in counted(WorkloadPolicy(sensitivity=name))}
    critical, error, warning = (signals[f"log/{log_class}"].weight for log_class in ("critical", "error", "warning"))
    assert critical + error + warning == pytest.approx(1.0)
    assert signals["requests/error"].weight == 1.0
    assert critical > error > warning


def test_higher_sensitivity_hears_more():
    """Warnings weigh more and less is tolerated."""
    low, medium, high = (counted(WorkloadPolicy(sensitivity=name)) for name in ("low", "medium", "high"))
    assert low[3].weight < medium[3].weight < high[3].weight
    assert [each[0].tolerance_ratio for each in (low, medium, high)] == [1.4, 1.2, 1.1]


def test_weights_of_log_classes_are_scaled():
    """To a sum of one, whatever is given."""
    signals = counted(WorkloadPolicy(signals=(SignalPolicy("log/*", weight=5.0, criticality="critical"),)))
    assert [each.weight for each in signals] == pytest.approx([1 / 3, 1 / 3, 1.0, 1 / 3])
    assert [each.criticality for each in signals] == ["critical", "critical", "normal", "critical"]


def test_every_value_is_explained_with_its_line():
    """Defaults are called so; the line is that of the field, not of the entry."""
    rows = {row.field: (row.value, row.origin) for row in explain(read(LAYERED, "p.yml"), CHECKOUT)}
    assert rows["alpha"] == (0.02, "p.yml:8")
    assert rows["minimum_requests"] == (7.0, "p.yml:4")
    assert rows["beta"] == (0.05, "default")
    assert rows["lifetime"] == ("1h", "p.yml:14")
    assert rows["groups.latency.weight"] == (2.0, "p.yml:9")
    assert rows["groups.latency.tolerance_up"] == ("15%", "p.yml:15")
    assert rows["signals['jvm_*'].criticality"] == ("watch", "p.yml:16")
    assert rows["logs.classes.declined"] == ("warning", "p.yml:17")
    assert rows["logs.default_topics"] == (False, "p.yml:17")
    assert rows["counted['log/error'].weight"] == (0.45, "default")


def test_what_follows_from_another_value_says_so():
    """A tolerance from the sensitivity, a weight that was scaled, a pattern that names a counted signal."""
    text = "version: 1\ndefaults:\n  sensitivity: high\n  signals:\n    log/*: {weight: 1}\n"
    rows = {row.field: (row.value, row.origin) for row in explain(read(text, "p.yml"), CHECKOUT)}
    assert rows["counted['log/error'].tolerance_up"] == ("10%", "sensitivity, p.yml:3")
    assert rows["counted['log/error'].weight"][1] == "p.yml:5, scaled to a sum of 1"


def test_the_judge_follows_the_policy():
    """Whatever it has a setting for."""
    settings_ = judge_settings(
        defaults(
            "{alpha: 0.1, warm_up: 5s, lifetime: 1m, pass_score: 70, marginal_score: 20, canary_share: 20%, "
            "minimum_pod_seconds: 9, parts: {logs: 2, levels: 0}, "
            "signals: {log/error: {tolerance_up: 50%, margin: 300%}}}"
        )
    )
    assert (settings_.alpha, settings_.warm_up_ns, settings_.lifetime_ns) == (0.1, 5 * S, 60 * S)
    assert (settings_.pass_score, settings_.marginal_score, settings_.intended_share) == (70.0, 20.0, 0.2)
    assert settings_.part_weights == {"logs": 2.0, "errors": 1.0, "values": 1.0, "levels": 0.0}
    by_signal = {each.signal: each for each in settings_.signals}
    assert by_signal["log/error"].margin_ratio == 4.0
    assert {name: each.tolerance_ratio for name, each in by_signal.items()} == {
        "log/critical": 1.2,
        "log/error": 1.5,
        "requests/error": 1.2,
        "log/warning": 1.2,
    }


globs = st.sampled_from(["*", "a*", "*b", "?", "ab", "b"])
amounts = st.sampled_from(["5%", "15%", "30%", "60%", "200%"])
blocks = st.fixed_dictionaries(
    {},
    optional={
        "pass_score": st.sampled_from([50, 80, 99]),
        "marginal_score": st.sampled_from([40, 79, 98]),
        "warm_up": st.sampled_from(["1s", "1m"]),
        "lifetime": st.sampled_from(["30s", "5m"]),
        "tolerance": amounts,
        "margin": amounts,
        "sensitivity": st.sampled_from(["low", "high"]),
        "signals": st.dictionaries(
            st.sampled_from(["log/*", "log/error", "x"]),
            st.fixed_dictionaries({}, optional={"tolerance_up": amounts, "margin": amounts}),
            max_size=2,
        ),
    },
)
files = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "defaults": blocks,
        "workloads": st.lists(
            st.builds(lambda match, block: {"match": {"workload": match}, **block}, globs, blocks), max_size=4
        ),
    }
)


@settings(max_examples=500, deadline=None)
@given(files)
def test_what_is_taken_never_disagrees_later(written):
    """Of a file that was read, no workload's policy holds two values that cannot both hold."""
    try:
        policy_file = read(msgspec.json.encode(written).decode(), "p.yml")
    except BadPolicyFile:
        return
    for name in ("a", "b", "ab", "aab", "x", "xyz", "aa"):
        policy = effective(policy_file, Workload("", "n", name))
        assert list(conflicts(policy)) == []
        judge_settings(policy)

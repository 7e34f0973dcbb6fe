"""A Kayenta canary config as a policy."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest

from streams.errors import BadPolicy
from streams.policy.kayenta_config import NoEqual, policy
from streams.policy.reader import read


def _metric(name: str = "cpu", metric: str = "container_cpu_usage_seconds_total", **canary: Any) -> dict[str, Any]:
    query = {"type": "prometheus", "metricName": metric, "labelBindings": ["pod"], "customFilter": "x=~${scope}"}
    return {
        "name": name,
        "query": query,
        "groups": ["CPU"],
        "analysisConfigurations": {"canary": canary},
        "scopeName": "default",
    }


def _config(*metrics: dict[str, Any], **changes: Any) -> bytes:
    config = {
        "name": "my-test",
        "configVersion": "1",
        "applications": ["guestbook"],
        "judge": {"name": "NetflixACAJudge-v1.0", "judgeConfigurations": {}},
        "metrics": list(metrics),
        "templates": {},
        "classifier": {"groupWeights": {"CPU": 60, "Latency": 40}, "scoreThresholds": {"pass": 95, "marginal": 75}},
    }
    return json.dumps({**config, **changes}).encode()


FULL = _config(
    _metric(direction="increase", critical=True, nanStrategy="replace", effectSize={"allowedIncrease": 1.1}),
    {
        **_metric("p99", "latency_s", mustHaveData=True, effectSize={"allowedDecrease": 0.7}),
        "groups": ["Latency"],
    },
)


@pytest.mark.parametrize("allowed", [1.0123456, 1.1, 1.0000001, 10.9876543, 11.0])
def test_any_effect_size_is_a_percentage_that_the_policy_takes(allowed):
    """To four digits behind the point."""
    found = policy(_config(_metric(effectSize={"allowedIncrease": allowed}), classifier={}))
    ratio = read(json.dumps(found), "p.yml").document.workloads[0].signals["container_cpu_usage_seconds_total"]
    assert float(ratio.tolerance_up.removesuffix("%")) == pytest.approx(100.0 * (allowed - 1.0), abs=6e-5)


def test_everything_that_has_an_equal():
    """Directions, criticality, effect sizes, groups, weights, thresholds and what is done with NaN are carried over."""
    assert policy(FULL) == {
        "version": 1,
        "workloads": [
            {
                "match": {"workload": "guestbook"},
                "pass_score": 95.0,
                "marginal_score": 75.0,
                "groups": {"cpu": {"weight": 60.0}, "latency": {"weight": 40.0}},
                "signals": {
                    "container_cpu_usage_seconds_total": {
                        "worse": "higher",
                        "group": "cpu",
                        "criticality": "critical",
                        "missing_data": "zero",
                        "tolerance_up": "10%",
                    },
                    "latency_s": {
                        "worse": "either",
                        "group": "latency",
                        "criticality": "must_have",
                        "tolerance_down": "30%",
                    },
                },
            }
        ],
    }


def test_it_is_a_policy_file():
    """What comes out is read as a policy file is."""
    try:
        reader = importlib.import_module("streams.policy.reader")
    except ImportError:
        pytest.skip("there is no reader of policy files yet")
    assert reader.read(json.dumps(policy(FULL)), "x.json").document.version == 1


REFUSED = [
    (_config(judge={"name": "dredd-v1.0"}), "judge.name: there is no judge 'dredd-v1.0'"),
    (_config(judge={"judgeConfigurations": {"x": 1}}), "judge.judgeConfigurations: x"),
    (_config(_metric(critical=True, mustHaveData=True)), "metrics[0] 'cpu': mustHaveData beside critical"),
    (_config(_metric(outliers={"strategy": "remove"})), "metrics[0] 'cpu': outliers.strategy: 'remove'"),
    (_config(_metric(effectSize={"measure": "cles"})), "metrics[0] 'cpu': effectSize.measure: 'cles'"),
    (_config(_metric(effectSize={"criticalIncrease": 2})), "metrics[0] 'cpu': effectSize.criticalIncrease"),
    (_config(_metric(effectSize={"criticalDecrease": 0.1})), "metrics[0] 'cpu': effectSize.criticalDecrease"),
    (_config(_metric(effectSize={"allowedIncrease": 0.9})), "metrics[0] 'cpu': effectSize.allowedIncrease: 0.9"),
    (_config(_metric(effectSize={"allowedDecrease": 1.1})), "metrics[0] 'cpu': effectSize.allowedDecrease: 1.1"),
    (_config(_metric(metric="")), "metrics[0] 'cpu': query names no metric"),
    (
        _config(_metric(), _metric("cpu again")),
        "metrics[1] 'cpu again': container_cpu_usage_seconds_total",
    ),
    (_config({**_metric(), "groups": ["CPU", "Latency"]}), "metrics[0] 'cpu': groups: a signal is of one group"),
    (_config({**_metric(), "groups": ["Gold"]}), "groups: 'Gold' is no group here; rename it to one of availability"),
    (_config({**_metric(), "groups": ["Memory"]}), "classifier.groupWeights: 'Memory' has no weight"),
]


@pytest.mark.parametrize(("config", "reason"), REFUSED, ids=[reason[:50] for _, reason in REFUSED])
def test_what_has_no_equal_is_refused_by_name(config, reason):
    """With the field and, of a metric, which."""
    with pytest.raises(NoEqual) as caught:
        policy(config)
    assert any(each.startswith(reason) for each in caught.value.reasons), caught.value.reasons


def test_all_of_it_is_named_at_once():
    """Nobody has to try again for the next fault."""
    with pytest.raises(NoEqual) as caught:
        policy(_config(_metric(effectSize={"measure": "cles", "criticalIncrease": 2}), judge={"name": "x"}))
    assert len(caught.value.reasons) == 3


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b'{"name": 1}', b'{"name": "x", "metrics": [{}]}', b"\xff", b" " * 1_000_001, b"[" * 10_000],
)
def test_what_is_no_canary_config(text):
    """Is refused as such, in bounded time."""
    with pytest.raises(BadPolicy, match="canary config"):
        policy(text)

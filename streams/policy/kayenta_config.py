"""Which policy says what a Kayenta canary config says? What has no equal is refused by name, all of it at once.

Source of the format: spinnaker/kayenta, docs/canary-config.md. Of a query only the metric's name is taken: filters and
scope bindings say whose pods are meant, and that is what the pod-template hash says here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from streams.errors import BadPolicy
from streams.policy.quantities import percent_text
from streams.shippers.faults import DECODE_FAULTS

JUDGE = "NetflixACAJudge-v1.0"
"""The judge whose settings these are."""
_GROUPS = {
    "availability": "availability",
    "cpu": "cpu",
    "errors": "errors",
    "error": "errors",
    "gc": "gc",
    "io": "io",
    "latency": "latency",
    "load": "load",
    "memory": "memory",
    "network": "network",
    "requests": "load",
    "saturation": "saturation",
    "system": "saturation",
    "traffic": "load",
}
"""Their groups are free text, ours are what judging knows."""
_WORSE = {"increase": "higher", "decrease": "lower", "either": "either"}
MOST_BYTES = 1_000_000
"""Of the file."""


class _EffectSize(Struct, frozen=True, rename="camel"):
    measure: str = "meanRatio"
    allowed_increase: float | None = None
    allowed_decrease: float | None = None
    critical_increase: float | None = None
    critical_decrease: float | None = None


class _Outliers(Struct, frozen=True):
    strategy: str = "keep"


class _Canary(Struct, frozen=True, rename="camel"):
    direction: Literal["increase", "decrease", "either"] = "either"
    critical: bool = False
    must_have_data: bool = False
    nan_strategy: Literal["remove", "replace"] | None = None
    effect_size: _EffectSize = _EffectSize()
    outliers: _Outliers = _Outliers()


class _Configurations(Struct, frozen=True):
    canary: _Canary = _Canary()


class _Query(Struct, frozen=True, rename="camel"):
    metric_name: str = ""
    metric_type: str = ""
    """Stackdriver's word for it."""


class _Metric(Struct, frozen=True, rename="camel"):
    name: str
    query: _Query = _Query()
    groups: tuple[str, ...] = ()
    analysis_configurations: _Configurations = _Configurations()


class _Thresholds(Struct, frozen=True):
    passing: Annotated[float, Meta(ge=0, le=100)] = field(name="pass", default=75.0)
    marginal: Annotated[float, Meta(ge=0, le=100)] = 50.0


class _Classifier(Struct, frozen=True, rename="camel"):
    group_weights: dict[str, float] = {}
    score_thresholds: _Thresholds | None = None


class _Judge(Struct, frozen=True, rename="camel"):
    name: str = JUDGE
    judge_configurations: dict[str, Any] = {}


class _Config(Struct, frozen=True):
    name: str
    applications: tuple[str, ...] = ()
    judge: _Judge = _Judge()
    metrics: Annotated[tuple[_Metric, ...], Meta(max_length=500)] = ()
    classifier: _Classifier = _Classifier()


class NoEqual(BadPolicy):
    """A canary config that says something a policy cannot say.

    Attributes:
        reasons: a sentence for each, beginning with the field.
    """

    def __init__(self, name: str, reasons: tuple[str, ...]) -> None:
        super().__init__("canary config", name, "; ".join(reasons))
        self.reasons = reasons


def policy(text: bytes) -> dict[str, Any]:
    """The policy document (`streams.policy.document`), as values that JSON or YAML can hold.

    Raises:
        NoEqual: something in it has no equal.
        BadPolicy: it is no canary config.

    >>> policy(b'{"name": "x", "classifier": {"scoreThresholds": {"pass": 95, "marginal": 75}}}')
    {'version': 1, 'defaults': {'pass_score': 95.0, 'marginal_score': 75.0}}
    """
    if len(text) > MOST_BYTES:
        raise BadPolicy("canary config", f"{len(text)} bytes", f"give at most {MOST_BYTES}")
    try:
        config = msgspec.json.decode(text, type=_Config)
    except DECODE_FAULTS as error:
        raise BadPolicy("canary config", text[:40], f"give the JSON of a Kayenta canary config: {error}") from error
    if reasons := (*_of_judge(config), *_of_groups(config), *_of_metrics(config)):
        raise NoEqual(config.name, reasons)
    settings = _settings(config)
    if not config.applications:
        return {"version": 1, "defaults": settings}
    return {"version": 1, "workloads": [{"match": {"workload": name}, **settings} for name in config.applications]}


def _settings(config: _Config) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if (thresholds := config.classifier.score_thresholds) is not None:
        settings |= {"pass_score": thresholds.passing, "marginal_score": thresholds.marginal}
    weights = {_GROUPS[name.lower()]: weight for name, weight in config.classifier.group_weights.items() if weight > 0}
    if weights:
        settings["groups"] = {group: {"weight": weight} for group, weight in sorted(weights.items())}
    if config.metrics:
        settings["signals"] = {_signal(metric): _entry(metric) for metric in config.metrics}
    return settings


def _entry(metric: _Metric) -> dict[str, Any]:
    canary = metric.analysis_configurations.canary
    entry: dict[str, Any] = {"worse": _WORSE[canary.direction]}
    if metric.groups:
        entry["group"] = _GROUPS[metric.groups[0].lower()]
    if canary.critical or canary.must_have_data:
        entry["criticality"] = "critical" if canary.critical else "must_have"
    if canary.nan_strategy is not None:
        entry |= {"remove": {"not_a_number": "remove"}, "replace": {"missing_data": "zero"}}[canary.nan_strategy]
    size = canary.effect_size
    if size.allowed_increase is not None:
        entry["tolerance_up"] = percent_text(size.allowed_increase - 1.0)
    if size.allowed_decrease is not None:
        entry["tolerance_down"] = percent_text(1.0 - size.allowed_decrease)
    return entry


def _signal(metric: _Metric) -> str:
    return metric.query.metric_name or metric.query.metric_type


def _of_judge(config: _Config) -> Iterator[str]:
    if config.judge.name != JUDGE:
        yield f"judge.name: there is no judge {config.judge.name[:60]!r} here, only what {JUDGE} is told"
    if config.judge.judge_configurations:
        names = ", ".join(sorted(config.judge.judge_configurations))[:200]
        yield f"judge.judgeConfigurations: {names} cannot be set here"


def _of_groups(config: _Config) -> Iterator[str]:
    known = ", ".join(sorted(set(_GROUPS.values())))
    named = [group for metric in config.metrics for group in metric.groups]
    for group in dict.fromkeys([*config.classifier.group_weights, *named]):
        if group.lower() not in _GROUPS:
            yield f"groups: {group[:60]!r} is no group here; rename it to one of {known}"
    if config.classifier.group_weights:
        for group in dict.fromkeys(named):
            if not config.classifier.group_weights.get(group):
                yield f"classifier.groupWeights: {group[:60]!r} has no weight, so that it would not count: leave it out"


def _of_metrics(config: _Config) -> Iterator[str]:
    seen: set[str] = set()
    for number, metric in enumerate(config.metrics):
        where = f"metrics[{number}] {metric.name[:60]!r}"
        signal = _signal(metric)
        if not signal or not all("!" <= letter <= "~" for letter in signal) or len(signal) > 200:
            yield f"{where}: query names no metric; give metricName, a template alone cannot be read from a stream"
        elif signal in seen:
            yield f"{where}: {signal} is judged above already, and once is all that it can be"
        seen.add(signal)
        if len(metric.groups) > 1:
            yield f"{where}: groups: a signal is of one group"
        yield from (f"{where}: {reason}" for reason in _of_canary(metric.analysis_configurations.canary))


def _of_canary(canary: _Canary) -> Iterator[str]:
    size = canary.effect_size
    if canary.critical and canary.must_have_data:
        yield "mustHaveData beside critical: a signal has one criticality; choose one"
    if canary.outliers.strategy != "keep":
        yield f"outliers.strategy: {canary.outliers.strategy[:20]!r} has no equal: outliers count here"
    if size.measure != "meanRatio":
        yield f"effectSize.measure: {size.measure[:20]!r} has no equal, only meanRatio"
    for name, value in (("criticalIncrease", size.critical_increase), ("criticalDecrease", size.critical_decrease)):
        if value is not None:
            yield f"effectSize.{name}: has no equal: critical fails alone at any proved effect beyond the tolerance"
    if size.allowed_increase is not None and not 1.0 <= size.allowed_increase <= 11.0:
        yield f"effectSize.allowedIncrease: {size.allowed_increase:g} must be from 1 to 11"
    if size.allowed_decrease is not None and not 0.0 <= size.allowed_decrease <= 1.0:
        yield f"effectSize.allowedDecrease: {size.allowed_decrease:g} must be from 0 to 1"

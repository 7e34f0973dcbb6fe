"""What of one production window is watched? One number per signal: an event count with its exposure, or a level.

Counts: log classes as the judge counts them (`judging.incidents`), error signatures never seen before, failed requests
against requests, other events. Levels: the mean of each gauge over the pods and, where one direction is worse, its
worst pod; of each distribution the mean and the 95% quantile. What the rules do not want rung has no weight.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from msgspec import Struct

from streams.judging.counts import cut
from streams.judging.incidents import LoggedBin, add_window
from streams.judging.levels.track import LARGEST_LEVEL
from streams.judging.settings import LOG_SIGNALS
from streams.judging.side import Side, SignatureInfo
from streams.judging.values.cells import bound, table
from streams.policy.counted import REQUESTS
from streams.records.histogram import Histogram
from streams.signals.limits import SHARES
from streams.signals.requests import best_source
from streams.signals.rule import SignalRule, Worse

NEW_SIGNATURES = "log/new error signatures"
ERRORS = ("critical", "error")
_TAIL = 0.95
_LEAST_VALUES = 20
"""Of a window whose 95% quantile is told: one value is beyond it."""
LOG_WEIGHTS = {"critical": 1.0, "error": 1.0, "warning": 0.1}
COUNTED_RULES = {
    REQUESTS: SignalRule(REQUESTS, "events", "errors", "higher"),
    **{
        LOG_SIGNALS[log_class]: SignalRule(LOG_SIGNALS[log_class], "events", "errors", "higher", weight)
        for log_class, weight in LOG_WEIGHTS.items()
    },
}
"""Of what is counted whatever the metrics are: of log lines, and of failed requests."""
_UNKNOWN = SignalRule("", "level", known=False)
_UNKNOWN_WEIGHT = 0.25
"""Nobody knows which way of it is worse."""
PointModel = Literal["", "climb", "gone"]
"""What it is watched by: a level or a count by whether it has an exposure; `leaks`; `gone`."""


class Point(Struct, frozen=True):
    """One signal in one window."""

    signal: str
    value: float
    """Events, or the level."""
    exposure: float | None = None
    """None for a level."""
    group: str = "other"
    unit: str = ""
    worse: Worse = "higher"
    weight: float = 1.0
    """0: it is not watched."""
    tolerance: float = 0.2
    """Relative rise that nobody minds, as the judge has it."""
    tolerance_down: float = 0.2
    """The same of a fall."""
    model: PointModel = ""
    beside: float = 0.0
    """Of a template that may be gone: how much else was written."""
    limit: float | None = None
    """How far the level can go; None where nobody says."""
    absent: float = 0.0
    """The same: most windows in a row without it, as far as is known before it is watched."""


def points(
    side: Side, new: int, rules: Mapping[str, SignalRule], signatures: Mapping[int, SignatureInfo]
) -> Iterator[Point]:
    """All of one window, in order of importance: what comes first finds a place.

    Args:
        side: of production.
        new: error signatures of it that were never seen before.
        rules: by signal; of the log classes and of failed requests only where a policy sets them.
        signatures: by id.
    """
    logged = LoggedBin()
    add_window(logged, {}, side.incidents, signatures)
    for log_class in LOG_WEIGHTS:
        rule, events = log_rule(log_class, rules), logged.canary.get(log_class, 0.0)
        yield _count(rule.signal, events, side.pod_s, rule, "logs")
    yield _count(NEW_SIGNATURES, float(new), side.pod_s, log_rule("error", rules), "logs")
    rule = rules.get(REQUESTS, COUNTED_RULES[REQUESTS])
    for source in sorted(side.requests):
        requests, errors = cut(side.requests[source].requests), cut(side.requests[source].errors)
        if requests > 0.0:
            yield _count(f"{REQUESTS}/{source}", min(errors, requests), requests, rule, unit="1")
    for signal in sorted(side.events):
        event, rule = side.events[signal], rules.get(signal, _UNKNOWN)
        by, exposure = ("/attempts", cut(event.attempts)) if event.attempts > 0.0 else ("", event.pod_s)
        yield _count(f"{signal}{by}", cut(event.events), exposure, rule, unit="1" if by else "1/s")
    yield from _levels(side, rules)


def _levels(side: Side, rules: Mapping[str, SignalRule]) -> Iterator[Point]:
    of_values = [(rules.get(signal, _UNKNOWN), signal, side.values[signal]) for signal in sorted(side.values)]
    tails = _tails(side.values)
    for rule, signal, histogram in of_values:
        if histogram.count > 0 and histogram.total != 0.0:
            yield _level(f"{signal}/mean", cut_level(histogram.total / histogram.count), rule)
        if signal in tails:
            yield _level(f"{signal}/p95", cut_level(tails[signal]), rule)
    named = sorted(side.levels, key=lambda signal: (-weight_of(rules.get(signal, _UNKNOWN)), signal))
    for signal in named:
        rule, pods = rules.get(signal, _UNKNOWN), side.levels[signal]
        if not pods:
            continue
        levels = [cut_level(pods[number]) for number in sorted(pods)]
        told = dict.fromkeys(pods, 1.0) if signal in SHARES else side.limits.get(signal, {})
        limits = [told[number] for number in sorted(pods) if number in told]
        mean_limit = math.fsum(limits) / len(limits) if len(limits) == len(levels) else None
        yield _level(signal, math.fsum(levels) / len(levels), rule, mean_limit)
        if len(levels) > 1 and rule.known and rule.worse != "either":
            worst = max(levels) if rule.worse == "higher" else min(levels)
            yield _level(f"{signal}/worst pod", worst, rule, told.get(sorted(pods)[levels.index(worst)]))


def _tails(values: Mapping[str, Histogram]) -> dict[str, float]:
    """Signal -> 95% quantile, where there are values enough."""
    enough = {signal: histogram for signal, histogram in values.items() if histogram.count >= _LEAST_VALUES}
    if not enough:
        return {}
    rows = table(list(enough.values()))
    found = zip(enough.items(), rows.at_quantiles(np.array([_TAIL]))[:, 0].tolist(), rows.values[:, 0], strict=True)
    return {signal: bound(place, histogram.scale) for (signal, histogram), place, number in found if number}


def cut_level(value: float) -> float:
    """A level that its squares can be taken of, as the judge cuts it."""
    return min(max(value, -LARGEST_LEVEL), LARGEST_LEVEL)


def load_of(side: Side, rules: Mapping[str, SignalRule]) -> float | None:
    """How much a pod is asked: requests of one report of it, which come as regularly as it is scraped; else a gauge.

    None: nothing in this window tells.
    """
    source = best_source(side.requests)
    if source:
        count = side.requests[source]
        return cut(count.requests) / len(count.reported) if count.reported else None
    gauges = [name for name in side.levels if side.levels[name] and rules.get(name, _UNKNOWN).group == "load"]
    if not gauges:
        return None
    pods = side.levels[min(gauges)]
    return math.fsum(cut_level(pods[number]) for number in sorted(pods)) / len(pods)


def log_rule(log_class: str, rules: Mapping[str, SignalRule]) -> SignalRule:
    """Of a log class, as a policy wants it."""
    signal = LOG_SIGNALS[log_class]
    return rules.get(signal, COUNTED_RULES[signal])


def weight_of(rule: SignalRule) -> float:
    """Of its signals; 0 if none of them is watched."""
    if rule.criticality == "watch":
        return 0.0
    weight = rule.weight * rule.group_weight
    return weight if rule.known or rule.guessed else _UNKNOWN_WEIGHT * weight


def _count(signal: str, events: float, exposure: float, rule: SignalRule, group: str = "", unit: str = "1/s") -> Point:
    return Point(
        signal,
        events,
        exposure,
        group or rule.group,
        unit,
        "lower" if rule.worse == "lower" else "higher",
        weight_of(rule),
        rule.tolerance_up,
        rule.tolerance_down,
    )


def _level(signal: str, value: float, rule: SignalRule, limit: float | None = None) -> Point:
    # Of an availability a fall of a hundredth is a lot: any change of it counts.
    up, down = (0.0, 0.0) if rule.scale == "share_free" else (rule.tolerance_up, rule.tolerance_down)
    return Point(signal, value, None, rule.group, rule.unit, rule.worse, weight_of(rule), up, down, limit=limit)

"""How does one metric of the built-in table become signals?

A metric has a shape, and each shape has its way with the parts that a shipper may make of it:

- `timer`: a distribution (histogram, `_bucket`s), its mean (`_sum` over `_count`), its maximum (`_max`), its quantiles;
- `counter`: events; `rate`: a counter of which the increase per second is the level; `gauge`: a level;
- `pause`: a timer of which the time spent per second is the level;
- `over`, `under`, `attempt`: what it is to a ratio, or to events, told of by other metrics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Literal

from msgspec import Struct, structs

from streams.records.metric import Series
from streams.signals.names import Stem
from streams.signals.outcome import Attributes
from streams.signals.reading import Combine, Reading, SeriesUse
from streams.signals.rule import SignalRule
from streams.signals.units import base_unit, factor, known_unit

Shape = Literal["timer", "pause", "counter", "rate", "gauge", "onset", "over", "under", "attempt", "failed_attempt"]
Read = tuple[SeriesUse, tuple[SignalRule, ...]]
TAIL_QUANTILE = 0.9
"""Quantiles from here on are the tail."""


class Metric(Struct, frozen=True):
    """One metric of the table, in all its spellings."""

    rule: SignalRule
    shape: Shape
    stems: tuple[str, ...]
    """See `names.stems`."""
    given: str = ""
    """UCUM of its numbers where neither shipper nor name says."""
    counted: str = ""
    """UCUM of what a counter counts, where that is not the unit of the signal: seconds of CPU a second are cores."""
    combine: Combine = "sum"
    begun: bool = False
    only: Callable[[Attributes], bool] = lambda _: True
    """Series of it that count; the others are known, and left alone."""


def read_metric(metric: Metric, stem: Stem, series: Series) -> Read | None:
    """The series as one of the metric; None if it cannot be: its unit is one of something else."""
    attributes = dict(series.attributes)
    if not metric.only(attributes):
        return SeriesUse(), ()
    given = known_unit(series.unit) or stem.unit or metric.given
    scale = factor(given, metric.counted or metric.rule.unit)
    if scale is None:
        return None
    if metric.shape == "gauge" and not metric.rule.unit and base_unit(given) == "s":
        return SeriesUse(), ()  # how long, of what is counted: Micrometer's timers of what is under way
    read = _SHAPES[metric.shape](metric, stem.part, attributes, scale)
    return (SeriesUse(), ()) if read is None else read


def read_timer(rule: SignalRule, part: str, attributes: Attributes, scale: float) -> Read:
    """One part of a distribution's metric.

    Args:
        rule: of the distribution itself, kind `values`.
        part: see `names.PARTS`.
        attributes: of the series; `le` and `quantile` matter.
        scale: to the rule's unit.
    """
    mean = structs.replace(rule, signal=f"{rule.signal}/mean", kind="level")
    over, under = Reading(mean.signal, "over", scale), Reading(mean.signal, "under")
    use, rules = SeriesUse(), tuple[SignalRule, ...]()
    if part == "bucket" and (bound := _number(attributes.get("le", ""))) is not None:
        use, rules = SeriesUse(counter=(Reading(rule.signal, "bucket", scale, bound=bound * scale),)), (rule,)
    elif part in {"sum", "count"}:
        use, rules = SeriesUse(counter=(over if part == "sum" else under,)), (mean,)
    elif part == "max":
        top = _tail(mean, f"{rule.signal}/max")
        use, rules = SeriesUse(gauge=(Reading(top.signal, "level", scale, "max"),)), (top,)
    elif part == "":
        shown = quantile_rule(mean, rule.signal, attributes)
        gauge = (Reading(shown.signal, "level", scale, "max"),)
        use = SeriesUse(gauge=gauge, histogram=(Reading(rule.signal, "values", scale), over, under))
        rules = (rule, mean, shown)
    return use, rules


def quantile_rule(rule: SignalRule, signal: str, attributes: Attributes) -> SignalRule:
    """The rule of a level that may be one quantile of a summary: quantiles cannot be put together over pods.

    >>> quantile_rule(SignalRule("x", "level", group="latency"), "x", {"quantile": "0.99"}).signal
    'x{quantile=0.99}'
    """
    quantile = _number(attributes.get("quantile", ""))
    if quantile is None:
        return structs.replace(rule, signal=signal, kind="level")
    named = f"{signal}{{quantile={quantile:g}}}"
    return _tail(rule, named) if quantile >= TAIL_QUANTILE else structs.replace(rule, signal=named, kind="level")


def merge_uses(parts: Iterator[Read]) -> Read:
    """One series that is several metrics at once: a denominator of one, an event of another."""
    use, rules = SeriesUse(), list[SignalRule]()
    for more, named in parts:
        use = SeriesUse(
            use.role,
            use.gauge + more.gauge,
            use.counter + more.counter,
            use.histogram + more.histogram,
            use.gauge_is_total or more.gauge_is_total,
        )
        rules.extend(rule for rule in named if rule not in rules)
    return structs.replace(use, gauge_is_total=use.gauge_is_total and not use.gauge), tuple(rules)


def _timer(metric: Metric, part: str, attributes: Attributes, scale: float) -> Read:
    return read_timer(metric.rule, part, attributes, scale)


def _gauge(metric: Metric, part: str, _: Attributes, scale: float) -> Read | None:
    rule, combine = metric.rule, metric.combine
    if part == "max":
        rule, combine = structs.replace(rule, signal=f"{rule.signal}/max"), "max"
    reading = Reading(rule.signal, "level", scale, combine, begun=metric.begun)
    return None if part == "sum" else (SeriesUse(gauge=(reading,)), (rule,))


def _onset(metric: Metric, _: str, __: Attributes, ___: float) -> Read:
    return SeriesUse(gauge=(Reading(metric.rule.signal, "onset"),)), (metric.rule,)


def _rate(metric: Metric, part: str, _: Attributes, scale: float) -> Read | None:
    readings = (Reading(metric.rule.signal, "rate", scale),)
    return (SeriesUse(counter=readings, gauge_is_total=True), (metric.rule,)) if part in {"", "total"} else None


def _pause(metric: Metric, part: str, _: Attributes, scale: float) -> Read | None:
    readings = (Reading(metric.rule.signal, "rate", scale),)
    if part == "sum":
        return SeriesUse(counter=readings), (metric.rule,)
    return (SeriesUse(histogram=readings), (metric.rule,)) if part == "" else None


def _over(metric: Metric, _: str, __: Attributes, scale: float) -> Read:
    readings = (Reading(metric.rule.signal, "over", scale),)
    return SeriesUse(gauge=readings, counter=readings), (metric.rule,)


def _under(metric: Metric, _: str, __: Attributes, ___: float) -> Read:
    readings = (Reading(metric.rule.signal, "under"),)
    return SeriesUse(gauge=readings, counter=readings), (metric.rule,)


def _counted(metric: Metric, part: str, _: Attributes, __: float) -> Read | None:
    signal = metric.rule.signal
    event, attempt = Reading(signal, "event"), Reading(signal, "attempt")
    readings = {"counter": (event,), "attempt": (attempt,)}.get(metric.shape, (event, attempt))
    use = SeriesUse(counter=readings, histogram=readings, gauge_is_total=True)
    return (use, (metric.rule,)) if part in {"", "total", "count"} else None


def _tail(rule: SignalRule, signal: str) -> SignalRule:
    group = "tail_latency" if rule.group == "latency" else rule.group
    return structs.replace(rule, signal=signal, kind="level", group=group)


def _number(text: str) -> float | None:
    """`0.5`, `+Inf`; None for what is no number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return None if math.isnan(number) else number


_SHAPES: dict[Shape, Callable[[Metric, str, Attributes, float], Read | None]] = {
    "timer": _timer,
    "pause": _pause,
    "counter": _counted,
    "rate": _rate,
    "gauge": _gauge,
    "onset": _onset,
    "over": _over,
    "under": _under,
    "attempt": _counted,
    "failed_attempt": _counted,
}
"""Each from (metric, part of the name, attributes, scale); None for a part that says nothing of it."""

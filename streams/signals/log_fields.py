"""How are the fields of log lines judged that an operator named (`windows.log_fields`)?

As their names say (`words`): a guess, which a policy may correct by the signal's name, `log.field.duration_ms`. Numbers
are a distribution, whatever their names end in; lines that hold a value are events, out of those that have the field.
"""

from __future__ import annotations

from msgspec import structs

from streams.records.metric import Series
from streams.signals.metric import Read
from streams.signals.names import words
from streams.signals.reading import Reading, SeriesUse
from streams.signals.units import factor, known_unit, unit_of_word
from streams.signals.words import rule_of, with_status
from streams.windows.log_fields import HELD, PREFIX


def log_field(series: Series) -> Read | None:
    """How a field is read, and the rule of its signal; None for a series that is none.

    >>> use, (rule,) = log_field(Series("log.field.duration_ms"))
    >>> rule.kind, rule.group, rule.worse, rule.unit, use.histogram[0].factor
    ('values', 'latency', 'higher', 's', 0.001)
    """
    if not series.name.startswith(PREFIX):
        return None
    field, _, value = series.name.removeprefix(PREFIX).partition("=")
    said = words(f"{field} {value}")
    held = dict(series.attributes).get(HELD)
    given = known_unit(series.unit) or (unit_of_word(said[-1]) if said else "")
    rule = structs.replace(rule_of(series.name, with_status(said), given), scale="log", criticality="normal")
    if held is None:
        rule = structs.replace(rule, kind="values", unit="" if rule.unit == "%" else rule.unit)
        return SeriesUse(histogram=(Reading(rule.signal, "values", factor(given, rule.unit) or 1.0),)), (rule,)
    rule = structs.replace(rule, kind="events", unit="")
    attempt = Reading(rule.signal, "attempt")
    counted = (Reading(rule.signal, "event"), attempt) if held == "true" else (attempt,)
    return SeriesUse(counter=counted), (rule,)

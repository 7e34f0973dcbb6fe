"""What one alarm is as an alert of Alertmanager's API v2: its labels, its annotations, and when it ends.

Source: api/v2/openapi.yaml of prometheus/alertmanager, `postableAlert`. The labels are what identifies an alert there,
so none of them may change while the alarm lasts; all that does is in the annotations.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from streams.records.times import rfc3339, rfc3339_s
from streams.signals.units import shown_unit
from streams.watch.alarm import Alarm, AlarmSignal, Suspect
from topology.alarms.view import KnownAlarm
from topology.serve.links import alarm_page

ALERT_NAME = "SerinusAlarm"

_MOST_LINES = 5
"""Of signals, suspects and examples each: an annotation ends up in a chat."""


class Alert(Struct, frozen=True, rename="camel"):
    """One element of `POST /api/v2/alerts`."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str
    generator_url: str = field(name="generatorURL", default="")


def ended_s(known: KnownAlarm, now_s: float) -> float | None:
    """When nobody was to hear of it any more: cleared or silenced; None while it rings."""
    if known.cleared_s is not None:
        return known.cleared_s
    silence = known.words.silence
    return rfc3339_s(silence.at) if silence is not None and known.silenced(now_s) else None


def alert(known: KnownAlarm, now_s: float, hold_s: float, base_url: str, labels: Mapping[str, str]) -> Alert:
    """The alarm as it is to stand in Alertmanager.

    Args:
        known: the alarm.
        now_s: seconds since 1970.
        hold_s: how long Alertmanager is to hold it without hearing of it again.
        base_url: of serve, for the links; "" gives none.
        labels: further ones, such as a severity.
    """
    alarm = known.alarm
    end_s = ended_s(known, now_s)
    until_s = now_s + hold_s if end_s is None else max(known.raised_s, min(end_s, now_s))
    link = f"{base_url}/{alarm_page(alarm)}" if base_url else ""
    own = {
        "alertname": ALERT_NAME,
        "cluster": alarm.cluster,
        "namespace": alarm.namespace,
        "workload": alarm.workload,
        "revision": alarm.revision,
        "alarm": alarm.id,
    }
    summary = alarm.summary or f"{alarm.namespace}/{alarm.workload} is abnormal since {alarm.onset_at}"
    annotations = {"summary": summary, "description": description(alarm), "link": link}
    return Alert(
        labels={**labels, **{name: value for name, value in own.items() if value}},
        annotations={name: value for name, value in annotations.items() if value},
        starts_at=rfc3339(round(known.raised_s * 1e9)),
        ends_at=rfc3339(round(until_s * 1e9)),
        generator_url=link,
    )


def description(alarm: Alarm) -> str:
    """What changed, what came before it, and how it looks in the logs: a line each."""
    lines = [_signal(each) for each in alarm.signals[:_MOST_LINES]]
    lines += [_suspect(each) for each in alarm.suspects[:_MOST_LINES]]
    lines += [f"log: {line}" for line in alarm.examples[:_MOST_LINES]]
    return "\n".join(lines) or f"Production of {alarm.workload} is not what it was; no signal is named."


def _signal(signal: AlarmSignal) -> str:
    unit = shown_unit(signal.unit)
    times = "" if signal.ratio is None else f", {signal.ratio:.3g} times"
    note = f", {signal.note}" if signal.note else ""
    return (
        f"{signal.signal} is {signal.direction} since {signal.onset_at}: "
        f"{signal.before:.3g}{unit} before, {signal.now:.3g}{unit} now{times}{note}"
    )


def _suspect(suspect: Suspect) -> str:
    return (
        f"{suspect.likelihood} cause ({suspect.probability:.0%}): {suspect.workload} revision {suspect.revision}, "
        f"deployed {suspect.deployed_at}. {suspect.why}"
    )

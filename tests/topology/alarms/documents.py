"""Alarms and words on them, as score and serve write them."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.records.identity import Workload
from streams.records.times import rfc3339
from streams.watch.alarm import Alarm, AlarmSignal, Suspect
from streams.watch.feedback import AlarmFeedback
from topology.topics import ALARMS, ROLLOUTS, partition_of

RAISED_S = 1_787_300_000.0


def at(seconds: float) -> str:
    """RFC 3339."""
    return rfc3339(round(seconds * 1e9))


def alarm(**changes: Any) -> Alarm:
    """One of workload `shop`, looked at as it was raised.

    `raised_s`, `as_of_s` and `cleared_s` are seconds since 1970; a cleared one was looked at when it cleared.
    """
    raised_s = changes.pop("raised_s", RAISED_S)
    cleared_s = changes.pop("cleared_s", None)
    as_of_s = changes.pop("as_of_s", raised_s if cleared_s is None else cleared_s)
    workload = changes.get("workload", "shop")
    made = Alarm(
        id=f"{changes.get('cluster', '')}/{changes.get('namespace', 'prod')}/{workload}/{at(raised_s)}",
        cluster="",
        namespace="prod",
        workload=workload,
        revision="6f8d9c6b77",
        state="raised" if cleared_s is None else "cleared",
        raised_at=at(raised_s),
        as_of=at(as_of_s),
        onset_at=at(raised_s - 30),
        cleared_at=None if cleared_s is None else at(cleared_s),
        score=1.5,
        summary=f"{workload}: requests/error is 3.2 times what it was, since 30 s",
        signals=(AlarmSignal("requests/error", "errors", "1", "higher", 0.01, 0.032, 3.2, 1.5, at(raised_s - 30)),),
        suspects=(
            Suspect(
                f"/prod/{workload}", "6f8d9c6b77", at(raised_s - 60), "likely", 0.9, "It was deployed 30 s before."
            ),
        ),
        examples=("ERROR java.lang.NullPointerException at Shop.pay",),
    )
    return msgspec.structs.replace(made, **changes)


def word(of: Alarm, kind: Any, **changes: Any) -> AlarmFeedback:
    """What somebody says of it."""
    made = AlarmFeedback(of.id, of.cluster, of.namespace, of.workload, kind, "known migration", "ada")
    return msgspec.structs.replace(made, **changes)


def publish(producer: Any, message: Alarm | AlarmFeedback, partitions: int) -> None:
    """Write it as score or serve does, and wait until Kafka has it."""
    workload = Workload(message.cluster, message.namespace, message.workload)
    topic, key = (ALARMS, message.id) if isinstance(message, Alarm) else (ROLLOUTS, workload.key)
    producer.produce(topic, msgspec.json.encode(message), key.encode(), partition_of(workload, partitions))
    assert producer.flush(20) == 0

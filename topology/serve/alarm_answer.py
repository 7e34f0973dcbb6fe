"""What `GET /v1/alarms` says of one alarm at the moment of reading; every field is in every answer.

Times that there are not are `""`, as in the answer on a comparison.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from streams.watch.alarm import AlarmSignal, AlarmState, Suspect
from topology.alarms.view import KnownAlarm, Word

_Time = Annotated[str, Meta(description='RFC 3339, "" while there is none')]


class AlarmAnswer(Struct, frozen=True, kw_only=True):
    """One alarm, and what was said of it."""

    id: Annotated[str, Meta(description="Names it in feedback")]
    cluster: str
    namespace: str
    workload: str
    revision: Annotated[str, Meta(description="Pod-template hash in production when it was raised")]
    state: AlarmState
    raised_at: _Time
    as_of: Annotated[str, Meta(description="End of the last window looked at, RFC 3339")]
    age_s: Annotated[float, Meta(ge=0, description="Seconds since `as_of`")]
    onset_at: Annotated[str, Meta(description="Estimated beginning of what changed, RFC 3339")]
    cleared_at: _Time
    score: Annotated[float, Meta(description="1.0 is the boundary of an alarm")]
    summary: str
    signals: Annotated[tuple[AlarmSignal, ...], Meta(description="Worst first")]
    suspects: Annotated[tuple[Suspect, ...], Meta(description="Deployments that came before it, likeliest first")]
    examples: Annotated[tuple[str, ...], Meta(description="Log lines, secrets masked")]
    acknowledged: Annotated[bool, Meta(description="Somebody is on it now")]
    silenced: Annotated[bool, Meta(description="Nobody is told of it now")]
    silenced_until: Annotated[str, Meta(description='RFC 3339; "" without a silence, or until the alarm clears')]
    feedback: Annotated[tuple[Word, ...], Meta(description="The latest word of each kind, latest first")]
    report_url: Annotated[str, Meta(description="Page for people")]
    version: int


def answer(known: KnownAlarm, now_s: float, report_url: str) -> AlarmAnswer:
    """The alarm as it stands at a moment."""
    alarm, words = known.alarm, known.words
    silenced = known.silenced(now_s)
    return AlarmAnswer(
        id=alarm.id,
        cluster=alarm.cluster,
        namespace=alarm.namespace,
        workload=alarm.workload,
        revision=alarm.revision,
        state=alarm.state,
        raised_at=alarm.raised_at,
        as_of=alarm.as_of,
        age_s=round(max(0.0, now_s - known.as_of_s), 3),
        onset_at=alarm.onset_at,
        cleared_at=alarm.cleared_at or "",
        score=alarm.score,
        summary=alarm.summary,
        signals=alarm.signals,
        suspects=alarm.suspects,
        examples=alarm.examples,
        acknowledged=known.acknowledged(now_s),
        silenced=silenced,
        silenced_until=words.silence.until if silenced and words.silence is not None else "",
        feedback=words.all(),
        report_url=report_url,
        version=alarm.version,
    )


def worst_first(known: KnownAlarm) -> tuple[bool, float, str]:
    """Sort key of lists: the active by score, then the cleared, latest first."""
    if known.active:
        return (False, -known.alarm.score, known.alarm.id)
    return (True, -(known.cleared_s or 0.0), known.alarm.id)

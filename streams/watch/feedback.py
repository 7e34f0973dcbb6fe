"""What people say of an alarm; it travels on `serinus.rollouts`, where all that concerns one workload is in order."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, structs

from streams.records.identity import Workload
from streams.risk.comparison import ClusterName, ObjectName, RolloutEvent, Sender

FeedbackKind = Literal["nothing", "real", "acknowledge", "silence"]
"""`nothing`: it should not have rung; `real`: it was right to; `acknowledge`: somebody is on it; `silence`: say no
more of it until then."""
ENDING: frozenset[FeedbackKind] = frozenset({"acknowledge", "silence"})
"""Those that may have an end."""


class AlarmFeedback(Struct, frozen=True, tag="alarm_feedback", tag_field="type", omit_defaults=True):
    """Somebody's word on one alarm; saying it again changes nothing."""

    alarm_id: Annotated[str, Meta(min_length=1, max_length=1024)]
    """`Alarm.id`."""
    cluster: ClusterName
    namespace: ObjectName
    workload: ObjectName
    kind: FeedbackKind
    reason: Annotated[str, Meta(max_length=2000)] = ""
    who: Sender = ""
    until: Annotated[str, Meta(max_length=64)] | None = None
    """End of a silence or an acknowledgement, RFC 3339; None: until the alarm clears."""
    by: Sender = ""
    """`who`, as it was first called, in messages that topics and snapshots still hold: read, never written."""

    def __post_init__(self) -> None:
        """An old message is as a new one once it is read."""
        if self.by:
            structs.force_setattr(self, "who", self.who or self.by)
            structs.force_setattr(self, "by", "")

    @property
    def of(self) -> Workload:
        """The workload it is about."""
        return Workload(self.cluster, self.namespace, self.workload)


WorkloadEvent = RolloutEvent | AlarmFeedback
"""A message of `serinus.rollouts`, as JSON, keyed by `Workload.key`."""

"""Which alarms there are, and what people said of each: the latest of both, in memory, bounded.

No Kafka and no HTTP here: `follower` writes, in a thread of its own, and others read. What is shown depends on the
messages alone, so that every process that has read the same topics says the same: of one alarm the document with the
latest `as_of` counts, and once it has cleared only that it has, whatever a scorer writes again after a crash; of what
was said of it, the latest word of each kind, in the order of the topic.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Literal

import msgspec
from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.records.times import rfc3339, rfc3339_ns, rfc3339_s, within_range
from streams.watch.alarm import Alarm
from streams.watch.feedback import ENDING, AlarmFeedback, FeedbackKind
from topology.codecs import DOCUMENT_FAULTS, decode_alarm, decode_rollout_event
from topology.freshness import Freshness

MOST_ALARMS = 10_000
"""Held at a time; past it the cleared one that changed longest ago is dropped, then the active one."""
MOST_SPOKEN_OF = 10_000
"""Alarms whose words are held; past it those said longest ago are dropped."""

Refusal = Literal["not_a_document", "key_differs", "older"]


class Word(Struct, frozen=True):
    """What somebody said of an alarm."""

    kind: FeedbackKind
    who: str
    reason: str
    at: str
    """When it was sent, RFC 3339."""
    until: str
    """End of a silence or an acknowledgement, RFC 3339; "" for any other kind, and for one that ends with the alarm."""

    def holds(self, now_s: float) -> bool:
        """Whether it has not ended yet."""
        return not self.until or now_s < rfc3339_s(self.until)


class Words(Struct, frozen=True):
    """The latest word of each kind."""

    acknowledge: Word | None = None
    silence: Word | None = None
    opinion: Word | None = None
    """`nothing` or `real`, whichever was said last."""

    def all(self) -> tuple[Word, ...]:
        """Those that there are, latest first."""
        said = (word for word in (self.acknowledge, self.silence, self.opinion) if word is not None)
        return tuple(sorted(said, key=lambda word: word.at, reverse=True))


class KnownAlarm(Struct, frozen=True):
    """One alarm as it stands."""

    alarm: Alarm
    raised_s: float
    """`alarm.raised_at` in seconds since 1970."""
    as_of_s: float
    cleared_s: float | None
    words: Words = Words()

    @property
    def active(self) -> bool:
        """Whether it is raised or held."""
        return self.alarm.state != "cleared"

    def silenced(self, now_s: float) -> bool:
        """Whether nobody wants to hear of it now; a cleared one needs no silence."""
        silence = self.words.silence
        return silence is not None and self.active and silence.holds(now_s)

    def acknowledged(self, now_s: float) -> bool:
        """Whether somebody is on it now; on a cleared one nobody is any more."""
        acknowledgement = self.words.acknowledge
        return acknowledgement is not None and self.active and acknowledgement.holds(now_s)


class AlarmView(Freshness):
    """The latest of each alarm, and what was said of it."""

    def __init__(self, most: int = MOST_ALARMS) -> None:
        super().__init__()
        self._most = most
        self._lock = threading.Lock()
        self._active: dict[str, KnownAlarm] = {}
        self._cleared: dict[str, KnownAlarm] = {}
        self._words: OrderedDict[str, Words] = OrderedDict()
        self.dropped = 0
        """Alarms dropped because there were too many."""

    def __len__(self) -> int:
        return len(self._active) + len(self._cleared)

    def all(self) -> list[KnownAlarm]:
        """All alarms, the active first; within both those that changed longest ago."""
        with self._lock:
            return [self._with_words(known) for known in (*self._active.values(), *self._cleared.values())]

    def active(self) -> list[KnownAlarm]:
        """Those that are raised or held."""
        with self._lock:
            return [self._with_words(known) for known in self._active.values()]

    def get(self, alarm_id: str) -> KnownAlarm | None:
        """One of them, if it is known."""
        with self._lock:
            known = self._active.get(alarm_id) or self._cleared.get(alarm_id)
            return None if known is None else self._with_words(known)

    def apply_alarm(self, key: bytes | None, value: bytes | None) -> Refusal | None:
        """Take one message of `serinus.alarms`; why it was skipped, if it was. No value removes the alarm."""
        name = (key or b"").decode(errors="replace")
        if value is None:
            with self._lock:
                self._active.pop(name, None)
                self._cleared.pop(name, None)
            return None
        try:
            known = _known(decode_alarm(value))
        except DOCUMENT_FAULTS:
            return "not_a_document"
        return self._put(known) if known.alarm.id == name else "key_differs"

    def apply_event(self, value: bytes | None, time_s: float) -> Refusal | None:
        """Take one message of `serinus.rollouts`, sent at `time_s`; what is no word on an alarm is passed over."""
        try:
            event = decode_rollout_event(value or b"")
            if not isinstance(event, AlarmFeedback):
                return None
            until = "" if event.until is None or event.kind not in ENDING else _utc(event.until)
            at = rfc3339(within_range(round(time_s * 1e9)))
        except DOCUMENT_FAULTS:
            return "not_a_document"
        word = Word(event.kind, event.who, event.reason, at, until)
        field = event.kind if event.kind in {"acknowledge", "silence"} else "opinion"
        with self._lock:
            said = self._words.pop(event.alarm_id, Words())
            self._words[event.alarm_id] = msgspec.structs.replace(said, **{field: word})
            if len(self._words) > MOST_SPOKEN_OF:
                self._words.popitem(last=False)
        return None

    def _put(self, new: KnownAlarm) -> Refusal | None:
        name = new.alarm.id
        with self._lock:
            old = self._active.get(name) or self._cleared.get(name)
            if old is not None and (not old.active, old.as_of_s) > (not new.active, new.as_of_s):
                return "older"
            self._active.pop(name, None)
            self._cleared.pop(name, None)
            (self._active if new.active else self._cleared)[name] = new
            if len(self) > self._most:
                crowded = self._cleared or self._active
                del crowded[next(iter(crowded))]
                self.dropped += 1
        return None

    def _with_words(self, known: KnownAlarm) -> KnownAlarm:
        words = self._words.get(known.alarm.id)
        return known if words is None else msgspec.structs.replace(known, words=words)


def _utc(text: str) -> str:
    return rfc3339(rfc3339_ns(text))


def _known(alarm: Alarm) -> KnownAlarm:
    cleared = None if alarm.cleared_at is None else rfc3339_s(alarm.cleared_at)
    known = KnownAlarm(alarm, rfc3339_s(alarm.raised_at), rfc3339_s(alarm.as_of), cleared)
    rfc3339_s(alarm.onset_at)
    if (cleared is None) == (alarm.state == "cleared"):
        raise BadRecord(Reason.BAD_TIME, "cleared without its time, or the other way about")
    return known

"""What is known of alarms follows from the messages alone, whoever reads them, and however often they come."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.risk.comparison import CompareRequest, Comparison
from tests.topology.alarms.documents import RAISED_S, alarm, at, word
from topology.alarms import view as module
from topology.alarms.view import AlarmView
from topology.codecs import decode_rollout_event


def put(view: AlarmView, *alarms) -> list[str | None]:
    """As they come from Kafka."""
    return [view.apply_alarm(each.id.encode(), msgspec.json.encode(each)) for each in alarms]


def say(view: AlarmView, *words, time_s: float = RAISED_S + 20) -> None:
    """The same of what is said."""
    for number, each in enumerate(words):
        assert view.apply_event(msgspec.json.encode(each), time_s + number) is None


LIFE = [
    alarm(),
    alarm(state="held", as_of_s=RAISED_S + 20),
    alarm(state="held", as_of_s=RAISED_S + 30, score=2.0),
    alarm(cleared_s=RAISED_S + 40),
]


@given(st.lists(st.sampled_from(LIFE)))
def test_order_and_repetition_do_not_matter(before):
    """A scorer that writes again after a crash changes nothing: the latest document stays, and so does the clearing."""
    view = AlarmView()
    put(view, *before, *LIFE, *before)
    (known,) = view.all()
    assert known.alarm == LIFE[-1]
    assert not known.active
    assert view.active() == []


def test_an_older_document_is_skipped():
    """And said to be older; one of the same moment replaces the one before."""
    view = AlarmView()
    assert put(view, LIFE[2], LIFE[1], LIFE[3], LIFE[2]) == [None, "older", None, "older"]


def test_the_latest_word_of_each_kind_counts():
    """In the order of the topic; `real` takes back `nothing`; what is said before the alarm is known counts too."""
    view = AlarmView()
    say(view, word(LIFE[0], "nothing"), word(LIFE[0], "acknowledge"), word(LIFE[0], "real", who="grace"))
    put(view, LIFE[0])
    known = view.get(LIFE[0].id)
    assert known is not None
    assert [(each.kind, each.who) for each in known.words.all()] == [("real", "grace"), ("acknowledge", "ada")]


def test_an_earlier_message_says_who_by_another_name():
    """`by`, which topics and snapshots may still hold, is read as `who`, and not written on."""
    value = msgspec.json.encode(word(LIFE[0], "real", who="grace"))
    assert msgspec.json.decode(value)["who"] == "grace"
    earlier = value.replace(b'"who":', b'"by":')
    view = AlarmView()
    put(view, LIFE[0])
    assert view.apply_event(earlier, RAISED_S) is None
    assert view.get(LIFE[0].id).words.opinion.who == "grace"
    assert "by" not in msgspec.json.decode(msgspec.json.encode(decode_rollout_event(earlier)))


def test_a_silence_ends():
    """When its time comes, when a time that has passed is given, or, as an acknowledgement, when the alarm clears."""
    view = AlarmView()
    put(view, LIFE[0])
    say(view, word(LIFE[0], "silence", until=at(RAISED_S + 100)))
    known = view.get(LIFE[0].id)
    assert known.silenced(RAISED_S + 99)
    assert not known.silenced(RAISED_S + 100)
    say(view, word(LIFE[0], "silence"))
    assert view.get(LIFE[0].id).silenced(RAISED_S + 1e6)
    say(view, word(LIFE[0], "silence", until=at(RAISED_S)))
    assert not view.get(LIFE[0].id).silenced(RAISED_S + 99)
    say(view, word(LIFE[0], "silence"), word(LIFE[0], "acknowledge"))
    assert view.get(LIFE[0].id).acknowledged(RAISED_S + 99)
    put(view, LIFE[3])
    assert not view.get(LIFE[0].id).silenced(RAISED_S + 99)
    assert not view.get(LIFE[0].id).acknowledged(RAISED_S + 99)


def test_an_until_in_another_zone_is_the_same_moment():
    """It is kept in UTC."""
    view = AlarmView()
    put(view, LIFE[0])
    say(view, word(LIFE[0], "silence", until="2026-08-21T10:13:20+02:00"))
    assert view.get(LIFE[0].id).words.silence.until == "2026-08-21T08:13:20.000Z"


@pytest.mark.parametrize(
    "changes",
    [
        {"raised_at": "yesterday"},
        {"as_of": "2026-08-21T08:13:20"},
        {"state": "cleared"},
        {"cleared_at": at(RAISED_S)},
        {"state": "ringing"},
    ],
    ids=str,
)
def test_what_is_no_alarm_is_refused(changes):
    """Times without offset, states that contradict themselves: nothing of it is shown."""
    view = AlarmView()
    assert put(view, alarm(**changes)) == ["not_a_document"]
    assert view.all() == []


def test_junk_is_refused():
    """Under a wrong key, no JSON, deeply nested; other events and tombstones are no junk."""
    view = AlarmView()
    assert view.apply_alarm(b"other", msgspec.json.encode(LIFE[0])) == "key_differs"
    assert view.apply_alarm(b"x", b"[" * 100_000) == "not_a_document"
    assert view.apply_event(b"{", 0) == "not_a_document"
    assert view.apply_event(msgspec.json.encode(word(LIFE[0], "silence")), 2.0**53) == "not_a_document"
    assert view.apply_event(msgspec.json.encode(word(LIFE[0], "silence", until="soon")), 0) == "not_a_document"
    asked = CompareRequest(Comparison("", "prod", "shop", "1", "2"))
    assert view.apply_event(msgspec.json.encode(asked), 0) is None
    put(view, LIFE[0])
    assert view.apply_alarm(LIFE[0].id.encode(), None) is None
    assert len(view) == 0


def test_memory_is_bounded(monkeypatch):
    """The cleared go first, then the active that changed longest ago; words of those spoken of longest ago too."""
    view = AlarmView(most=3)
    many = [alarm(workload=f"shop-{number}") for number in range(3)]
    put(view, *many, alarm(workload="old", cleared_s=RAISED_S + 20), alarm(workload="new"))
    assert [known.alarm.workload for known in view.all()] == ["shop-1", "shop-2", "new"]
    assert view.dropped == 2
    monkeypatch.setattr(module, "MOST_SPOKEN_OF", 2)
    say(view, *(word(each, "real") for each in (*many[1:], alarm(workload="new"))))
    assert view.get(many[1].id).words.opinion is None
    assert view.get(many[2].id).words.opinion is not None

"""What the view holds, and what it refuses."""

from __future__ import annotations

import threading

import msgspec
import pytest

from streams.judging.evidence import RiskPoint
from streams.risk.comparison import Comparison
from streams.risk.document import RiskDocument
from topology.codecs import encode_json
from topology.serve.chart import draw
from topology.serve.rollouts import Asked, Throttle
from topology.serve.view import View


def _pair(number: int) -> Comparison:
    return Comparison("", "prod", f"shop-{number}", "1", "2")


def _put(view: View, document: RiskDocument) -> None:
    assert view.apply(document.comparison.key.encode(), encode_json(document)) is None


def test_latest_replaces(judged):
    """The latest document of a comparison is the one held; its history comes back whole."""
    view = View()
    _put(view, judged(risk=10.0))
    _put(view, judged(risk=20.0))
    (entry,) = view
    assert entry.document.risk == 20.0
    assert entry.document.history == ()
    assert entry.history == judged().history


def test_asked_while_one_is_replaced(judged, pair, monkeypatch):
    """Whoever asks just then hears of the old or of the new one, never that the comparison is unknown."""
    view, heard = View(), []
    _put(view, judged(risk=10.0))
    asking = threading.Thread(target=lambda: heard.append(view.get(pair)))
    forget = view._forget

    def forget_and_be_asked(key: str) -> None:
        forget(key)
        asking.start()
        asking.join(0.1)  # it waits for the lock, or has its answer

    monkeypatch.setattr(view, "_forget", forget_and_be_asked)
    _put(view, judged(risk=20.0))
    asking.join()
    assert heard == [view.get(pair)]


def test_tombstone_removes(judged, pair):
    """A message without value removes the comparison, also one that ended."""
    view = View()
    for state in ("running", "ended"):
        _put(view, judged(state=state))
        assert view.apply(pair.key.encode(), None) is None
        assert view.get(pair) is None
    assert len(view) == 0


@pytest.mark.parametrize(
    ("key", "value", "refusal"),
    [
        (b"a", b"", "not_a_document"),
        (b"a", b"{", "not_a_document"),
        (b"a", b"\xff\xfe", "not_a_document"),
        (b"a", b"[" * 100_000, "not_a_document"),
        (b"a", b'{"comparison":{"cluster":"","namespace":"A B"}}', "not_a_document"),
        (b"\xff", b"{}", "key_differs"),
        (b"a", "document", "key_differs"),
        (None, "document", "key_differs"),
        ("key", "NaN", "not_a_document"),
        ("key", "huge", "not_a_document"),
        ("key", "time", "not_a_document"),
        ("key", "no offset", "not_a_document"),
        ("key", "start", "not_a_document"),
    ],
)
def test_refused(judged, pair, key, value, refusal):
    """What is no document, or lies under another's key, is refused and changes nothing."""
    good = encode_json(judged(started_at="2026-08-21T08:00:00Z", as_of="2026-08-21T08:13:16Z"))
    made = {
        "document": good,
        "NaN": good.replace(b'"risk":37.5', b'"risk":NaN'),
        "huge": good.replace(b'"risk":37.5', b'"risk":1e999'),
        "time": good.replace(b"2026-08-21T08:13:16Z", b"yesterday"),
        "no offset": good.replace(b"2026-08-21T08:13:16Z", b"2026-08-21T08:13:16"),
        "start": good.replace(b"2026-08-21T08:00:00Z", b"yesterday"),
    }
    view = View()
    assert view.apply(pair.key.encode() if key == "key" else key, made.get(value, value)) == refusal
    assert len(view) == 0


def test_bounded(judged):
    """Past the limit the comparison that ended longest ago goes first, then the running one silent for longest."""
    view = View(most=3)
    _put(view, judged(comparison=_pair(0)))
    _put(view, judged(comparison=_pair(1), state="ended"))
    _put(view, judged(comparison=_pair(2), state="ended"))
    _put(view, judged(comparison=_pair(3)))
    assert view.get(_pair(1)) is None
    _put(view, judged(comparison=_pair(4)))
    assert view.get(_pair(2)) is None
    _put(view, judged(comparison=_pair(0)))
    _put(view, judged(comparison=_pair(5)))
    assert [entry.document.comparison.workload for entry in view] == ["shop-4", "shop-0", "shop-5"]
    assert view.dropped == 3


def test_bounded_in_bytes(judged):
    """Promise: a week of large documents takes no more memory than a replica has; it goes in the same order."""
    documents = [judged(comparison=_pair(number), state="ended" if number < 8 else "running") for number in range(10)]
    room = sum(len(encode_json(document)) for document in documents[7:])
    view = View(most_bytes=room)
    for document in documents:
        _put(view, document)
    assert [entry.document.comparison.workload for entry in view] == ["shop-8", "shop-9", "shop-7"]
    for number in (8, 9):  # what is replaced takes room no more
        _put(view, judged(comparison=_pair(number)))
    assert len(view) == 3
    assert view.dropped == 7


def test_throttle():
    """A pair is admitted once a minute, and no more than so many pairs in any minute; memory is those pairs."""
    now_s = 0.0
    throttle = Throttle(most=10, clock=lambda: now_s)
    assert [throttle.admit(_pair(0)) for _ in range(2)] == [Asked.SENT, Asked.ALREADY]
    now_s = 30.0
    outcomes = [throttle.admit(_pair(number)) for number in range(1, 1000)]
    assert outcomes.count(Asked.SENT) == 9
    assert outcomes.count(Asked.TOO_MANY) == 990
    assert len(throttle) == 10
    now_s = 60.0
    assert throttle.admit(_pair(5000)) == Asked.SENT
    assert throttle.admit(_pair(5001)) == Asked.TOO_MANY
    now_s = 90.0
    assert throttle.admit(_pair(1)) == Asked.SENT


@pytest.mark.parametrize(
    "history",
    [
        [],
        [RiskPoint(0.0, 5.0)],
        [RiskPoint(1.8e9, 50.0)],
        [RiskPoint(1.8e9 + step * 5, -1e9 if step % 2 else 1e300) for step in range(50)],
        [RiskPoint(1.8e9, 1.0), RiskPoint(1.8e9 + 1e9, 99.0), RiskPoint(1e300, 4.0), RiskPoint(-5.0, 4.0)],
    ],
)
def test_chart_stays_in_its_frame(history):
    """Whatever the history, what is drawn lies within the picture."""
    chart = draw(history, 1.0, "fail")
    if chart is None:
        assert not [point for point in history if point.time_s > 0]
        return
    for place in chart.line.split():
        x, y = map(float, place.split(","))
        assert 36 <= x <= 744
        assert 16 <= y <= 212
    assert len(chart.ticks) <= 8
    assert chart.decided is not None
    assert 36 <= chart.decided.x <= 744


def test_history_is_decoded_on_demand(judged):
    """Between pages a history rests as bytes."""
    view = View()
    document = judged(history=tuple(RiskPoint(1.8e9 + step, 50.0) for step in range(300)))
    _put(view, document)
    (entry,) = view
    assert msgspec.structs.replace(entry.document, history=entry.history) == document


def test_what_ended_a_week_before_is_forgotten(judged):
    """Kafka keeps it no longer either, so that a replica that runs on shows what one that starts does."""
    view = View()
    _put(view, judged(comparison=_pair(1), state="ended", age_s=8 * 86_400.0))
    _put(view, judged(comparison=_pair(2), age_s=8 * 86_400.0))
    _put(view, judged(comparison=_pair(3), state="ended"))
    assert [view.get(_pair(number)) is not None for number in (1, 2, 3)] == [False, True, True]

"""What one Alertmanager is told, and when; a real one is in tests/prometheus."""

from __future__ import annotations

import msgspec
import pytest

from streams.records.times import rfc3339_s
from streams.watch.alarm import Alarm
from tests.topology.alarms.documents import RAISED_S, alarm, at, word
from topology.alarms.view import AlarmView
from topology.alert.alertmanager import BATCH, Alertmanager
from topology.alert.post import Outcome
from topology.settings import AlertSettings, Kafka

URL = "http://am.example:9093/"


class Poster:
    """Takes what the test lets it take."""

    def __init__(self) -> None:
        self.says = Outcome.TAKEN
        self.refuses = ""
        self.requests: list[list[dict]] = []
        """Alerts of those that were taken."""
        self.tried = 0

    async def post(self, url: str, body: bytes, _headers: dict[str, str], _token_file: str | None) -> Outcome:
        """As Poster does."""
        assert url == "http://am.example:9093/api/v2/alerts"
        self.tried += 1
        alerts = msgspec.json.decode(body)
        if self.refuses and self.refuses in {each["labels"]["workload"] for each in alerts}:
            return Outcome.REFUSED
        if self.says is Outcome.TAKEN:
            self.requests.append(alerts)
        return self.says


class Bench:
    """An Alertmanager whose clocks belong to the test."""

    def __init__(self) -> None:
        self.view, self.poster = AlarmView(), Poster()
        self.now_s, self.clock_s = RAISED_S, 0.0
        settings = AlertSettings(
            Kafka("localhost:1"),
            alertmanager_urls=(URL,),
            labels={"severity": "page", "alertname": "mine", "cluster": "eu"},
        )
        self.one = Alertmanager(
            URL,
            settings,
            self.poster,  # type: ignore[arg-type]
            lambda _outcome, _alarms: None,
            lambda: self.clock_s,
        )

    def put(self, *alarms: Alarm) -> None:
        """As they come from Kafka."""
        for each in alarms:
            assert self.view.apply_alarm(each.id.encode(), msgspec.json.encode(each)) is None

    async def look(self, after_s: float = 0.0) -> list[tuple[str, float]]:
        """Workload, and seconds from now to the end, of what is told when so much time has passed."""
        self.now_s += after_s
        self.clock_s += after_s
        before = len(self.poster.requests)
        await self.one.bring_up_to_date(self.view.all(), self.now_s)
        told = [each for request in self.poster.requests[before:] for each in request]
        return [(each["labels"]["workload"], rfc3339_s(each["endsAt"]) - self.now_s) for each in told]


@pytest.fixture
def bench() -> Bench:
    """Nothing is known yet."""
    return Bench()


async def test_what_rings_is_repeated_and_what_cleared_is_for_a_while(bench):
    """Every minute with an end ten minutes ahead; once cleared with its end, for ten minutes more."""
    bench.put(alarm())
    assert await bench.look() == [("shop", 600)]
    assert await bench.look(59) == []
    assert await bench.look(1) == [("shop", 600)]
    bench.put(alarm(cleared_s=RAISED_S + 65))
    assert await bench.look(10) == [("shop", -5)]
    assert await bench.look(60) == [("shop", -65)]
    assert await bench.look(600) == []
    assert bench.one.waiting == 0


async def test_the_labels_are_those_of_the_alarm(bench):
    """No label may be set over them; what is empty is left out."""
    bench.put(alarm())
    await bench.look()
    ((alert,),) = bench.poster.requests
    assert alert["labels"]["alertname"] == "SerinusAlarm"
    assert alert["labels"]["severity"] == "page"
    assert alert["labels"]["cluster"] == "eu"  # the records name none
    assert set(alert) == {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}


async def test_a_clock_that_is_ahead_ends_nothing_in_the_future(bench):
    """Event time may be ahead of ours: what has cleared has ended now, and never before it began."""
    bench.put(alarm(raised_s=RAISED_S + 20, cleared_s=RAISED_S + 30))
    assert await bench.look() == [("shop", 20)]


async def test_many_are_told_in_batches_and_a_bad_one_alone_is_refused(bench):
    """The others are told all the same; it is tried again later."""
    bench.put(*(alarm(workload=f"shop-{number}") for number in range(BATCH + 6)))
    bench.poster.refuses = "shop-3"
    told = await bench.look()
    assert len(told) == BATCH + 5
    assert bench.one.waiting == 1
    bench.poster.refuses = ""
    assert ("shop-3", 600) in await bench.look(60)
    assert bench.one.waiting == 0


async def test_one_that_is_away_is_asked_seldom(bench):
    """For ten minutes: some twenty times, and then it hears all at once."""
    bench.poster.says = Outcome.UNREACHED
    bench.put(alarm(), alarm(workload="till", cleared_s=RAISED_S + 20))
    for _ in range(600):
        assert await bench.look(1) == []
    assert 15 < bench.poster.tried < 30
    bench.poster.says = Outcome.TAKEN
    assert sorted(await bench.look(30)) == [("shop", 600), ("till", -610)]


async def test_a_silence_ends_it_and_the_end_of_a_silence_raises_it(bench):
    """The end is when the silence was said."""
    bench.put(alarm())
    await bench.look()
    said = word(alarm(), "silence", until=at(RAISED_S + 100))
    assert bench.view.apply_event(msgspec.json.encode(said), RAISED_S + 5) is None
    assert await bench.look(10) == [("shop", -5)]
    assert await bench.look(90) == [("shop", 600)]

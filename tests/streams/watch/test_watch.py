"""The watch over production, from closed windows to alarms."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import msgspec
import pytest

from streams.judging.side import EventCount, RequestCount, Side, SignatureInfo
from streams.records.histogram import Histogram
from streams.records.identity import Workload
from streams.records.times import rfc3339
from streams.signals.rule import SignalRule
from streams.watch.alarm import Alarm
from streams.watch.feedback import AlarmFeedback, FeedbackKind
from streams.watch.production import Deployment
from streams.watch.suspects import Neighbour, suspects
from streams.watch.watch import Watch, WatchSettings, WatchState

WINDOW_NS = 5_000_000_000
SHOP = Workload("", "prod", "shop")
RULES = {"memory": SignalRule("memory", "level", "memory", "higher", unit="By")}
SIGNATURES = {7: SignatureInfo("db pool exhausted, password=hunter2", "error"), 8: SignatureInfo("timeout", "error")}
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WatchState).decode


class Played:
    """A workload in production, window by window, of a seeded chance."""

    def __init__(self, seed: int = 1, settings: WatchSettings | None = None) -> None:
        self.settings = settings or WatchSettings()
        self.watch = _watch(WatchState(), self.settings)
        self.window = 0
        self.ring: list[tuple[int, dict[str, Side]]] = []
        self._draw = random.Random(seed)

    @property
    def now_ns(self) -> int:
        """End of the last window."""
        return self.window * WINDOW_NS

    def windows(self, number: int, *, times: float = 1.0, memory: float = 1e9, revision: str = "old") -> list[Alarm]:
        """So many windows; failures come so many times as often as they usually do."""
        found: list[Alarm] = []
        for _ in range(number):
            draw = self._draw
            errors = sum(draw.random() < 0.01 * times for _ in range(200))
            logged = sum(draw.random() < 0.02 * times for _ in range(4))
            levels = {pod: memory * draw.gauss(1.0, 0.02) for pod in range(4)}
            side = Side(pod_s=20.0, requests={"http": RequestCount(200.0, float(errors))}, levels={"memory": levels})
            if logged:
                side.incidents = {7: logged}
            start_ns, sides = self.window * WINDOW_NS, {revision: side}
            self.ring = [*self.ring, (start_ns, sides)][-180:]
            self.watch.add(start_ns, sides, {}, RULES, SIGNATURES, self.ring)
            found += self.watch.alarms()
            self.window += 1
        return found

    def restart(self) -> None:
        """As a worker does that reads its snapshot back."""
        self.watch = _watch(_decode(_encode(self.watch.to_state())), self.settings)

    def say(self, kind: FeedbackKind, alarm: Alarm) -> list[Alarm]:
        """Somebody says this of an alarm."""
        self.watch.hear(AlarmFeedback(alarm.id, "", "prod", "shop", kind), self.now_ns)
        return self.watch.alarms()


def _watch(state: WatchState, settings: WatchSettings) -> Watch:
    return Watch(settings, WINDOW_NS, SHOP, state, list)


@pytest.mark.parametrize("extreme", [1e150, 1.7e308, -1.7e308, 1e-200, 5e-324])
def test_numbers_that_nothing_real_has_are_cut(extreme):
    """A window that cannot be applied would be read again and again: whoever writes a metric could stop a scorer."""
    watch = _watch(WatchState(), WatchSettings())
    for window in range(150):
        usual = 1e9 + window % 7
        side = Side(
            pod_s=20.0,
            requests={"http": RequestCount(abs(extreme), abs(extreme))},
            events={
                "call_timeouts": EventCount(abs(extreme), 20.0, abs(extreme)),
                "restarts": EventCount(1.0, 20.0, abs(extreme) if window < 5 else 1.0),
            },
            values={"latency": Histogram(0, 30, extreme, 0, {1: 30})},
            levels={"memory": dict.fromkeys(range(4), extreme if window % 2 else usual)},
        )
        watch.add(window * WINDOW_NS, {"old": side}, {}, RULES, SIGNATURES, [])
        watch.alarms()
    signals = watch.to_state().panel.signals
    assert signals["memory"].warm
    assert math.isfinite(signals["restarts/attempts"].before)


def test_a_mean_that_comes_twice_is_one_signal():
    """Of a service that is scraped and pushes too: of sums and counts, and of a distribution that has its sum."""
    watch = _watch(WatchState(), WatchSettings())
    for window in range(3):
        values = {"http.server.request.duration": Histogram(0, 30, 6.0, 0, {1: 30})}
        side = Side(pod_s=20.0, values=values, levels={"http.server.request.duration/mean": {0: 0.3}})
        watch.add(window * WINDOW_NS, {"old": side}, {}, RULES, SIGNATURES, [])
    assert watch.to_state().panel.signals["http.server.request.duration/mean"].before == 0.2


def test_what_breaks_after_a_promotion_is_found_and_laid_to_it():
    """Five times the failures after a promotion: one alarm within a minute and a half, said to be of the deployment."""
    played = Played()
    assert played.windows(720) == []
    played.watch.promoted("new", played.now_ns)
    alarms = played.windows(18, times=5.0, revision="new")
    assert alarms[0].state == "raised"
    assert len({alarm.id for alarm in alarms}) == 1
    raised = alarms[0]
    assert raised.revision == "new"
    assert raised.suspects[0].likelihood == "likely"
    assert raised.suspects[0].revision == "new"
    worst = raised.signals[0]
    assert worst.direction == "higher"
    assert worst.ratio is not None
    assert 2.0 < worst.ratio < 20.0
    assert raised.score >= 1.0
    assert "likely cause: revision new" in raised.summary


def test_one_incident_is_one_alarm_raised_held_and_cleared():
    """Signals that break together are one alarm, which ends when they are well again; secrets are not shown."""
    played = Played()
    played.windows(720)
    alarms = played.windows(60, times=6.0, memory=2e9)
    assert alarms[0].state == "raised"
    assert {alarm.state for alarm in alarms[1:]} == {"held"}
    assert {alarm.id for alarm in alarms} == {alarms[0].id}
    assert {signal.group for signal in alarms[-1].signals} >= {"errors", "memory"}
    assert all("hunter2" not in text for alarm in alarms for text in alarm.examples)
    cleared = played.windows(360)
    assert [alarm.state for alarm in cleared if alarm.id == alarms[0].id][-1] == "cleared"
    assert cleared[-1].cleared_at is not None
    assert played.watch.ringing == 0


def test_what_comes_every_night_is_told_twice():
    """From the third night on nobody is woken, but it is said, also after a restart in the middle of it."""
    played, day = Played(), 17_280
    played.windows(720)
    rings = []
    for _ in range(4):
        begun = played.window
        told = played.windows(20, times=5.0, memory=2e9)
        played.restart()
        told += played.windows(20, times=5.0, memory=2e9)
        document = played.watch.document()
        rings.append("raised" in {alarm.state for alarm in told})
        assert any("as at this hour of other days" in why for why in document.reasons) is not rings[-1]
        assert (document.verdict == "pass") is not rings[-1]
        played.windows(200)
        played.window = begun + day
    assert rings == [True, True, False, False]


def test_a_new_level_is_learned_and_said_once():
    """What stays as it has become does not ring for ever, and does not ring again."""
    played = Played(settings=WatchSettings(settled_ns=120 * WINDOW_NS))
    played.windows(720)
    alarms = played.windows(200, memory=2e9)
    assert rfc3339(714 * WINDOW_NS) <= alarms[0].onset_at <= rfc3339(722 * WINDOW_NS)
    assert alarms[-1].state == "cleared"
    assert played.windows(600, memory=2e9) == []


def test_better_is_no_alarm():
    """Less memory and fewer failures ring nothing."""
    played = Played()
    played.windows(720)
    assert played.windows(200, times=0.2, memory=0.5e9) == []


def test_cold_start_is_silent():
    """Nothing is said of a workload of which nothing is known yet, however bad it is."""
    assert Played().windows(99, times=10.0) == []


def test_first_deployment_is_no_suspect():
    """A workload that was there from the first has not been deployed as far as anybody knows."""
    played = Played()
    played.windows(400)
    [first, *_] = played.windows(30, times=8.0)
    assert first.suspects == ()


def test_replaced_without_argo_is_a_deployment():
    """A pod-template hash that takes over is one, also where no rollout was heard of."""
    played = Played()
    played.windows(400)
    alarms = played.windows(30, times=8.0, revision="next")
    assert alarms[0].suspects[0].revision == "next"


def test_nothing_ends_an_alarm_and_raises_the_threshold():
    """Said to be nothing it is cleared; the same again needs more evidence; said to be real, less again."""
    played = Played()
    played.windows(720)
    raised = played.windows(30, times=4.0)[0]
    ended = played.say("nothing", raised)
    assert [alarm.state for alarm in ended] == ["cleared"]
    names = {signal.signal for signal in raised.signals}
    penalties = [known.penalty for name, known in played.watch.to_state().panel.signals.items() if name in names]
    assert all(penalty == pytest.approx(1.386, abs=0.01) for penalty in penalties)
    played.say("real", raised)
    panel = played.watch.to_state().panel.signals
    assert all(panel[name].penalty == 0.0 for name in names)


@pytest.mark.parametrize(
    ("words", "penalty"),
    [
        (("nothing", "nothing", "nothing"), 1.386),
        (("nothing", "real", "real", "nothing"), 1.386),
        (("nothing", "real", "nothing", "real"), 0.0),
    ],
)
def test_what_is_said_of_an_alarm_again_teaches_nothing(words, penalty):
    """Two who say that it was nothing, or one whose post was sent twice, count once; the last word holds."""
    played = Played()
    played.windows(720)
    raised = played.windows(30, times=4.0)[0]
    for word in words:
        played.say(word, raised)
        played.restart()
    panel = played.watch.to_state().panel.signals
    assert all(panel[signal.signal].penalty == pytest.approx(penalty, abs=0.01) for signal in raised.signals)


def test_alarms_of_a_workload_that_is_gone_are_cleared():
    """Without a window for a quarter of an hour nothing goes on ringing."""
    played = Played()
    played.windows(720)
    assert played.windows(30, times=8.0)
    assert not played.watch.expire(played.now_ns + WINDOW_NS)
    assert played.watch.expire(played.now_ns + 901_000_000_000)
    assert [alarm.state for alarm in played.watch.alarms()] == ["cleared"]


@pytest.mark.parametrize("every", [1, 7, 100])
def test_a_restart_changes_nothing(every):
    """Restored from its snapshot at any moment, it says the same to the bit."""
    assert list(_story(every)) == list(_story(10_000))


def _story(restart_every: int) -> Iterator[Alarm]:
    played = Played(3)
    for step in range(0, 420, 1):
        times, memory = (5.0, 1.6e9) if 300 <= step < 340 else (1.0, 1e9)
        if step == 290:
            played.watch.promoted("new", played.now_ns)
        if step % restart_every == 0:
            played.restart()
        yield from played.windows(1, times=times, memory=memory, revision="new" if step >= 290 else "old")


def test_a_busy_cluster_accuses_nobody():
    """Of a hundred others that deployed before, none is a likely cause; what came after the onset is vetoed."""
    second = 1_000_000_000
    others = [
        Neighbour(Workload("", "prod", f"w{number}"), Deployment("5d", 3_000 * second, 3_000 * second))
        for number in range(100)
    ]
    later = Deployment("6f", 3_700 * second, 3_700 * second)
    assert all(found.likelihood == "unlikely" for found in suspects(SHOP, 3_600 * second, [later], others))


@pytest.mark.parametrize(("rollback", "verdict"), [(True, "fail"), (False, "none")])
def test_the_verdict_on_production(rollback, verdict):
    """None while cold, pass while quiet; fail while what rings is laid to the deployment, if the operator wants it."""
    played = Played()
    assert played.watch.document() is None
    played.windows(10)
    assert _verdict(played) == "none"
    played.windows(710)
    assert _verdict(played) == "pass"
    played.watch.promoted("new", played.now_ns)
    played.windows(18, times=5.0, revision="new")
    assert _verdict(played, rollback=rollback) == verdict
    played.windows(360, revision="new")
    assert _verdict(played) == "pass"


def _verdict(played: Played, *, rollback: bool = True) -> str:
    document = played.watch.document(rollback=rollback)
    assert document is not None
    assert document.reasons
    assert (document.risk == 100.0) == (document.verdict == "fail")
    assert document.watch_score is None or (document.watch_score >= 0.5) >= (document.verdict == "fail")
    assert (document.watch_score is None) == (played.window <= 100)
    return document.verdict


def test_a_word_on_an_alarm_before_the_last_teaches_nothing_of_the_last():
    """Else `nothing`, said of what is long over, would silence what rings now."""
    played = Played()
    played.windows(720)
    before = played.windows(10, memory=1.5e9)[0]
    played.windows(60)
    now = played.windows(10, memory=2e9)[0]
    assert now.id != before.id
    been = _farthest(played)
    played.say("nothing", before)
    assert _farthest(played) == been
    played.say("nothing", now)
    assert _farthest(played) != been


def _farthest(played):
    return played.watch.to_state().panel.signals["memory"].level.farthest.been


@pytest.mark.parametrize("deployed", [False, True])
def test_what_comes_at_its_hour_right_after_a_deployment_is_told(deployed):
    """It may be the revision's doing."""
    played, told = Played(), []
    played.windows(720)
    for night in range(3):
        begun = played.window
        if deployed and night == 2:
            played.watch.promoted("new", played.now_ns)
        told = played.windows(40, times=5.0, memory=2e9, revision="new" if deployed and night == 2 else "old")
        played.windows(200, revision="new" if deployed and night == 2 else "old")
        played.window = begun + 17_280
    assert ("raised" in {alarm.state for alarm in told}) is deployed


def test_what_comes_every_night_and_goes_silent_is_over():
    """A workload that is gone in the middle of its batch has none going on when it is back."""
    played, day = Played(), 17_280
    played.windows(720)
    for _ in range(3):
        begun = played.window
        played.windows(40, times=5.0, memory=2e9)
        usual = list(played.watch.to_state().usual)
        played.windows(200 if not usual else 0)
        played.window = begun + day
    assert usual
    assert not played.watch.expire(played.now_ns)
    assert played.watch.to_state().usual == []

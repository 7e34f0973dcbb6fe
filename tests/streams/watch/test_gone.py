"""A line of ordinary life that is not written any more rings; one that is not looked for does not."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import msgspec
import pytest

from streams.errors import BadRecord
from streams.judging.side import RequestCount, Side, SignatureInfo
from streams.records.identity import Revision, Source, Workload
from streams.records.log import LogRecord, Severity
from streams.records.times import rfc3339
from streams.watch.alarm import Alarm
from streams.watch.gone import GoneState, GoneWatch
from streams.watch.regular import MOST_REGULAR, Logged, Regular, RegularState, signal_name
from streams.watch.watch import Watch, WatchSettings, WatchState
from streams.windows.roller import Roller
from streams.windows.summary import Limits
from streams.workload.life import WorkloadLife
from streams.workload.state import WorkloadSettings, WorkloadState

WINDOW_NS = 5_000_000_000
HISTORY = 600
"""Windows: fifty minutes."""
INFO = {
    1: SignatureInfo("order <*> placed", "info"),
    2: SignatureInfo("GET <*> done", "info"),
    3: SignatureInfo("cache of <*> entries", "info"),
    4: SignatureInfo("slow answer from <*>", "warning"),
    9: SignatureInfo("order <*> <*>", "info"),
}
OFTEN = {1: 0.7, 2: 1.0, 3: 0.3, 4: 0.05}
"""Chance that a pod writes it in a window."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WatchState).decode


class Written:
    """Two pods in production that write lines, window by window, of a seeded chance."""

    def __init__(self, seed: int = 1) -> None:
        self.watch = self._watch(WatchState())
        self.window = 0
        self._draw = random.Random(seed)

    def windows(
        self, number: int, *, without=(), silent=(), become=None, revision="old", errors=0.01, whole=True
    ) -> list[Alarm]:
        """So many windows; `silent`: pods that write nothing; `become`: template -> what it is part of."""
        found: list[Alarm] = []
        for _ in range(number):
            draw, become = self._draw, become or {}
            pods = {
                pod: {become.get(one, one) for one, often in OFTEN.items() if draw.random() < often} - set(without)
                for pod in range(2)
                if pod not in silent
            }
            logged = Logged(INFO.get, {pod: held for pod, held in pods.items() if held}, {0, 1}, whole)
            failed = sum(draw.random() < errors for _ in range(200))
            side = Side(pod_s=10.0, requests={"http": RequestCount(200.0, float(failed))})
            start_ns, sides = self.window * WINDOW_NS, {revision: side}
            self.watch.add(start_ns, sides, {}, {}, {}, [(start_ns, sides)], lambda _, logged=logged: logged)
            found += self.watch.alarms()
            self.window += 1
        return found

    def restart(self) -> None:
        """As a worker does that reads its snapshot back."""
        self.watch = self._watch(_decode(_encode(self.watch.to_state())))

    def reasons(self) -> str:
        """Of the verdict on production."""
        document = self.watch.document()
        assert document is not None
        return " | ".join(document.reasons)

    @staticmethod
    def _watch(state: WatchState) -> Watch:
        return Watch(WatchSettings(), WINDOW_NS, Workload("", "prod", "shop"), state, list)


@pytest.mark.parametrize(("template", "within"), [(2, 20), (1, 60)])
def test_a_line_that_is_gone_rings(template, within):
    """One that came with every window within two minutes, one of seven windows in ten within five; and is learned."""
    written = Written()
    assert written.windows(HISTORY) == []
    raised, *_ = written.windows(within, without={template})
    told = {signal.signal: signal for signal in raised.signals}
    (signal,) = told.values()
    assert signal.signal == signal_name(INFO[template].text)
    assert (signal.direction, signal.now) == ("lower", 0.0)
    assert signal.before == pytest.approx(OFTEN[template] * 2 / 10.0, rel=0.3)
    assert "not written any more" in raised.summary
    cleared = written.windows(60)
    assert cleared[-1].state == "cleared"
    assert written.windows(60) == []


def test_what_is_gone_for_good_is_said_once():
    """After an hour it is what is normal."""
    written = Written()
    written.windows(HISTORY)
    alarms = written.windows(2 * HISTORY, without={2})
    assert len({alarm.id for alarm in alarms}) == 1
    assert alarms[-1].state == "cleared"


@pytest.mark.parametrize("silent", [(0,), (0, 1)])
def test_a_shipper_that_stops_is_no_line_that_is_gone(silent):
    """Neither of one pod nor of all."""
    written = Written()
    written.windows(HISTORY)
    assert written.windows(360, silent=silent) == []


def test_what_only_the_silent_pod_wrote_is_not_gone():
    """Whoever leads writes it; nothing can be said of it while nothing comes from there."""
    regular, signal = Regular(RegularState(), WINDOW_NS), signal_name(INFO[1].text)
    for window in range(HISTORY):
        regular.add(window * WINDOW_NS, Logged(INFO.get, {0: {1, 2}, 1: {2}}, {0, 1}), ())
    list(regular.points(Logged(INFO.get, {0: {1, 2}, 1: {2}}, {0, 1}), 10.0))

    def beside(pods, there) -> float:
        return next(p.beside for p in regular.points(Logged(INFO.get, pods, there), 10.0) if p.signal == signal)

    assert beside({1: {2}}, {0, 1}) == 0.0
    assert beside({0: {2}, 1: {2}}, {0, 1}) == 2.0
    assert beside({1: {2}}, {1}) == 1.0  # it is not there any more: the others have to write it now


@pytest.mark.parametrize(("others", "rings"), [(20.0, True), (2.0, False)])
def test_an_hour_in_which_all_lines_become_fewer(others, rings):
    """Absent for twenty windows, where a tenth is written of what usually is, is absent for two."""
    watch = GoneWatch()
    for window in range(2000):
        watch.add(window * WINDOW_NS, 1.0, 5.0, 20.0)
    log_e = [watch.add(window * WINDOW_NS, 0.0, 5.0, others).log_e for window in range(2000, 2020)]
    assert (log_e[-1] >= 18.6) == rings


def test_lines_that_were_left_out_are_not_gone():
    """Where there was not room for all lines of a window, it is not known what was written."""
    written = Written()
    written.windows(HISTORY)
    assert written.windows(360, without={2}, whole=False) == []


def test_a_template_that_became_part_of_another_is_not_gone():
    """But what it is part of can be."""
    written = Written()
    written.windows(HISTORY)
    written.watch.redirect({1: 9}, INFO.get)
    assert written.windows(360, become={1: 9}) == []
    raised, *_ = written.windows(60, without={9}, become={1: 9})
    assert raised.signals[0].signal == signal_name(INFO[9].text)


def test_a_statement_that_a_deployment_removed_rings_nothing_and_is_told():
    """By the verdict on production; and by the suspect, if something else rings."""
    written = Written()
    written.windows(HISTORY)
    assert written.windows(120, without={1}, revision="new") == []
    assert '"order <*> placed"' in written.reasons()
    assert written.windows(720, without={1}, revision="new") == []
    later = Written()
    later.windows(HISTORY)
    later.windows(60, without={2}, revision="new")
    raised, *_ = later.windows(30, without={2}, revision="new", errors=0.1)
    assert [signal.signal for signal in raised.signals] == ["requests/error/http"]
    assert 'not written yet: "GET <*> done"' in raised.suspects[0].why


def test_what_the_new_revision_wrote_can_be_gone():
    """And is laid to the deployment."""
    written = Written()
    written.windows(HISTORY)
    assert written.windows(60, revision="new") == []
    assert "not written" not in written.reasons()
    raised, *_ = written.windows(20, without={2}, revision="new")
    assert raised.suspects[0].likelihood == "likely"


def test_lines_of_pods_become_alarms():
    """From lines, through templates that become one: a user who did not come back is not gone, orders are."""
    names = ["bob", "ada", "eve", "joe", "kim", "sue"]

    def written(window: int) -> dict[str, list[str]]:
        name = names[max(window - 600, 0) // 3 % len(names)]  # until then always the same
        texts = ["request served in 3 ms", f"session opened for user {name} on tty"]
        return dict.fromkeys(("shop-1", "shop-2"), texts + ["order placed"] * (window < 700))

    found = list(_alarms(written, 720))
    assert {alarm.raised_at for alarm in found} == {found[0].raised_at}
    assert [signal.signal for signal in found[0].signals] == [signal_name("order placed")]
    assert found[0].onset_at == rfc3339(699 * WINDOW_NS)


def test_a_pod_that_starts_anew_has_not_lost_its_lines():
    """The only one, that takes a minute and a half to start and tells how."""

    def written(window: int) -> dict[str, list[str]]:
        if 600 <= window < 618:
            return {"shop-2": [f"starting part {part}" for part in "abc"]}
        return {"shop-1" if window < 600 else "shop-2": ["request served in 3 ms", "order placed"]}

    assert list(_alarms(written, 720)) == []


def _alarms(written: Callable[[int], dict[str, list[str]]], windows: int) -> Iterator[Alarm]:
    """Of the whole pipeline: lines by pod of each window."""
    settings = WorkloadSettings(window_ns=WINDOW_NS, watch=WatchSettings(), sight_ns=0)
    of = Workload("", "prod", "shop")
    life, roller = WorkloadLife(settings, WorkloadState(of)), Roller(WINDOW_NS, Limits())
    for window in range(windows):
        for pod, texts in written(window).items():
            for text in texts:
                roller.add(LogRecord(Source(Revision(of, "old"), pod), window * WINDOW_NS, text, Severity.INFO))
        rolled = roller.drain()
        for summary in rolled.summaries:
            life.add(summary, rolled.signatures, rolled.series)
        life.close((window + 1) * WINDOW_NS)
        yield from life.alarms()


def test_a_snapshot_from_before_lines_could_be_gone_is_read():
    """What there was of it goes on; the rest begins."""
    written = Written()
    written.windows(10)
    raw = msgspec.msgpack.decode(_encode(written.watch.to_state()), strict=False)
    raw = raw[:-4]
    panel = {name: signal[:-3] for name, signal in raw[1][0].items()}
    state = _decode(_encode([raw[0], [panel, *raw[1][1:]], *raw[2:]]))
    assert state.regular == RegularState()
    assert state.panel.signals.keys() == panel.keys()


@pytest.mark.parametrize("every", [1, 7])
def test_a_restart_changes_nothing(every):
    """Restored from its snapshot at any moment, it says the same to the bit."""
    assert list(_story(every)) == list(_story(10_000))


def _story(restart_every: int) -> Iterator[Alarm]:
    written = Written(3)
    written.windows(HISTORY - 60)
    for step in range(240):
        if step % restart_every == 0:
            written.restart()
        if step == 30:
            written.watch.redirect({1: 9}, INFO.get)
        become = {1: 9} if step >= 30 else {}
        gone = {2} if 100 <= step < 150 else {9} if step >= 190 else set()
        yield from written.windows(1, without=gone, become=become, revision="old" if step < 160 else "new")


def test_a_bounded_number_is_followed():
    """However many there are, and whatever else is written; warnings and what is ignored are not among them."""
    many = {number: SignatureInfo(f"line {number}", "info") for number in range(100)}
    many |= {200: SignatureInfo("slow", "warning"), 300: SignatureInfo("noise", "ignore")}
    state, draw = RegularState(), random.Random(1)
    for window in range(600):
        new = {draw.randrange(1000, 10**9) for _ in range(5)}
        logged = Logged(lambda one: many.get(one, SignatureInfo(f"new {one}", "info")), {0: {*many, *new}}, {0})
        Regular(state, WINDOW_NS).add(window * WINDOW_NS, logged, ())
    assert len(state.followed) == MOST_REGULAR
    assert set(state.followed) <= set(range(100))
    assert len(state.heard) <= 4 * MOST_REGULAR


def test_what_a_batch_writes_is_not_followed():
    """Ten minutes of every hour."""
    state = RegularState()
    for window in range(3 * 720):
        templates = {1, 2} if window % 720 < 120 else {2}
        Regular(state, WINDOW_NS).add(window * WINDOW_NS, Logged(INFO.get, {0: templates}, {0}), ())
    assert list(state.followed) == [2]


@pytest.mark.parametrize(("count", "pod_s", "others"), [(-1.0, 5.0, 1.0), (1.0, 0.0, 1.0), (1.0, 5.0, float("nan"))])
def test_what_cannot_be_is_refused_and_teaches_nothing(count, pod_s, others):
    """With a typed error; as is a window that is over."""
    watch = GoneWatch()
    watch.add(5, 1.0, 5.0, 3.0)
    before = _encode(watch.to_state())
    with pytest.raises(BadRecord):
        watch.add(6, count, pod_s, others)
    with pytest.raises(BadRecord):
        watch.add(5, 1.0, 5.0, 3.0)
    assert _encode(watch.to_state()) == before


def test_the_snapshot_of_a_template_is_small():
    """A tenth of a kilobyte."""
    watch = GoneWatch()
    for window in range(2000):
        watch.add(window * WINDOW_NS, float(window % 3 == 0), 20.0, 17.0)
    state = _encode(watch.to_state())
    assert len(state) < 128
    assert _encode(GoneWatch(msgspec.msgpack.decode(state, type=GoneState)).to_state()) == state

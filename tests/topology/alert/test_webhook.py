"""The webhook is told each change once, whatever happens meanwhile."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Producer

from streams.errors import BadPolicy
from streams.watch.alarm import Alarm
from tests.integration.role_process import RoleProcess
from tests.topology.alarms.documents import RAISED_S, alarm, at, publish, word
from tests.topology.alert.receiver import Receiver, Request
from topology.alarms.view import AlarmView, KnownAlarm
from topology.alert import signature
from topology.alert.ledger import Delivery, Ledger
from topology.alert.post import Outcome
from topology.alert.webhook import LONGEST_REFUSAL_S, Webhook
from topology.create_topics import create
from topology.embedded import EmbeddedBroker
from topology.settings import AlertSettings, Kafka
from topology.topics import ALERTS, definitions

SECRET = "correct horse battery staple"  # noqa: S105 - of the tests alone
PARTITIONS = 2


class Poster:
    """Takes what the test lets it take."""

    def __init__(self) -> None:
        self.says = Outcome.TAKEN
        self.refuses = ""
        self.sent: list[tuple[str, str]] = []
        """Workload and type of those taken."""
        self.tried = 0

    async def post(self, _url: str, body: bytes, _headers: dict[str, str], _token_file: str | None) -> Outcome:
        """As Poster does."""
        self.tried += 1
        notice = msgspec.json.decode(body)
        if notice["data"]["workload"] == self.refuses:
            return Outcome.REFUSED
        if self.says is Outcome.TAKEN:
            self.sent.append((notice["data"]["workload"], notice["type"].removeprefix("alarm.")))
        return self.says


class Writer:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str]] = []

    def write(self, alarm_id: str, told: Delivery | None) -> bool:
        """As LedgerWriter does."""
        self.written.append((alarm_id, "forgotten" if told is None else told.change))
        return True


class Bench:
    """A webhook whose clocks and receiver belong to the test."""

    def __init__(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_text(SECRET)
        self.settings = AlertSettings(
            Kafka("localhost:1"), webhook_url="https://us.example/x", webhook_secret_file=str(secret)
        )
        self.view = AlarmView()
        self.poster = Poster()
        self.ledger = Ledger()
        self.writer = Writer()
        self.now_s = RAISED_S
        self.clock_s = 0.0
        self.restart()

    def restart(self) -> None:
        """A new process: what it knows is in Kafka."""
        self.webhook = Webhook(
            "https://us.example/x",
            lambda: (SECRET.encode(),),
            self.settings,
            self.poster,  # type: ignore[arg-type]
            self.ledger,
            self.writer,  # type: ignore[arg-type]
            lambda _outcome, _alarms: None,
            lambda: self.clock_s,
        )

    def put(self, *alarms: Alarm) -> None:
        """As they come from Kafka."""
        for each in alarms:
            assert self.view.apply_alarm(each.id.encode(), msgspec.json.encode(each)) is None

    def say(self, of: Alarm, **changes) -> None:
        """A silence."""
        said = word(of, "silence", **changes)
        assert self.view.apply_event(msgspec.json.encode(said), self.now_s) is None

    async def look(self, after_s: float = 0.0) -> list[tuple[str, str]]:
        """What is told when so much time has passed."""
        self.now_s += after_s
        self.clock_s += after_s
        before = len(self.poster.sent)
        alarms: list[KnownAlarm] = self.view.all()
        await self.webhook.bring_up_to_date(alarms, self.now_s)
        return self.poster.sent[before:]


@pytest.fixture
def bench(tmp_path) -> Bench:
    """Nothing is known yet."""
    return Bench(tmp_path)


async def test_each_change_is_told_once(bench):
    """Raised, not held, cleared; a restart tells nothing again."""
    bench.put(alarm())
    assert await bench.look() == [("shop", "raised")]
    bench.put(alarm(state="held", as_of_s=RAISED_S + 20))
    bench.restart()
    assert await bench.look(20) == []
    bench.put(alarm(cleared_s=RAISED_S + 40))
    assert await bench.look(20) == [("shop", "cleared")]
    bench.restart()
    assert await bench.look(20) == []
    assert [change for _, change in bench.writer.written] == ["raised", "cleared"]


async def test_both_changes_of_an_outage_are_told(bench):
    """In order, once it answers again; waiting ever longer, but never longer than half a minute."""
    bench.poster.says = Outcome.UNREACHED
    bench.put(alarm())
    for _ in range(600):
        assert await bench.look(1) == []
    assert bench.webhook.waiting == 1
    assert 20 < bench.poster.tried < 40
    bench.put(alarm(cleared_s=RAISED_S + 500))
    bench.poster.says = Outcome.TAKEN
    assert await bench.look(30) == [("shop", "raised"), ("shop", "cleared")]
    assert bench.webhook.waiting == 0


async def test_one_refused_keeps_back_no_other(bench):
    """It is tried again, seldom; the others are told."""
    bench.put(alarm(), alarm(workload="till", raised_s=RAISED_S + 5))
    bench.poster.refuses = "shop"
    assert await bench.look() == [("till", "raised")]
    for _ in range(10):
        assert await bench.look(LONGEST_REFUSAL_S) == []
    bench.poster.refuses = ""
    assert await bench.look(LONGEST_REFUSAL_S) == [("shop", "raised")]


async def test_silences(bench):
    """Silenced it is not told, unless the silence ends first; one told before is told to have cleared all the same."""
    first, second, third = alarm(), alarm(workload="till"), alarm(workload="cart")
    bench.say(first)
    bench.say(second, until=at(RAISED_S + 60))
    bench.put(first, second, third)
    assert await bench.look() == [("cart", "raised")]
    bench.say(third)
    assert await bench.look(59) == []
    assert await bench.look(1) == [("till", "raised")]
    bench.put(*(alarm(workload=each.workload, cleared_s=RAISED_S + 90) for each in (first, second, third)))
    assert sorted(await bench.look(30)) == [("cart", "cleared"), ("till", "cleared")]


async def test_old_history_is_not_told(bench):
    """A webhook that is new to a cluster hears of the last day only; what it was told as raised it hears the end of."""
    bench.put(alarm(workload="old", cleared_s=RAISED_S + 20))
    bench.put(alarm(workload="told", cleared_s=RAISED_S + 20))
    bench.ledger.put(alarm(workload="told").id, Delivery("raised", at(RAISED_S)))
    assert await bench.look(20 + 86_401) == [("told", "cleared")]


async def test_what_kafka_does_not_hold_is_forgotten_while_it_runs(bench):
    """Promise: after thirty days, looked for once a day, so that the ledger does not grow for as long as it runs."""
    bench.put(alarm())
    for name in (alarm().id, "gone"):
        bench.ledger.put(name, Delivery("raised", at(RAISED_S)))
    await bench.look()
    await bench.look(30 * 86_400)
    assert bench.ledger.told("gone") is not None
    await bench.look(86_400 - 1)
    assert bench.ledger.told("gone") is not None
    await bench.look(1)
    assert bench.ledger.told("gone") is None
    assert bench.ledger.told(alarm().id) is not None
    assert bench.writer.written == [("gone", "forgotten")]


def test_the_ledger_takes_nothing_back():
    """Read in any order: what was told as cleared was told as raised before."""
    ledger = Ledger()
    for change in ("cleared", "raised"):
        ledger.put("x", Delivery(change, at(RAISED_S)))
    assert ledger.told("x").change == "cleared"
    assert ledger.forgettable(at(RAISED_S + 1)) == ["x"]
    assert ledger.forgettable(at(RAISED_S)) == []
    ledger.put("x", None)
    assert ledger.told("x") is None


@pytest.mark.parametrize("text", ["", "short", "whsec_AAAA", "whsec_%%%%", f"{SECRET.replace(' ', '-')}\nshort"])
def test_a_weak_secret_is_refused(tmp_path, text):
    """At start, and without being shown."""
    file = tmp_path / "secret"
    file.write_text(text)
    with pytest.raises(BadPolicy, match="webhook-secret-file") as refused:
        signature.secrets(str(file))
    assert not text or text.split()[-1] not in str(refused.value)


def test_secrets_that_are_replaced_sign_from_then_on(tmp_path, caplog):
    """Promise: as a Secret mounted in a pod is; while the file holds nothing that can be used the former ones stay."""
    file = tmp_path / "secret"
    file.write_text(SECRET)
    kept = signature.Secrets(str(file))
    assert kept.current() == (SECRET.encode(),)
    file.write_text(f"{SECRET}\n{SECRET[::-1]}")
    assert kept.current() == (SECRET.encode(), SECRET[::-1].encode())
    for change in (lambda: file.write_text("a short one"), file.unlink):
        change()
        assert kept.current() == (SECRET.encode(), SECRET[::-1].encode())
    assert "a short one" not in caplog.text


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """An embedded broker with all topics."""
    with EmbeddedBroker() as embedded:
        create(Kafka(embedded.bootstrap_servers), definitions(partitions=PARTITIONS))
        yield embedded.bootstrap_servers


def verified(request: Request, key: bytes) -> bool:
    """Whether the receiver may believe it, as the Standard Webhooks specification says."""
    name, moment = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = f"{name}.{moment}.".encode() + request.body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    fresh = abs(time.time() - int(moment)) < 300
    return fresh and f"v1,{expected}" in request.headers["webhook-signature"].split()


def test_the_process_doubles_nothing(broker, tmp_path):
    """Killed between changes, and started while the webhook is away: each change comes once, signed, in order."""
    key = b"0123456789abcdef0123456789abcdef"
    files = {"secret": f"whsec_{base64.b64encode(key).decode()}", "token": "t0ken-t0ken"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    producer, now = Producer({"bootstrap.servers": broker}), time.time()

    def sender() -> RoleProcess:
        secrets = ("--webhook-secret-file", tmp_path / "secret", "--webhook-token-file", tmp_path / "token")
        return RoleProcess("alert", "--bootstrap-servers", broker, "--webhook-url", f"{receiver.url}/hook", *secrets)

    def await_requests(number: int) -> list[tuple[str, str]]:
        deadline = time.monotonic() + 30
        while len(receiver.got) < number and time.monotonic() < deadline:
            time.sleep(0.02)
        return [(each.json["data"]["workload"], each.json["type"]) for each in receiver.got]

    with Receiver() as receiver:
        with sender() as process:
            publish(producer, alarm(raised_s=now), PARTITIONS)
            assert await_requests(1) == [("shop", "alarm.raised")]
            _await_ledger(broker, 1)
            process.kill()
        publish(producer, alarm(raised_s=now, cleared_s=now + 1), PARTITIONS)
        publish(producer, alarm(workload="till", raised_s=now + 2), PARTITIONS)
        receiver.status = 503
        with sender() as process:
            process.await_output("answers 503")
            said = process.output
            receiver.status = 200
            shop, till = ("shop", "alarm.cleared"), ("till", "alarm.raised")
            assert await_requests(3) == [("shop", "alarm.raised"), shop, till]
            assert process.end() == 0
    assert all(verified(each, key) for each in receiver.got)
    assert len({each.headers["webhook-id"] for each in receiver.got}) == 3
    assert {each.headers["authorization"] for each in receiver.got} == {"Bearer t0ken-t0ken"}
    assert not any(text.removeprefix("whsec_") in said or "/hook" in said for text in files.values())


def _await_ledger(broker: str, number: int) -> None:
    """Until so many entries were written."""
    from confluent_kafka import Consumer, TopicPartition  # noqa: PLC0415 - of this alone

    consumer = Consumer({"bootstrap.servers": broker, "group.id": "test"})
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            ends = (consumer.get_watermark_offsets(TopicPartition(ALERTS, each)) for each in range(PARTITIONS))
            if sum(high - low for low, high in ends) >= number:
                return
    finally:
        consumer.close()
    pytest.fail("nothing was written")

"""Alarms through `serinus alert` and a real Alertmanager to somebody who is told: nothing lost, nothing doubled.

Pauses are short here (repeat 0.2 s, hold 2 s), so that an outage of a few seconds is what ten minutes are with the
defaults: many repetitions, and longer than Alertmanager holds what it does not hear of.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.watch.alarm import Alarm
from tests.integration.role_process import RoleProcess
from tests.prometheus.conftest import PARTITIONS
from tests.prometheus.tools import Server, eventually
from tests.topology.alarms.documents import alarm, publish, word
from tests.topology.alert.receiver import Receiver

pytestmark = pytest.mark.prometheus

HOLD_S = 2.0
RESTART_S = 30.0
"""Longer than a restart takes on a slow machine: what is held no longer, Alertmanager rightly resolves."""
CONFIG = """
route: {{receiver: us, group_by: ["..."], group_wait: 50ms, group_interval: 100ms, repeat_interval: 4h}}
receivers: [{{name: us, webhook_configs: [{{url: "{url}", send_resolved: true}}]}}]
"""


@pytest.fixture
def alertmanager(tmp_path: Path, receiver: Receiver) -> Iterator[Server]:
    """The real one, which tells the receiver of every alert by itself."""
    config = tmp_path / "alertmanager.yml"
    config.write_text(CONFIG.format(url=receiver.url))
    arguments = [f"--config.file={config}", f"--storage.path={tmp_path / 'data'}", "--cluster.listen-address="]
    server = Server("prometheus-alertmanager", arguments, tmp_path)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def now() -> float:
    """The alarms begin now: Alertmanager has a clock of its own."""
    return time.time()


def sender(broker: str, *urls: str, hold_s: float = HOLD_S) -> RoleProcess:
    """`serinus alert`, which has begun to tell."""
    pauses = ("--repeat-s", 0.2, "--hold-s", hold_s, "--public-url", "https://serinus.example")
    where = [word for url in urls for word in ("--alertmanager-url", url)]
    process = RoleProcess("alert", "--bootstrap-servers", broker, *where, *pauses, "--label", "severity=page")
    process.await_output("tells alertmanager")
    return process


def told(receiver: Receiver, of: Alarm) -> list[str]:
    """What the receiver was told of an alarm by Alertmanager, in order: firing, resolved."""
    alerts = [each for request in receiver.got for each in request.json["alerts"]]
    return [each["status"] for each in alerts if each["labels"]["alarm"] == of.id]


def held(server: Server, of: Alarm) -> dict:
    """The alert as Alertmanager holds it, or nothing."""
    return next((each for each in server.get("/api/v2/alerts") if each["labels"]["alarm"] == of.id), {})


def test_raise_repeat_resolve(broker, producer, alertmanager, receiver, now):
    """One notification when it is raised, none while it is held beyond the hold, one when it clears."""
    ringing = alarm(raised_s=now)
    with sender(broker, alertmanager.url):
        publish(producer, ringing, PARTITIONS)
        eventually(lambda: told(receiver, ringing) == ["firing"])
        first = held(alertmanager, ringing)
        assert first["labels"] == {
            "alertname": "SerinusAlarm",
            "namespace": "prod",
            "workload": "shop",
            "revision": "6f8d9c6b77",
            "alarm": ringing.id,
            "severity": "page",
        }
        assert "requests/error is higher" in first["annotations"]["description"]
        assert first["generatorURL"].startswith("https://serinus.example/alarms/-/prod/shop/")
        publish(producer, alarm(raised_s=now, state="held", as_of_s=now + 1), PARTITIONS)
        eventually(lambda: held(alertmanager, ringing)["endsAt"] > first["endsAt"] and time.time() > now + 2 * HOLD_S)
        assert told(receiver, ringing) == ["firing"]
        publish(producer, alarm(raised_s=now, cleared_s=time.time()), PARTITIONS)
        eventually(lambda: told(receiver, ringing) == ["firing", "resolved"])
        time.sleep(HOLD_S)  # while its end is told again
    assert told(receiver, ringing) == ["firing", "resolved"]


def test_alertmanager_is_away(broker, producer, alertmanager, receiver, now):
    """Longer than it would hold anything: what was raised meanwhile, and what cleared, it is told when it is back."""
    lasting, ending, coming = (alarm(workload=name, raised_s=now) for name in ("lasting", "ending", "coming"))
    with sender(broker, alertmanager.url) as process:
        for each in (lasting, ending):
            publish(producer, each, PARTITIONS)
        eventually(lambda: told(receiver, lasting) == told(receiver, ending) == ["firing"])
        alertmanager.stop()
        process.await_output("cannot be told")
        publish(producer, coming, PARTITIONS)
        publish(producer, alarm(workload="ending", raised_s=now, cleared_s=time.time()), PARTITIONS)
        time.sleep(2 * HOLD_S)
        alertmanager.start()
        eventually(lambda: told(receiver, coming) == ["firing"] and told(receiver, ending) == ["firing", "resolved"])
        eventually(lambda: held(alertmanager, lasting))
    assert told(receiver, lasting) == ["firing"]


def test_we_are_restarted(broker, producer, alertmanager, receiver, now):
    """Killed in the middle: what was told is not told again, what changed while we were away is."""
    lasting, ending, coming = (alarm(workload=name, raised_s=now) for name in ("lasting", "ending", "coming"))
    with sender(broker, alertmanager.url, hold_s=RESTART_S) as process:
        for each in (lasting, ending):
            publish(producer, each, PARTITIONS)
        eventually(lambda: told(receiver, lasting) == told(receiver, ending) == ["firing"])
        process.kill()
    publish(producer, coming, PARTITIONS)
    publish(producer, alarm(workload="ending", raised_s=now, cleared_s=time.time()), PARTITIONS)
    with sender(broker, alertmanager.url, hold_s=RESTART_S) as process:
        eventually(lambda: told(receiver, coming) == ["firing"] and told(receiver, ending) == ["firing", "resolved"])
        before = held(alertmanager, lasting)["endsAt"]
        eventually(lambda: held(alertmanager, lasting)["endsAt"] > before)
        assert process.end() == 0
    assert told(receiver, lasting) == ["firing"]


def test_one_of_two_is_away(broker, producer, alertmanager, receiver, now):
    """The other is told as if nothing were."""
    ringing = alarm(raised_s=now)
    with sender(broker, "http://127.0.0.1:9", alertmanager.url) as process:
        publish(producer, ringing, PARTITIONS)
        eventually(lambda: told(receiver, ringing) == ["firing"])
        process.await_output("http://127.0.0.1:9 cannot be told")


def test_what_is_silenced_is_not_told(broker, producer, alertmanager, receiver, now):
    """Not one that was silenced before we knew of it; one that rings ends there when it is silenced."""
    quiet, ringing = alarm(workload="quiet", raised_s=now), alarm(raised_s=now)
    publish(producer, word(quiet, "silence"), PARTITIONS)
    publish(producer, quiet, PARTITIONS)
    with sender(broker, alertmanager.url):
        publish(producer, ringing, PARTITIONS)
        eventually(lambda: told(receiver, ringing) == ["firing"])
        publish(producer, word(ringing, "silence"), PARTITIONS)
        eventually(lambda: told(receiver, ringing) == ["firing", "resolved"])
    assert told(receiver, quiet) == []

"""Two rollouts of a made-up service, played through the whole pipeline: one healthy canary, one broken.

Everything is real: the broker (embedded), the roles as processes of their own, the shippers' formats, and the HTTP
queries that Argo Rollouts would make. The exit status says whether Serinus told the two apart.
"""

from __future__ import annotations

import os
import sys
import threading
import time

import msgspec
from msgspec import Struct

from topology import pipeline
from topology.demo.census import Census
from topology.demo.player import Part, Player
from topology.demo.query import Answer, RiskClient
from topology.demo.service import Rates, Service
from topology.demo.shipped import NAMESPACE, fluent_bit_line, otlp_counters, prometheus_counters, vector_line
from topology.demo.terminal import Terminal
from topology.embedded import EmbeddedBroker, free_port
from topology.errors import Unavailable
from topology.settings import Kafka
from topology.signals import stop_on_signal
from topology.supervise import Children

_PARTITIONS = 4
_REQUESTS_PER_S = 150.0
_SETTLE_S = 30.0
"""How long the pipeline may take to catch up with the end of the play."""
_WINDOW_S = 5.0


class Expected(Struct, frozen=True):
    """One rollout of the play, and what Serinus ought to say of it."""

    service: Service
    verdict: str


class Row(Struct, frozen=True):
    """One comparison in the last line of `--json`."""

    workload: str
    expected: str
    verdict: str
    risk: float
    seconds_to_verdict: float | None


class Result(Struct, frozen=True):
    """The last line of `--json`."""

    comparisons: list[Row]
    records: int
    """Log lines and metric samples played."""
    lost: int
    """Of these, neither in a summary nor in a dead letter."""

    @property
    def told_apart(self) -> bool:
        """The healthy one did not fail, the broken one did, and nothing was lost."""
        return self.lost == 0 and all((row.expected == "fail") == (row.verdict == "fail") for row in self.comparisons)


def play(seconds: int, as_json: bool, keep: bool, log_level: str) -> int:
    """Play for so many seconds and print what was found; the exit status.

    Args:
        seconds: of the play.
        as_json: end with a `Result` on stdout.
        keep: go on after it, until SIGINT or SIGTERM.
        log_level: of the roles.

    Raises:
        Unavailable: a part of the pipeline did not start or ended by itself.
        KeyboardInterrupt: SIGINT or SIGTERM came before the end of the play.
    """
    stop = stop_on_signal()
    rollouts = [
        Expected(Service("checkout", "7d9c6b5f48", "5c4bd8f9f7", Rates(), _REQUESTS_PER_S, seed=1), "pass"),
        Expected(
            Service("payments", "6f87c5d5d5", "9b7f4d6c8f", Rates(canary_only_error=0.04), _REQUESTS_PER_S, seed=2),
            "fail",
        ),
    ]
    writers = ((fluent_bit_line, otlp_counters), (vector_line, prometheus_counters))
    parts = [Part(rollout.service, *writer) for rollout, writer in zip(rollouts, writers, strict=True)]
    with EmbeddedBroker() as broker, Children(environment=_environment()) as children:
        kafka = Kafka(broker.bootstrap_servers)
        pipeline.prepare(kafka, _PARTITIONS)
        plan = pipeline.Plan(port=free_port(), log_level=log_level)
        for name, arguments in plan.commands(kafka.bootstrap_servers, session_timeout_s=3.0):
            children.start(name, arguments)
        stage = _Stage(kafka, children, Player(kafka, parts, seconds), RiskClient(f"http://{plan.host}:{plan.port}"))
        with Terminal(quiet=as_json) as terminal:
            result = stage.play(rollouts, stop, terminal)
        terminal.conclude(result)
        if as_json:
            sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
            sys.stdout.flush()
        if keep and not stop.is_set():
            sys.stderr.write(
                f"still playing; Kafka at {kafka.bootstrap_servers}, pages at {stage.risks.address}; Ctrl-C ends it\n"
            )
            stage.go_on(stop)
    return 0 if result.told_apart else 1


class _Stage:
    """The running pipeline, with the player before it and the queries behind it."""

    def __init__(self, kafka: Kafka, children: Children, player: Player, risks: RiskClient) -> None:
        self._kafka = kafka
        self._children = children
        self._player = player
        self.risks = risks

    def play(self, rollouts: list[Expected], stop: threading.Event, terminal: Terminal) -> Result:
        """Play to the end, wait until all of it has been judged, and say what became of it."""
        while not self.risks.ready() and not stop.is_set():
            self._check()
            stop.wait(0.2)
        _go_on_unless(stop)
        began_s = time.time()
        playing = threading.Thread(target=self._player.play, args=(stop,), name="player", daemon=True)
        playing.start()
        while playing.is_alive():
            self._check()
            terminal.show(time.time() - began_s, [self._ask(rollout) for rollout in rollouts])
            playing.join(1.0)
        _go_on_unless(stop)
        ended_s = time.time()
        census = Census(self._kafka)
        accounted = census.await_total(self._player.records, _SETTLE_S, stop)
        census.close()
        answers = [self._settled(rollout, ended_s, stop) for rollout in rollouts]
        _go_on_unless(stop)
        terminal.show(time.time() - began_s, answers)
        rows = [_row(rollout, answer, began_s) for rollout, answer in zip(rollouts, answers, strict=True)]
        return Result(rows, self._player.records, self._player.records - accounted)

    def go_on(self, stop: threading.Event) -> None:
        """Play at the last traffic split until told to stop."""
        playing = threading.Thread(target=self._player.play, args=(stop,), kwargs={"forever": True}, daemon=True)
        playing.start()
        while playing.is_alive():
            self._check()
            playing.join(1.0)

    def _check(self) -> None:
        ended = self._children.next_ended(0)
        if ended is not None:
            raise Unavailable(str(ended))

    def _ask(self, rollout: Expected) -> Answer:
        service = rollout.service
        return self.risks.risk(NAMESPACE, service.name, service.baseline, service.canary)

    def _settled(self, rollout: Expected, ended_s: float, stop: threading.Event) -> Answer:
        """The answer once the last whole window of the play has been judged."""
        deadline = time.monotonic() + _SETTLE_S
        while True:
            answer = self._ask(rollout)
            judged = answer.as_of_s >= ended_s - _WINDOW_S
            if judged or stop.is_set() or time.monotonic() > deadline:
                return answer
            self._check()
            time.sleep(0.2)


def _environment() -> dict[str, str]:
    """That of the roles: whatever is exported of a Serinus's settings is meant for another."""
    return {name: value for name, value in os.environ.items() if not name.startswith("SERINUS_")}


def _go_on_unless(stop: threading.Event) -> None:
    """A play that was told to end has nothing to say.

    Raises:
        KeyboardInterrupt: it was.
    """
    if stop.is_set():
        raise KeyboardInterrupt


def _row(rollout: Expected, answer: Answer, began_s: float) -> Row:
    decided_s = answer.decided_at_s
    return Row(
        rollout.service.name,
        rollout.verdict,
        answer.verdict,
        round(answer.risk, 2),
        round(decided_s - began_s, 1) if decided_s else None,
    )

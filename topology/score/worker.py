"""The score role: a Faust application. Two agents feed the boards of the partitions it owns; a changelog keeps them.

What Faust is trusted with: who owns which partition, and the messages of the two topics. What it is not (seen to go
wrong on Apache Kafka by `tests/integration/test_exactly_once.py`, or, where it says so, read in Faust 0.15.3's code):

- when an offset may be committed. Streams are `noack`; a message is acknowledged only after the checkpoint that
  includes it is in the changelog and the documents that came of it are in `serinus.risk`. (With `table[key] = ...`
  Faust commits ahead of its changelog: one SIGKILL lost 800 of 20,000 bundles. By its code it also takes a message
  after a transaction's marker for acknowledged: `Consumer._add_gap`.) Where to go on is said by the snapshots alone,
  `Board.resume`; committed offsets only show the lag.
- where it goes on after a rebalance: nowhere else if nothing was committed yet, so that bundles were left out; by its
  code it also seeks only after it may have begun to hand out what it had fetched before. So we seek first, and compare
  the first bundle with where the snapshots end.
- a table. After a rebalance its recovery may wait for ever for changelog messages that are there (one of five runs in
  which a worker left), and no partition goes on meanwhile; by its code, of two rebalances in short order it forgets
  what it held and goes on where it had stopped reading (`Store.on_recovery_completed`, `Recovery.on_rebalance`). The
  changelog is a compacted topic such as its tables have, and we read it back ourselves.
- an order between its two topics: `ahead.py` and `Board.apply_event`.

Windows are ours, see `streams/windows`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import tempfile
import threading
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from streams.errors import BadPolicy
from streams.judging.settings import JudgeSettings
from streams.policy.effective import effective
from streams.policy.workload_policy import WorkloadPolicy
from streams.records.identity import Workload
from streams.records.times import within_range
from streams.risk.comparison import TemplateFeedback
from streams.risk.document import RiskDocument
from streams.shippers.faults import DECODE_FAULTS
from streams.watch.feedback import WorkloadEvent
from streams.watch.watch import WatchSettings
from streams.windows.summary import Bundle
from streams.workload.state import WorkloadSettings
from topology.codecs import DOCUMENT_FAULTS, decode_bundle, decode_rollout_event, encode_json
from topology.connect import admin_client
from topology.create_topics import partitions
from topology.errors import Unavailable
from topology.policy_file import WatchedPolicy
from topology.score.ahead import ReadAhead
from topology.score.board import Board
from topology.score.instruments import Instruments
from topology.score.transport import CommittedTransport, configuration
from topology.settings import ScoreSettings
from topology.telemetry import Telemetry
from topology.topics import (
    ALARMS,
    COPARTITIONED,
    LARGEST_MESSAGE_BYTES,
    RISK,
    ROLLOUTS,
    SUMMARIES,
    WATCH,
    not_there,
    partition_of,
    require_copartitioned,
)

log = logging.getLogger(__name__)

_STOP_S = 3.0
_LOOK_S = 1.0
_REFUSAL_S = 60.0
"""Between two lines of the log that say the same of summaries."""
_MOST_POLICIES = 10_000
"""Workloads whose policy is remembered."""
_QUIET_S = 60.0
"""A workload in which nothing runs or rings is written so often, or with every checkpoint if those are rarer."""
_CHANGELOG = {
    "segment.bytes": str(32 * 2**20),
    "segment.ms": "600000",
    "min.cleanable.dirty.ratio": "0.2",
    "max.message.bytes": str(LARGEST_MESSAGE_BYTES),
}
"""Compacted soon: what is read after a rebalance is not much more than the latest snapshots."""


def run(settings: ScoreSettings, telemetry: Telemetry, told: threading.Event) -> None:
    """Work until SIGINT or SIGTERM, which sets `told` as long as nothing here listens for it.

    Raises:
        Unavailable: Kafka refused, or a message could not be applied; starting again reads it again.
        BadPolicy: what the group knows is of windows of another length, or its topics differ in their partitions.
    """
    with tempfile.TemporaryDirectory(prefix="serinus-score-") as scratch:
        asyncio.run(_run(settings, telemetry, Path(scratch), told))


async def _run(settings: ScoreSettings, telemetry: Telemetry, scratch: Path, told: threading.Event) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if told.is_set():
        return  # it came before
    scorer = Scorer(settings, telemetry, scratch)
    try:
        # It starts for as long as it takes to join the group, and is to end also then.
        running = asyncio.ensure_future(_started_until_stopped(scorer.app))
        refused = asyncio.ensure_future(scorer.refused())
        stopped, failed = asyncio.ensure_future(stop.wait()), asyncio.ensure_future(scorer.failed.wait())
        waiting = [stopped, failed, running, refused, asyncio.ensure_future(scorer.look_after_policy())]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in waiting:
            each.cancel()
        if not stop.is_set():
            cause = scorer.failure or (refused.result() if refused.done() else scorer.app.crash_reason)
            if isinstance(cause, BadPolicy):
                raise cause
            raise Unavailable(f"score {settings.worker_id} stopped: {cause!r}") from cause
    finally:
        try:
            await asyncio.wait_for(scorer.app.stop(), _STOP_S)
        except TimeoutError:
            log.warning("Faust did not stop in %.0f s; what was not acknowledged is read again", _STOP_S)
        scorer.close()


async def _started_until_stopped(app: faust.App) -> None:
    await app.start()
    await app.wait_until_stopped()


class Scorer:
    """The boards of the partitions this worker owns, and the Faust application around them."""

    def __init__(self, settings: ScoreSettings, telemetry: Telemetry, scratch: Path) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._workload_settings = WorkloadSettings(
            window_ns=settings.window_s * 1_000_000_000,
            ring_ns=settings.ring_s * 1_000_000_000,
            expire_ns=round(settings.expire_s * 1e9),
            sight_ns=settings.sight_s * 1_000_000_000,
            judge=JudgeSettings(alpha=settings.alpha, beta=settings.beta),
            watch=WatchSettings(arl_ns=round(settings.false_alarm_days * 86_400e9)),
        )
        self._policy = WatchedPolicy(settings.policy, telemetry.meter)
        self._base = WorkloadPolicy(alpha=settings.alpha, beta=settings.beta)
        self._followed = self._policy.current()
        self._policies: dict[Workload, WorkloadPolicy] = {}
        """What `_followed` comes to."""
        self._partitions = _partitions(settings)
        self._boards: dict[int, Board] = {}
        self._unacknowledged: dict[int, list[faust.EventT[Any]]] = {}
        self._sent: dict[int, list[Awaitable[Any]]] = {}
        self._checkpointed_s: dict[int, float] = {}
        self._checkpointing: set[int] = set()
        self._rebalances = 0
        self._refusal_due_s = 0.0
        self._joined: dict[int, Board] = {}
        self._instruments = Instruments(telemetry.meter, self._boards)
        self._ahead = ReadAhead(settings.kafka)
        self.failed = asyncio.Event()
        self.failure: BaseException | None = None
        self.app = self._build(scratch)

    def close(self) -> None:
        """Leave the cluster, once Faust has."""
        self._ahead.close()

    async def refused(self) -> Exception:
        """Why the group does not take this worker, once it has said so.

        Its client tells only whoever reads, and Faust does not read before it has partitions: it would wait for ever.
        """
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._transport.client is not None:
                try:
                    self._transport.client._coordinator.check_errors()  # noqa: SLF001 - there is no other way to ask
                except KafkaError as error:
                    refusal: Exception = error
                    return refusal

    async def look_after_policy(self) -> None:
        """Look at the policy file in time: who changes it is to hear of a fault now, not when a rollout begins."""
        while True:
            await asyncio.sleep(_LOOK_S)
            self._policy.current()

    def _policy_of(self, workload: Workload) -> WorkloadPolicy | None:
        """What the policy file and the options say of a workload now; None: nothing but the defaults.

        The same object as long as the file does not change: it is asked with every window of every workload.
        """
        if self._settings.policy is None:
            return None if self._base == WorkloadPolicy() else self._base
        policy_file = self._policy.current()
        if policy_file is not self._followed or len(self._policies) > _MOST_POLICIES:
            self._followed, self._policies = policy_file, {}
        policy = self._policies.get(workload)
        if policy is None:
            policy = self._policies[workload] = effective(policy_file, workload, self._base)
        return policy

    def _build(self, scratch: Path) -> faust.App:
        app = faust.App(
            self._settings.group,
            **self._settings.kafka.faust(),
            **configuration(self._partitions, self._settings.session_timeout_s, scratch),
        )
        self._transport = app.transport = CommittedTransport(app.conf.broker_consumer, app)
        app.on_partitions_revoked.connect(self._revoked, weak=False)
        raw = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
        self._risk = app.topic(RISK, partitions=self._partitions, **raw)
        self._alarms = app.topic(ALARMS, **raw)
        self._watch = app.topic(WATCH, partitions=self._partitions, **raw)
        self._changelog = app.topic(
            f"{self._settings.group}-workloads-changelog",
            partitions=self._partitions,
            internal=True,
            compacting=True,
            config=_CHANGELOG,
            **raw,
        )
        app.on_rebalance_complete.connect(self._dealt_out, weak=False)
        app.agent(app.topic(SUMMARIES, partitions=self._partitions, **raw), name="summaries")(self._read_summaries)
        app.agent(app.topic(ROLLOUTS, partitions=self._partitions, **raw), name="rollouts")(self._read_rollouts)
        return app

    async def _read_summaries(self, stream: faust.StreamT[bytes]) -> None:
        async for event in stream.noack().events():
            await self._guarded(self._take_bundle(event))

    async def _read_rollouts(self, stream: faust.StreamT[bytes]) -> None:
        async for event in stream.noack().events():
            await self._guarded(self._take_event(event))

    async def _guarded(self, taking: Awaitable[None]) -> None:
        """Faust would go on after a fault, without the message or the boards; we stop instead, and read again."""
        try:
            await taking
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.failure = error
            self.failed.set()
            raise

    async def _take_bundle(self, event: faust.EventT[Any]) -> None:
        message = event.message
        board = self._boards.get(message.partition)
        if board is None:
            return
        if self._joined.get(board.number) is not board:
            await self._join(board, message.offset)
            self._joined[board.number] = board
        await self._apply_bundle(board, message.offset, message.value or b"", _headers(message))
        await self._taken(board, event)

    async def _join(self, board: Board, offset: int) -> None:
        """Make good what Faust left out: after a rebalance it may go on with what it had fetched before it sought."""
        number, known = board.number, board.resume.summaries
        missing = await self._ahead.between(SUMMARIES, number, known + 1, offset) if known + 1 < offset else []
        if missing:
            log.warning(
                "Faust begins partition %d at %d; %d bundles from %d on first", number, offset, len(missing), known + 1
            )
        for message in missing:
            await self._apply_bundle(board, message.offset(), message.value() or b"", message.headers() or [])

    async def _apply_bundle(self, board: Board, offset: int, payload: bytes, headers: list[tuple[str, bytes]]) -> None:
        with self._telemetry.tracer.start_as_current_span("score.bundle", links=self._telemetry.links(headers)) as span:
            try:
                bundle = decode_bundle(payload)
            except DECODE_FAULTS as error:
                self._skip(SUMMARIES, board.number, offset, "unreadable", error)
                return
            if not bundle.fits(self._workload_settings.window_ns):
                self._refuse(bundle, board.number, offset)
                return
            await self._read_ahead(board, board.newest_ns(bundle))
            if not self._owns(board):
                return
            began_s = time.perf_counter()
            documents = board.apply_bundle(offset, bundle)
            self._instruments.applied(time.perf_counter() - began_s, len(documents))
            span.set_attribute("serinus.documents", len(documents))
            await self._publish(board, documents)

    async def _take_event(self, event: faust.EventT[Any]) -> None:
        message = event.message
        board = self._boards.get(message.partition)
        if board is None:
            return
        try:
            rollout = decode_rollout_event(message.value or b"")
            sent_ns = _sent_ns(round(message.timestamp * 1000))  # Faust has made a float of the milliseconds
        except DOCUMENT_FAULTS as error:
            self._skip(ROLLOUTS, message.partition, message.offset, "unreadable", error)
        else:
            if self._concerns(rollout, message.partition):
                await self._publish(board, board.apply_event(message.offset, rollout, sent_ns))
            else:
                fault = ValueError("keyed for another partition than its workload's")
                self._skip(ROLLOUTS, message.partition, message.offset, "misplaced", fault)
        await self._taken(board, event)

    def _concerns(self, event: WorkloadEvent, number: int) -> bool:
        """Whether a message of a partition belongs there: that of its workload, or all."""
        everywhere = isinstance(event, TemplateFeedback) and event.shared
        return everywhere or partition_of(event.of, self._partitions) == number

    async def _read_ahead(self, board: Board, time_ns: int) -> None:
        """Let the board know all events sent by then; Faust will bring them once more."""
        for message in await self._ahead.read(board.number, board.offsets.rollouts + 1, time_ns):
            try:
                rollout = decode_rollout_event(message.value() or b"")
                sent_ns = _sent_ns(message.timestamp()[1])
            except DOCUMENT_FAULTS:
                continue  # said when Faust brings it
            if self._owns(board) and self._concerns(rollout, board.number):
                await self._publish(board, board.apply_event(message.offset(), rollout, sent_ns))

    def _owns(self, board: Board) -> bool:
        """Whether the partition is still ours, and this its board."""
        return self._boards.get(board.number) is board

    def _skip(self, topic: str, number: int, offset: int, reason: str, error: Exception) -> None:
        log.error("%s/%s@%s skipped: %s", topic, number, offset, error)
        self._instruments.skipped(topic, reason)

    def _refuse(self, bundle: Bundle, number: int, offset: int) -> None:
        """Its counts fit into none of our windows. An ingest worker sends some of them a second: told once a minute."""
        self._instruments.skipped(SUMMARIES, "window")
        if time.monotonic() >= self._refusal_due_s:
            self._refusal_due_s = time.monotonic() + _REFUSAL_S
            allowed = f"give {bundle.worker} the --window-s of this scorer, {self._settings.window_s}, or both another"
            fault = BadPolicy("ingest's window-s", bundle.window_ns / 1e9, allowed)
            log.error("%s/%s@%s and others like it skipped: %s", SUMMARIES, number, offset, fault)

    async def _publish(self, board: Board, documents: list[RiskDocument]) -> None:
        headers = dict(self._telemetry.headers())
        for watched in board.watched() if self._owns(board) else ():
            self._sent[board.number].append(
                self._watch.send_soon(
                    key=watched.comparison.of.key.encode(),
                    value=encode_json(watched),
                    partition=board.number,
                    headers=headers,
                )
            )
        # Before anything is waited for: a checkpoint that includes an alarm must know of its message.
        for alarm in board.alarms() if self._owns(board) else ():
            self._sent[board.number].append(
                self._alarms.send_soon(key=alarm.id.encode(), value=encode_json(alarm), headers=headers)
            )
        for document in documents:
            if not self._owns(board):
                return  # its next owner says it, or has said more
            self._sent[board.number].append(
                await self._risk.send(
                    key=document.comparison.key.encode(),
                    value=encode_json(document),
                    partition=board.number,
                    headers=headers,
                )
            )

    async def _taken(self, board: Board, event: faust.EventT[Any]) -> None:
        number = board.number
        if not self._owns(board):
            return  # read again by the next owner
        self._unacknowledged[number].append(event)
        due_s = self._checkpointed_s[number] + self._settings.snapshot_s
        if time.monotonic() >= due_s and number not in self._checkpointing:
            self._checkpointing.add(number)
            try:
                await self._checkpoint(board)
            finally:
                self._checkpointing.discard(number)

    async def _checkpoint(self, board: Board) -> None:
        """Snapshots into the changelog, then acknowledge what they include."""
        number = board.number
        began_s = time.monotonic()
        records = list(board.checkpoint())
        events, self._unacknowledged[number] = self._unacknowledged[number], []
        sent, self._sent[number] = self._sent[number], []
        for published in sent:
            await published
        if not self._owns(board):
            return
        # Faust's buffer keeps no order between a failed send and the next: the partition's record goes alone, last.
        *workloads, own = records
        for written in [self._write(number, key, value) for key, value in workloads]:
            await written
        if not self._owns(board):
            return  # the partition went away meanwhile; its next owner reads these events again
        await self._write(number, *own)
        if not self._owns(board):
            return
        for event in events:
            event.ack()
        self._checkpointed_s[number] = time.monotonic()
        self._instruments.checkpointed(time.monotonic() - began_s, sum(len(value or b"") for _, value in records))

    def _write(self, number: int, key: bytes, value: bytes | None) -> Awaitable[Any]:
        written: Awaitable[Any] = self._changelog.send_soon(
            key=key, value=value, partition=number, key_serializer="raw", value_serializer="raw"
        )
        return written

    async def _revoked(self, *_: Any, **__: Any) -> None:
        """Everything is given back before it is dealt out anew; from here on these boards write nothing more."""
        self._rebalances += 1
        self._boards.clear()
        self._transport.resume.clear()
        await self.app.producer.flush()

    async def _dealt_out(self, *_: Any, **__: Any) -> None:
        await self._guarded(self._recover())

    async def _recover(self) -> None:
        """After each rebalance: boards anew from the changelog, for what is ours now; all else is read again."""
        rebalance = self._rebalances
        await self._changelog.maybe_declare()
        owned = {tp.partition for tp in self.app.consumer.assignment() if tp.topic == SUMMARIES}
        self._boards.clear()
        self._ahead.forget()
        self._transport.resume.clear()
        for number in owned:
            board = Board(
                self._workload_settings,
                round(self._settings.hold_s * 1e9),
                number,
                self._policy_of,
                max(round(_QUIET_S / self._settings.snapshot_s), 1),
            )
            board.restore((await self._ahead.latest(self._changelog.get_topic_name(), number)).items())
            ends = await self._ahead.ends(number)
            if rebalance != self._rebalances:
                return  # they are dealt out once more already
            if board.truncate(*ends):
                log.warning("partition %d of a topic was made anew: all of it is read", number)
            self._transport.resume[SUMMARIES, number] = board.resume.summaries + 1
            self._transport.resume[ROLLOUTS, number] = board.resume.rollouts + 1
            self._unacknowledged[number] = []
            self._sent[number] = []
            self._checkpointed_s[number] = time.monotonic()
            self._boards[number] = board
        # Faust seeks itself, but after it has begun to hand out what it had fetched before.
        for (topic, number), offset in self._transport.resume.items():
            await self.app.consumer.seek(TP(topic, number), offset)
        log.info("scores partitions %s", ", ".join(map(str, sorted(owned))) or "none for now")


def _sent_ns(message_ms: int) -> int:
    """Of a message's time; 0 where it has none.

    Raises:
        BadRecord: it lies beyond 2262, which no snapshot holds.
    """
    return within_range(max(message_ms, 0) * 1_000_000)


def _partitions(settings: ScoreSettings) -> int:
    """Of all topics in which a workload lives; where they differ, some that one lacks would be waited for in vain.

    Raises:
        Unavailable: a topic is missing, or the cluster does not tell.
        BadPolicy: they differ.
    """
    found = partitions(admin_client(settings.kafka))
    missing = [name for name in (*COPARTITIONED, ALARMS) if name not in found]
    if missing:
        raise not_there(missing[0])
    require_copartitioned(found)
    return found[SUMMARIES]


def _headers(message: Any) -> list[tuple[str, bytes]]:
    headers = message.headers or {}
    return list(headers.items()) if isinstance(headers, dict) else list(headers)

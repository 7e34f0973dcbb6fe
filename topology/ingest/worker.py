"""The ingest role: consume a batch, decode, tag, summarise, produce, commit; one Kafka transaction a cycle.

Everything produced and the consumed offsets are committed together (read-process-write, KIP-447), and nothing that
matters survives a transaction. So a crash at any point loses nothing and counts nothing twice: what was not committed
is read again by whoever owns the partition then.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from opentelemetry import trace

from streams.errors import BadRecord, Reason
from streams.shippers.formats import reader
from streams.shippers.reader import Reader
from streams.windows.log_fields import fields_of
from streams.windows.roller import Rolled, Roller
from streams.windows.summary import Limits
from topology.codecs import encode_json
from topology.connect import RECONNECT
from topology.errors import Unavailable
from topology.ingest.bundles import bundles
from topology.ingest.dead_letters import DeadLetter, dead_letter
from topology.ingest.inputs import Inputs
from topology.ingest.instruments import Instruments
from topology.ingest.transactions import WAIT_S, Transactions
from topology.settings import IngestSettings
from topology.telemetry import Telemetry
from topology.topics import DEAD_LETTERS, SUMMARIES, not_there

log = logging.getLogger(__name__)

_HEARTBEAT_S = 0.5
"""An idle worker still reports how far it has read."""
_BATCH = 1_000
"""Messages asked for at once; librdkafka hands out what it has. With 5,000 what was just made is out of the processor's
cache before it is used: 10% more time a record."""
_CYCLE_BYTES = 64 * 2**20
"""Payload of one transaction after which it is closed early: bounds what is read again."""
_WAITING_S = 0.01
"""A full batch that comes sooner was waiting: the worker is behind."""
_BEHIND = 4
"""How many times longer a cycle may last then: Apache Kafka takes 30 ms for a commit, in which nothing is read."""
_ASK_S = 3.0
"""For one try to learn where to read on; told to stop, it ends after it."""
_BACKOFF_MS = 10
"""How long the consumer, once its queue is full, waits before it fetches again. By default a second: the queue then ran
dry over and over, and a worker far behind did nothing in half of its time (130,000 records/s; 240,000 so)."""


def run(settings: IngestSettings, telemetry: Telemetry, stop: threading.Event) -> None:
    """Work until told to stop.

    Raises:
        Unavailable: Kafka refused or fenced this worker; starting again helps.
    """
    try:
        worker = IngestWorker(settings, telemetry)
        try:
            while not stop.is_set():
                worker.cycle(stop)
        finally:
            worker.close()
    except KafkaException as error:
        raise Unavailable(f"ingest {settings.worker_id}: {error.args[0]}") from error


class IngestWorker:
    """One consumer, one transactional producer, one roller."""

    def __init__(self, settings: IngestSettings, telemetry: Telemetry) -> None:
        self._settings = settings
        self._telemetry = telemetry
        self._stop = threading.Event()
        limits = Limits(signatures=settings.signatures_per_revision, series=settings.series_per_revision)
        fields = fields_of(settings.log_fields)
        self._roller = Roller(settings.window_s * 1_000_000_000, limits, settings.context_lines, fields)
        self._readers: dict[str, Reader] = {}
        for content, topics in (("logs", settings.log_topics), ("metrics", settings.metric_topics)):
            for topic, format_name in topics.items():
                self._readers[topic] = reader(
                    content,  # type: ignore[arg-type]
                    format_name,
                    cluster=settings.cluster,
                    keep_fields=bool(fields),
                )
        self._inputs = Inputs(round(settings.lateness_s * 1e9))
        self._letters: list[DeadLetter] = []
        self._records = 0
        self._bytes = 0
        self._reported_s = 0.0
        self._closing = False
        self._transactions = Transactions(settings)
        self._consumer = Consumer(_consumer_configuration(settings))
        self._committed_to: dict[tuple[str, int], int] = {}
        """Next offset of each partition as last committed, or as to be read again; replaced whole, for another thread
        reads it."""
        self._instruments = Instruments(telemetry.meter, self._lag)
        self._topic_sizes: dict[str, int] = {}
        self._consumer.subscribe(
            list(self._readers), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )

    def cycle(self, stop: threading.Event) -> int:
        """Read for one cycle, then commit what came of it; the number of records committed."""
        self._stop = stop
        gc.disable()  # nothing read makes cycles; looking for them among the records took 8% of the time
        try:
            self._read(stop)
        finally:
            gc.enable()
        if self._inputs.offsets() or time.monotonic() - self._reported_s >= _HEARTBEAT_S:
            return self._commit()
        return 0

    def close(self) -> None:
        """Commit what has been read, leave the group, so that others take over at once."""
        try:
            if self._inputs.offsets():
                self._commit()
        finally:
            self._closing, self._committed_to = True, {}
            self._consumer.close()

    # --- reading ---

    def _read(self, stop: threading.Event) -> None:
        """Read for as long as a cycle may last, or until a transaction is full."""
        began_s = asked_s = time.monotonic()
        ends_s = began_s + self._settings.cycle_s
        while asked_s < ends_s and self._records < self._settings.batch_records and self._bytes < _CYCLE_BYTES:
            if stop.is_set():
                break
            messages = self._consumer.consume(_BATCH, max(_WAITING_S, began_s + self._settings.cycle_s - asked_s))
            self._inputs.asked(time.time_ns())
            behind = len(messages) == _BATCH and time.monotonic() - asked_s < _WAITING_S
            ends_s = began_s + self._settings.cycle_s * (_BEHIND if behind else 1)
            self._take(messages)
            asked_s = time.monotonic()

    def _take(self, messages: Sequence[Message]) -> None:
        """Count a batch, partition by partition."""
        for _, of_number in groupby(messages, Message.partition):
            for _, of_topic in groupby(of_number, Message.topic):
                self._take_run(list(of_topic))

    def _take_run(self, messages: list[Message]) -> None:
        """Count messages of one partition that came in a row."""
        partition = (messages[0].topic(), messages[0].partition())
        good = [message for message in messages if message.error() is None]
        if good:
            newest_ns = self._count(partition, good)
            last_ms = good[-1].timestamp()[1]
            newest_ns = min(newest_ns, last_ms * 1_000_000 if last_ms > 0 else time.time_ns())
            self._inputs.took(partition, good[0].offset(), good[-1].offset(), newest_ns)
        if len(good) < len(messages):
            ends = [_is_end(message) for message in messages if message.error() is not None]
            if ends[-1] and messages[-1].error() is not None:
                self._inputs.reached_end(partition)

    def _count(self, partition: tuple[str, int], messages: list[Message]) -> int:
        """Read and roll up the messages of a run; the newest event time in them, ns."""
        topic = partition[0]
        self._accept(partition, messages)
        payloads = [message.value() or b"" for message in messages]
        added = self._roller.add_all(
            self._readers[topic].read_all(payloads, lambda position: messages[position].timestamp()[1] * 1_000_000),
            partition,
        )
        self._reject(added.rejected, messages, payloads)
        payload_bytes = sum(map(len, payloads))
        self._records += added.records
        self._bytes += payload_bytes
        self._instruments.read(topic, added.records, payload_bytes)
        return added.newest_ns

    def _accept(self, partition: tuple[str, int], messages: list[Message]) -> None:
        """Hold the records of a run against the Kafka times of its own messages: partitions may be hours apart."""
        some = self._bounds((messages[0], messages[-1]))
        self._roller.accept(*some, partition, lambda: self._bounds(messages))  # all of them took 4% of the time

    def _bounds(self, messages: Sequence[Message]) -> tuple[int, int]:
        """Earliest and latest event time of a record in one of these messages, ns."""
        times = [message.timestamp()[1] for message in messages]
        timed = min(times) > 0  # a message may have none: the clock takes its place
        earliest_ns = min(times) * 1_000_000 - round(self._settings.max_late_s * 1e9) if timed else 0
        latest_ns = max(times) * 1_000_000 if timed else max(max(times) * 1_000_000, time.time_ns())
        return earliest_ns, latest_ns + round(self._settings.max_early_s * 1e9)

    def _reject(
        self, rejected: Sequence[tuple[int, BadRecord]], messages: Sequence[Message], payloads: Sequence[bytes]
    ) -> None:
        """Keep a letter of each reason that a message gave, and count its records."""
        alike: dict[tuple[int, Reason], list[BadRecord]] = {}
        for position, bad in rejected:
            alike.setdefault((position, bad.reason), []).append(bad)
        for (position, reason), bads in alike.items():
            if reason is Reason.NO_VALUE:
                self._instruments.no_value(len(bads))
                continue
            self._instruments.dead_letters(reason, len(bads))
            place = messages[position].topic(), messages[position].partition(), messages[position].offset()
            self._letters.append(dead_letter(bads[0], *place, payloads[position], len(bads)))

    # --- committing ---

    def _commit(self) -> int:
        """Send everything and the offsets in one transaction; if it must be given up, read again."""
        began_s = time.monotonic()
        committed = 0
        with self._telemetry.tracer.start_as_current_span("ingest.cycle") as span:
            span.set_attribute("serinus.records", self._records)
            span.set_attribute("serinus.dead_letters", len(self._letters))
            try:
                self._transact()
            except KafkaException as error:
                self._give_up(error, span)
            else:
                committed = self._records
                self._inputs.committed()
                self._roller.commit()
                self._committed_to = self._inputs.positions()
                self._instruments.committed(time.monotonic() - began_s)
        self._forget()
        return committed

    def _transact(self) -> None:
        producer, headers = self._transactions.producer, self._telemetry.headers()
        rolled = self._roller.drain()
        reports = self._inputs.reports()
        producer.begin_transaction()
        for number, payload in self._bundles(rolled, reports):
            producer.produce(SUMMARIES, payload, partition=number, headers=headers)
        for letter in self._letters:
            self._produce_letter(letter)
        offsets = [TopicPartition(topic, number, offset) for (topic, number), offset in self._inputs.offsets().items()]
        if offsets:
            group = self._consumer.consumer_group_metadata()
            producer.send_offsets_to_transaction(offsets, group, WAIT_S)
        producer.commit_transaction(WAIT_S)
        self._reported_s = time.monotonic()
        self._instruments.sent(rolled, reports)

    def _produce_letter(self, letter: DeadLetter) -> None:
        while True:
            try:
                self._transactions.producer.produce(DEAD_LETTERS, encode_json(letter))
            except BufferError:
                self._transactions.producer.poll(0.1)
            else:
                return

    def _give_up(self, error: KafkaException, span: trace.Span) -> None:
        """Abort, and read again from where the transaction began."""
        span.record_exception(error)
        log.warning("transaction given up, reading again: %s", error.args[0])
        self._instruments.aborted()
        if self._transactions.give_up(error, self._stop):
            self._roller.rewind()
            begun = self._inputs.rewind()
        else:
            self._roller.forget()
            begun = self._inputs.resume(self._committed())
        for (topic, number), offset in begun.items():
            self._consumer.seek(TopicPartition(topic, number, offset))
        self._committed_to = self._inputs.positions()

    def _committed(self) -> dict[tuple[str, int], int]:
        """The next offset of each partition we own as the group has committed it; where it has nothing, the first."""
        owned = [TopicPartition(*partition) for partition in self._inputs.owned()]
        while True:
            try:
                found = self._consumer.committed(owned, _ASK_S)
                return {(each.topic, each.partition): self._first(each) for each in found}
            except KafkaException as error:
                # Also while a transaction is open on the offsets: until the broker has ended it.
                if error.args[0].fatal() or self._stop.is_set():
                    raise
                self._sweep(owned, error)

    def _sweep(self, owned: Sequence[TopicPartition], error: KafkaException) -> None:
        """What was committed cannot be read: end what our transactions may have left open there and in summaries."""
        log.warning("what was committed cannot be read yet: %s", error.args[0])
        nothing = Rolled([], {}, {})
        self._transactions.sweep(
            ((SUMMARIES, number, payload) for number, payload in self._bundles(nothing, {})),
            TopicPartition(owned[0].topic, owned[0].partition, 0),
            self._consumer.consumer_group_metadata(),
        )

    def _bundles(self, rolled: Rolled, reports: Mapping[str, int]) -> Iterator[tuple[int, bytes]]:
        """Each partition of `serinus.summaries` and the messages it gets."""
        partitions, window_ns = self._partitions(SUMMARIES), self._settings.window_s * 1_000_000_000
        worker, sizes, too_long = self._settings.worker_id, self._input_sizes(), self._instruments.too_long
        return bundles(rolled, partitions, worker, reports, sizes, window_ns, too_long)

    def _first(self, committed: TopicPartition) -> int:
        if committed.offset >= 0:
            return int(committed.offset)
        low, _high = self._consumer.get_watermark_offsets(committed, timeout=_ASK_S)
        return int(low)

    # --- the group ---

    def _assigned(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.info("reads %s", ", ".join(f"{each.topic}/{each.partition}" for each in partitions) or "nothing for now")
        self._forget()
        self._roller.forget()
        self._inputs.own([(each.topic, each.partition) for each in partitions])
        self._committed_to = {}
        if partitions and not self._closing:  # what is dealt out while we leave is for others
            self._end_hanging(partitions)

    def _end_hanging(self, owned: Sequence[TopicPartition]) -> None:
        """See to it that the consumer learns where to begin: while Kafka cannot tell, it waits without a word."""
        try:
            self._consumer.committed(list(owned), _ASK_S)
        except KafkaException as error:
            self._sweep(owned, error)

    def _revoked(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        """Others may read from here on: commit what was read, or let them read it again."""
        if self._inputs.offsets():
            try:
                self._transact()
            except KafkaException as error:
                log.warning("transaction given up on a rebalance: %s", error.args[0])
                self._instruments.aborted()
                self._transactions.give_up(error, self._stop)
        self._forget()
        self._roller.forget()
        self._inputs.own([])
        self._committed_to = {}

    def _lost(self, _consumer: Consumer, _partitions: list[TopicPartition]) -> None:
        """Others read already: what is not committed is theirs."""
        self._forget()
        self._roller.forget()
        self._inputs.own([])
        self._committed_to = {}

    def _forget(self) -> None:
        """Nothing of a transaction is left; its summaries have been sent, or are dropped."""
        self._roller.drain()
        self._letters.clear()
        self._records = self._bytes = 0

    # --- the cluster ---

    def _partitions(self, topic: str) -> int:
        known = self._topic_sizes.get(topic)
        if known is None:
            metadata = self._consumer.list_topics(topic, timeout=WAIT_S).topics[topic]
            if metadata.error is not None or not metadata.partitions:
                raise not_there(topic, metadata.error)
            known = self._topic_sizes[topic] = len(metadata.partitions)
        return known

    def _input_sizes(self) -> dict[str, int]:
        return {topic: self._partitions(topic) for topic in self._readers}

    def _lag(self) -> int:
        """Of the moment of asking, by what the fetcher last heard: it grows while nothing is committed."""
        lag = 0
        for (topic, number), next_offset in self._committed_to.items():
            _low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
            lag += max(0, high - next_offset)
        return lag


def _is_end(message: Message) -> bool:
    """Whether an error message says no more than that a partition has been read to its end.

    Raises:
        KafkaException: the consumer cannot go on.
    """
    error = message.error()
    if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - its public name
        return True
    if error.fatal():
        raise KafkaException(error)
    log.warning("reading: %s", error)
    return False


def _consumer_configuration(settings: IngestSettings) -> dict[str, object]:
    return settings.kafka.librdkafka(
        **{
            "group.id": settings.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "session.timeout.ms": round(settings.session_timeout_s * 1000),
            "heartbeat.interval.ms": round(settings.session_timeout_s * 1000 / 4),
            "fetch.wait.max.ms": 100,
            "queued.max.messages.kbytes": 65_536,
            "fetch.queue.backoff.ms": _BACKOFF_MS,
            **RECONNECT,
            "logger": log,
        }
    )

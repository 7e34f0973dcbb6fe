"""Takes what Kafka brings of two revisions and writes it down.

It reads the topics of records beside ingest, by the same readers, in no group and committing nothing: recording changes
nothing for anybody else.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from msgspec import Struct, structs

from streams.errors import BadRecord
from streams.records.log import Fielded
from streams.risk.comparison import Comparison
from streams.shippers.formats import reader
from streams.shippers.reader import Reader
from streams.windows.log_fields import LogField, LogFields
from topology.errors import Unavailable
from topology.log import SILENT
from topology.recording.faults import Faults
from topology.recording.lines import Record
from topology.recording.writing import RecordingWriter
from topology.settings import Kafka
from topology.topics import not_there

log = logging.getLogger(__name__)

_WAIT_S = 30.0
_POLL_S = 0.25
_BATCH = 5_000
_FLUSH_S = 2.0


class RecordSettings(Struct, frozen=True):
    """What to record, from where."""

    kafka: Kafka
    comparison: Comparison
    log_topics: dict[str, str]
    """Topic -> format name."""
    metric_topics: dict[str, str]
    """Topic -> format name."""
    seconds: float | None = None
    """How long, and until the past that was asked for is read; None until it is told to end."""
    since_s: float = 0.0
    """How far back to begin, in Kafka's time, as far as the topics reach."""
    log_fields: tuple[LogField, ...] = ()
    """Of what shippers have taken out of lines, what is kept; as ingest is told."""


def record(settings: RecordSettings, writer: RecordingWriter, stop: threading.Event) -> Faults:
    """Write records until told to end; what could not be used, of what names one of the two revisions.

    Raises:
        Unavailable: Kafka refuses or does not know a topic.
    """
    kept = _Kept(settings)
    try:
        consumer, past = _consumer(settings)
        try:
            deadline_s = math.inf if settings.seconds is None else time.monotonic() + settings.seconds
            flushed_s = heard_s = time.monotonic()
            while not stop.is_set() and (time.monotonic() < deadline_s or past.waits(heard_s)):
                messages = consumer.consume(_BATCH, _POLL_S)
                for message in messages:
                    kept.take(message, writer)
                    past.take(message)
                if messages:
                    heard_s = time.monotonic()
                if time.monotonic() - flushed_s >= _FLUSH_S:
                    writer.flush()
                    flushed_s = time.monotonic()
        finally:
            consumer.close()
        if past.unread:
            log.warning("ended before the past was read to its end: %s", ", ".join(past.unread))
    except KafkaException as error:
        raise Unavailable(f"record: {error.args[0]}") from error
    return kept.faults


class _Past:
    """What the topics held when recording began, and how much of it is still to be read."""

    def __init__(self, ends: dict[tuple[str, int], int]) -> None:
        """(topic, partition) -> offset after its last record, of partitions that are not read from their end."""
        self._ends = ends

    @property
    def unread(self) -> list[str]:
        return [f"{topic}/{partition}" for topic, partition in sorted(self._ends)]

    def waits(self, heard_s: float) -> bool:
        """Whether there is some left, and it still comes."""
        return bool(self._ends) and time.monotonic() < heard_s + _WAIT_S

    def take(self, message: Message) -> None:
        place = message.topic(), message.partition()
        end = self._ends.get(place)
        # Behind the last record there may be marks of transactions, which are no messages: then the end itself is told.
        if end is None or not (message.offset() + 1 >= end or _is_end(message)):
            return
        del self._ends[place]
        if not self._ends:
            log.info("all that was there at the beginning is read")


class _Kept:
    """What of a message is to be kept."""

    def __init__(self, settings: RecordSettings) -> None:
        pair = settings.comparison
        self._workload = pair.of
        self._revisions = {pair.baseline, pair.canary}
        self._marks = (pair.baseline.encode(), pair.canary.encode())
        self._readers: dict[str, Reader] = {}
        topics: Mapping[str, dict[str, str]] = {"logs": settings.log_topics, "metrics": settings.metric_topics}
        for content, formats in topics.items():
            for topic, name in formats.items():
                self._readers[topic] = reader(
                    content,  # type: ignore[arg-type]
                    name,
                    cluster=pair.cluster,
                    keep_fields=bool(settings.log_fields),
                )
        self._log_fields = LogFields(settings.log_fields)
        self.faults = Faults()

    def take(self, message: Message, writer: RecordingWriter) -> None:
        error = message.error()
        if error is not None:
            if not _is_end(message):
                log.warning("reading: %s", error)
            return
        payload = message.value() or b""
        if not any(mark in payload for mark in self._marks):
            return  # it names neither revision: not worth decoding
        where = f"{message.topic()}/{message.partition()}@{message.offset()}"
        try:
            found = self._readers[message.topic()].read(payload, message.timestamp()[1] * 1_000_000)
        except BadRecord as bad:
            self.faults.add(where, bad)
            return
        for each in found:
            if isinstance(each, BadRecord):
                self.faults.add(where, each)
            elif self._is_of_pair(each.source.revision.workload, each.source.revision.pod_template_hash):
                writer.add(self._kept(each))

    def _kept(self, record: Record) -> Record:
        """With the fields that were asked for, and no other."""
        if not isinstance(record, Fielded):
            return record
        return structs.replace(record, fields=self._log_fields.named(record.fields))

    def _is_of_pair(self, workload: object, pod_template_hash: str) -> bool:
        return workload == self._workload and pod_template_hash in self._revisions


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF  # noqa: SLF001 - its public name


def _consumer(settings: RecordSettings) -> tuple[Consumer, _Past]:
    """At the end of all partitions, or as far back as was asked for."""
    consumer = Consumer(
        settings.kafka.librdkafka(
            **{
                "group.id": "serinus-record",  # librdkafka wants a name; nothing joins or commits
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "logger": SILENT,
            }
        )
    )
    partitions: list[TopicPartition] = []
    for topic in (*settings.log_topics, *settings.metric_topics):
        known = consumer.list_topics(topic, timeout=_WAIT_S).topics[topic]
        if known.error is not None:
            consumer.close()
            raise not_there(topic, known.error)
        partitions += [TopicPartition(topic, number) for number in known.partitions]
    ends = {
        (each.topic, each.partition): consumer.get_watermark_offsets(each, timeout=_WAIT_S)[1] for each in partitions
    }
    begin = partitions if settings.since_s <= 0 else _since(consumer, partitions, settings.since_s)
    for each in begin:
        place = each.topic, each.partition
        if not 0 <= each.offset < ends[place]:
            each.offset = ends.pop(place)
    consumer.assign(begin)
    return consumer, _Past(ends)


def _since(consumer: Consumer, partitions: Sequence[TopicPartition], since_s: float) -> list[TopicPartition]:
    """From the first record of the last `since_s`; where there is none, nowhere."""
    since_ms = round((time.time() - since_s) * 1000)
    asked = [TopicPartition(each.topic, each.partition, since_ms) for each in partitions]
    found: list[TopicPartition] = consumer.offsets_for_times(asked, timeout=_WAIT_S)
    return found

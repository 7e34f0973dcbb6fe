"""What the other tests rely on when they ask for the fixture `kafka`."""

from __future__ import annotations

import socket
import struct
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

FETCH = 1
API_VERSIONS = 18

pytestmark = pytest.mark.kafka


@pytest.fixture
def topic(kafka: Any) -> Iterator[str]:
    """A topic of one partition that only this test uses."""
    name = f"test.{uuid.uuid4()}"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    _done(admin.create_topics([NewTopic(name, 1, 1)])[name])
    yield name
    _done(admin.delete_topics([name])[name])


def test_broker_is_apache_kafka_4(kafka):
    """The broker has the marks of Apache Kafka 4: KRaft, and the oldest requests are gone (KIP-896)."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    node = min(admin.list_topics(timeout=10).brokers)
    resource = ConfigResource(ResourceType.BROKER, str(node))
    described = _done(admin.describe_configs([resource])[resource])
    assert "broker" in described["process.roles"].value
    versions = _api_versions(kafka.bootstrap_servers)
    assert versions[FETCH][0] == 4  # Apache Kafka 3 still answers 0


def test_aborted_transactions_are_hidden(kafka, topic):
    """A read_committed consumer sees what was committed and nothing that was aborted, in order."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(30)
    for number in range(6):
        producer.begin_transaction()
        producer.produce(topic, str(number).encode(), partition=0)
        producer.flush(30)  # the record is in the log before its transaction ends
        if number % 2:
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
    assert _values(kafka, topic, "read_committed") == [b"0", b"2", b"4"]
    assert _values(kafka, topic, "read_uncommitted") == [b"0", b"1", b"2", b"3", b"4", b"5"]


def test_offsets_and_records_are_one_transaction(kafka, topic):
    """Offsets sent to an aborted transaction are not committed; those of a committed one are."""
    source = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": topic, "enable.auto.commit": False})
    source.assign([TopicPartition(topic, 0, 0)])
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": topic})
    producer.init_transactions(30)
    committed = []
    for commit, offset in ((False, 7), (True, 9)):
        producer.begin_transaction()
        producer.produce(topic, b"record", partition=0)
        producer.flush(
            30
        )  # librdkafka may wait in vain when it aborts over a record that is being sent (its issue 3444)
        offsets = [TopicPartition(topic, 0, offset)]
        producer.send_offsets_to_transaction(offsets, source.consumer_group_metadata(), 30)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
        committed.append(source.committed([TopicPartition(topic, 0)], timeout=30)[0].offset)
    source.close()
    assert committed == [-1001, 9]  # -1001: librdkafka's "no offset"


def _api_versions(servers: str) -> dict[int, tuple[int, int]]:
    """Request number -> oldest and newest version that the broker answers.

    Source: Kafka protocol guide, ApiVersions request and response, version 0.
    """
    host, port = servers.split(",", maxsplit=1)[0].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">ihhih", 10, API_VERSIONS, 0, 1, -1))  # header without client id, no body
        with connection.makefile("rb") as answer:
            (size,) = struct.unpack(">i", answer.read(4))
            _correlation, error, _count = struct.unpack_from(">ihi", body := answer.read(size))
    assert error == 0
    return {key: (oldest, newest) for key, oldest, newest in struct.iter_unpack(">hhh", body[10:])}


def _values(kafka: Any, topic: str, isolation: str) -> list[bytes]:
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap_servers,
            "group.id": f"{topic}.{isolation}",
            "isolation.level": isolation,
            "enable.partition.eof": True,
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    values = []
    try:
        while (message := consumer.poll(30)) is not None:
            if error := message.error():
                assert error.code() == KafkaError._PARTITION_EOF, error
                return values
            values.append(message.value())
    finally:
        consumer.close()
    pytest.fail("the consumer did not reach the end of the partition within 30 s")


def _done(future: Future[Any]) -> Any:
    return future.result(30)

"""A transaction that is given up: what the broker did to it decides what is read again."""

from __future__ import annotations

import threading

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from tests.integration.conftest import Cluster
from topology.ingest.transactions import Transactions
from topology.settings import IngestSettings, Kafka
from topology.topics import DEAD_LETTERS

pytestmark = pytest.mark.kafka
GO_ON = threading.Event()


def _send(transactions: Transactions, text: bytes) -> None:
    transactions.producer.begin_transaction()
    transactions.producer.produce(DEAD_LETTERS, text, partition=0)
    transactions.producer.commit_transaction(30)


def _committed(cluster: Cluster, count: int) -> list[bytes]:
    """So many messages, as whoever reads committed ones sees them."""
    consumer = Consumer(
        {"bootstrap.servers": cluster.bootstrap_servers, "group.id": "test", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([DEAD_LETTERS])
    try:
        return [message.value() or b"" for message in consumer.consume(count, timeout=30)]
    finally:
        consumer.close()


def _fence(settings: IngestSettings) -> None:
    """As a broker does to whose transaction has taken too long, or another worker of the same name."""
    name = f"{settings.group}-{settings.worker_id}"
    other = Producer({"bootstrap.servers": settings.kafka.bootstrap_servers, "transactional.id": name})
    other.init_transactions(30)


def test_one_that_the_broker_has_ended_costs_the_producer_and_not_the_worker(pipeline_kafka: Cluster) -> None:
    """Promise: what was in it is not there, what comes after it is, and the offsets are to be asked for."""
    settings = IngestSettings(Kafka(pipeline_kafka.bootstrap_servers), worker_id="ended")
    transactions = Transactions(settings)
    transactions.producer.begin_transaction()
    transactions.producer.produce(DEAD_LETTERS, b"given up", partition=0)
    transactions.producer.flush(30)
    _fence(settings)
    with pytest.raises(KafkaException) as refusal:
        transactions.producer.commit_transaction(30)
    assert not transactions.give_up(refusal.value, GO_ON)
    _send(transactions, b"after it")
    assert _committed(pipeline_kafka, 1) == [b"after it"]


def test_two_workers_of_one_name_do_not_fence_each_other_for_ever(pipeline_kafka: Cluster) -> None:
    """Promise: fenced again soon, it ends with the error that says so."""
    settings = IngestSettings(Kafka(pipeline_kafka.bootstrap_servers), worker_id="twice")
    transactions = Transactions(settings)
    assert not transactions.give_up(_refused(transactions, settings), GO_ON)
    refusal = _refused(transactions, settings)
    with pytest.raises(KafkaException, match="fenced"):
        transactions.give_up(refusal, GO_ON)


def test_what_is_swept_is_seen_by_nobody(pipeline_kafka: Cluster) -> None:
    """Promise: neither its messages nor its offsets are there, whoever is in the group, and transactions go on.

    That it ends what a broker has left open is shown by `test_all_roles_outlive_an_outage`, once in three outages.
    """
    settings = IngestSettings(Kafka(pipeline_kafka.bootstrap_servers), worker_id="swept")
    transactions = Transactions(settings)
    consumer = Consumer({"bootstrap.servers": pipeline_kafka.bootstrap_servers, "group.id": "swept"})
    offset = TopicPartition(DEAD_LETTERS, 0, 7)
    transactions.sweep([(DEAD_LETTERS, 0, b"swept")], offset, consumer.consumer_group_metadata())
    _send(transactions, b"after it")
    assert _committed(pipeline_kafka, 1) == [b"after it"]
    assert consumer.committed([offset], 10)[0].offset < 0
    consumer.close()


def _refused(transactions: Transactions, settings: IngestSettings) -> KafkaException:
    _fence(settings)
    with pytest.raises(KafkaException) as refusal:
        _send(transactions, b"x")
    return refusal.value

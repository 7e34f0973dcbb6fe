"""Topics: what is missing is created, what is there is left alone, and a workload meets itself in one partition."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import Message, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import BadPolicy
from streams.records.identity import Workload
from topology.create_topics import create
from topology.embedded import EmbeddedBroker
from topology.settings import Kafka
from topology.topics import (
    COPARTITIONED,
    LARGEST_MESSAGE_BYTES,
    SUMMARIES,
    Topic,
    definitions,
    partition_of,
    require_copartitioned,
)


def test_a_workload_lives_where_kafkas_own_partitioner_puts_it(broker: EmbeddedBroker) -> None:
    """Whoever produces with the workload's key and murmur2, as Java does by default, meets the same partition."""
    partitions = 11
    create(Kafka(broker.bootstrap_servers), [Topic("partitioned", partitions)])
    workloads = [Workload("eu-1" * (n % 2), f"team-{n % 5}", "x" * (n % 7) + f"shop-{n}") for n in range(200)]
    delivered: dict[str, int] = {}

    def landed(error: object, message: Message) -> None:
        assert error is None
        delivered[message.key().decode()] = message.partition()

    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "partitioner": "murmur2"})
    for workload in workloads:
        producer.produce("partitioned", b"", key=workload.key, on_delivery=landed)
    assert producer.flush(30) == 0
    assert delivered == {workload.key: partition_of(workload, partitions) for workload in workloads}
    assert len(set(delivered.values())) == partitions


@given(st.text("abc-", min_size=1, max_size=20), st.integers(1, 10_000))
def test_every_workload_has_a_partition(name: str, partitions: int) -> None:
    """In range for any number of partitions."""
    assert 0 <= partition_of(Workload("", "prod", name), partitions) < partitions


def test_the_definitions_hold_all_our_topics() -> None:
    """And those of one workload agree, also when overridden."""
    numbers = {topic.name: topic.partitions for topic in definitions()}
    assert len({numbers[name] for name in COPARTITIONED}) == 1
    assert {topic.partitions for topic in definitions(partitions=3)} == {3}


def test_what_is_written_is_admitted() -> None:
    """The longest message that a role writes is the longest that the topics take."""
    longest = {topic.config.get("max.message.bytes", str(LARGEST_MESSAGE_BYTES)) for topic in definitions()}
    assert longest == {str(LARGEST_MESSAGE_BYTES)}


@pytest.mark.parametrize("text", ["x=1", "[[topic]]\nname='a'\npartitions='b'", "[[topic", "topic=[]"])
def test_a_bad_file_is_refused(tmp_path: Path, text: str) -> None:
    """With its name."""
    file = tmp_path / "topics.toml"
    file.write_text(text)
    with pytest.raises(BadPolicy, match=r"topics\.toml"):
        definitions(path=file)


def test_no_partitions_are_refused() -> None:
    """Zero is no number of partitions."""
    with pytest.raises(BadPolicy, match="partitions"):
        definitions(partitions=0)


def test_unequal_partitions_are_refused() -> None:
    """The numbers are shown."""
    with pytest.raises(BadPolicy, match="12"):
        require_copartitioned({SUMMARIES: 12, COPARTITIONED[1]: 6})


def test_creating_twice_changes_nothing(broker: EmbeddedBroker) -> None:
    """The second time all of them exist, and nothing differs."""
    kafka, wanted = Kafka(broker.bootstrap_servers), [Topic("twice.a", 3), Topic("twice.b", 1)]
    assert [outcome.done for outcome in create(kafka, wanted)] == ["created", "created"]
    assert [(outcome.done, outcome.differences) for outcome in create(kafka, wanted)] == [("exists", ())] * 2


def test_what_differs_is_said_and_left_alone(broker: EmbeddedBroker) -> None:
    """An operator may have had reasons."""
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_topics([NewTopic("differs", num_partitions=2)])["differs"].result(30)
    [outcome] = create(Kafka(broker.bootstrap_servers), [Topic("differs", 5)])
    assert str(outcome) == "differs: exists; partitions 2 instead of 5"
    assert len(admin.list_topics("differs", timeout=10).topics["differs"].partitions) == 2


def test_a_cluster_whose_topics_cannot_meet_is_refused() -> None:
    """A workload would otherwise be spread over scorers without anybody noticing."""
    with EmbeddedBroker() as own:
        admin = AdminClient({"bootstrap.servers": own.bootstrap_servers})
        admin.create_topics([NewTopic(SUMMARIES, num_partitions=2)])[SUMMARIES].result(30)
        with pytest.raises(BadPolicy, match="same number of partitions"):
            create(Kafka(own.bootstrap_servers), definitions(partitions=3))

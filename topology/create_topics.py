"""Brings a cluster's topics into being; what is there already is left alone, and what differs is said."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Literal

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType
from msgspec import Struct

from topology.connect import admin_client
from topology.errors import Unavailable
from topology.settings import Kafka
from topology.topics import Topic, require_copartitioned

log = logging.getLogger(__name__)

_TIMEOUT_S = 30.0
_UNSUPPORTED = frozenset(
    {
        KafkaError.INVALID_CONFIG,
        KafkaError.INVALID_REQUEST,
        KafkaError.UNSUPPORTED_VERSION,
        KafkaError.UNKNOWN,
    }
)


class Outcome(Struct, frozen=True):
    """What became of one topic."""

    topic: str
    done: Literal["created", "exists"]
    differences: tuple[str, ...] = ()
    """Each in words: what it is, and what the definitions want."""

    def __str__(self) -> str:
        """One line for people."""
        return "; ".join([f"{self.topic}: {self.done}", *self.differences])


def create(kafka: Kafka, topics: Sequence[Topic]) -> list[Outcome]:
    """Create the topics that are missing; compare the others.

    Raises:
        BadPolicy: the topics of one workload have different numbers of partitions on the cluster.
        Unavailable: the cluster did not do it in time or refused.
    """
    admin = admin_client(kafka)
    before = partitions(admin)
    missing = [topic for topic in topics if topic.name not in before]
    outcomes = {topic.name: _create(admin, topic) for topic in missing}
    after = _await(admin, [topic.name for topic in topics])
    require_copartitioned(after)
    present = [topic for topic in topics if topic.name not in outcomes]
    configs = _configs(admin, [topic.name for topic in present])
    for topic in present:
        outcomes[topic.name] = Outcome(topic.name, "exists", _differences(topic, after, configs))
    return [outcomes[topic.name] for topic in topics]


def partitions(admin: AdminClient) -> dict[str, int]:
    """How many each topic of the cluster has.

    Raises:
        Unavailable: it does not tell.
    """
    try:
        metadata = admin.list_topics(timeout=_TIMEOUT_S)
    except KafkaException as error:
        raise Unavailable(f"Kafka does not answer: {error.args[0].str()}") from error
    return {name: len(topic.partitions) for name, topic in metadata.topics.items() if topic.error is None}


def _create(admin: AdminClient, topic: Topic) -> Outcome:
    try:
        _request(admin, topic, topic.config)
    except KafkaException as error:
        code = error.args[0].code()
        if code == KafkaError.TOPIC_ALREADY_EXISTS:  # somebody else was faster
            return Outcome(topic.name, "exists")
        if code not in _UNSUPPORTED or not topic.config:
            raise Unavailable(f"topic {topic.name} was refused: {error.args[0].str()}") from error
        try:
            _request(admin, topic, {})
        except KafkaException as again:
            raise Unavailable(f"topic {topic.name} was refused: {again.args[0].str()}") from again
        return Outcome(topic.name, "created", (f"without its settings: {error.args[0].str()}",))
    return Outcome(topic.name, "created")


def _request(admin: AdminClient, topic: Topic, config: dict[str, str]) -> None:
    new = NewTopic(topic.name, num_partitions=topic.partitions, config=config)  # replication: the broker's default
    future: Future[None] = admin.create_topics([new], operation_timeout=_TIMEOUT_S)[topic.name]
    future.result(_TIMEOUT_S)


def _await(admin: AdminClient, names: Sequence[str]) -> dict[str, int]:
    """The number of partitions of each, once the cluster shows them all with a leader."""
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        found = partitions(admin)
        if all(found.get(name) for name in names):
            return {name: found[name] for name in names}
        if time.monotonic() > deadline:
            late = [name for name in names if not found.get(name)]
            raise Unavailable(f"the cluster does not show {', '.join(late)} after {_TIMEOUT_S:g} s")
        time.sleep(0.05)


def _configs(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The settings of each, where the cluster tells."""
    if not names:
        return {}
    told: dict[str, dict[str, str]] = {}
    for resource, future in admin.describe_configs(
        [ConfigResource(ResourceType.TOPIC, name) for name in names]
    ).items():
        try:
            told[resource.name] = {key: entry.value for key, entry in future.result(_TIMEOUT_S).items()}
        except KafkaException as error:
            log.debug("settings of %s are not told: %s", resource.name, error.args[0].str())
    return told


def _differences(topic: Topic, partitions: dict[str, int], configs: dict[str, dict[str, str]]) -> tuple[str, ...]:
    found = []
    if partitions[topic.name] != topic.partitions:
        found.append(f"partitions {partitions[topic.name]} instead of {topic.partitions}")
    config = configs.get(topic.name, {})
    found += [
        f"{key}={config[key]} instead of {wanted}"
        for key, wanted in sorted(topic.config.items())
        if key in config and config[key] != wanted
    ]
    return tuple(found)

"""The topics: their names, what `deploy/kafka/topics.toml` says of them, and which partition a workload lives in."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

import msgspec
from msgspec import Struct

from streams.errors import BadPolicy
from streams.records.identity import Workload
from topology.errors import Unavailable, unreadable

LOGS = "serinus.logs"
METRICS = "serinus.metrics"
ROLLOUTS = "serinus.rollouts"
SUMMARIES = "serinus.summaries"
RISK = "serinus.risk"
ALARMS = "serinus.alarms"
ALERTS = "serinus.alerts"
WATCH = "serinus.watch"
DEAD_LETTERS = "serinus.dead-letters"

COPARTITIONED = (SUMMARIES, ROLLOUTS, RISK, WATCH)
"""All that concerns one workload has the same partition number on these, so they have as many partitions."""

OURS = frozenset({LOGS, METRICS, *COPARTITIONED, ALARMS, ALERTS, DEAD_LETTERS})

LARGEST_MESSAGE_BYTES = 8 * 2**20
"""What the topics of records and of our own messages admit, and score's changelog."""
LARGEST_VALUE_BYTES = LARGEST_MESSAGE_BYTES - 65_536
"""Of such a message, with room for its key and headers."""

DEFINITIONS = Path(__file__).parents[1] / "deploy/kafka/topics.toml"


class Topic(Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[topic]]` of the definitions."""

    name: str
    partitions: int
    purpose: str = ""
    """One line, for people."""
    config: dict[str, str] = {}
    """Kafka's topic properties."""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    topic: list[Topic]


def definitions(partitions: int | None = None, path: Path = DEFINITIONS) -> list[Topic]:
    """The topics as they should be; `partitions` overrides the number of all of them.

    Raises:
        BadPolicy: the file is missing, is no such file, or lacks one of our topics.
    """
    try:
        topics = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).topic
    except OSError as error:
        raise unreadable("topics.toml", path, error) from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise BadPolicy("topics.toml", str(path), str(error)) from error
    missing = OURS - {topic.name for topic in topics}
    if missing:
        raise BadPolicy("topics.toml", str(path), f"it must define {', '.join(sorted(missing))}")
    if partitions is not None:
        topics = [msgspec.structs.replace(topic, partitions=partitions) for topic in topics]
    for topic in topics:
        if not 1 <= topic.partitions <= 10_000:
            raise BadPolicy(f"partitions of {topic.name}", topic.partitions, "give 1 to 10000")
    require_copartitioned({topic.name: topic.partitions for topic in topics})
    return topics


def not_there(topic: str, said: object = None) -> Unavailable:
    """The fault of a topic that cannot be found, with what helps.

    Args:
        topic: its name.
        said: by the broker; None: nothing.

    >>> print(not_there("serinus.logs"))
    topic serinus.logs is not there; `serinus topics` creates it
    >>> print(not_there("app.logs", "unknown topic"))
    topic app.logs is not there (unknown topic); create it or name another, `serinus topics` creates Serinus's own alone
    """
    advice = "`serinus topics` creates it"
    if topic not in OURS:
        advice = "create it or name another, `serinus topics` creates Serinus's own alone"
    return Unavailable(f"topic {topic} is not there{'' if said is None else f' ({said})'}; {advice}")


def require_copartitioned(partitions: dict[str, int]) -> None:
    """Refuse topics of one workload that differ in their number of partitions.

    Raises:
        BadPolicy: with the number of each.
    """
    numbers = {name: partitions[name] for name in COPARTITIONED if name in partitions}
    if len(set(numbers.values())) > 1:
        raise BadPolicy("partitions", numbers, "these topics must have the same number of partitions")


@lru_cache(maxsize=1 << 16)
def partition_of(workload: Workload, partitions: int) -> int:
    """The partition of a workload's key, as Kafka's own default partitioner (murmur2) chooses it.

    Source: org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey.

    >>> partition_of(Workload("", "prod", "shop"), 12)
    0
    """
    from aiokafka.partitioner import murmur2  # noqa: PLC0415 - aiokafka is slow to import, and few commands need it

    return int(murmur2(workload.key.encode()) & 0x7FFF_FFFF) % partitions

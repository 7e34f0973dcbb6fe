"""Which librdkafka properties an operator may give, and which of them are secrets.

The names are librdkafka's own (https://github.com/confluentinc/librdkafka/blob/master/CONFIGURATION.md); whether a
value makes sense is librdkafka's to say. What faust's client makes of them is `faust_client`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from streams.errors import BadPolicy
from topology.errors import unreadable

SHOWN = frozenset(
    {
        "security.protocol",
        "sasl.mechanism",
        "sasl.mechanisms",
        "ssl.ca.location",
        "ssl.endpoint.identification.algorithm",
        "enable.ssl.certificate.verification",
        "client.id",
        "bootstrap.servers",
    }
)
"""Properties whose value may be logged; of every other one only the name is."""

RESERVED = frozenset(
    {
        "auto.offset.reset",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "group.id",
        "group.instance.id",
        "group.protocol",
        "group.remote.assignor",
        "heartbeat.interval.ms",
        "isolation.level",
        "partition.assignment.strategy",
        "session.timeout.ms",
        "transaction.timeout.ms",
        "transactional.id",
    }
)
"""Properties on which exactly-once rests; Serinus sets them itself, or relies on librdkafka's default: where a group
deals out a part of its partitions anew, ingest would take them for all it has, and drop what it has read of others."""

_NAME = re.compile(r"[a-z][a-z0-9]*([._][a-z0-9]+)*")


def read(path: Path) -> dict[str, str]:
    """The properties of a file of `name=value` lines; empty lines and lines that begin with # are skipped.

    Raises:
        BadPolicy: the file cannot be read, or a line is no property. The line itself is never shown.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise unreadable("kafka-config", path, error) from error
    properties: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        if not equals:
            raise BadPolicy("kafka-config", f"{path}:{number}", "write one name=value a line")
        if name.strip() in properties:
            raise BadPolicy("kafka-config", f"{path}:{number}", f"{name.strip()} is given twice")
        properties[name.strip()] = value.strip()
    return properties


def check(properties: Mapping[str, str]) -> None:
    """Refuse names that cannot be librdkafka's and those of `RESERVED`.

    Raises:
        BadPolicy: naming the property, never its value.
    """
    for name in properties:
        if not _NAME.fullmatch(name):
            raise BadPolicy("kafka-config", name, "use librdkafka's property names, such as security.protocol")
        if name in RESERVED:
            raise BadPolicy("kafka-config", name, "leave it out: exactly-once rests on it")


def shown(properties: Mapping[str, str]) -> dict[str, str]:
    """The properties as they may be logged.

    >>> shown({"sasl.password": "hunter2", "security.protocol": "sasl_ssl"})
    {'sasl.password': '***', 'security.protocol': 'sasl_ssl'}
    """
    return {name: value if name in SHOWN else "***" for name, value in properties.items()}

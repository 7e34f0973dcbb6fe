"""The first contact with the cluster: is the configuration one, and does anybody answer?"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from streams.errors import BadPolicy
from topology.log import SILENT
from topology.settings import Kafka

log = logging.getLogger(__name__)

RECONNECT = {"reconnect.backoff.ms": 1000, "reconnect.backoff.max.ms": 2000}
"""Of a librdkafka client that logs: at its default of 100 ms an outage is 20 lines of log a second."""
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 15.0


def admin_client(kafka: Kafka, heard: Callable[[KafkaError], None] = lambda _: None) -> AdminClient:
    """An admin client of the cluster; librdkafka's own log lines are dropped, its errors still raise.

    Args:
        kafka: the cluster.
        heard: told by the client's `poll` of each trouble with a broker.

    Raises:
        BadPolicy: librdkafka refuses the configuration.
    """
    try:
        return AdminClient(kafka.librdkafka(logger=SILENT, error_cb=heard))
    except KafkaException as error:
        raise BadPolicy("kafka-config", sorted(kafka.properties), f"librdkafka says: {error.args[0].str()}") from error


def wait_for_kafka(kafka: Kafka, stop: threading.Event) -> bool:
    """Ask the cluster for its brokers until it answers, pausing longer each time; False if stopped meanwhile.

    What comes back is a timeout, whatever was wrong: why (a name, a port, a password, a certificate) the brokers tell.

    Raises:
        BadPolicy: librdkafka refuses the configuration.
    """
    troubles: dict[str, str] = {}
    admin = admin_client(kafka, lambda error: troubles.update({error.name(): error.str()}))
    pause_s = _FIRST_PAUSE_S
    while not stop.is_set():
        try:
            admin.list_topics(timeout=1.0)
        except KafkaException as error:
            troubles.clear()
            admin.poll(0)
            troubles.pop(KafkaError(KafkaError._ALL_BROKERS_DOWN).name(), None)  # noqa: SLF001 - its public name
            why = "; ".join(troubles.values()) or error.args[0].str()
            log.warning("Kafka at %s does not answer (%s); next try in %.1f s", kafka.bootstrap_servers, why, pause_s)
            stop.wait(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        else:
            return True
    return False

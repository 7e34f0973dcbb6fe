"""What faust's Kafka client (aiokafka) makes of librdkafka's properties.

Both clients must be let in by the same file. A property that aiokafka has no counterpart for is refused at start,
unless it only tunes librdkafka itself.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping, Sequence
from typing import Any

import faust

from streams.errors import BadPolicy

_NO_COUNTERPART = "the score role's client cannot follow this property; leave it out or use one of security.protocol, "
_NO_COUNTERPART += "sasl.{mechanism,username,password,kerberos.service.name}, ssl.{ca,certificate,key}.location, "
_NO_COUNTERPART += "ssl.ca.pem, ssl.key.password, ssl.cipher.suites"

_FOLLOWED = frozenset(
    {
        "bootstrap.servers",
        "client.id",
        "enable.ssl.certificate.verification",
        "metadata.max.age.ms",
        "sasl.kerberos.service.name",
        "sasl.mechanism",
        "sasl.mechanisms",
        "sasl.password",
        "sasl.username",
        "security.protocol",
        "ssl.ca.location",
        "ssl.ca.pem",
        "ssl.certificate.location",
        "ssl.cipher.suites",
        "ssl.endpoint.identification.algorithm",
        "ssl.key.location",
        "ssl.key.password",
    }
)

_LIBRDKAFKA_ONLY = (
    "acks",
    "api.version.",
    "auto.commit.",
    "batch.",
    "broker.address.",
    "broker.version.",
    "check.crcs",
    "client.dns.lookup",
    "client.rack",
    "compression.",
    "connections.max.idle.ms",
    "coordinator.query.interval.ms",
    "debug",
    "delivery.timeout.ms",
    "enable.metrics.push",
    "fetch.",
    "internal.",
    "linger.ms",
    "log.",
    "log_level",
    "max.in.flight",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "message.",
    "metadata.",
    "queue.",
    "queued.",
    "receive.message.max.bytes",
    "reconnect.",
    "request.timeout.ms",
    "retries",
    "retry.",
    "socket.",
    "statistics.interval.ms",
    "sticky.partitioning.linger.ms",
    "topic.metadata.",
)
"""Beginnings of the properties that tune librdkafka and mean nothing to aiokafka."""

_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI")
_PROTOCOLS = ("plaintext", "ssl", "sasl_plaintext", "sasl_ssl")
_BOOLEANS = {"true": True, "false": False}


def app_arguments(servers: Sequence[str], properties: Mapping[str, str]) -> dict[str, Any]:
    """Keyword arguments for `faust.App`: broker, broker_credentials and what else the properties ask of it.

    Raises:
        BadPolicy: naming the property; the value only where it cannot be a secret.
    """
    for name in properties:
        if name not in _FOLLOWED and not name.startswith(_LIBRDKAFKA_ONLY):
            raise BadPolicy("kafka-config", name, _NO_COUNTERPART)
    arguments: dict[str, Any] = {"broker": [f"kafka://{server}" for server in servers]}
    if (credentials := _credentials(properties)) is not None:
        arguments["broker_credentials"] = credentials
    if "client.id" in properties:
        arguments["broker_client_id"] = properties["client.id"]
    if "metadata.max.age.ms" in properties:
        arguments["consumer_metadata_max_age_ms"] = _number(properties, "metadata.max.age.ms")
    return arguments


def _credentials(properties: Mapping[str, str]) -> Any:
    protocol = _choice(properties, "security.protocol", _PROTOCOLS, "plaintext")
    context = _ssl_context(properties) if protocol.endswith("ssl") else None
    if protocol == "ssl":
        return faust.SSLCredentials(context)
    if not protocol.startswith("sasl"):
        return None
    name = "sasl.mechanism" if "sasl.mechanism" in properties else "sasl.mechanisms"
    mechanism = _choice(properties, name, _MECHANISMS, "GSSAPI")
    if mechanism == "GSSAPI":
        service = properties.get("sasl.kerberos.service.name", "kafka")
        return faust.GSSAPICredentials(kerberos_service_name=service, ssl_context=context)
    for needed in ("sasl.username", "sasl.password"):
        if not properties.get(needed):
            raise BadPolicy("kafka-config", needed, f"{mechanism} needs it, and it is missing or empty")
    return faust.SASLCredentials(
        mechanism=mechanism,
        username=properties["sasl.username"],
        password=properties["sasl.password"],
        ssl_context=context,
    )


def _ssl_context(properties: Mapping[str, str]) -> ssl.SSLContext:
    """TLS as librdkafka would do it: the peer's certificate and name are verified unless switched off."""
    try:
        context = ssl.create_default_context(
            cafile=properties.get("ssl.ca.location"), cadata=properties.get("ssl.ca.pem")
        )
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise BadPolicy("kafka-config", "ssl.ca.location", f"it holds no readable certificates ({error})") from error
    identification = _choice(properties, "ssl.endpoint.identification.algorithm", ("https", "none"), "https")
    verified = _choice(properties, "enable.ssl.certificate.verification", tuple(_BOOLEANS), "true")
    context.check_hostname = identification == "https" and _BOOLEANS[verified]
    context.verify_mode = ssl.CERT_REQUIRED if _BOOLEANS[verified] else ssl.CERT_NONE
    if "ssl.cipher.suites" in properties:
        try:
            context.set_ciphers(properties["ssl.cipher.suites"])
        except ssl.SSLError as error:
            raise BadPolicy("kafka-config", "ssl.cipher.suites", f"OpenSSL knows none of them ({error})") from error
    if "ssl.certificate.location" in properties:
        try:
            context.load_cert_chain(
                properties["ssl.certificate.location"],
                properties.get("ssl.key.location"),
                # never ask the terminal for it
                properties.get("ssl.key.password", ""),
            )
        except OSError as error:
            allowed = f"with ssl.key.location and ssl.key.password it gives no usable client certificate ({error})"
            raise BadPolicy("kafka-config", "ssl.certificate.location", allowed) from error
    return context


def _choice(properties: Mapping[str, str], name: str, allowed: Sequence[str], default: str) -> str:
    value = properties.get(name, default)
    for choice in allowed:
        if value.lower() == choice.lower():
            return choice
    raise BadPolicy(name, value, f"choose one of {', '.join(allowed)}")


def _number(properties: Mapping[str, str], name: str) -> int:
    value = properties[name]
    if not value.isdecimal():
        raise BadPolicy(name, value, "give a whole number")
    return int(value)

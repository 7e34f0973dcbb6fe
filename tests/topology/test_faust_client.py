"""One file of properties lets in both Kafka clients, or the start stops."""

from __future__ import annotations

import ssl

import faust
import pytest

from streams.errors import BadPolicy
from topology.faust_client import app_arguments

LOGIN = {"sasl.username": "me", "sasl.password": "hunter2"}


def test_without_properties_there_are_brokers_only() -> None:
    """Every server becomes a broker URL."""
    assert app_arguments(["a:1", "[::1]:2"], {}) == {"broker": ["kafka://a:1", "kafka://[::1]:2"]}


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "scram-sha-512"])
def test_a_login_is_passed_on(mechanism: str) -> None:
    """User, password and mechanism arrive, over TLS if asked for."""
    properties = {**LOGIN, "security.protocol": "SASL_SSL", "sasl.mechanisms": mechanism}
    credentials = app_arguments(["a:1"], properties)["broker_credentials"]
    assert isinstance(credentials, faust.SASLCredentials)
    assert (credentials.username, credentials.password) == ("me", "hunter2")
    assert credentials.mechanism.value == mechanism.upper()
    assert credentials.protocol.value == "SASL_SSL"
    assert credentials.ssl_context.verify_mode is ssl.CERT_REQUIRED
    assert credentials.ssl_context.check_hostname


def test_a_login_without_tls_stays_without() -> None:
    """No TLS context appears by itself."""
    properties = {**LOGIN, "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN"}
    assert app_arguments(["a:1"], properties)["broker_credentials"].ssl_context is None


def test_verification_is_only_off_where_said() -> None:
    """The name alone, or name and certificate."""
    name = {"security.protocol": "ssl", "ssl.endpoint.identification.algorithm": "none"}
    context = app_arguments(["a:1"], name)["broker_credentials"].context
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_REQUIRED)
    both = {"security.protocol": "ssl", "enable.ssl.certificate.verification": "false"}
    context = app_arguments(["a:1"], both)["broker_credentials"].context
    assert (context.check_hostname, context.verify_mode) == (False, ssl.CERT_NONE)


@pytest.mark.parametrize("name", ["socket.timeout.ms", "linger.ms", "debug", "statistics.interval.ms"])
def test_what_only_tunes_librdkafka_is_harmless(name: str) -> None:
    """It changes nothing for faust."""
    assert app_arguments(["a:1"], {name: "1"}) == app_arguments(["a:1"], {})


@pytest.mark.parametrize(
    ("properties", "named"),
    [
        ({"ssl.keystore.location": "k"}, "ssl.keystore.location"),
        ({"sasl.pasword": "hunter2"}, "sasl.pasword"),
        ({"security.protocol": "tls"}, "security.protocol"),
        ({"security.protocol": "sasl_ssl", "sasl.mechanism": "OAUTHBEARER"}, "sasl.mechanism"),
        ({"security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": "me"}, "sasl.password"),
        ({"security.protocol": "ssl", "ssl.ca.location": "/nowhere"}, "ssl.ca.location"),
        ({"security.protocol": "ssl", "ssl.certificate.location": "/nowhere"}, "ssl.certificate.location"),
        ({"security.protocol": "ssl", "ssl.cipher.suites": "NONE-SUCH"}, "ssl.cipher.suites"),
        ({"metadata.max.age.ms": "soon"}, "metadata.max.age.ms"),
    ],
)
def test_what_faust_cannot_follow_is_named(properties: dict[str, str], named: str) -> None:
    """The property's name, and no secret."""
    with pytest.raises(BadPolicy, match=named) as refused:
        app_arguments(["a:1"], properties)
    assert "hunter2" not in str(refused.value)

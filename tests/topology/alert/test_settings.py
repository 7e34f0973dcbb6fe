"""What the alert role is told to do is checked at start, and no secret is shown."""

from __future__ import annotations

import asyncio

import pytest

from streams.errors import BadPolicy
from topology.alert.post import Outcome, Poster
from topology.options import label_values
from topology.settings import AlertSettings, Kafka

KAFKA = Kafka("localhost:9092")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("alertmanager-url", {}),
        ("alertmanager-url", {"alertmanager_urls": ("am:9093",)}),
        ("alertmanager-url", {"alertmanager_urls": ("http://me:hush@am:9093",)}),
        ("webhook-url", {"webhook_url": "file:///etc/passwd"}),
        ("webhook-secret-file", {"webhook_url": "https://us.example/"}),
        ("webhook-secret-file", {"webhook_url": "https://us.example/", "webhook_secret_file": "/nowhere"}),
        ("ca-file", {"alertmanager_urls": ("https://am:9093",), "ca_file": "/nowhere"}),
        ("cert-file", {"alertmanager_urls": ("https://am:9093",), "cert_file": "/nowhere"}),
        ("cert-file", {"alertmanager_urls": ("https://am:9093",), "key_file": __file__}),
        ("webhook-url", {"alertmanager_urls": ("http://am:9093",), "webhook_secret_file": __file__}),
        ("webhook-url", {"alertmanager_urls": ("http://am:9093",), "webhook_token_file": __file__}),
        (
            "alertmanager-url",
            {
                "webhook_url": "https://us.example/",
                "webhook_secret_file": __file__,
                "alertmanager_token_file": __file__,
            },
        ),
        ("hold-s", {"alertmanager_urls": ("http://am:9093",), "repeat_s": 60, "hold_s": 100}),
        ("label", {"alertmanager_urls": ("http://am:9093",), "labels": {"a-b": "c"}}),
    ],
    ids=str,
)
def test_bad_settings_are_refused(field, given):
    """By the name of the option, without credentials."""
    with pytest.raises(BadPolicy, match=f"^{field}") as refused:
        AlertSettings(KAFKA, **given)
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("words", [("severity",), ("severity=",), ("a=1", "a=2")])
def test_bad_labels_are_refused(words):
    """Name, value, once."""
    with pytest.raises(BadPolicy, match=r"^label"):
        label_values(words)


async def test_no_address_is_logged_whole(caplog):
    """Promise: paths and queries of webhooks hold secrets, also where what answers there is no HTTP."""

    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n: no header\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, Poster(None) as poster:
        port = server.sockets[0].getsockname()[1]
        said = await poster.post(f"http://127.0.0.1:{port}/services/hush?key=hush", b"{}", {}, None)
    assert said is Outcome.UNREACHED
    assert "no HTTP" in caplog.text
    assert "hush" not in caplog.text


def test_a_file_that_holds_no_certificates_is_refused(tmp_path):
    """At start."""
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    with pytest.raises(BadPolicy, match=r"^ca-file"):
        Poster(str(file))

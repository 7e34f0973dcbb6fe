"""What is told of a place that cannot be had: the option that names it, and why, in words."""

from __future__ import annotations

import socket

import pytest
from prometheus_client import CollectorRegistry

from streams.errors import BadPolicy
from topology.kafka_properties import read
from topology.metrics_server import MetricsServer
from topology.recording.cases import read_entries


@pytest.mark.parametrize("host", ["300.1.1.1", "198.51.100.1", "a..b"])
def test_a_host_that_is_none_of_ours_is_told_as_the_host(host):
    """Promise: not as the port; 198.51.100.0/24 is nobody's (RFC 5737)."""
    with pytest.raises(BadPolicy, match=r"^host: ") as told:
        MetricsServer(CollectorRegistry(), host, 0)
    assert host in str(told.value)


def test_a_port_that_is_taken_is_told_as_the_port():
    """Promise: with the address."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(BadPolicy, match=f"^metrics-port: '127.0.0.1:{port}'"):
            MetricsServer(CollectorRegistry(), "127.0.0.1", port)


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    """Promise: in the system's words, or that it is no text; never by the name of an exception."""
    for reads in (read, read_entries):
        with pytest.raises(BadPolicy, match="No such file"):
            reads(tmp_path / "missing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(BadPolicy, match="no UTF-8"):
        read(tmp_path / "binary")

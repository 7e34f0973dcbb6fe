"""A group that does not take a scorer ends it: idle, it would look as if all were well."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
from confluent_kafka import Consumer

from tests.integration.role_process import RoleProcess
from topology.topics import SUMMARIES

pytestmark = pytest.mark.kafka


def test_a_refused_scorer_ends(pipeline_kafka: Any):
    """In a group of members of another protocol score ends with status 1, says why, and is not waited for for long."""
    servers, group = pipeline_kafka.bootstrap_servers, f"test-{uuid.uuid4()}"
    other = Consumer({"bootstrap.servers": servers, "group.id": group, "session.timeout.ms": 6000})
    try:
        other.subscribe([SUMMARIES])
        deadline = time.monotonic() + 30
        while not other.assignment():
            other.poll(0.1)
            assert time.monotonic() < deadline, "the other member has not joined"
        with RoleProcess("score", "--bootstrap-servers", servers, "--group", group) as score:
            while score.alive:
                other.poll(0.1)
                assert time.monotonic() < deadline + 30, "score is still there"
            assert score.process.returncode == 1
            assert "InconsistentGroupProtocol" in score.output.splitlines()[-1]
    finally:
        other.close()

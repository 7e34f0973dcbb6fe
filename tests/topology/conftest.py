"""The embedded broker, started once for the tests of this folder that need one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from topology.embedded import EmbeddedBroker


@pytest.fixture(scope="session")
def broker() -> Iterator[EmbeddedBroker]:
    """Shared, so tests name their own topics."""
    with EmbeddedBroker() as running:
        yield running

"""What holds for all tests: on a machine that others use as well, how long an example takes proves nothing.

Several workers share the tests (pytest-xdist): those with brokers and processes of ours stay together on one, as they
mind each other's load, and so do those of one module, which share what they set up. Simulations are given out one by
one to whoever is free. The one with the brokers waits more than it works, so there is one worker more than processors.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("serinus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("serinus")

_ROOT = Path(__file__).parent.parent


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Of `--numprocesses auto`; `logical` is one to each processor."""
    return 1 + (os.cpu_count() or 1) if config.option.numprocesses == "auto" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests stay together."""
    for item in items:
        place = item.path.relative_to(_ROOT).as_posix()
        if not place.startswith("tests/simulation/"):
            group = "tests/integration" if place.startswith("tests/integration/") else place
            item.add_marker(pytest.mark.xdist_group(group))

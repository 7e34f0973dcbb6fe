"""What holds for all tests: on a machine that others use as well, how long an example takes proves nothing."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("serinus", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("serinus")

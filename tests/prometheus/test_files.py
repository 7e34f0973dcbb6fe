"""What is in deploy/prometheus is as Prometheus and Alertmanager want it, and the rules say what they should."""

from __future__ import annotations

import pytest

from tests.prometheus.tools import ROOT, check

pytestmark = pytest.mark.prometheus
DEPLOY = ROOT / "deploy/prometheus"


def test_prometheus_takes_its_configuration():
    """With the rules that it names."""
    check("promtool", "check", "config", DEPLOY / "prometheus.yml")


def test_alertmanager_takes_its_configuration():
    """Routes, receivers, inhibition."""
    check("amtool", "check-config", DEPLOY / "alertmanager.yml")


def test_rules_fire_when_they_should():
    """And not before: the cases are in rules_test.yml."""
    check("promtool", "test", "rules", "tests/prometheus/rules_test.yml")

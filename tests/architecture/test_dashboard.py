"""What can be said of the Grafana dashboard without Grafana: that it is built as Grafana's dashboards are.

That its expressions are understood, and name what the roles expose, is shown by tests/prometheus.
"""

from __future__ import annotations

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

DASHBOARD: dict[str, Any] = msgspec.json.decode(
    (Path(__file__).parents[2] / "deploy/grafana/serinus.json").read_bytes()
)
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
DATASOURCE = {"const": {"type": "prometheus", "uid": "${datasource}"}}
SCHEMA = {
    "type": "object",
    "required": ["uid", "title", "schemaVersion", "time", "templating", "panels", "annotations"],
    "properties": {
        "id": False,
        "uid": {"type": "string", "pattern": "^[a-zA-Z0-9_-]{1,40}$"},
        "title": {"type": "string", "minLength": 1},
        "schemaVersion": {"type": "integer", "minimum": 36},
        "time": {"type": "object", "required": ["from", "to"]},
        "templating": {
            "properties": {
                "list": {
                    "items": {
                        "required": ["type", "name", "query"],
                        "properties": {"type": {"enum": ["datasource", "query"]}, "datasource": DATASOURCE},
                    }
                }
            }
        },
        "panels": {
            "items": {
                "required": ["id", "type", "title", "gridPos"],
                "properties": {
                    "type": {"enum": ["row", "stat", "table", "timeseries"]},
                    "gridPos": {
                        "required": ["x", "y", "w", "h"],
                        "additionalProperties": {"type": "integer", "minimum": 0, "maximum": 200},
                    },
                    "datasource": DATASOURCE,
                    "targets": {
                        "minItems": 1,
                        "items": {
                            "required": ["refId", "expr", "datasource"],
                            "properties": {"expr": {"type": "string", "minLength": 1}, "datasource": DATASOURCE},
                        },
                    },
                },
                "if": {"properties": {"type": {"const": "row"}}},
                "else": {"required": ["datasource", "targets", "fieldConfig", "options"]},
            }
        },
    },
}
"""Of Grafana's dashboard model, what is used here; its own schema comes with Grafana only."""


def test_it_is_a_dashboard():
    """Of the shape that Grafana imports, for whichever Prometheus is chosen."""
    jsonschema.validate(DASHBOARD, SCHEMA)


def test_panels_have_their_own_place_and_number():
    """Within the 24 columns, none over another."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [panel["gridPos"] for panel in PANELS]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above


@pytest.mark.parametrize("panel", [panel for panel in PANELS if panel["type"] != "row"], ids=lambda p: p["title"])
def test_variables_are_defined(panel):
    """Those in expressions are on the dashboard, or Grafana's own; each query has a letter of its own."""
    defined = {variable["name"] for variable in DASHBOARD["templating"]["list"]} | {"__rate_interval"}
    for target in panel["targets"]:
        assert set(re.findall(r"\$\{?(\w+)", target["expr"])) <= defined
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])

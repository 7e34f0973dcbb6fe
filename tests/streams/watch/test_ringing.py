"""How an alarm ends."""

from __future__ import annotations

import numpy as np
import pytest

from streams.watch.panel import Panel, PanelState
from streams.watch.points import Point
from streams.watch.ringing import ARL_S, SETTLED_NS, Ringing, log_budget

STEP_NS = 5_000_000_000


@pytest.mark.parametrize(
    ("lasts", "why"),
    [(30, "all is as it was before"), (300, "it stays at the new level, which is what is normal now")],
)
def test_the_end_is_told_as_what_it_is(lasts, why):
    """A level that is back where it was, and one that stays, with which the forecast has gone along before the hour."""
    panel, incidents, ended = Panel(PanelState()), [], []
    ringing = Ringing(panel, incidents, ended, [], [])
    values = np.random.default_rng(1).normal(10.0, 1.0, 1100)
    values[800 : 800 + lasts] += 10.0
    for place, value in enumerate(values.tolist()):
        at_ns = place * STEP_NS
        panel.add(at_ns, [Point("memory", value)])
        for incident in tuple(incidents):
            ringing.hold(incident, at_ns, SETTLED_NS)
        ringing.due(str(at_ns), "", at_ns, log_budget(ARL_S, 5.0), close=False)
    assert [incident.ended for incident in ended] == [why]

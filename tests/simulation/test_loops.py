"""Restarts against what production did before: false alarms where loops come and go, and what a crash loop takes.

Production is a line of minutes in which single restarts and loops of five (at 0, 1, 2, 4 and 7 minutes) come at random;
a revision that changes nothing shows all that it goes on to show.
"""

from __future__ import annotations

import numpy as np
import pytest
from msgspec import structs

from streams.judging.events.loops import Loops, begin_loops
from streams.judging.judge import Judge
from streams.judging.past import Past
from streams.judging.production.past import MINUTE_NS, RESTARTS, ProductionPast
from streams.judging.settings import JudgeSettings
from streams.judging.side import EventCount, Side
from streams.signals.rule import SignalRule
from tests.simulation.core import within_budget

pytestmark = pytest.mark.timeout(1800)
LOOP_MINUTES = (0, 1, 2, 4, 7)
PROCESSES = {
    "loops every second day": (0.5, 0.0, 0),
    "loops twice a day": (2.0, 0.5, 0),
    "single ones alone": (0.0, 6.0, 0),
    "every five hours like clockwork": (0.0, 0.0, 300),
    "every 155 minutes like clockwork": (0.0, 0.0, 155),
}
"""(loops a day, restarts a day that come singly, minutes between regular loops): the last but one has just the bound's
p, the last one of .09 and more, so that half of the bound would fail it in 40 of 472 at .05 (38 allowed)."""
WINDOW_NS = 5_000_000_000
RULES = {RESTARTS[0]: SignalRule(RESTARTS[0], "events", "restarts", "higher")}


def production(draw, days, loops_a_day, singles_a_day, every):
    """Restarts of each minute."""
    minutes = np.zeros(days * 1440 + LOOP_MINUTES[-1])
    regular = range(int(draw.integers(0, every)), days * 1440, every) if every else ()
    for start in (*regular, *draw.integers(0, days * 1440, draw.poisson(loops_a_day * days))):
        minutes[start + np.array(LOOP_MINUTES)] += 1
    for start in draw.integers(0, days * 1440, draw.poisson(singles_a_day * days)):
        minutes[start] += 1
    return minutes


def side(restarts, seconds=60.0):
    """A window in which so many of two pods restarted."""
    pod_s = 2 * seconds
    return Side(pod_s, events={RESTARTS[0]: EventCount(float(restarts), pod_s, 0.0, int(restarts), 2)})


def ps(seed, days, process):
    """Of revisions that come in one life of production, one an hour."""
    draw = np.random.default_rng(seed)
    minutes, past, found = production(draw, days, *process), ProductionPast(), []
    comes = set(draw.integers(1440, len(minutes) - 40, 24 * days).tolist())
    for minute, restarts in enumerate(minutes[:-40]):
        past.learn(minute * MINUTE_NS, [side(restarts)], {}, (), {})
        if minute in comes:
            loops = Loops(MINUTE_NS, begin_loops(past))
            for later in range(1, 20):
                loops.add((minute + later) * MINUTE_NS, side(minutes[minute + later]), RULES)
            found.append(loops.state.p)
    return found


@pytest.mark.parametrize("name", PROCESSES)
@pytest.mark.parametrize("lives", [2, pytest.param(40, marks=pytest.mark.nightly)])
def test_revisions_that_change_nothing_keep_every_level(name, lives):
    """Two lives of ten days, 400 revisions; at .05 and .01, with all of alpha."""
    found = np.array([p for seed in range(lives) for p in ps(seed, 10, PROCESSES[name])])
    assert len(found) > 150 * lives
    for level in (0.05, 0.01):
        assert within_budget(int((found <= level).sum()), len(found), level)


def failed_at(alpha, days, restarts_s, rules=RULES):
    """Minutes to FAIL of ten; infinite where it never came. One of two pods of the canary restarts at these seconds."""
    past = Past(production=ProductionPast())
    for minute in range(days * 1440):
        past.production.learn(minute * MINUTE_NS, [side(0)], {}, (), {})
    judge = Judge.begin(JudgeSettings(alpha=alpha), WINDOW_NS, past, heard=("errors", "levels", "logs", "values"))
    for window in range(144):
        now_s = 5 * window
        restarts = sum(now_s - 30 < at_s <= now_s for at_s in restarts_s) if window % 6 == 0 else 0
        at_ns = days * 1440 * MINUTE_NS + now_s * 1_000_000_000
        judge.add(at_ns, side(0, 5.0), side(min(1, restarts), 5.0), {}, rules)
        if judge.verdict == "fail":
            assert any("production has not done so" in one for one in judge.assess({}, rules).reasons)
            return (window + 1) / 12
    return np.inf


LOOP_S = (15, 30, 55, 100, 185, 350, 655)
"""Of a container that dies five seconds after its start: the kubelet waits 10, 20, 40, 80, 160, 300 s."""


@pytest.mark.parametrize(("alpha", "days"), [(0.05, 4), (0.01, 15)])
def test_a_crash_loop_is_found_where_production_is_known_for_long(alpha, days):
    """One of two pods, restarts scraped every 30 s; a younger workload's is not, as five are worth 2^5 beside it."""
    assert failed_at(alpha, days, LOOP_S) <= 6.5
    assert failed_at(alpha, 1, LOOP_S) == np.inf


def test_a_single_restart_and_those_of_the_start_are_no_loop():
    """Whatever is known of production: a pod that waits for its database, and one that is killed once."""
    assert failed_at(0.05, 15, (15, 30, 55, 100, 350)) == np.inf


def test_restarts_that_are_only_watched_fail_nobody():
    """As a policy may say."""
    watched = {RESTARTS[0]: structs.replace(RULES[RESTARTS[0]], criticality="watch")}
    assert failed_at(0.05, 15, LOOP_S, watched) == np.inf

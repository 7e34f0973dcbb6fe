"""Which gauges stand at nothing, and what is trusted of them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from streams.judging.levels.part import LevelPart, LevelState
from streams.judging.levels.past import LevelPast
from streams.judging.levels.prior import LevelPrior
from streams.judging.levels.resting import trust
from streams.judging.side import Side
from streams.signals.rule import SignalRule
from tests.streams.judging.levels.rollouts import WINDOW_NS

RULES = {
    rule.signal: rule
    for rule in (
        SignalRule("queue", "level", "saturation", "higher"),
        SignalRule("busy", "level", "cpu", "higher"),
        SignalRule("cached", "level", "availability", "lower", scale="share_free"),
    )
}
WINDOWS = 12


def side(queue: float) -> Side:
    """Two pods."""
    levels = {"queue": {0: queue, 1: 0.0}, "busy": {0: 1.0, 1: 1.1}, "cached": {0: 0.0, 1: 0.0}}
    return Side(pod_s=10.0, levels=levels)


def comparison(known: LevelPast, queue: float = 0.0, state: LevelState | None = None) -> LevelPart:
    """One rollout of which the canary's first pod shows this."""
    part = LevelPart(known, LevelPrior(), WINDOWS * WINDOW_NS, WINDOW_NS, state)
    for window in range(WINDOWS):
        part.add(window * WINDOW_NS, side(0.0), side(queue), RULES)
    return part


def past(*queues: float) -> LevelPast:
    """One rollout for each, of which the baseline's first pod showed that."""
    known = LevelPast()
    for number, queue in enumerate(queues):
        part = LevelPart(known, LevelPrior(), WINDOWS * WINDOW_NS, WINDOW_NS)
        for window in range(WINDOWS):
            part.add(window * WINDOW_NS, side(queue if window == 3 else 0.0), side(0.0), RULES)
        known.learn(part.cohort(f"r{number}"))
    return known


def rests(known: LevelPast) -> dict[str, bool]:
    """By signal."""
    reference = comparison(known).to_state().reference
    assert reference is not None
    return dict(zip([rule.signal for rule in reference.rules], reference.rests, strict=True))


@pytest.mark.parametrize("queues", [(0.0, 0.0, 0.0, 0.0), (7.0, 0.0, 0.0, 0.0)])
def test_what_most_pods_never_showed_rests(queues):
    """Neither what is busy nor a share, of whatever."""
    assert rests(past(*queues)) == {"queue": True, "busy": False, "cached": False}


def test_a_queue_that_half_of_the_pods_have_shown_does_not_rest():
    """Its own past tells how far it goes."""
    assert not rests(past(7.0, 7.0, 7.0, 7.0))["queue"]


def test_a_running_mean_is_trusted_as_it_outlasts_a_blip_and_a_block_is_not():
    """Two signals, scraped every 15 s and every minute; after a minute and after ten."""
    samples = np.array([[4.0, 1.0, 1.0], [36.0, 9.0, 9.0]])
    trusted = trust(np.array([True, True, False]), samples, 120, WINDOW_NS)
    assert trusted[:, 0] == pytest.approx(np.array([[4 / 16, 1 / 4, 1.0], [40 / 52, 10 / 13, 1.0]]))
    assert np.isnan(trusted[:, 1, :2]).all()
    assert (trusted[:, 1, 2] == 1.0).all()


def test_a_snapshot_of_before_goes_on_as_it_was():
    """It has no word of what rests: levels are trusted as they were when the comparison began."""
    half = LevelPart(past(0.0, 0.0, 0.0, 0.0), LevelPrior(), WINDOWS * WINDOW_NS, WINDOW_NS)
    for window in range(WINDOWS // 2):
        half.add(window * WINDOW_NS, side(0.0), side(0.0), RULES)
    written = msgspec.to_builtins(half.to_state())
    reference = LevelState.__struct_fields__.index("reference")
    as_before = [*written[:reference], written[reference][:-2], *written[reference + 1 :]]
    old, new = (
        LevelPart(LevelPast(), LevelPrior(), WINDOWS * WINDOW_NS, WINDOW_NS, msgspec.convert(state, LevelState))
        for state in (as_before, written)
    )
    for window in range(WINDOWS // 2, WINDOWS):
        for part in (old, new):
            part.add(window * WINDOW_NS, side(0.0), side(50.0), RULES)
    assert old.p < 0.5 * new.p

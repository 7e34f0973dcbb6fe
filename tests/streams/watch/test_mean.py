"""The fading mean is river's mean, and no more than that of the last `horizon` points' weight."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from river.stats import Mean

from streams.watch.mean import FadingMean

POINTS = st.lists(st.tuples(st.floats(-1e100, 1e100), st.floats(0.001, 100.0)), max_size=30)


@given(POINTS, st.floats(0.5, 50.0))
def test_it_is_rivers_mean_with_a_bounded_weight(points, horizon):
    """To the bit, a snapshot after every point."""
    fading, mean = FadingMean(horizon), Mean()
    for value, weight in points:
        mean.n = min(mean.n, max(horizon - weight, 0.0))
        mean.update(value, weight)
        fading.learn(value, weight)
        assert (fading.value, fading.weight) == (fading.get(), fading.n) == (mean.get(), mean.n)
        fading = FadingMean(horizon, fading.to_state())


def test_a_weight_of_nothing_teaches_nothing():
    """Nor does it divide by it."""
    mean = FadingMean(3.0)
    mean.learn(7.0, 0.0)
    assert (mean.value, mean.weight) == (0.0, 0.0)

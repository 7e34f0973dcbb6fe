"""The means of a forecast are fading means, written out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.watch.forecast import Forecast
from streams.watch.mean import FadingMean

STEP_NS = 60_000_000_000
POINTS = st.lists(st.tuples(st.floats(-1e6, 1e6), st.sampled_from([1.0, 0.25])), max_size=100)


@given(POINTS)
def test_its_levels_are_fading_means(points):
    """To the bit, whatever the weights, past their horizons too."""
    forecast, late, long, latest = Forecast(3.0, 20.0), FadingMean(3.0), FadingMean(20.0), None
    charged = FadingMean(200.0)
    for place, (value, weight) in enumerate(points):
        forecast.next(place * STEP_NS)
        charged.learn(abs(value - late.value), weight)
        if latest is not None:
            assert forecast.to_state().latest == latest
        forecast.learn(value, value, weight, walks=True)
        late.learn(value)
        long.learn(value, weight)
        latest = value
    state = forecast.to_state()
    assert (state.late, state.long, state.errors[3]) == (late.to_state(), long.to_state(), charged.to_state())


def test_a_doubted_error_says_how_much_stays_as_far_as_two_deviations_of_those_before():
    """Of a signal whose errors are known in full, of one that never erred nothing: what is alike foretells nothing."""
    known, still = Forecast(3.0, 20.0), Forecast(3.0, 20.0)
    for place in range(100):
        for forecast, value in ((known, float(place % 4 < 2)), (still, 0.0)):
            forecast.next(place * STEP_NS)
            forecast.learn(value, value)
    in_full = Forecast(3.0, 20.0, known.to_state())
    for place in range(100, 110):
        for forecast, correlates in ((known, False), (in_full, True), (still, False)):
            forecast.next(place * STEP_NS)
            forecast.learn(1.0, 1.0, 0.25, correlates=correlates)
    assert known.to_state().stays == in_full.to_state().stays
    assert [each.mean for each in still.to_state().stays] == [0.0, 0.0]
    known.next(110 * STEP_NS)
    known.learn(1e6, 1e6, 0.25, correlates=False)
    assert known.to_state().stays[1].mean < 2.0 * in_full.to_state().stays[1].mean

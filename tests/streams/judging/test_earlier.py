"""Which window of the baseline is compared where an earlier time is asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streams.judging.earlier import earlier
from streams.policy.workload_policy import BaselineTime

W = 5


@given(
    st.integers(1, 50), st.integers(1, 200), st.none() | st.integers(1, 200), st.lists(st.integers(20, 120), min_size=1)
)
def test_each_window_serves_once_and_whole_windows_meet(canary_from, ago, length, windows):
    """One window of the canary for one of the baseline, earlier by the same, within what was asked for."""
    time = earlier(BaselineTime(ago_ns=ago, length_ns=length), (canary_from + 60) * W, W)
    taken = [time.of((canary_from + window) * W) for window in sorted(set(windows))]
    found = [at_ns for at_ns in taken if at_ns is not None]
    assert len(set(found)) == len(found)
    assert all(at_ns % W == 0 and at_ns >= time.start_ns for at_ns in found)
    assert ago <= time.behind_ns < ago + W
    if length is not None:
        assert all(at_ns < time.start_ns + length for at_ns in found)


def test_a_time_after_the_canarys_beginning_cannot_be_followed():
    """No window at all."""
    time = earlier(BaselineTime(start_ns=200), 100, W)
    assert time.behind_ns < 0
    assert time.of(300) is None

"""Is a line of ordinary life still written? The watch over one template that comes regularly.

How long it was absent is held against the longest it has been absent so far. That one of n + 1 such gaps, alike, is
longer than the n others, has a chance of 1 / (n + 1), whatever their distribution; how much longer, is taken to be
exponential, with a mean of half the longest gap (of n exponential gaps the longest is log n means: for many, a mean is
far less than half of it), at least of a line that comes by chance once a window. 1 / P(so long a gap) is M of an
e-detector: on average it is at most the number of windows.

Time counts as far as others write: a window in which half of what is usual comes from the other templates counts
half, one without any counts nothing. So neither a quiet night nor a shipper that stops is taken for a line that is
gone: it has to be absent both for its pods and against all that is written.

After a deployment it first has to come from the new revision: a statement that was removed or reworded is no incident.
It is told of (`missing`), and rings nothing.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.errors import BadRecord, Reason
from streams.watch.mean import FadingMean, MeanState
from streams.watch.reading import Reading

WARM = 100
"""Appearances before it speaks."""
_MOST_GAPS = 1000
"""That the longest is known to be the longest of."""
_SHORTEST = 1.0
"""Windows: least mean of what a gap is longer than the longest before."""
_HALVES_NS = 7 * 86_400_000_000_000
"""In so long the longest gap is forgotten by half: what a weekend was like, is known on the next."""
_DAY = 17_280.0
"""Windows over which it is known how much the others write: a day, of 5 s each."""
_HOUR = 720.0
_SURE = 13.2
"""Log M from which a line is told to be missing after a deployment: once a month by chance, of 5 s windows."""
_NOTHING = -690.0


class GoneState(Struct, array_like=True):
    """The snapshot of one template: language-neutral, bounded."""

    rate: MeanState = MeanState()
    """Pods that showed it, per pod-second."""
    others: MeanState = MeanState()
    """Appearances of all other templates in a window."""
    gap: float = 0.0
    """Windows since it was last there, each as far as the others wrote."""
    longest: float = 0.0
    """Gap so far, as of `longest_ns`."""
    longest_ns: int = 0
    gaps: int = 0
    """Up to the most."""
    shown_ns: int = -1
    """Window that last showed it, or the first."""
    last_ns: int = -(1 << 62)
    awaited: bool = False
    """The revision in production has not shown it yet."""
    said: bool = False
    """That it is gone was told, and is what is normal now."""


class GoneWatch:
    """`add` each window, in time order."""

    __slots__ = ("_others", "_rate", "_state")

    def __init__(self, state: GoneState | None = None) -> None:
        self._state = known = state or GoneState()
        self._rate, self._others = FadingMean(_HOUR, known.rate), FadingMean(_DAY, known.others)

    def to_state(self) -> GoneState:
        """The snapshot; valid until the next window."""
        self._state.rate, self._state.others = self._rate.to_state(), self._others.to_state()
        return self._state

    def add(self, time_ns: int, count: float, pod_s: float, others: float) -> Reading:
        """Judge one window, then learn from it.

        Args:
            time_ns: of the window.
            count: pods that showed the template.
            pod_s: pod-seconds of production, above 0.
            others: appearances of other templates; 0 where those that showed this one last say nothing at all.

        Raises:
            BadRecord: a number that cannot be, or a window not later than the last one.
        """
        if not (0.0 <= count < 1e15 and 0.0 < pod_s < 1e15 and 0.0 <= others < 1e15):
            raise BadRecord(Reason.BAD_VALUE, f"{count} pods in {pod_s} pod-seconds beside {others} others")
        state = self._state
        if time_ns <= state.last_ns:
            raise BadRecord(Reason.BAD_TIME, f"{time_ns} is not after {state.last_ns}")
        state.last_ns = time_ns
        if state.shown_ns < 0:
            state.shown_ns = state.longest_ns = time_ns
        usual = self._others.value or others
        if others > 0.0:
            self._others.learn(others)
        if count > 0.0:
            if state.gap > 0.0:
                state.longest, state.longest_ns, state.gap = max(self._longest, state.gap), time_ns, 0.0
            state.gaps = min(state.gaps + 1, _MOST_GAPS)
            state.shown_ns, state.awaited, state.said = time_ns, False, False
        elif others > 0.0:
            state.gap += min(others / usual, 1.0)
        rate, log_e = count / pod_s, self._log_e
        if log_e <= _NOTHING:
            self._rate.learn(rate)
        warm = state.gaps >= WARM
        if not warm or state.awaited or state.said or log_e <= _NOTHING:
            return Reading(rate, self._rate.value, "lower", _NOTHING, 0.0, None, warm)
        return Reading(0.0, self._rate.value, "lower", log_e, 0.0, state.shown_ns, warm, "not written any more")

    def quieten(self) -> None:
        """It may be absent; nothing more is said of it until it is there again."""
        self._state.said = True

    def deployed(self) -> None:
        """Another revision is in production: it has to show it first."""
        self._state.awaited, self._state.gap = True, 0.0

    @property
    def missing(self) -> bool:
        """The revision before wrote it, that in production has not, for longer than chance explains."""
        state = self._state
        return state.awaited and not state.said and state.gaps >= WARM and self._log_e >= _SURE

    @property
    def _log_e(self) -> float:
        """Of 1 / P(a gap as long as the present one)."""
        state = self._state
        if state.gap == 0.0 or state.gap <= (longest := self._longest):
            return _NOTHING
        return math.log(state.gaps + 1.0) + (state.gap - longest) / max(0.5 * longest, _SHORTEST)

    @property
    def _longest(self) -> float:
        state = self._state
        return state.longest * math.exp2(-max(state.last_ns - state.longest_ns, 0) / _HALVES_NS)

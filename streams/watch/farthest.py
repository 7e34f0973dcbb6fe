"""How seldom does a signal go as far from all it has been as it does now, and has it been there before?

What lies beyond the 95% quantile of the distance comes in clusters, so that what is rare is a cluster, not a value: an
excursion begins with a value beyond it and ends after `_APART` within it (runs declustering: Coles, An Introduction
to Statistical Modeling of Extreme Values, 2001, section 5.3.2).

Of an excursion one value counts, its farthest. P(an excursion goes so far) is `beyond` over the farthest of each so
far; the values from one excursion to the next over that are the return period T: T >= c comes once in c values, which
is what M >= c promises. Means of 1 / P over signals keep that up to a logarithm, however the signals depend on each
other (Wilson, The harmonic mean p-value, PNAS 116, 2019).

And where two excursions have gone at least as far and lasted at least as long, the present one is no news; nor is it
if it is like one of which somebody said that it was nothing.

T of a short one is 0 for longer: while two others have gone about as far in the last month. What comes twice in the
time in which one false alarm is allowed is not as rare as that, whatever the tail of all excursions makes of it. (The
power law of the many small ones says of a timeout of 30 s, one in 10,000 requests, that it comes once in months,
however often it has come.) What lasts for four values, or M by itself, still rings.
"""

from __future__ import annotations

import math
from array import array

from msgspec import Struct

from streams.watch.tail import beyond

_APART = 4
"""Values within the quantile that end an excursion."""
_HEAVY_INDEX = 1.0 / 3.0
"""Of Student's t with three degrees of freedom: no tail is taken for lighter."""
_PRIOR = 4.0
"""Excursions that it is worth at the start."""
_REMEMBERED = 200
"""Excursions: each one later takes as many-th of it away."""
_FARTHEST = 10.0
"""Logarithm beyond which an excursion teaches no more."""
_LENGTHS = 6
"""Lengths that are told apart: 1, 2, 4, 8, 16, 32 values beyond the quantile at least."""
_MOST = 21.0
"""Of the logarithm, as of log M (`detector`)."""
_MOST_FAR = 1e37
"""Of what is remembered: single precision holds little more, and what is infinite would never fade."""
_SHORT = 2
"""Of the lengths, those of less than four values, fewer than end an excursion: of those at least half as far as its
farthest, for a spike may fall among values that are hardly beyond the quantile."""
_OF_A_KIND = 1.5
"""Times as far as the second farthest, what is short is of its kind: the mean of a window with one timeout of 30 s
varies as the number of its requests. By simulation (`tests/simulation/test_watch_rare.py`): with 1 four times as many
ring, with 2 as many."""
_MONTH_NS = 30 * 86_400_000_000_000
"""The average run length of a workload, unless said otherwise."""
_FADES_NS = _MONTH_NS / math.log(_OF_A_KIND)
"""What is remembered of short ones falls to 1/e in so long: after a month only what goes as far is of its kind."""
_ALIKE = 2.0
"""Times as far, at most, as what somebody has spoken of: what is alike varies. (Lengths are told apart by as much.)"""


class FarthestState(Struct, array_like=True):
    """All there is to know."""

    last: int
    """Number of the value, counted from the first, with which the last excursion ended."""
    excursions: int = 0
    """So far, at most as many as are remembered."""
    gap: float = 0.0
    """Values from the end of one to that of the next, on average."""
    log_far: float = _HEAVY_INDEX
    """Logarithm of the farthest over the quantile, on average, the prior included."""
    far: float = 0.0
    """Farthest of the present one, in the unit of the signal, below 0 where it is less; 0: there is none."""
    lasts: int = 0
    """Values of it beyond the quantile."""
    within: int = 0
    """Values since it was last beyond."""
    told: bool = False
    """It need not be told again, unless it goes farther."""
    been: list[float] = []
    """The farthest and the next of those that lasted so long, for each length; of those above, then of those below."""
    rings: bool = False
    """Of the present one an alarm tells."""
    rang: float = 0.0
    """Farthest of the latest of which an alarm told; 0: there was none, as in a snapshot of before."""
    rang_lasts: int = 0
    """Values of it beyond the quantile."""
    short: list[float] = []
    """As `been`, of those that were short, for a month."""
    high: int = 0
    """Values of the present one at least half as far as its farthest; in a snapshot of before it is not told."""
    passed_over: bool = False
    """The present one comes at this hour, so that it teaches nothing of other hours."""
    faded_ns: int = 0
    """Up to when `short` has faded: the latest excursion began then. 0: never, as in a snapshot of before."""


class Farthest:
    """`add` each distance."""

    __slots__ = (
        "_been", "_excursions", "_faded_ns", "_far", "_gap", "_high", "_last", "_log_far", "_passed_over", "_rang",
        "_rang_lasts", "_rings", "_short", "_told", "_within", "lasts",
    )  # fmt: skip

    lasts: int
    """Values of the present excursion beyond the quantile; 0: there is none."""

    def __init__(self, state: FarthestState) -> None:
        self._last, self._excursions, self._gap, self._log_far = state.last, state.excursions, state.gap, state.log_far
        self._far, self.lasts, self._within, self._told = state.far, state.lasts, state.within, state.told
        self._been = array("f", state.been or (0.0,) * (4 * _LENGTHS))
        self._rings, self._rang, self._rang_lasts = state.rings, state.rang, state.rang_lasts
        self._short, self._high = array("f", state.short or (0.0,) * (4 * _SHORT)), state.high or state.lasts
        self._passed_over, self._faded_ns = state.passed_over, state.faded_ns

    def to_state(self) -> FarthestState:
        """The snapshot."""
        return FarthestState(
            self._last, self._excursions, self._gap, self._log_far, self._far, self.lasts, self._within, self._told,
            self._been.tolist(), self._rings, self._rang, self._rang_lasts, self._short.tolist(), self._high,
            self._passed_over, self._faded_ns,
        )  # fmt: skip

    @property
    def known(self) -> bool:
        """Two excursions have gone as far and lasted as long as the present one."""
        far = self._far
        if far == 0.0:
            return False
        return abs(far) <= self._been[_places(far > 0.0, _length(self.lasts), _LENGTHS)[-1]]

    def add(self, off: float, usual: float, seen: int, time_ns: int) -> float:
        """Natural logarithm of the return period, in values, of the present excursion; 0: there is none, or no news.

        Args:
            off: how far the value lies above (or below) the level of all, in the unit of the signal.
            usual: 95% quantile of its size; infinite while it is not known.
            seen: number of this value, counted from the first.
            time_ns: of it, above 0.
        """
        if -usual <= off <= usual:
            if self._far == 0.0:
                return 0.0
            self._within += 1
            if self._within >= _APART:
                self._end(usual, seen)
                return 0.0
        else:
            if off * self._far < 0.0:
                self._end(usual, seen)
            self._within = 0
            if not self.lasts:
                self._fade(time_ns)
            self.lasts += 1
            if abs(off) > 2.0 * abs(self._far):
                self._high = 0
            self._high += 2.0 * abs(off) >= abs(self._far)
            if abs(off) > abs(self._far):
                self._far, self._told = off, False
        far = abs(self._far)
        if self._told or not 0.0 < usual < far or self._comes_again:
            return 0.0
        gap = (self._excursions * self._gap + seen - self._last) / (self._excursions + 1.0)
        rare = beyond(_log_ratio(far, usual), self._excursions + _PRIOR, max(self._log_far, _HEAVY_INDEX))
        return min(max(math.log(gap / rare), 0.0), _MOST)

    def quieten(self) -> None:
        """The present excursion was told."""
        self._told = self._far != 0.0

    def hear(self) -> None:
        """An alarm tells of the present excursion, if there is one; of those before it tells no more."""
        self._rings, self._rang, self._rang_lasts = self._far != 0.0, 0.0, 0

    def pass_over(self) -> None:
        """The present excursion is one of those of this hour: it teaches nothing."""
        self._passed_over = self._far != 0.0

    def teach(self, *, news: bool) -> None:
        """Somebody says whether what rang was news: half as far is news again, or twice as far is none if as short."""
        far, lasts = (self._far, self.lasts) if self._rings else (self._rang, self._rang_lasts)
        if far == 0.0:
            return
        for place in _places(far > 0.0, _LENGTHS - 1 if news else _length(lasts), _LENGTHS):
            been = self._been[place]
            self._been[place] = min(been, abs(far) / _ALIKE) if news else max(been, min(abs(far) * _ALIKE, _MOST_FAR))
        if news:
            for place in _places(far > 0.0, _SHORT - 1, _SHORT):
                self._short[place] = min(self._short[place], abs(far) / (_ALIKE * _OF_A_KIND))

    def _end(self, usual: float, seen: int) -> None:
        far = abs(self._far)
        if self._rings:
            self._rings, self._rang, self._rang_lasts = False, self._far, self.lasts
        if not self._passed_over:
            self._learn(far, usual, seen)
        self._last, self._far, self.lasts, self._within, self._told, self._high = seen, 0.0, 0, 0, False, 0
        self._passed_over = False

    def _learn(self, far: float, usual: float, seen: int) -> None:
        self._excursions = min(self._excursions + 1, _REMEMBERED)
        self._gap += (seen - self._last - self._gap) / self._excursions
        if usual > 0.0:
            log_far = min(max(_log_ratio(far, usual), 0.0), _FARTHEST)
            self._log_far += (log_far - self._log_far) / (self._excursions + _PRIOR)
        self._remember(min(far, _MOST_FAR), up=self._far > 0.0)

    @property
    def _comes_again(self) -> bool:
        """It is short so far, and two short ones have been about as far and as long in the last month."""
        length = _length(self._high)
        return (
            length < _SHORT and abs(self._far) <= _OF_A_KIND * self._short[_places(self._far > 0.0, length, _SHORT)[-1]]
        )

    def _fade(self, time_ns: int) -> None:
        """What short ones were long ago is half forgotten."""
        if self._faded_ns:
            left = math.exp((self._faded_ns - time_ns) / _FADES_NS)
            self._short = array("f", [each * left for each in self._short])
        self._faded_ns = time_ns

    def _remember(self, far: float, *, up: bool) -> None:
        self._been = array("f", [each * (1.0 - 1.0 / _REMEMBERED) for each in self._been])
        _insert(far, self._been, _places(up, _length(self.lasts), _LENGTHS))
        length = _length(self._high)
        if length < _SHORT:
            _insert(far, self._short, _places(up, length, _SHORT))


def _places(up: bool, length: int, lengths: int) -> range:
    """Of the farthest and the next of each length up to this one, in an array of so many lengths: those above first."""
    first = 0 if up else 2 * lengths
    return range(first, first + 2 * (length + 1))


def _insert(far: float, been: array[float], places: range) -> None:
    """Among the farthest two of each length."""
    for farthest, following in zip(places[::2], places[1::2], strict=True):
        if far > been[following]:
            been[farthest], been[following] = max(far, been[farthest]), min(far, been[farthest])


def _length(lasts: int) -> int:
    """Place of the greatest length that so many values have, from 0."""
    return min(lasts.bit_length(), _LENGTHS) - 1


def _log_ratio(far: float, usual: float) -> float:
    return math.log(far) - math.log(usual)  # the ratio itself may be no number

"""Does a level climb for hours? What rises slowly teaches `levels` as it goes; here it is held against hours and days.

Blocks of 20 minutes, so that what is correlated from window to window is averaged out. A block's mean is forecast by
exponential smoothing, with the gain that has been best of late (a level that wanders and is measured with noise,
IMA(0,1,1): Muth 1960; Box & Jenkins 1970, section 5.3): the very last block for a random walk, the mean of many for a
steady signal, either with or without the day's profile. The residual's rank among the last 128 (`Ranks`: a conformal
p-value, whatever the distribution) is bet on to be high, by `Detector`, but for no more than the block lies above the
last hour and a half: what has jumped does not go on climbing. While evidence gathers, what comes teaches a quarter.

Evidence speaks once the level is beyond the highest block of the last seven days by the tolerance of its rule: what
rises and falls again by the hour (caches, garbage collection) or by the day has been as high before.

E[M] grows by one a block at most, and a block is as many windows as it has values: M times that many is an e-detector
on the scale of windows (`Detector`), which all of a workload's are averaged on.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from streams.errors import BadRecord, Reason
from streams.watch.detector import Detector, DetectorState
from streams.watch.forecast import MOST_STAYS
from streams.watch.mean import FadingMean, MeanState
from streams.watch.points import Point
from streams.watch.ranks import Ranks, RanksState
from streams.watch.reading import Direction, Reading

BLOCK_NS = 1_200_000_000_000
SLOTS = 72
"""Blocks of a day."""
MOST_CLIMBS = 16
"""Signals of a workload that are watched so."""
SUFFIX = "/climb"
_GROUPS = frozenset(("memory", "saturation"))
"""What fills up. Shares of processor time and latencies follow the traffic."""
_WEIGHT = 1.0 / MOST_CLIMBS
"""All together weigh as much as one class of log lines."""
WARM = SLOTS
"""Blocks before it speaks: a day, as a rise in the morning is no climb."""
_LEAST_ERRORS = 10.0
"""Blocks from which a forecast's errors are known."""
GAINS = (1.0, 0.5, 0.2, 0.05)
"""Of the smoothing: from the block before to the last seven hours."""
_QUICK = 2
"""Place of the gain that soon has followed a step: what goes on climbing is beyond that, too."""
_SD_RATIO = math.sqrt(2.0 / math.pi)
"""Mean absolute error of a normal distribution, in standard deviations."""
_ERRORS = 3.0 * SLOTS
"""Blocks over which errors are compared."""
_JUMP = 5.0
"""Mean errors (four standard deviations) beyond which a residual is no noise: the level is another one now."""
_FLAT_RATIO = 1e-3
"""Of the level: the least error, so that a signal that never moves has one."""
_VISITS = 7
"""Days that the profile remembers."""
_DAYS = 7
"""Of which the highest block is known."""
_BETS = (0.5, 1.0, 2.0)
"""On the normal score: log ratio is b y - b^2 / 2. The rank among 128 is 2.7 at most."""
_STARTS = (1.0,) * len(_BETS)
_FAR = 3
"""Blocks without a value after which it begins anew."""
_ENDS = 9
"""Blocks without one that is higher: it climbs no more. (M falls slowly where nothing speaks against it.)"""
_DAMNING = 4.0
"""Log ratio of evidence that began before a deployment: so high a level is not what was normal."""
_NOTHING = -690.0
_HOUR_NS = 3.6e12
_MINUTE_NS = 60_000_000_000
_FORETOLD_H = 96.0
"""As far ahead as kubernetes-mixin's KubePersistentVolumeFillingUp looks."""
_MOST = 1e37
"""Of a value, either way: single precision holds little more."""
_LITTLE = 0.1
"""Of a rise: from less than that it is told in its own unit."""


class LeakState(Struct, array_like=True):
    """The snapshot of one signal: language-neutral, bounded."""

    block: int = -1
    """Number of the block under way; -1 before the first."""
    mean: MeanState = MeanState()
    """Of its values."""
    levels: list[float] = []
    """By gain; then the same of what is left without the day's profile."""
    errors: list[MeanState] = []
    """Mean absolute error of each."""
    day: bytes = b""
    """Mean of each block of the day, little-endian single precision."""
    visits: bytes = b""
    """How often each was there, up to the memory."""
    ranks: bytes = b""
    """Residuals of late in mean errors, little-endian single precision."""
    detector: DetectorState | None = None
    seen: int = 0
    """Blocks."""
    seasonal: bool = False
    """It was forecast with the profile before."""
    highest: list[tuple[int, float]] = []
    """(day, highest block), oldest first."""
    peak: float = -math.inf
    """Highest block since the onset, not among those."""
    peaked: int = -1
    """Which that was."""
    gathered: float = 0.0
    """Log ratio since the onset (Page's CUSUM)."""
    onset_ns: int | None = None
    began: float = 0.0
    """Level at the onset."""
    values: MeanState = field(default_factory=MeanState)
    """Values of a block."""
    stays: MeanState = MeanState()
    """Normal score of a residual x that of the one before: their autocorrelation."""
    last: float = 0.0
    """Normal score of the last residual."""
    anew: bool = False
    """The next block is the first after a deployment."""
    late: bytes = b""
    """The last blocks' means, little-endian single precision, oldest first."""


class LeakWatch:
    """`add` values in time order; a reading when a block is over."""

    __slots__ = ("_day", "_detector", "_errors", "_mean", "_ranks", "_state", "_stays", "_values", "_visits")

    def __init__(self, state: LeakState | None = None) -> None:
        known = self._state = state or LeakState()
        self._mean = FadingMean(1e9, known.mean)
        number = 2 * len(GAINS)
        known.levels = known.levels or [0.0] * number
        self._errors = [FadingMean(_ERRORS, each) for each in known.errors or [MeanState()] * number]
        self._day = array("f", _floats(known.day) or [0.0] * SLOTS)
        self._visits = bytearray(known.visits or bytes(SLOTS))
        self._ranks = Ranks(RanksState(tuple(_floats(known.ranks))))
        self._detector = Detector(len(_BETS), known.detector)
        self._values = FadingMean(_ERRORS, known.values)
        self._stays = FadingMean(_ERRORS, known.stays)

    def to_state(self) -> LeakState:
        """The snapshot; valid until the next value."""
        state = self._state
        state.mean, state.values = self._mean.to_state(), self._values.to_state()
        state.errors = [each.to_state() for each in self._errors]
        state.day, state.visits = _packed(self._day), bytes(self._visits)
        state.ranks = _packed(self._ranks.to_state().values)
        state.detector, state.stays = self._detector.to_state(), self._stays.to_state()
        return state

    def add(self, time_ns: int, value: float, limit: float | None = None) -> Reading | None:
        """Take in one value; what is said of the block before it, if it is the first of another.

        Args:
            time_ns: of the value.
            value: the level.
            limit: how far it can go; None where nobody says.

        Raises:
            BadRecord: it is not finite, or of a block that is over.
        """
        state, block = self._state, time_ns // BLOCK_NS
        if not -1e150 < value < 1e150:
            raise BadRecord(Reason.BAD_VALUE, f"a level of {value}: it has to be finite")
        if block < state.block:
            raise BadRecord(Reason.BAD_TIME, f"{time_ns} is in a block of {BLOCK_NS // 10**9} s that is over")
        reading = None
        if block > state.block:
            if state.block >= 0 and self._mean.weight:
                reading = self._close(state.block, self._mean.value, limit)
                if block - state.block > _FAR:
                    self._begin_anew()
            state.block, self._mean = block, FadingMean(1e9)
        self._mean.learn(min(max(value, -_MOST), _MOST))
        return reading

    def quieten(self) -> None:
        """Forget the evidence gathered: it has been as high as now."""
        self._fold(self._state.block)
        self._forget()

    def deployed(self) -> None:
        """Other processes from here on: what they begin with is where a climb begins."""
        state = self._state
        if state.gathered < _DAMNING:
            self._fold(state.block)
        state.peak = -math.inf
        self._begin_anew()
        self._mean = FadingMean(1e9)

    def _begin_anew(self) -> None:
        self._fold(self._state.block)
        self._forget()
        self._state.anew = True

    def _forget(self) -> None:
        self._detector.quieten()
        self._state.gathered, self._state.onset_ns = 0.0, None

    def _close(self, block: int, mean: float, limit: float | None) -> Reading:
        """Judge one block's mean, then learn from it."""
        state, slot = self._state, block % SLOTS
        usual = self._day[slot] if self._visits[slot] else None
        state.seen += 1
        self._values.learn(self._mean.weight)
        warm = state.seen > WARM
        if state.anew or state.seen == 1:
            self._settle(mean, usual)
            state.anew, warm = False, False
        else:
            warm = self._judge(block, mean, usual) and warm
        state.late = (state.late + _packed([mean]))[-4 * _ENDS :]
        visits = min(self._visits[slot] + 1, _VISITS)
        self._visits[slot] = visits
        self._day[slot] += (mean - self._day[slot]) / visits
        if state.gathered <= 0.0:
            state.onset_ns = None
            self._fold(block)
            self._remember(block, mean)
        elif mean > state.peak:
            state.peak, state.peaked = mean, block
        elif block - state.peaked >= _ENDS:
            self.quieten()
        return self._reading(block, mean, warm, limit)

    def _settle(self, mean: float, usual: float | None) -> None:
        """The level is another one."""
        known, number = self._state, len(GAINS)
        known.levels[:number] = [mean] * number
        if usual is not None:
            known.levels[number:] = [mean - usual] * number
            known.seasonal = True

    def _judge(self, block: int, mean: float, usual: float | None) -> bool:
        """Bet on one block and learn its errors; whether enough is known."""
        state, number = self._state, len(GAINS)
        best = self._best(usual is not None)
        error = max(self._errors[best].value, _FLAT_RATIO * abs(mean), 1e-12)
        value = mean if best < number else mean - (usual or 0.0)
        moved = (value - state.levels[best]) / error
        known = self._errors[best].weight >= _LEAST_ERRORS
        standard = self._ranks.standard(moved) if known else 0.0
        if known and state.seen > WARM:
            quick = _QUICK + (0 if best < number else number)
            going_on = _SD_RATIO * (value - state.levels[quick]) / max(self._errors[quick].value, 1e-12)
            self._bet(block, min(self._fresh(standard), going_on))
        trust = self._detector.trust_ratio
        self._stays.learn(standard * state.last, trust)
        state.last = standard
        if known and (trust == 1.0 or state.seen % round(1.0 / trust) == 0):
            self._ranks.learn(moved)
        self._learn(0, mean, trust)
        if usual is not None:
            if not state.seasonal:
                state.levels[number:] = [mean - usual] * number
                state.seasonal = True
            else:
                self._learn(number, mean - usual, trust)
        return known

    def _best(self, seasonal: bool) -> int:
        """Place of the forecast that is believed, of those with the day's profile only where that is known."""
        number = len(GAINS)
        places: list[int] = [*range(number)]
        if seasonal:
            places += [place for place in range(number, 2 * number) if self._errors[place].weight >= _LEAST_ERRORS]
        return min(places, key=lambda place: (self._errors[place].value, place))

    def _fresh(self, standard: float) -> float:
        """What the score of the block before did not foretell; never more than the score itself (as in `levels`)."""
        stays = min(max(self._stays.value, 0.0), MOST_STAYS)
        fresh = (standard - stays * self._state.last) / math.sqrt(1.0 - stays * stays)
        return min(max(fresh, -abs(standard)), abs(standard))

    def _bet(self, block: int, standard: float) -> None:
        state, before = self._state, self._detector.log_e
        ratios = [math.exp(bet * standard - bet * bet / 2.0) for bet in _BETS]
        ratio = self._detector.add(block * BLOCK_NS, ratios, _STARTS) - math.log1p(math.exp(before))
        if state.gathered <= 0.0:
            state.onset_ns, state.began = block * BLOCK_NS, state.levels[_QUICK]
        state.gathered = max(state.gathered + ratio, 0.0)

    def _learn(self, first: int, value: float, trust: float) -> None:
        levels = self._state.levels
        for place, gain in enumerate(GAINS, first):
            error, off = self._errors[place], value - levels[place]
            known = error.weight >= _LEAST_ERRORS
            most = _JUMP * max(error.value, _FLAT_RATIO * abs(value))
            levels[place] += off if known and abs(off) > most else gain * off
            error.learn(min(abs(off), most) if known else abs(off), trust)

    def _remember(self, block: int, mean: float) -> None:
        """One block more that is what the level has been."""
        day, highest = block // SLOTS, self._state.highest
        if highest and highest[-1][0] == day:
            highest[-1] = (day, max(highest[-1][1], mean))
        else:
            self._state.highest = [*(one for one in highest if one[0] > day - _DAYS), (day, mean)]

    def _fold(self, block: int) -> None:
        if self._state.peak > -math.inf:
            self._remember(block, self._state.peak)
            self._state.peak = -math.inf

    def _reading(self, block: int, mean: float, warm: bool, limit: float | None) -> Reading:
        state = self._state
        most = max((one[1] for one in state.highest if one[0] > block // SLOTS - _DAYS), default=mean)
        log_e = self._detector.log_e + math.log(max(self._values.value, 1.0)) if warm else _NOTHING
        direction: Direction = "higher" if mean >= most else "lower"
        if state.onset_ns is None:
            return Reading(mean, most, direction, log_e, 0.0, None, warm)
        end_ns = (block + 1) * BLOCK_NS
        hours, rise = (end_ns - state.onset_ns) / _HOUR_NS, mean - state.began
        by = f"{rise / state.began / hours:.1%}" if state.began > max(_LITTLE * rise, 0.0) else f"{rise / hours:.3g}"
        note = f"climbing by {by} an hour for {hours:.3g} h"
        reaches_ns = (
            None if limit is None else _reaches(limit, mean, self._rise(block, state.onset_ns, rise / hours), end_ns)
        )
        told = None if reaches_ns is None else limit
        return Reading(mean, most, direction, log_e, 0.0, state.onset_ns, warm, note, told, reaches_ns)

    def _rise(self, block: int, onset_ns: int, since: float) -> float:
        """An hour: the larger of that since the onset, which may lie before the climb, and of the last three hours.

        The second is the slope of the least squares' line, from the block before the onset on. So what is foretold is
        rather early than late.
        """
        late = _floats(self._state.late)[onset_ns // BLOCK_NS - block - 2 :]
        middle = (len(late) - 1) / 2.0
        squares = math.fsum((place - middle) ** 2 for place in range(len(late)))
        slope = math.fsum((place - middle) * mean for place, mean in enumerate(late)) / squares if squares else 0.0
        return max(since, slope * (_HOUR_NS / BLOCK_NS))


def _reaches(limit: float, mean: float, an_hour: float, end_ns: int) -> int | None:
    """When a block's mean that rises so is at its limit, to the minute; None: not in the time that is foretold.

    What is beyond a limit is not bounded by it (another container has none, and nobody says so).
    """
    if mean > limit or an_hour <= 0.0 or limit - mean > an_hour * _FORETOLD_H:
        return None
    at_ns = end_ns - BLOCK_NS // 2 + round((limit - mean) / an_hour * _HOUR_NS)
    return max(round(at_ns / _MINUTE_NS) * _MINUTE_NS, end_ns)


def climbs(found: Iterable[Point]) -> Iterator[Point]:
    """Of a window's points those of which a climb is watched, as points of their own; the first so many.

    Gauges of which more is worse and which fill up: memory, queues, threads, file descriptors.
    """
    left = MOST_CLIMBS
    for point in found:
        if left and point.exposure is None and point.worse == "higher" and point.group in _GROUPS:
            left -= point.weight > 0.0
            yield Point(
                point.signal + SUFFIX,
                point.value,
                None,
                point.group,
                point.unit,
                weight=_WEIGHT if point.weight > 0.0 else 0.0,
                tolerance=point.tolerance,
                model="climb",
                limit=point.limit,
            )


def _floats(packed: bytes) -> list[float]:
    return list(struct.unpack(f"<{len(packed) // 4}f", packed))


def _packed(values: Sequence[float]) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)

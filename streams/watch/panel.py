"""All models of one workload's signals, and what their e-detectors say together.

The average of e-detectors, with weights that no value of theirs has set, is an e-detector: E[M_t] <= t. A signal whose
evidence points the better way counts as none, and feedback divides a signal's M by a number above 1: both only lower M,
and so keep the average run length. Source: Shin, Ramdas & Rinaldo (arXiv 2203.03532), section 3; judging.md, section 6.

After a deployment a second M starts at 0 for every signal and follows the same ratios for as long as it is watched
closely: P(M >= c within n windows) <= n / c.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec import Struct

from streams.judging.levels.track import LARGEST_LEVEL
from streams.signals.rule import Worse
from streams.watch.counts import LEAST_EXPOSURE, CountState, CountWatch
from streams.watch.gone import GoneState, GoneWatch
from streams.watch.leaks import MOST_CLIMBS, LeakState, LeakWatch
from streams.watch.levels import LevelState, LevelWatch
from streams.watch.load import AT_LOAD, LoadState
from streams.watch.mean import FadingMean, MeanState
from streams.watch.points import Point, cut_level
from streams.watch.reading import Reading
from streams.watch.regular import MOST_REGULAR

MOST_SIGNALS = 72
"""Levels and counts of a workload: about 1 ms a window, and 8 KiB each."""
MOST_SMALL = MOST_CLIMBS + MOST_REGULAR
"""Climbs and templates that may be gone: .01 ms a window, and .1 to 1.3 KiB each."""
_FORGET_NS = 86_400_000_000_000
"""A signal not seen for a day gives up its place."""
_RHYTHM = 100.0
"""Values whose distance says how many windows lie between two."""
_LOAD_HOLDS = 12
"""Windows: a minute, as long as most take from one scrape to the next."""
_LOAD_LOST = 60
"""Windows without it after which it is not coming back, and levels are watched as they are: so five minutes."""
_AT_USUAL = "at its usual load"
_NOTHING = -690.0
"""Log of M = 0."""
_MOST_PENALTY, _PENALTY = math.log(100.0), math.log(4.0)
_PENALTY_HALVES_NS = 30 * 86_400_000_000_000


Model = LevelWatch | CountWatch | LeakWatch | GoneWatch


class SignalState(Struct, array_like=True):
    """One signal."""

    group: str
    unit: str
    worse: Worse
    weight: float
    level: LevelState | None = None
    count: CountState | None = None
    seen_ns: int = 0
    log_e: float = _NOTHING
    warm: bool = False
    close_log_m: float = _NOTHING
    """Since the latest deployment."""
    onset_ns: int | None = None
    before: float = 0.0
    """What was expected at the onset."""
    total: float = 0.0
    """Sum of the values since the onset."""
    number: int = 0
    penalty: float = 0.0
    """Natural logarithm; what feedback has taught, as of `penalty_ns`."""
    penalty_ns: int = 0
    tolerance: float = 0.2
    """Relative rise that nobody minds."""
    sum_log: float = 0.0
    """Of the ratios since the onset (Page's CUSUM): it begins where it was last 0, the likeliest time of the change."""

    beyond: int = 0
    """Values since the onset that lie beyond the tolerance, above or below."""
    climb: LeakState | None = None
    gone: GoneState | None = None
    note: str = ""
    """What the numbers do not say."""
    every: MeanState = MeanState()
    """Windows from one value to the next."""
    window: int = 0
    """Number of the window with its latest value."""
    below: int = 0
    """Of `beyond`: those below."""
    limit: float | None = None
    """That it climbs towards, as of `reaches_ns`."""
    reaches_ns: int | None = None
    """When it would be there."""
    tolerance_down: float = 0.2
    """Relative fall that nobody minds."""
    load: LoadState | None = None
    """Of a level that is held against the load."""
    negative: bool = False
    """A value below 0 has come."""

    def begin_anew(self) -> None:
        """No evidence has been gathered."""
        self.log_e = self.close_log_m = _NOTHING
        self.onset_ns, self.sum_log = None, 0.0

    def tolerated(self, change: float) -> float:
        """How large a change to this side nobody minds."""
        return (self.tolerance if change >= 0.0 else self.tolerance_down) * abs(self.before)

    @property
    def now(self) -> float:
        """Mean since the onset."""
        return self.total / self.number if self.number else self.before

    @property
    def speaks(self) -> bool:
        """Its evidence is for worse, and for more than nobody minds."""
        worse, change = self.worse, self.now - self.before
        if not self.warm or abs(change) < self.tolerated(change):
            return False
        if 2 * (self.beyond - self.below if change >= 0.0 else self.below) < self.number:
            return False
        return worse == "either" or (change >= 0.0) == (worse == "higher")


class PanelState(Struct, array_like=True):
    """All of them."""

    signals: dict[str, SignalState] = {}
    left_out: int = 0
    """Points of signals that found no place, so far."""
    windows: int = 0
    """So far."""
    load: float = 0.0
    """Of the workload, when it was last told."""
    load_window: int = -_LOAD_HOLDS - 1
    """Number of the window that told it."""


class Panel:
    """`add` each window's points, in order of time; then `log_mean`."""

    def __init__(self, state: PanelState, forget_ns: int = _FORGET_NS, *, scored: bool = False) -> None:
        """Go on.

        Args:
            state: the snapshot; it changes.
            forget_ns: a signal that was not seen for so long gives up its place.
            scored: somebody asks for `Reading.abnormality`, which no alarm rests on.
        """
        self._state, self._forget_ns, self._scored = state, forget_ns, scored
        self._models = {name: _restored(known, scored=scored) for name, known in state.signals.items()}

    @property
    def signals(self) -> Mapping[str, SignalState]:
        """By name."""
        return self._state.signals

    def to_state(self) -> PanelState:
        """The snapshot."""
        for name, model in self._models.items():
            known = self._state.signals[name]
            if isinstance(model, CountWatch):
                known.count = model.to_state()
            elif isinstance(model, LevelWatch):
                known.level = model.to_state()
            elif isinstance(model, LeakWatch):
                known.climb = model.to_state()
            else:
                known.gone = model.to_state()
        return self._state

    def add(self, time_ns: int, found: Iterable[Point], load: float | None = None) -> dict[str, Reading]:
        """Judge one window's points, and learn from them; what is said of each by itself.

        What matters of a signal is as its latest point has it; one without weight is watched no more. Of two points of
        one name the first counts, and one of another kind than its signal has no place: whoever writes metrics chooses
        their names.

        Args:
            time_ns: of the window.
            found: its points.
            load: of the workload, in a unit of its own; None: it does not tell.

        Raises:
            BadRecord: a value that cannot be, or a window not later than the last one.
        """
        self._forget(time_ns)
        state = self._state
        state.windows += 1
        if load is not None:
            state.load, state.load_window = load, state.windows
        readings: dict[str, Reading] = {}
        for point in _once(found):
            if point.weight <= 0.0:
                self.drop(point.signal)
                continue
            known = self._state.signals.get(point.signal) or self._admit(point, time_ns)
            model = self._models.get(point.signal)
            if known is None or type(model) is not _model_of(point):
                self._state.left_out += 1
                continue
            known.group, known.worse, known.weight = point.group, point.worse, point.weight
            known.tolerance, known.tolerance_down = point.tolerance, point.tolerance_down
            known.negative = known.negative or point.value < 0.0
            if point.exposure is not None and point.exposure < LEAST_EXPOSURE:
                continue
            if isinstance(model, LeakWatch | GoneWatch):
                whole = _whole(model, time_ns, point)
                known.seen_ns = time_ns
                if whole is not None:
                    _take_over(known, whole, close=point.model == "gone")
                    readings[point.signal] = whole
                continue
            if isinstance(model, CountWatch):
                reading = model.add(time_ns, point.value, point.exposure or 0.0)
            elif (held := self._held(point, known, model)) is None:
                known.seen_ns = time_ns
                continue
            else:
                level, value = held
                reading = level.add(time_ns, value)
            _note(known, reading, time_ns, counted=point.exposure is not None)
            _keep_time(known, self._state.windows)
            readings[point.signal] = reading
        return readings

    def log_mean(self, names: Collection[str] | None = None, *, close: bool = False, at_ns: int = 0) -> float:
        """Natural logarithm of the weighted mean of M; signals not named count as 0.

        Args:
            names: None: all.
            close: of M since the deployment.
            at_ns: for how long feedback holds.
        """
        signals = self._state.signals
        chosen = sorted(signals if names is None else names)
        total = math.fsum(known.weight for known in signals.values())
        found = math.fsum(math.exp(self.log_share(name, close=close, at_ns=at_ns)) for name in chosen)
        return math.log(found / total) if found > 0.0 and total > 0.0 else _NOTHING

    def log_share(self, name: str, *, close: bool = False, at_ns: int = 0) -> float:
        """Natural logarithm of weight * M of one signal, and of the windows from one value of it to the next.

        M grows by no more than one a value, so that by so much more it grows by no more than one a window.
        """
        known = self._state.signals.get(name)
        if known is None or not known.speaks or known.weight <= 0.0:
            return _NOTHING
        log_m = known.close_log_m if close else known.log_e
        return log_m + math.log(known.weight * max(known.every.mean, 1.0)) - _penalty(known, at_ns)

    def deployed(self) -> None:
        """Watch closely from here on."""
        for name, known in self._state.signals.items():
            known.close_log_m = _NOTHING
            model = self._models[name]
            if isinstance(model, LeakWatch | GoneWatch):
                model.deployed()

    def missing(self) -> list[str]:
        """Signals of templates that the revision before wrote and that in production has not written yet, sorted."""
        return sorted(name for name, model in self._models.items() if isinstance(model, GoneWatch) and model.missing)

    def rename(self, name: str, to: str | None) -> None:
        """A template became part of another; None: that is there already."""
        known, model = self._state.signals.pop(name, None), self._models.pop(name, None)
        if known is not None and model is not None and to is not None and to not in self._state.signals:
            self._state.signals[to], self._models[to] = known, model

    def drop(self, name: str) -> None:
        """It is watched no more."""
        self.rename(name, None)

    def climb(self, names: Collection[str]) -> bool:
        """Of one of these it is the climb that is watched."""
        return any(isinstance(self._models.get(name), LeakWatch) for name in names)

    def level(self, name: str) -> float | None:
        """Where a level is of late, in its unit; None of what is none."""
        model = self._models.get(name)
        return model.late if isinstance(model, LevelWatch) else None

    def teach(self, name: str, at_ns: int, *, news: bool, latest: bool = True) -> None:
        """It rang for nothing (its threshold rises fourfold, to a hundredfold at most), or for good reason.

        What a level did then is known from here on, or is not; if it has not rung again since, `latest`: of what it
        did before that nothing is kept.
        """
        known, model = self._state.signals.get(name), self._models.get(name)
        if latest and isinstance(model, LevelWatch):
            model.teach(news=news)
        if known is not None:
            penalty = _penalty(known, at_ns) + (-_PENALTY if news else _PENALTY)
            known.penalty, known.penalty_ns = min(max(penalty, 0.0), _MOST_PENALTY), at_ns

    def hear(self, name: str) -> None:
        """It rings."""
        model = self._models.get(name)
        if isinstance(model, LevelWatch):
            model.hear()

    def pass_over(self, name: str) -> None:
        """What it does comes at this hour: how far it goes teaches nothing."""
        model = self._models.get(name)
        if isinstance(model, LevelWatch | CountWatch):
            model.pass_over()

    def quieten(self, name: str) -> None:
        """Forget the evidence gathered, not what is normal."""
        state, model = self._state.signals.get(name), self._models.get(name)
        if state is None or model is None:
            return
        model.quieten()
        state.begin_anew()

    def relearn(self, name: str) -> None:
        """What it does now is what is normal: a level keeps its scale and goes on from here, a count begins anew."""
        state, model = self._state.signals.get(name), self._models.get(name)
        if state is None or model is None:
            return
        if isinstance(model, LevelWatch):
            model.settle()
        elif isinstance(model, CountWatch):
            self._models[name], state.warm = CountWatch(scored=self._scored), False
        else:
            model.quieten()
        state.begin_anew()

    def _held(self, point: Point, known: SignalState, model: LevelWatch) -> tuple[LevelWatch, float] | None:
        """The model of a level, and what it is at its usual load, or as it is; None: it goes with a load not told now.

        As it is it would be another signal than it was; when the load does not come back it is one, and begins anew.
        """
        state = self._state
        if point.group not in AT_LOAD or not -LARGEST_LEVEL <= point.value <= LARGEST_LEVEL:
            known.note = ""
            return model, point.value
        without = state.windows - state.load_window
        if without <= _LOAD_HOLDS:
            return model, _at_usual_load(known, point.value, state.load)
        if known.load is not None and known.load.slope:
            if without <= _LOAD_LOST or model.heard:
                return None
            model = self._models[point.signal] = LevelWatch(scored=self._scored)
            known.load, known.warm = None, False
            known.begin_anew()
        known.note = ""
        return model, point.value

    def _forget(self, time_ns: int) -> None:
        """Make room for others."""
        signals = self._state.signals
        for name in [name for name, known in signals.items() if time_ns - known.seen_ns >= self._forget_ns]:
            del signals[name], self._models[name]

    def _has_room(self, point: Point) -> bool:
        small = sum(isinstance(model, LeakWatch | GoneWatch) for model in self._models.values())
        return small < MOST_SMALL if point.model else len(self._models) - small < MOST_SIGNALS

    def _admit(self, point: Point, time_ns: int) -> SignalState | None:
        signals = self._state.signals
        if not self._has_room(point):
            return None
        known = signals[point.signal] = SignalState(point.group, point.unit, point.worse, point.weight)
        known.seen_ns, known.window = time_ns, self._state.windows
        self._models[point.signal] = _model(point, scored=self._scored)
        return known


def _restored(known: SignalState, *, scored: bool) -> Model:
    if known.count is not None:
        return CountWatch(known.count, scored=scored)
    if known.climb is not None:
        return LeakWatch(known.climb)
    return LevelWatch(known.level, scored=scored) if known.gone is None else GoneWatch(known.gone)


def _once(found: Iterable[Point]) -> Iterator[Point]:
    """The first of each name."""
    met: set[str] = set()
    for point in found:
        if point.signal not in met:
            met.add(point.signal)
            yield point


def _model_of(point: Point) -> type[Model]:
    if point.model == "climb":
        return LeakWatch
    if point.model == "gone":
        return GoneWatch
    return LevelWatch if point.exposure is None else CountWatch


def _model(point: Point, *, scored: bool) -> Model:
    model = _model_of(point)
    if model is GoneWatch:
        return GoneWatch(GoneState(longest=point.absent))
    if model is LeakWatch:
        return LeakWatch()
    return LevelWatch(scored=scored) if model is LevelWatch else CountWatch(scored=scored)


def _at_usual_load(known: SignalState, value: float, load: float) -> float:
    at_load = known.load
    if at_load is None:
        at_load = known.load = LoadState()
    known.note = _AT_USUAL if at_load.slope else ""
    return cut_level(at_load.at_usual(value, load))


def _whole(model: LeakWatch | GoneWatch, time_ns: int, point: Point) -> Reading | None:
    if isinstance(model, GoneWatch):
        return model.add(time_ns, point.value, point.exposure or 0.0, point.beside)
    return model.add(time_ns, point.value, point.limit)


def _take_over(known: SignalState, reading: Reading, *, close: bool) -> None:
    """Of a model that knows itself what was before, and since when; `close`: its evidence is of this deployment."""
    known.log_e, known.warm, known.onset_ns, known.note = reading.log_e, reading.warm, reading.onset_ns, reading.note
    known.before, known.total, known.number, known.beyond = reading.expected, reading.value, 1, 1
    known.below = int(reading.value < reading.expected)
    known.limit, known.reaches_ns = reading.limit, reading.reaches_ns
    if close:
        known.close_log_m = reading.log_e


def _note(known: SignalState, reading: Reading, time_ns: int, *, counted: bool) -> None:
    if reading.warm:
        # M_t <= (M_t-1 + 1) L_t: what is divided out is at most L_t, so that the second M promises no less. (More where
        # a level is heard again that was near where it usually is; simulated AR(1) keep the promise all the same.)
        ratio = reading.log_e - math.log1p(math.exp(known.log_e))
        known.close_log_m = max(math.log1p(math.exp(known.close_log_m)) + ratio, _NOTHING)
        known.sum_log = max(known.sum_log + ratio, 0.0)
    known.log_e, known.warm, known.seen_ns = reading.log_e, reading.warm, time_ns
    if known.sum_log <= 0.0 or known.onset_ns is None:
        known.before, known.total, known.number = reading.expected, 0.0, 0
        known.beyond = known.below = 0
        known.onset_ns = time_ns
    if known.sum_log <= 0.0:
        known.onset_ns = None
    known.total += reading.value
    known.number += 1
    off = reading.value - known.before
    # Of few events most windows have none: their median tells nothing, their mean does.
    if counted:
        known.beyond += 1
        known.below = known.beyond if known.now < known.before else 0
    elif abs(off) >= known.tolerated(off):
        known.beyond += 1
        known.below += off < 0.0


def _keep_time(known: SignalState, window: int) -> None:
    """How many windows lie between two values; a gap counts as three usual ones at most."""
    if window > known.window:
        gap = float(window - known.window)
        if known.every.n < _RHYTHM or known.every.mean != gap:  # else it would learn what it knows, at each value
            every = FadingMean(_RHYTHM, known.every)
            every.learn(min(gap, 3.0 * every.value) if every.weight else gap)
            known.every = every.to_state()
        known.window = window


def _penalty(known: SignalState, at_ns: int) -> float:
    if known.penalty <= 0.0:
        return 0.0
    halvings = max(at_ns - known.penalty_ns, 0) / _PENALTY_HALVES_NS
    return known.penalty * math.exp2(-halvings)

"""Would the baseline's only pod have been failed in the canary's place?

What lasts at the only pod of a canary is told from a worse revision by nothing but its beginning, so that all depends
on how often such causes begin (`onset`). The baseline beside it is known to be no worse than itself: where the part's p
of its events, with the canary in the baseline's place, is .05 or less, a cause that lasts has hit its pod. Whatever
would have failed a canary is found so, by the same past, streams and alternatives; and of pods that nothing hits one
comparison in twenty at most shows one, by the bound that holds for canaries. What a pod shows after that has no
beginning that could be told, so neither it nor the time counts: first incidents over the time until they were found are
the rate of what begins at a constant one, however many follow. What takes d from the first event to be found is found
if it begins in the first T - d of a comparison of T, and so stands for T/(T - d) incidents (at most 2).

A canary that mends what fails in the baseline makes that an incident, a worse one hides what hits the baseline.

Source: exchange of the two sides under the null, as in a permutation test; rate of what is censored, Cox & Oakes,
Analysis of Survival Data (1984), section 3.2; inverse probability of being seen: Horvitz & Thompson, JASA 47 (1952).
Simulated in `tests/simulation/test_logs_history.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from streams.judging.logs.beside import Beside, BesideState, ExposureShares
from streams.judging.logs.settings import ERRORS, LogSettings
from streams.judging.logs.stream import (
    StreamState,
    stream_clumps,
    stream_factors,
    stream_p,
    stream_tolerance,
    weighted_simes,
)

_FOUND = 0.05
"""The larger of the two alphas that are usual."""


class Mirrored(Struct, array_like=True):
    """One stream."""

    beside: BesideState = field(default_factory=BesideState)
    events: float = 0.0
    """Those that p_h judges."""
    p: float = 1.0
    """Running minimum."""


class MirrorState(Struct, array_like=True):
    """All that is remembered; bounded."""

    streams: dict[str, Mirrored] = {}
    begun_s: float | None = None
    """Time since the comparison began, when the pod had its first event; None before."""
    found: float = 0.0
    """Incidents that what has hit the pod stands for; 0 while nothing has."""


class Look(Struct, frozen=True):
    """When it is, and how far the past is asked."""

    at_s: float
    """Since the comparison began, and ..."""
    planned_s: float
    """... of how long it is to take."""
    exposure_s: float
    """Pod-seconds of the baseline up to the end of the present look (`horizon`)."""
    share: float
    """Of the error; above 0."""
    clump: float
    """How many failed traces of the pod count as one, at least 1."""


class Mirror:
    """`add` each window of each stream, then `look`, until it was `found`."""

    def __init__(self, settings: LogSettings, streams: Mapping[str, StreamState], state: MirrorState) -> None:
        """Goes on from a state.

        Args:
            settings: what an operator set.
            streams: of the comparison; read only.
            state: becomes its own.
        """
        self._settings = settings
        self._streams = streams
        self.state = state
        self._beside: dict[str, Beside] = {}
        self._changed: set[str] = set()

    def add(self, name: str, baseline: float, canary: float, events: float, shares: ExposureShares) -> None:
        """One window of one stream in which both sides were there.

        Args:
            name: of the stream.
            baseline: its events in the window.
            canary: the same.
            events: the baseline's so far, as p_h judges the canary's.
            shares: the canary's.
        """
        if self.state.found or baseline + canary <= 0.0 or self._streams[name].share <= 0.0:
            return
        beside = self._beside.get(name) or self._begin(name)
        swapped = ExposureShares(1.0 - shares.by_requests, 1.0 - shares.by_pods, shares.saturation)
        beside.add(baseline, canary, swapped)
        self.state.streams[name].events = events
        if baseline > 0.0:
            self._changed.add(name)

    @property
    def changed(self) -> bool:
        """The baseline has had events since it was looked at."""
        return bool(self._changed)

    def look(self, look: Look) -> None:
        """Judge what has been added."""
        for name in sorted(self._changed):
            mirrored, stream = self.state.streams[name], self._streams[name]
            clump = look.clump if name == ERRORS else 1.0
            beside = self._beside[name].p(max(stream_clumps(stream), clump))
            tolerance = stream_tolerance(name, self._settings)
            p = stream_p(stream, mirrored.events, beside, look.exposure_s, look.share, tolerance, clump)
            mirrored.p = min(mirrored.p, p)
        self._changed.clear()
        told = [(mirrored.p, self._streams[name].share) for name, mirrored in self.state.streams.items()]
        p = weighted_simes(told)
        if self.state.begun_s is None:
            self.state.begun_s = look.at_s
        if p <= _FOUND:
            took = (look.at_s - self.state.begun_s) / look.planned_s
            self.state.found = 1.0 / max(0.5, 1.0 - took)
            self.state.streams = {}

    def _begin(self, name: str) -> Beside:
        stream = self._streams[name]
        beside = Beside(
            stream_tolerance(name, self._settings),
            self._settings.background,
            stream_factors(name, stream.past),
            self.state.streams.setdefault(name, Mirrored()).beside,
            clumps_known=stream.clumps_known,
        )
        self._beside[name] = beside
        return beside

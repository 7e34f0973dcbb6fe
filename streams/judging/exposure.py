"""How much could each side have failed, and which events belong to that exposure?

Exposure is requests where one source counts them on **both** revisions, else pod-seconds. The first source seen on
both is kept for the life of the comparison (of several at once the preferred one); windows judged before it showed up
were judged by pod-seconds, and stay so.

Scrapes are slow and not aligned with windows, so events and exposure are collected in *bins*. By pod-seconds every
window is its own bin. By requests a bin settles when every pod that is there and has ever reported has reported since
the bin began, on both sides: with a scrape every 15 s a bin is 15 s long, and each pod brings the requests of one
scrape. If that takes longer than the patience, the bin falls back to pod-seconds, and what requests were counted
serves for their own errors alone.

An operator may ask for another exposure of log incidents. `pod_seconds`: the canary's share is that of pods, whatever
it serves. `log_lines`: that of the lines that are no warning or worse, shrunk to the pods' share like requests; lines
worse than that do not count, for a canary that logs more errors is not to be allowed more for it. `requests`: a bin
that requests cannot be told of brings no evidence of log incidents. Failed requests are a share of requests in any
case, and the bins are the same.

Log incidents need not follow requests: health checks, timers and start-up follow pods, and an incident (signature and
pod in a window) can be seen but once per window however many requests it hits. So a bin gives two shares, by requests
and by pod-seconds; `signal` guards one by the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from streams.judging.counts import cut
from streams.judging.incidents import LoggedBin, add_window
from streams.judging.settings import JudgeSettings
from streams.judging.share import RecentShare
from streams.judging.side import RequestCount, Side, SignatureInfo
from streams.judging.sources import see_sources


class BinSide(Struct, array_like=True):
    """One side of a bin."""

    pod_s: float = 0.0
    logged_pod_s: float = 0.0
    """Pod-seconds of the windows in which neither log was cut off."""
    requests: float = 0.0
    errors: float = 0.0
    covered_s: float = 0.0
    """Seconds of the pods that have ever reported requests."""
    reported: list[int] = []
    """Pods that have reported since the bin began."""
    plain_lines: float = 0.0
    """Log lines that are no warning or worse, of windows in which neither log was cut off."""

    @property
    def all_requests(self) -> float:
        """Requests, those of pods that have not reported yet estimated by those that have."""
        return self.requests * max(1.0, self.pod_s / self.covered_s) if self.covered_s > 0.0 else self.requests


class Bin(Struct, array_like=True):
    """Windows that are judged together."""

    start_ns: int
    baseline: BinSide
    canary: BinSide
    logged: LoggedBin


class Settled(Struct, frozen=True):
    """A bin that is complete, with its shares of exposure; all of them the canary's, 0..1."""

    bin: Bin
    by_requests: bool
    """Every pod has reported; False by pod-seconds."""
    pod_share: float
    request_share: float
    """For log incidents; that of pod-seconds where requests say nothing."""
    error_share: float
    """For failed requests."""
    logs_judged: bool = True
    """Incidents count; False where the policy asks for requests and they cannot be told."""


class ExposureState(Struct, array_like=True):
    """What has to be remembered between windows."""

    source: str | None = None
    """The source of request counts that was chosen."""
    baseline_sources: list[str] = []
    """Those seen at the baseline so far, sorted."""
    canary_sources: list[str] = []
    open: Bin | None = None
    recent: RecentShare = field(default_factory=RecentShare)
    recent_errors: RecentShare = field(default_factory=RecentShare)
    baseline_requests: float = 0.0
    """Totals over settled bins."""
    canary_requests: float = 0.0
    baseline_pod_s: float = 0.0
    canary_pod_s: float = 0.0
    request_bins: int = 0
    fallback_bins: int = 0
    """Bins that fell back to pod-seconds because requests were not reported in time."""
    pod_bins: int = 0
    """Bins from before a source was chosen."""
    recent_lines: RecentShare = field(default_factory=RecentShare)
    baseline_lines: float = 0.0
    """Plain lines over settled bins."""
    canary_lines: float = 0.0


class Exposures:
    """Collects windows into bins: `add` each window in which both sides were there, `wait` in others."""

    def __init__(self, settings: JudgeSettings, window_ns: int, state: ExposureState) -> None:
        self._settings = settings
        self._window_ns = window_ns
        self.state = state

    def see_sources(self, baseline: Side | None, canary: Side | None) -> None:
        """Choose the source of request counts, once."""
        see_sources(self.state, baseline, canary)

    def add(
        self, start_ns: int, baseline: Side, canary: Side, signatures: Mapping[int, SignatureInfo] | None
    ) -> Settled | None:
        """One window of both; the bin if that settled it.

        Args:
            start_ns: of the window.
            baseline: what it did.
            canary: what it did.
            signatures: those judged, by id; None if a log is cut off, so that its incidents do not count.
        """
        state = self.state
        if state.open is None:
            state.open = Bin(start_ns, BinSide(), BinSide(), LoggedBin())
        bin_ = state.open
        logged = signatures is not None
        complete = state.source is None
        if state.source is None:
            self._expose(bin_.baseline, baseline, None, logged=logged)
            self._expose(bin_.canary, canary, None, logged=logged)
        else:
            reported = [
                self._expose(mine, side, side.requests.get(state.source), logged=logged)
                for mine, side in ((bin_.baseline, baseline), (bin_.canary, canary))
            ]
            complete = all(reported)
        if signatures is not None:
            add_window(bin_.logged, baseline.incidents, canary.incidents, signatures)
        return self._settle(bin_) if complete else self.wait(start_ns)

    def wait(self, start_ns: int) -> Settled | None:
        """Time has passed up to the end of this window; the open bin if its patience is over."""
        bin_ = self.state.open
        patience_ns = self._settings.patience_windows * self._window_ns
        if bin_ is None or start_ns + self._window_ns - bin_.start_ns < patience_ns:
            return None
        return self._settle(bin_, late=True)

    def _expose(self, mine: BinSide, side: Side, count: RequestCount | None, *, logged: bool) -> bool:
        """Add one side's exposure; whether all its pods have reported since the bin began."""
        pod_s = cut(side.pod_s)
        mine.pod_s += pod_s
        mine.logged_pod_s += pod_s if logged else 0.0
        mine.plain_lines += cut(side.plain_lines) if logged else 0.0
        if count is None:
            return False
        requests = cut(count.requests)
        mine.requests += requests
        mine.errors += min(cut(count.errors), requests)
        mine.covered_s += len(count.awaited) * self._window_ns / 1e9
        mine.reported = sorted({*mine.reported, *count.reported})
        return bool(count.awaited) and set(count.awaited).issubset(mine.reported)

    def _settle(self, bin_: Bin, *, late: bool = False) -> Settled:
        state, settings = self.state, self._settings
        state.open = None
        baseline, canary = bin_.baseline, bin_.canary
        state.baseline_pod_s += baseline.pod_s
        state.canary_pod_s += canary.pod_s
        state.baseline_requests += baseline.requests
        state.canary_requests += canary.requests
        state.baseline_lines += baseline.plain_lines
        state.canary_lines += canary.plain_lines
        pod_share = _share(canary.pod_s, baseline.pod_s)
        asked = self._asked_share(bin_, pod_share)
        if state.source is None or late:
            state.fallback_bins += late
            state.pod_bins += not late
            error_share = _share(canary.requests, baseline.requests)
            logs_judged = settings.exposure != "requests"
            return Settled(bin_, False, pod_share, pod_share if asked is None else asked, error_share, logs_judged)
        state.request_bins += 1
        all_canary, all_baseline = canary.all_requests, baseline.all_requests
        if all_canary + all_baseline <= 0.0:
            return Settled(bin_, True, pod_share, pod_share if asked is None else asked, 0.0)
        pseudo, memory = settings.pseudo_requests, settings.share_memory_requests
        request_share = state.recent.shrink(all_canary, all_baseline, pod_share, pseudo)
        error_share = state.recent_errors.shrink(canary.requests, baseline.requests, pod_share, pseudo)
        state.recent.learn(all_canary, all_baseline, memory)
        state.recent_errors.learn(canary.requests, baseline.requests, memory)
        return Settled(bin_, True, pod_share, request_share if asked is None else asked, error_share)

    def _asked_share(self, bin_: Bin, pod_share: float) -> float | None:
        """The canary's share that the policy asks for instead of that of requests; None: it asks for none."""
        settings, recent = self._settings, self.state.recent_lines
        if settings.exposure == "pod_seconds":
            return pod_share
        if settings.exposure != "log_lines":
            return None
        canary, baseline = bin_.canary.plain_lines, bin_.baseline.plain_lines
        share = recent.shrink(canary, baseline, pod_share, settings.pseudo_requests)
        recent.learn(canary, baseline, settings.share_memory_requests)
        return share


def _share(canary: float, baseline: float) -> float:
    return canary / (canary + baseline) if canary + baseline > 0.0 else 0.0

"""What an operator may set of the judging, and how each default was chosen."""

from __future__ import annotations

import math

from msgspec import Struct

from streams.errors import BadPolicy

CRITICAL, ERROR, WARNING, REQUESTS = "log/critical", "log/error", "log/warning", "requests/error"
LOG_SIGNALS = {"critical": CRITICAL, "error": ERROR, "warning": WARNING}
"""Log class -> signal."""


class SignalSettings(Struct, frozen=True):
    """What holds for one signal."""

    signal: str
    weight: float
    """Share in the combined e-value, fixed before any data; a FAIL by this signal alone needs E >= 1/(weight*alpha)."""
    margin: float
    """Non-inferiority ratio: a PASS shows that the canary's rate is below this many times the baseline's, or ..."""
    floor_per_request: float
    """... below this many events per request, at which nobody minds."""
    floor_per_pod_s: float
    """The same per pod-second. For log classes both floors must be undercut where requests are counted."""


DEFAULT_SIGNALS = (
    SignalSettings(CRITICAL, 0.35, 2.0, 1 / 400, 1 / 300),
    SignalSettings(ERROR, 0.30, 2.0, 1 / 200, 1 / 120),
    SignalSettings(REQUESTS, 0.33, 2.0, 1 / 200, 1 / 120),
    SignalSettings(WARNING, 0.02, 3.0, 1 / 20, 1 / 20),
)
"""Weights: about a third each for what hurts users, a critical event a little more; warnings alone need E >= 5,000 at
alpha .01, so they fail a canary on overwhelming evidence only. Margin 2: with 1.5 a PASS needs four times the events.
Floors: half of the 1% of failed requests at which Flagger and the usual Argo examples roll back; one error incident
per pod in two minutes, one critical in five. A PASS of a silent canary takes about 4.5 floors' worth of exposure: 900
requests, 540 pod-seconds (critical: 1,800 and 1,340). Warnings pass at three times the baseline's or one per 20
requests and 20 pod-seconds: they are looked at, but seldom hold up a PASS."""


class JudgeSettings(Struct, frozen=True):
    """What holds for one comparison."""

    alpha: float = 0.01
    """Largest probability that a canary no worse than tolerated ever fails (issue 3)."""
    beta: float = 0.05
    """Largest probability that a canary worse than the margin of some signal ever passes (issue 3)."""
    tolerance: float = 1.2
    """psi_0: rates up to this many times the baseline's are tolerated. 20% is less than pods of one revision differ."""
    signals: tuple[SignalSettings, ...] = DEFAULT_SIGNALS
    minimum_requests: float = 100.0
    """Least requests on both sides for a PASS; guards the average rates, the e-values demand more by themselves."""
    minimum_pod_s: float = 120.0
    """Least pod-seconds on both sides for a PASS: two minutes of one pod, so that a PASS has outlived the start-up."""
    background: float = 0.1
    """Prior chance that log incidents follow pods, not requests (`exposure`); 0 = never, 1 = always."""
    patience_windows: int = 12
    """Windows that request counts of all pods are waited for: a minute at 5 s, the slowest usual scrape interval."""
    pseudo_requests: float = 5.0
    """Weight of the recent share against a bin's own requests (`exposure`)."""
    share_memory_requests: float = 20.0
    """Requests that the recent share remembers (`exposure`)."""
    silence_chance: float = 1e-4
    """A side's log counts as cut off after a silence that would come by chance this rarely (`flow`)."""
    history_points: int = 240
    """Points of the risk over time; a point a window for the first 20 minutes at 5 s."""
    signature_limit: int = 500
    """Signatures whose own counts are kept for the reasons; verdict and risk do not depend on it."""

    def __post_init__(self) -> None:
        """Refuse what no judgement can be made with.

        Raises:
            BadPolicy: a value outside its range, named.
        """
        _check("alpha", self.alpha, 0.0 < self.alpha < 0.5, "between 0 and 0.5, both exclusive")
        _check("beta", self.beta, 0.0 < self.beta < 0.5, "between 0 and 0.5, both exclusive")
        _check("tolerance", self.tolerance, 0.1 <= self.tolerance <= 100.0, "0.1 to 100")
        _check("background", self.background, 0.0 <= self.background <= 1.0, "0 to 1")
        _check("patience_windows", self.patience_windows, self.patience_windows >= 1, "1 or more")
        _check("pseudo_requests", self.pseudo_requests, 0.0 <= self.pseudo_requests < math.inf, "0 or more")
        _check("share_memory_requests", self.share_memory_requests, self.share_memory_requests > 0.0, "above 0")
        _check(
            "silence_chance", self.silence_chance, 0.0 < self.silence_chance < 1.0, "between 0 and 1, both exclusive"
        )
        _check("history_points", self.history_points, self.history_points >= 2, "2 or more")
        _check("signature_limit", self.signature_limit, self.signature_limit >= 1, "1 or more")
        names = sorted(signal.signal for signal in self.signals)
        known = sorted((*LOG_SIGNALS.values(), REQUESTS))
        _check("signals", names, names == known, f"each of {', '.join(known)} once")
        weights = [signal.weight for signal in self.signals]
        fits = all(weight > 0.0 for weight in weights) and abs(math.fsum(weights) - 1.0) < 1e-9
        _check("weights", weights, fits, "above 0, sum 1")
        for signal in self.signals:
            field = f"{signal.signal} margin"
            _check(field, signal.margin, self.tolerance < signal.margin < math.inf, f"above tolerance {self.tolerance}")
            floors = (signal.floor_per_request, signal.floor_per_pod_s)
            _check(f"{signal.signal} floors", floors, all(0.0 < floor < math.inf for floor in floors), "above 0")


def _check(field: str, value: object, fits: bool, allowed: str) -> None:
    if not fits:
        raise BadPolicy(field, value, allowed)

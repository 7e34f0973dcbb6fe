"""What an operator may set of the judging, and how each default was chosen."""

from __future__ import annotations

import math
from typing import Literal

from msgspec import Struct, field

from streams.errors import BadPolicy
from streams.judging.evidence import Part
from streams.judging.logs.settings import LogSettings
from streams.judging.shares import PARTS
from streams.policy.counted import COUNTED, CRITICAL, ERROR, REQUESTS, WARNING, CountedSignal
from streams.policy.sensitivity import SENSITIVITIES
from streams.policy.written import ExposureSource, Sensitivity

LOG_SIGNALS = {"critical": CRITICAL, "error": ERROR, "warning": WARNING}
"""Log class -> signal."""
PARTS_OF_SIGNALS: dict[str, Part] = {CRITICAL: "logs", ERROR: "logs", WARNING: "logs", REQUESTS: "errors"}
"""Signal -> the part it is judged in (`shares`)."""


BaselineSought = Literal["beside", "none", "earlier"]
"""What is to be compared with: a revision beside it, none at all, or an earlier time of one (`earlier`)."""
BY_REQUESTS: tuple[ExposureSource, ...] = ("auto", "requests")
"""Exposure is requests, where they are counted."""
PATIENCE_WINDOWS = 12
"""Windows that a bin waits for what one side does not report: a minute at 5 s, the slowest usual scrape interval."""


class JudgeSettings(Struct, frozen=True):
    """What holds for one comparison."""

    alpha: float = 0.01
    """Largest probability that a canary no worse than tolerated ever fails (issue 3)."""
    beta: float = 0.05
    """Largest probability that a canary worse than the margin of some signal ever passes (issue 3)."""
    signals: tuple[CountedSignal, ...] = COUNTED
    part_weights: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 1.0))
    """How alpha is shared between the parts a workload has (`shares`); equal, as nobody knows which will speak."""
    warm_up_ns: int = 0
    """Windows of the comparison's first so many nanoseconds are not judged."""
    logs: LogSettings = LogSettings()
    """Of the logs judged by the workload's past."""
    planned_ns: int = 1_800_000_000_000
    """How long a comparison is reckoned to take where its lifetime is not set; the usual canary, half an hour."""
    lifetime_ns: int | None = None
    """After so long it is `marginal` if there is evidence that does not suffice; None: its time is never over."""
    pass_score: float = 50.0
    """Least score, 100*(1 - F), of a PASS; below it, at the end of its time, it is `marginal`. At 50, evidence of 1 in
    10 against the canary (alpha .01) withholds the PASS."""
    marginal_score: float = 0.0
    """Below it, at the end of its time, it fails; 0: never by a score alone, only by alpha."""
    intended_share: float | None = None
    """The canary's intended share of the requests, where it is known and constant; None: not checked (`split`)."""
    split_alpha: float = 0.001
    """Chance that traffic that follows the intended share is ever said not to."""
    minimum_requests: float = 100.0
    """Least requests on both sides for a PASS; guards the average rates, the e-values demand more by themselves."""
    minimum_pod_s: float = 120.0
    """Least pod-seconds on both sides for a PASS: two minutes of one pod, so that a PASS has outlived the start-up."""
    background: float = 0.1
    """Prior chance that log incidents follow pods, not requests (`exposure`); 0 = never, 1 = always."""
    patience_windows: int = PATIENCE_WINDOWS
    """Windows that request counts of all pods are waited for."""
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
    exposure: ExposureSource = "auto"
    """What log incidents, and counted events that are no share of attempts, are counted against (`exposure`)."""
    critical_share: float = 0.0
    """Of alpha, for all critical signals together, taken from the parts; 0: there are none."""
    must_have: tuple[str, ...] = ()
    """Names and patterns of signals without which there is no PASS."""
    weights_at: dict[Sensitivity, dict[str, float]] = field(
        default_factory=lambda: {
            each: {CRITICAL: row.critical, ERROR: row.error, WARNING: row.warning}
            for each, row in SENSITIVITIES.items()
        }
    )
    """Sensitivity -> log class -> its weight, for those who read the comparison at another one (`readings`)."""

    baseline: BaselineSought = "beside"
    """Where none is there the workload's history judges (`alone`), unless an earlier time is asked for."""

    def __post_init__(self) -> None:
        """Refuse what no judgement can be made with.

        Raises:
            BadPolicy: a value outside its range, named.
        """
        _check("alpha", self.alpha, 0.0 < self.alpha < 0.5, "between 0 and 0.5, both exclusive")
        _check("beta", self.beta, 0.0 < self.beta < 0.5, "between 0 and 0.5, both exclusive")
        _check("background", self.background, 0.0 <= self.background <= 1.0, "0 to 1")
        _check(
            "part_weights",
            self.part_weights,
            _fits_parts(self.part_weights),
            "a weight >= 0 for each part, one above 0",
        )
        _check("warm_up_ns", self.warm_up_ns, self.warm_up_ns >= 0, "0 or more")
        _check("planned_ns", self.planned_ns, self.planned_ns > 0, "above 0")
        _check("lifetime_ns", self.lifetime_ns, self.lifetime_ns is None or self.lifetime_ns > 0, "above 0")
        scores = (self.marginal_score, self.pass_score)
        _check(
            "marginal_score, pass_score", scores, 0.0 <= scores[0] <= scores[1] <= 100.0, "0 <= marginal <= pass <= 100"
        )
        intended = self.intended_share
        _check("intended_share", intended, intended is None or 0.0 < intended < 1.0, "between 0 and 1, both exclusive")
        _check("split_alpha", self.split_alpha, 0.0 < self.split_alpha < 0.5, "between 0 and 0.5, both exclusive")
        _check("patience_windows", self.patience_windows, self.patience_windows >= 1, "1 or more")
        _check("pseudo_requests", self.pseudo_requests, 0.0 <= self.pseudo_requests < math.inf, "0 or more")
        _check("share_memory_requests", self.share_memory_requests, self.share_memory_requests > 0.0, "above 0")
        _check(
            "silence_chance", self.silence_chance, 0.0 < self.silence_chance < 1.0, "between 0 and 1, both exclusive"
        )
        _check("critical_share", self.critical_share, 0.0 <= self.critical_share < 1.0, "0 or more, below 1")
        _check("history_points", self.history_points, self.history_points >= 2, "2 or more")
        _check("signature_limit", self.signature_limit, self.signature_limit >= 1, "1 or more")
        names = sorted(signal.signal for signal in self.signals)
        known = sorted((*LOG_SIGNALS.values(), REQUESTS))
        _check("signals", names, names == known, f"each of {', '.join(known)} once")
        for part in ("logs", "errors"):
            weights = [signal.weight for signal in self.signals if PARTS_OF_SIGNALS[signal.signal] == part]
            fits = all(weight > 0.0 for weight in weights) and abs(math.fsum(weights) - 1.0) < 1e-9
            _check(f"weights of {part}", weights, fits, "above 0, sum 1")
        for signal in self.signals:
            tolerance, margin = signal.tolerance_ratio, signal.margin_ratio
            _check(f"{signal.signal} tolerance", tolerance, 0.1 <= tolerance <= 100.0, "0.1 to 100")
            _check(f"{signal.signal} margin", margin, tolerance < margin < math.inf, f"above tolerance {tolerance}")
            floors = (signal.floor_per_request, signal.floor_per_pod_s)
            _check(f"{signal.signal} floors", floors, all(0.0 < floor < math.inf for floor in floors), "above 0")


def _fits_parts(weights: dict[str, float]) -> bool:
    right = sorted(weights) == sorted(PARTS) and all(0.0 <= weight < math.inf for weight in weights.values())
    return right and any(weight > 0.0 for weight in weights.values())


def _check(field: str, value: object, fits: bool, allowed: str) -> None:
    if not fits:
        raise BadPolicy(field, value, allowed)

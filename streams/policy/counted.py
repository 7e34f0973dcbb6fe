"""Which signals are counted against exposure whatever the metrics are, and how was each default chosen?"""

from __future__ import annotations

from msgspec import Struct

from streams.policy.sensitivity import SENSITIVITIES
from streams.signals.rule import USUAL_TOLERANCE, Criticality

CRITICAL, ERROR, WARNING, REQUESTS = "log/critical", "log/error", "log/warning", "requests/error"


class CountedSignal(Struct, frozen=True):
    """A signal whose events are counted against exposure."""

    signal: str
    weight: float
    """Share in its part's e-value, fixed before any data; the weights of one part sum to 1."""
    margin_ratio: float
    """Non-inferiority ratio: a PASS shows that the canary's rate is below this many times the baseline's, or ..."""
    floor_per_request: float
    """... below this many events per request, at which nobody minds."""
    floor_per_pod_s: float
    """The same per pod-second. For log classes both floors must be undercut where requests are counted."""
    tolerance_ratio: float = 1.0 + USUAL_TOLERANCE
    """psi_0: rates up to this many times the baseline's are tolerated."""
    criticality: Criticality = "normal"
    """`critical` ones fail alone, `must_have` ones must be there, `watch` is shown only."""


_USUAL = SENSITIVITIES["medium"]
COUNTED = (
    CountedSignal(CRITICAL, _USUAL.critical, 2.0, 1 / 400, 1 / 300),
    CountedSignal(ERROR, _USUAL.error, 2.0, 1 / 200, 1 / 120),
    CountedSignal(REQUESTS, 1.0, 2.0, 1 / 200, 1 / 120),
    CountedSignal(WARNING, _USUAL.warning, 3.0, 1 / 20, 1 / 20),
)
"""Weights: what hurts users about equally, a critical event a little more; warnings alone need E >= 3,300 and more at
alpha .01, so they fail a canary on overwhelming evidence only. Margin 2: with 1.5 a PASS needs four times the events.
Floors: half of the 1% of failed requests at which Flagger and the usual Argo examples roll back; one error incident
per pod in two minutes, one critical in five. A PASS of a silent canary takes about 4.5 floors' worth of exposure: 900
requests, 540 pod-seconds (critical: 1,800 and 1,340). Warnings pass at three times the baseline's or one per 20
requests and 20 pod-seconds: they are looked at, but seldom hold up a PASS."""
NAMES = tuple(signal.signal for signal in COUNTED)

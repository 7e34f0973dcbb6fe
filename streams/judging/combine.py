"""What is the one risk, and the verdict, of all parts together?

- **FAIL.** Each part (logs, errors, values, levels) has one p for the comparison's whole life and a share of alpha
  (`shares`). It fails when p <= share * alpha for any of them, and that stays: by the union bound P(ever FAIL) <=
  alpha if the canary is no worse. A part's progress is clip(log(share/p) / log(1/alpha), 0, 1), and F is the largest.
  Culprits are the signals that would do alone, at weight * alpha: family-wise error at most alpha.
- **PASS.** Every part that can be judged shows now to be no worse than its margin, the least exposure is reached, no
  part has evidence of harm, and half of a lifetime that is set is over (`promotion`). Confidence C = the least progress
  over all that, 0 below the least exposure. No correction for many signals is due (intersection-union test: Berger
  1982).
- **Risk.** 100 on FAIL, 100*F on PASS, else max(100*F, 50*(1-C)) inside [1, 99]: it begins at 50 = cannot tell, sinks
  as the canary is shown to be no worse, and rises with evidence of harm. More canary events never lower F nor raise
  C, and a PASS that does not come (or comes later) leaves the larger of the two: so a worse canary never has the
  lower risk. (Failed requests and calls are the exception: what looks like clumps says less, see `clumps`.)
- **marginal.** The comparison's time is over without a FAIL or PASS, and 100*(1-F) is below the pass score: there is
  evidence, not enough to fail. An operator may set a marginal score above 0, below which that is `fail`; the error
  bound is then that of his score, alpha^F.

Source: judging.md, section 4.
"""

from __future__ import annotations

import math

from msgspec import Struct

from streams.judging.evidence import UNDECIDED_RISK, Part, Verdict

SMALLEST_P = 1e-300
"""Nothing is more improbable than that, so that logarithms are finite."""
_ALMOST = math.nextafter(1.0, 0.0)


class PartFinding(Struct, frozen=True):
    """What one part says now."""

    part: Part
    share: float
    """Of alpha."""
    log_p: float
    """Natural log of its p for the whole life, <= 0."""
    confidence: float | None
    """0..1 towards "not worse"; None where a PASS need not rest on it."""

    def fail_progress(self, alpha: float) -> float:
        """0..1; 1 exactly when it fails the canary."""
        return progress(-self.log_p + log_of_share(self.share), alpha)


def progress(log_value: float, level: float) -> float:
    """How far a log e-value has come to log(1/level), 0..1; 1 exactly when it is there.

    >>> progress(0.0, 0.01), round(progress(2.3026, 0.01), 3), progress(1e9, 0.01)
    (0.0, 0.5, 1.0)
    """
    goal = -math.log(level)
    return 1.0 if log_value >= goal else min(max(0.0, log_value / goal), _ALMOST)


def own_progress(log_e: float, weight: float, alpha: float) -> float:
    """How far one signal has come to failing by itself at its weight; 1 for a culprit."""
    return progress(log_e + log_of_share(weight), alpha)


def risk_of(verdict: Verdict, fail_progress: float, confidence: float) -> float:
    """0..100.

    >>> risk_of("none", 0.0, 0.0), risk_of("none", 0.0, 0.9999), risk_of("pass", 0.1, 1.0), risk_of("fail", 1.0, 0.0)
    (50.0, 1.0, 10.0, 100.0)
    """
    if verdict == "fail":
        return 100.0
    harm = min(99.0, 100.0 * fail_progress)
    return harm if verdict == "pass" else max(1.0, harm, UNDECIDED_RISK * (1.0 - confidence))


def log_of_share(share: float) -> float:
    """Natural log; minus infinity of none."""
    return math.log(share) if share > 0.0 else -math.inf

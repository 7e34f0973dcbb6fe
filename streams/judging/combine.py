"""What is the one risk, and the verdict, of all signals together?

- **FAIL.** E = sum of w_i*E_i with weights fixed before any data is an e-process under any dependence between signals
  (a signal without events, or without data, has E_i = 1: weights are never made up for what was not seen). It fails
  when sup E >= 1/alpha, and that stays. Progress towards it: F = clip(log sup E / log(1/alpha), 0, 1). Culprits are
  the signals with sup E_i >= 1/(w_i*alpha): family-wise error at most alpha.
- **PASS.** Every required signal has shown to be no worse than its margin (`noninferiority`), and the least exposure
  is reached. Confidence C = the least of clip(log sup E'_i / log(1/beta), 0, 1) over them, 0 below the least
  exposure.
- **Risk.** 100 on FAIL, 100*F on PASS, else max(100*F, 50*(1-C)) inside [1, 99]: it begins at 50 = cannot tell, sinks
  as the canary is shown to be no worse, and rises with evidence of harm. More canary events never lower F nor raise
  C, and a PASS that does not come (or comes later) leaves the larger of the two: so a worse canary never has the
  lower risk.

Source: Vovk & Wang 2021 (averages of e-values); judging.md, section 4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from streams.judging.counts import log_mix
from streams.judging.evidence import UNDECIDED_RISK, Verdict
from streams.judging.signal import Signal


def combined_log_e(signals: Sequence[Signal]) -> float:
    """Log of the weighted sum of the signals' e-values, now."""
    return log_mix([(signal.rule.weight, signal.log_e) for signal in signals])


def progress(log_value: float, level: float) -> float:
    """How far a log e-value has come to log(1/level), 0..1; 1 exactly when it is there.

    >>> progress(0.0, 0.01), round(progress(2.3026, 0.01), 3), progress(1e9, 0.01)
    (0.0, 0.5, 1.0)
    """
    goal = -math.log(level)
    return 1.0 if log_value >= goal else min(max(0.0, log_value / goal), math.nextafter(1.0, 0.0))


def own_progress(signal: Signal, alpha: float) -> float:
    """How far one signal has come to failing by itself; 1 for a culprit."""
    return progress(signal.state.sup_worse + math.log(signal.rule.weight), alpha)


def risk_of(verdict: Verdict, fail_progress: float, confidence: float) -> float:
    """0..100.

    >>> risk_of("none", 0.0, 0.0), risk_of("none", 0.0, 0.9999), risk_of("pass", 0.1, 1.0), risk_of("fail", 1.0, 0.0)
    (50.0, 1.0, 10.0, 100.0)
    """
    if verdict == "fail":
        return 100.0
    harm = min(99.0, 100.0 * fail_progress)
    return harm if verdict == "pass" else max(1.0, harm, UNDECIDED_RISK * (1.0 - confidence))

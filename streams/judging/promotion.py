"""What does a PASS ask for beside the proof that nothing is worse than its margin?

- **Nothing against it, on balance.** That a canary is less than twice as bad does not say that it is no worse. Evidence
  of harm above e, in whichever part, withholds the PASS: down to p = 1/e a p-value is no evidence against its null,
  whatever the alternative (its Bayes factor is at least -e*p*log(p), which is 1 at 1/e), below it may be. Of healthy
  canaries it withholds at most 1/e, whatever the number of parts and signals, because their shares are taken off
  first; mostly far fewer, as p-values of rare events are 1 until one is seen.
- **Half of its lifetime**, where the policy sets one. What begins late has not been seen early: of regressions that
  begin at any moment alike, a PASS at half time misses half, one at a tenth nine tenths. So a PASS saves at most half
  of the time that an operator has planned. Without a lifetime nobody knows what half of it is, and exposure decides.

Source: Sellke, Bayarri & Berger 2001, "Calibration of p values for testing precise null hypotheses" (the bound).
"""

from __future__ import annotations

import math

LEAST_SHARE_OF_LIFETIME = 0.5
"""No moment is known to be likelier than another for a regression to begin: see above."""
MOST_AGAINST = 1.0
"""Natural log of the evidence against the canary up to which it is none."""


def balance(fail_progress: float, alpha: float) -> float:
    """0..1; 1 exactly when there is no evidence against the canary, 0 when it fails.

    Args:
        fail_progress: how far the evidence has come to log(1/alpha), 0..1.
        alpha: at which it fails.

    >>> balance(0.2, 0.01), balance(1.0, 0.01), round(balance(0.5, 0.01), 2)
    (1.0, 0.0, 0.64)
    """
    goal = -math.log(alpha)
    against = fail_progress * goal
    if fail_progress < 1.0 and against <= MOST_AGAINST:
        return 1.0
    return max(0.0, (goal - against) / (goal - MOST_AGAINST)) if goal > MOST_AGAINST else 0.0


def waited(elapsed_ns: int, lifetime_ns: int | None) -> float:
    """0..1; 1 when there may be a PASS, as far as time is concerned.

    >>> waited(300, 1200), waited(600, 1200), waited(5, None)
    (0.5, 1.0, 1.0)
    """
    return 1.0 if lifetime_ns is None else min(1.0, elapsed_ns / (LEAST_SHARE_OF_LIFETIME * lifetime_ns))


def withheld(fail_progress: float, alpha: float, elapsed_ns: int, lifetime_ns: int | None) -> list[str]:
    """Why there is no PASS yet, though nothing is worse than its margin; sentences."""
    found = []
    if lifetime_ns is not None and waited(elapsed_ns, lifetime_ns) < 1.0:
        least, elapsed = LEAST_SHARE_OF_LIFETIME * lifetime_ns / 60e9, elapsed_ns / 60e9
        found.append(f"cannot tell yet: {elapsed:.3g} of at least {least:.3g} minutes, half of its lifetime, are over")
    if balance(fail_progress, alpha) < 1.0:
        evidence = math.exp(-fail_progress * math.log(alpha))
        found.append(f"cannot tell yet: evidence of {evidence:.2g} to 1 against it; above e = 2.7 there is no PASS")
    return found

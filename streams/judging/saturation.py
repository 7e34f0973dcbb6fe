"""What odds has an incident to be the canary's, when a pod and window can show it but once?

Log incidents are counted by presence: a pod shows a signature in a window or it does not, however many requests it
hits. If a baseline pod shows it with probability f, a canary pod of r times the requests and psi times the rate per
request shows it with probability 1 - (1-f)^(r*psi) (Poisson events), so that

    odds(psi) = (canary pods / baseline pods) * (1 - (1-f)^(r*psi)) / f,

which is psi * (canary requests / baseline requests) for small f.

Without this, an error that everybody logs all the time makes a lightly loaded canary look many times worse per
request (in simulation every healthy one failed within two minutes, `tests/simulation/test_incidents.py`, "saturated"),
and one that is ten times worse would pass.
"""

from __future__ import annotations

import math

SMALLEST = 1e-9
"""Below, a pod shows all there is: the odds are those of the rates, to rounding."""
LARGEST = 0.999
"""A saturation is cut here: beyond, presence says nothing of rates."""


def odds(ratio: float, share: float) -> float:
    """Canary to baseline odds of an event that can happen any number of times.

    Args:
        ratio: the canary's rate per exposure over the baseline's, > 0.
        share: the canary's share of the exposure, between 0 and 1, both exclusive.

    >>> odds(2.0, 0.2)
    0.5
    """
    return ratio * share / (1.0 - share)


def presence_odds(ratio: float, share: float, pod_share: float, saturation: float) -> float:
    """The same of an incident that a pod shows once a window at most.

    Args:
        ratio: as above.
        share: the canary's share of what incidents follow (requests, or pod-seconds).
        pod_share: its share of pod-seconds; both shares between 0 and 1, both exclusive.
        saturation: f, probability that a baseline pod shows the incident in a window, 0..1.

    >>> round(presence_odds(2.0, 0.2, 0.5, 0.0), 6), round(presence_odds(2.0, 0.2, 0.5, 0.9), 3)
    (0.5, 0.76)
    """
    by_load = odds(ratio, share)
    if saturation < SMALLEST:
        return by_load
    by_pods = pod_share / (1.0 - pod_share)
    silent = math.log1p(-min(saturation, LARGEST))
    return by_pods * math.expm1(by_load / by_pods * silent) / -min(saturation, LARGEST)

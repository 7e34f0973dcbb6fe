"""What may a canary with a single pod be blamed for, if an incident of that pod may begin at any moment?

A node that fails, a connection that is lost, a neighbour that takes the processor: such a cause makes one pod fail for
as long as it lasts, and while it lasts nothing tells it from a revision that is worse. Of several pods the others do
(`logs.pods`); of a single one there is its beginning: a worse revision fails from its first request on, a cause begins
at any time. So let the null be a mixture: with a rate h per second such an incident begins, and what comes after it
says nothing, whatever it is and however long it lasts. Against an incident that begins at s the evidence is E_s, that
of before, and against the mixture the likelihood ratio of the same alternative is

    1/E* = exp(-h t)/E_t + integral over s from 0 to t of h exp(-h s)/E_s ds,

an e-process whose bound holds on average over incidents that begin at that rate, without a model of their size, number
or length. Where the canary fails evenly from the first on it costs little: n failures leave about h t/n. What
begins after a time s is never below 1 - exp(-h s): so long had nobody anything against the canary.

How often incidents begin is learned from baselines beside their canaries (`Incidents`; in logs, of single pods:
`logs.mirror`), borrowed from the cluster's other workloads, and before either 1 in 20 comparisons, as for incidents
that both revisions share (`logs.past`).

Source: method of mixtures, over nulls (Howard & Ramdas, arXiv 1906.09712, section 2: Ville's inequality for a Bayesian
mixture); change points at a constant rate as in Shiryaev, Theory Probab. Appl. 8 (1963). Counting: e-detector of CUSUM
form, Shin, Ramdas & Rinaldo (arXiv 2203.03532), definition 2.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from streams.judging.counts import log_mean_exp

_EXPECTED = 0.05
"""Incidents of one pod in a comparison, before any is known; that weighs as much as one comparison."""
_LOG_FOUND = math.log(100.0)
"""Evidence against a baseline that makes an incident: what would fail a canary at the default alpha."""
_LEAST_LOG = -700.0
"""Below, exp() of the other sign would be infinite."""


class Onset(Struct, array_like=True):
    """One piece of evidence against a canary; mutable: `wait` as time goes by, ask where the evidence has changed."""

    rate: float = 0.0
    """h, incidents per second of a pod; 0: none are reckoned with."""
    waited: float = 0.0
    """Seconds with a single pod since it was asked last."""
    log_e: float = 0.0
    """Of the evidence then."""
    none_yet: float = 1.0
    """exp(-h t): chance that none has begun."""
    spared: float = 0.0
    """The integral so far."""

    def wait(self, seconds: float) -> None:
        """So much time has gone by; where the canary has several pods none has, for theirs are told by each other."""
        self.waited += seconds

    def log_e_beside(self, log_e: float) -> float:
        """Log E*, where log E is this now and was as before all the time since it was asked last."""
        if self.rate <= 0.0:
            return log_e
        if log_e != self.log_e:
            self._look_back(log_e)
        if self.spared <= 0.0:
            return log_e
        return -math.log(self.none_yet * math.exp(-max(log_e, _LEAST_LOG)) + self.spared)

    def _look_back(self, log_e: float) -> None:
        """Take in the time in which evidence was what it was: once it changes, so that who asks changes nothing."""
        begun = -math.expm1(-self.rate * self.waited)
        self.spared += self.none_yet * begun * math.exp(-max(self.log_e, _LEAST_LOG))
        self.none_yet *= 1.0 - begun
        self.waited, self.log_e = 0.0, log_e


class Incidents(Struct, array_like=True):
    """Those of a baseline that were none of its canary's; mutable."""

    log_es: list[float] = []
    """Of each alternative, since the last one was found; never below 0."""
    found: float = 0.0
    seconds: float = 0.0
    """Of pods in which one could have been seen: of the side that had less."""

    def add(self, more: Sequence[float]) -> None:
        """One window in which either had events: what it adds to each alternative to an event being the baseline's."""
        before = self.log_es or [0.0] * len(more)
        self.log_es = [max(0.0, held + step) for held, step in zip(before, more, strict=True)]
        if max(self.log_es) >= _LOG_FOUND and log_mean_exp(self.log_es) >= _LOG_FOUND:  # no mean is above the largest
            self.found += 1.0
            self.log_es = []

    def learn(self, found: float, seconds: float, fading: float) -> None:
        """Take in those of one more comparison; what was known before weighs less."""
        self.found = self.found * fading + found
        self.seconds = self.seconds * fading + seconds


def is_single(pods: float) -> bool:
    """Whether so many pods, on average over a window, are one."""
    return pods < 1.5


def incident_rate(known: Incidents, cluster: Incidents, planned_s: float) -> float:
    """h: incidents per second of a pod.

    What the cluster has shown weighs as much as two comparisons of the workload, what nobody has as much as one: where
    causes are as frequent everywhere, few comparisons without one make h too low, of which the bound suffers most.

    Args:
        known: of the workload's past.
        cluster: of all its other workloads.
        planned_s: length of a comparison, above 0.

    >>> round(600.0 * incident_rate(Incidents(), Incidents(), 600.0), 3)
    0.05
    >>> round(600.0 * incident_rate(Incidents(found=1.0, seconds=5400.0), Incidents(), 600.0), 3)
    0.105
    """
    expected = (_EXPECTED + cluster.found) / (planned_s + cluster.seconds)
    weight_s = planned_s * (1.0 + cluster.seconds / (planned_s + cluster.seconds))
    return (expected * weight_s + known.found) / (weight_s + known.seconds)

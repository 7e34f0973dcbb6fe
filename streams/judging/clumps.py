"""How many failures of one bin may have one cause, and what does the bin say then?

A backend that is away for a moment fails all requests that one pod sends it then. The binomial core of `counts` takes
each failure as a game of its own; with clumps of 20 it fails more than half of the healthy canaries. Two things hold
whatever the clumps, as long as a clump falls to a side with the chance of a single request. For a bin of k failures, x
of them the canary's, p_0 = o/(1+o) the canary's part under the null, p an alternative:

- **the core, slowed down**: the likelihood ratio to the power a has expectation at most 1 if no clump holds more than
  1/a failures. Given its size m, a clump multiplies by L^(a*m), L the ratio of one failure; E L = 1, so that E L^s <= 1
  for s <= 1 (Jensen).
- **a wager** of a share w of the wealth on the canary's part: 1 + w*((x/k)/p_0 - 1), whose expectation is at most 1
  for clumps of any size (`wagers`). Where the k are independent after all, x/k is close to p, and nearly all may be
  wagered.

Which of the two is played may depend on all that was before and on k, but not on x: for each alternative the one that
promises more growth. What is needed to know:

- **usual clumps**: between neighbouring bins of one side, of x_1 and x_2 failures among n_1 and n_2 requests,
  (x_1*n_2 - x_2*n_1)^2 / (n_1*n_2*(x_1 + x_2)) is 1 on average where failures are independent, and m in clumps of m,
  whatever the rate is and whenever it changes. Each side is asked (clumps that come like clockwork show only in the
  side they fall to), the worse one counts: the mean of these, less one standard deviation of what independent failures
  would show, and of one more. For that a bin is credited with, it is 8, or a bin's failures where they are less; to
  size a wager, which costs growth and not validity, it is 1.
- **what is beyond the usual** may be one clump: k less u + 2*sqrt(u), u the median of what the last 24 bins' shares of
  failures would bring among this bin's requests. So the first clump ever is one game, and one on top of steady failures
  is as well.
- **an outage of several bins**: the j-th bin in a row beyond the usual counts for 3^-j only, all of them for at most
  1.5 games, until half of the last 24 are so: then it is no outage but how things are.

Constants are those of simulations (`tests/simulation/test_rollouts.py`, larger ones in docs/judging.md): a prior clump
of 8 (the middle one of `wagers.CLUMPS`) against clumps of 20 in every bin, where 4 fails 8 to 14%, and 16 is slower;
3^-j for outages of four bins, of which 2^-j fails 5%; 24 bins because outages of half of them are told from a canary
that is worse for good.

What it does not cover: outages of more than 12 bins of one side, and one that begins with the comparison.

Source: powers of likelihood ratios: Gruenwald, "The safe Bayesian" (ALT 2012), section 2; wagers: `wagers`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct, field

from streams.judging.counts import log_ratios
from streams.judging.wagers import LARGEST_WAGER

_BINS = 24
"""Whose totals are remembered."""
_PRIOR = 8.0
"""Failures of a clump before any is known; it weighs as much as one pair of bins."""
_IN_A_ROW = 3.0
"""How much less each further bin of an outage counts."""
_LONGEST = 40
"""Bins in a row; what is further counts for nothing anyway."""


class Size(Struct, frozen=True, gc=False):
    """Of the clumps of one bin, known before it is known which side they fell to."""

    most: float = 1.0
    """Failures that may have had one cause, at least 1; more than there are in an outage of several bins."""
    usual: float = 1.0
    """Those that usually have, at least 1."""
    power: float = 1.0
    """Of a wager: below 1 in an outage of several bins."""
    beyond: bool = False
    """There are more failures than is usual."""


class Spread(Struct, array_like=True, gc=False):
    """How much more than independent failures those of one side differ from bin to bin."""

    failed: float = 0.0
    """Of the last bin."""
    requests: float = 0.0
    chi2: float = 0.0
    """Sum over pairs of neighbours that had any failure."""
    pairs: int = 0

    def clump(self, prior: float) -> float:
        """Failures of a clump, less one standard deviation of what independent ones would show."""
        return (prior + self.chi2 - math.sqrt(2.0 * self.pairs)) / (1.0 + self.pairs)

    def learn(self, failed: float, requests: float) -> None:
        """The next bin."""
        both = failed + self.failed
        if both > 0.0 and requests > 0.0 and self.requests > 0.0:
            there, here = self.failed / self.requests, failed / requests
            self.chi2 += (there - here) ** 2 * self.requests * requests / both
            self.pairs += 1
        self.failed, self.requests = failed, requests


class Clumps(Struct, array_like=True):
    """What is known of the clumps of one comparison's failures; mutable: ask for `size`, then `learn`, bin by bin."""

    shares: list[tuple[float, float]] = []
    """Of the requests that failed at baseline and canary in the last bins, oldest first."""
    in_a_row: int = 0
    """Bins up to the last one that were all beyond the usual."""
    failed: float = 0.0
    """Of both sides, ever."""
    bins: int = 0
    """Those with failures."""
    baseline: Spread = field(default_factory=Spread)
    canary: Spread = field(default_factory=Spread)

    def size(self, total: float, requests: tuple[float, float]) -> Size:
        """Of the next bin, which has so many failures in all; requests of the baseline and of the canary."""
        usual_clump = max(1.0, self._clump(1.0))
        if total <= 0.0:
            return Size(usual=usual_clump)
        certain = self._clump(min(_PRIOR, self.failed / self.bins) if self.bins else _PRIOR)
        beyond = total - self._usual(requests)
        outage = _IN_A_ROW**self.in_a_row if beyond > 0.0 else 1.0
        return Size(max(1.0, min(certain, total), beyond * outage), usual_clump, 1.0 / outage, beyond > 0.0)

    def learn(self, failed: tuple[float, float], requests: tuple[float, float], size: Size) -> None:
        """The bin that `size` was asked for; each of the baseline and of the canary. One without requests is none."""
        if sum(requests) <= 0.0:
            return
        total = sum(failed)
        self.in_a_row = min(_LONGEST, self.in_a_row + 1) if size.beyond else 0
        self.failed += total
        self.bins += total > 0.0
        self.shares = [*self.shares[1 - _BINS :], (_share(failed[0], requests[0]), _share(failed[1], requests[1]))]
        self.baseline.learn(failed[0], requests[0])
        self.canary.learn(failed[1], requests[1])

    def _clump(self, prior: float) -> float:
        return max(self.baseline.clump(prior), self.canary.clump(prior))

    def _usual(self, requests: tuple[float, float]) -> float:
        """Failures of a bin of so many requests that are nothing out of the usual."""
        if not self.shares:
            return 0.0
        expected = sorted([here * requests[0] + there * requests[1] for here, there in self.shares])
        median = expected[(len(expected) - 1) // 2]
        return median + 2.0 * math.sqrt(median)


def _share(failed: float, requests: float) -> float:
    return failed / requests if requests > 0.0 else 0.0


def log_ratios_of_clumps(
    null: float, alternatives: Sequence[float], canary: float, total: float, size: Size
) -> list[float]:
    """What one bin adds to the log evidence for each alternative; the first four as in `counts.log_ratios`.

    Args:
        null: odds of a failure to be the canary's under the null.
        alternatives: the same under each alternative: all above `null`, or all below.
        canary: failures of the canary.
        total: failures of both, above 0.
        size: of their clumps.
    """
    core = log_ratios(null, alternatives, canary / size.most, total / size.most)
    if size.most <= size.usual:
        return core
    part, games = canary / total, total / min(size.usual, total)
    return [
        _better(slowed, null, odds, part, games, total / size.most, size.power)
        if odds > null
        else _better(slowed, 1.0 / null, 1.0 / odds, 1.0 - part, games, total / size.most, size.power)
        for slowed, odds in zip(core, alternatives, strict=True)
    ]


def _better(slowed: float, null: float, odds: float, part: float, games: float, certain: float, power: float) -> float:
    """The core's log ratio, or the wager's log gain where that promises more; for an alternative above the null.

    Args:
        slowed: the core's.
        null: odds under the null.
        odds: under the alternative.
        part: of the failures, the canary's.
        games: into which they usually fall.
        certain: those the core takes them for.
        power: of the wager.
    """
    less = math.log1p(null) - math.log1p(odds)
    chance = odds / (1.0 + odds)
    wager = min(LARGEST_WAGER, -math.expm1(games * less))
    pays = (1.0 + null) / null
    mean = 1.0 + wager * (chance * pays - 1.0)
    variance = (wager * pays) ** 2 * chance * (1.0 - chance) / games
    wagered = power * (math.log(mean) - 0.5 * variance / mean**2)  # the second-order expansion of its mean
    if certain * (chance * math.log(odds / null) + less) >= wagered:
        return slowed
    return power * math.log1p(wager * (part * pays - 1.0))

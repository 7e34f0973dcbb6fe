"""How unequally do failures fall on the pods of one revision?

A cause that hits a single pod brings failures to that pod alone, for a window or for an hour. How long it lasts cannot
be known while it lasts, but it need not be: beside the other pods of the same revision, which do the same work, it
shows. For x_j failures of pod j, X of all n pods, in a block of time,

    chi2 = sum over j of (x_j - X/n)^2 / (X/n),        n - 1 degrees of freedom,

is n - 1 on average where failures fall to pods one by one, m*(n - 1) where m at a time have one cause at one pod, and
grows with X where pods differ for good. Blocks of 20 s, and of 2, 4, 8, ... times as long up to the whole comparison:
those that hold a cause as a whole show its size, shorter ones a part of it, longer ones nothing where causes have come
to all pods in turn. Each ratio, shrunk to what is usual, is 1 on average where failures fall one by one, but the
largest of them is not. The evidence of that revision is divided by the mean of the larger half of the ratios: of the
three that were simulated (the others: the mean of all, and the largest) it keeps the bound in first rollouts and costs
least power.

Source: Pearson's dispersion as in `dispersion`, over units that are exchangeable under the null; pods as the units
because scrapes and lines of one are not independent (judging.md, section 3).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from streams.judging.logs.dispersion import BLOCK_NS
from streams.judging.logs.quiet import LARGEST_CHI2

_MOST_SCALES = 12
"""The longest block is of eleven hours (2^11 times 20 s)."""
PLACES = 1024
"""Pods told apart. Of more, those whose numbers are alike modulo this count as one pod, so that what is remembered is
bounded however many come and go; causes that hit one of them still show."""
_PRIOR = 1.0
"""Degrees of freedom that what is usual counts as: those of two pods, in one block."""


class Scale(Struct, array_like=True):
    """Blocks of one length."""

    block: int = 0
    """Number of the one that is being filled."""
    filling: dict[int, int] = {}
    """Pod, modulo `PLACES` -> failures in it."""
    chi2: float = 0.0
    """Of those that are full."""
    df: float = 0.0

    def so_far(self, pods: float) -> tuple[float, float]:
        """(chi2, its degrees of freedom) of all blocks, that which is being filled included."""
        chi2, df = _chi_square(self.filling, pods)
        return self.chi2 + chi2, self.df + df


class ByPod(Struct, array_like=True):
    """Failures of one revision by pod; mutable: `add` window by window, then read.

    The past says what is usual, but the revision itself weighs more: where its failures come from one of its pods
    alone, its evidence is divided by its own ratio. One of a single pod can only be compared with past and baseline.
    """

    pods: float = 0.0
    """Most at once so far."""
    scales: list[Scale] = []
    """Each of blocks twice as long as the one before; the last one holds all so far, up to `_MOST_SCALES`."""
    first_block: int = -1
    """That of the first failure; -1 before."""

    def add(self, start_ns: int, failed: Mapping[int, int], pods: float) -> bool:
        """One window, in order of time.

        Args:
            start_ns: its start.
            failed: pod (its number within the revision) -> failures, at least 1 each.
            pods: that are there.

        Returns:
            Whether `clump` may say something else than before.
        """
        changed = bool(failed) or pods > self.pods
        self.pods = max(self.pods, pods)
        if not failed and not self.scales:
            return changed
        block = start_ns // BLOCK_NS
        if self.first_block < 0:
            self.first_block = block
        block -= self.first_block
        if not self.scales:
            self.scales.append(Scale())
        while block >> len(self.scales) - 1 and len(self.scales) < _MOST_SCALES:
            self.scales.append(Scale(0, dict(self.scales[-1].filling)))
            changed = True
        for size, scale in enumerate(self.scales):
            if block >> size == scale.block:
                break  # no longer one has ended either
            scale.chi2, scale.df = scale.so_far(self.pods)
            scale.block, scale.filling = block >> size, {}
        for pod, count in failed.items():
            place = pod % PLACES
            for scale in self.scales:
                scale.filling[place] = scale.filling.get(place, 0) + count
        return changed

    def whole(self) -> tuple[float, float]:
        """(chi2, its degrees of freedom) of all so far; (0, 0) where fewer than two failures, or pods, say nothing."""
        if not self.scales:
            return 0.0, 0.0
        chi2, df = self.scales[-1].so_far(self.pods)
        return min(chi2, LARGEST_CHI2 * df), df

    def worst(self) -> tuple[int, int]:
        """(Failures of the pod that has most, those of all) so far, or within the last of the longest blocks."""
        found = self.scales[-1].filling.values() if self.scales else ()
        return max(found, default=0), sum(found)

    def clump(self, usual: float) -> float:
        """By what evidence is to be divided, at least 1.

        Args:
            usual: what the past, or the cluster, says of it; 1 where nothing is known.
        """
        ratios = []
        for scale in self.scales:
            chi2, df = scale.so_far(self.pods)
            ratios.append((_PRIOR * usual + chi2) / (_PRIOR + df))
        if not ratios:
            return max(1.0, usual)
        larger = sorted(ratios)[len(ratios) // 2 :]
        return max(1.0, math.fsum(larger) / len(larger))


def _chi_square(failed: Mapping[int, int], pods: float) -> tuple[float, float]:
    total, among = sum(failed.values()), float(max(min(round(pods), PLACES), len(failed)))
    if total < 2 or among < 2.0:
        return 0.0, 0.0
    squares = float(sum(count * count for count in failed.values()))
    return squares * among / total - total, among - 1.0

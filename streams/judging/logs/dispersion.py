"""Do events come alone, or in clumps?

Events of one side are counted in blocks of 20 s; if they come alone, the sum of (q - mean)^2 / mean over the blocks is
about the number of blocks less one. Retries spread over traces make it larger, and so does a rate that moves, which
errs on the safe side: counts are divided by this ratio before they are judged.

Source: McCullagh & Nelder, Generalized Linear Models, 2nd ed., section 6.2.3 (Pearson's estimate of dispersion);
block of four windows: judge-sketch.md, simulated in `tests/simulation/test_logs_history.py`.
"""

from __future__ import annotations

from msgspec import Struct

BLOCK_NS = 20_000_000_000
LARGEST = 10.0
"""What one revision can say of clumps at most: it may be an incident."""


class Blocks(Struct, array_like=True):
    """Events of one side by blocks; enough of them for their dispersion."""

    block: int = -1
    """Number of the block that is being filled."""
    filling: int = 0
    blocks: int = 0
    events: int = 0
    squares: int = 0

    def add(self, start_ns: int, events: int) -> None:
        """One window, in order of time."""
        block = start_ns // BLOCK_NS
        if block != self.block:
            self._settle()
            self.block = block
        self.filling += events

    def _settle(self) -> None:
        if self.block >= 0:
            self.blocks += 1
            self.events += self.filling
            self.squares += self.filling**2
            self.filling = 0

    def chi_square(self) -> tuple[float, float]:
        """(Pearson's sum, its degrees of freedom); (0, 0) where fewer than two events say nothing.

        >>> blocks = Blocks()
        >>> for second in range(0, 100, 20):
        ...     blocks.add(second * 10**9, 4 if second == 20 else 0)
        >>> blocks.chi_square()
        (12.0, 3.0)
        """
        if self.events < 2 or self.blocks < 2:
            return 0.0, 0.0
        mean = self.events / self.blocks
        freedom = self.blocks - 1.0
        return min(LARGEST * freedom, (self.squares - self.blocks * mean * mean) / mean), freedom

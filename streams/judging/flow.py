"""Is a revision's log still arriving, or has its shipper died?

A revision that logs nothing is no better than one whose shipper is dead, so windows in which either side's log is cut
off bring no evidence from logs. Silence is judged by windows, not by lines, because lines come in clumps: with a
share q of silent windows so far (add-one estimate), a silence of n windows has chance about q^n; at `silence_chance`
the log counts as cut off, until it is heard again. A log that is busy is missed after two or three windows, one that
says something every few minutes after a long while, one that was never heard is cut off from the start.
"""

from __future__ import annotations

import math

from msgspec import Struct


class LogFlow(Struct, array_like=True):
    """One revision's log, as heard window by window."""

    heard: int = 0
    """Windows with at least one line."""
    silent: int = 0
    """Silent windows since it was first heard, those after a cut-off left out."""
    silence: int = 0
    """Silent windows in a row, up to now."""
    cut_off: bool = True

    def hear(self, lines: int, silence_chance: float) -> None:
        """One window in which the revision was there."""
        if lines > 0:
            self.heard += 1
            self.silence = 0
            self.cut_off = False
        elif not self.cut_off:
            self.silent += 1
            self.silence += 1
            silent_share = (self.silent - self.silence + 1) / (self.heard + self.silent - self.silence + 2)
            self.cut_off = self.silence * math.log(silent_share) <= math.log(silence_chance)

"""How long ago did production last show so many events within so long?

Production is one long line of minutes, of which stretches of several lengths are looked at, at every minute. Of each
length is kept when a stretch last held a number of events or more, in grades half an octave apart, and how many a usual
one holds (the median). Nothing older is of use to the bound, so that all of it is a few numbers.

**The bound.** Let an event "from this minute on, n minutes hold c or more" be stationary: the same at all times, for
the rest anything: bursts, days that differ, incidents of everybody that last. Let v(K) be the chance that none of K
minutes in a row begins such a stretch. v is convex (v(K) - v(K+1) is the chance that the first of all begins just
then, and the longer the wait, the smaller), and between 0 and 1, so that

    P(none begins in K minutes, but one does in the g that follow) = v(K) - v(K+g) <= g / (K+g).

A revision that comes at a time that has nothing to do with the process begins in one of the g minutes that follow: its
own is the last of them, the first n - 1 begin stretches of which only a part is known yet. So if it shows c or more in
n minutes, and production has not for K, p = g/(K+g), for **c fixed beforehand**. No bound of this kind can be better: a
process that comes back every K+g minutes, at a phase that nobody knows, has just this chance.

Source: void probabilities of a stationary point process are convex, Daley & Vere-Jones, An Introduction to the Theory
of Point Processes, vol. I, 2nd ed. (2003), section 3.3 (Palm-Khinchin equations). Simulated in
`tests/simulation/test_production.py`.
"""

from __future__ import annotations

from bisect import bisect_right

from msgspec import Struct, field

LENGTHS = (5, 10, 15, 30, 60, 120)
"""Minutes of a stretch: what deployments take to be watched."""
GRADES: tuple[int, ...] = (0, 1, *(step << octave >> 1 for octave in range(1, 30) for step in (2, 3)))
"""Numbers of events that are told apart: 0, 1, 2, 3, 4, 6, 8, 12, ..."""
_MOST = 20_160
"""Stretches, of two weeks, after which what is usual counts half."""


class Stretches(Struct, array_like=True):
    """All stretches of one length."""

    latest: list[tuple[int, int]] = []
    """(grade, number of the minute with which the latest stretch of this or a higher grade ended), grades falling."""
    usual: dict[int, int] = {}
    """Grade -> stretches of it."""

    def add(self, events: float, minute: int) -> None:
        """One stretch, ending with this minute."""
        grade = grade_of(events)
        while self.latest and self.latest[-1][0] <= grade:
            self.latest.pop()
        self.latest.append((grade, minute))
        self.usual[grade] = self.usual.get(grade, 0) + 1
        if sum(self.usual.values()) > _MOST:
            self.usual = {known: count // 2 for known, count in self.usual.items() if count > 1}

    def ended(self, events: int) -> int | None:
        """Number of the minute with which the latest stretch with so many ended; None if there was none."""
        grade = grade_of(events)
        return next((minute for known, minute in reversed(self.latest) if known >= grade), None)

    @property
    def median(self) -> int:
        """Events of a usual stretch, rounded down to a grade."""
        half, count = sum(self.usual.values()) / 2, 0
        for grade in sorted(self.usual):
            count += self.usual[grade]
            if count >= half:
                return GRADES[grade]
        return 0


class Peaks(Struct, array_like=True):
    """One kind of events: `add` minute by minute."""

    minutes: int = 0
    """How many are known."""
    recent: list[float] = []
    """Events of the latest, oldest first."""
    stretches: list[Stretches] = field(default_factory=lambda: [Stretches() for _ in LENGTHS])

    def add(self, events: float) -> None:
        """The next minute."""
        self.minutes += 1
        self.recent = [*self.recent[-LENGTHS[-1] + 1 :], events]
        for length, stretches in zip(LENGTHS, self.stretches, strict=True):
            if self.minutes >= length:
                stretches.add(sum(self.recent[-length:]), self.minutes)

    def quiet(self, length: int, events: int) -> int:
        """K: minutes in a row until now that began no stretch with so many.

        Args:
            length: of a stretch, one of `LENGTHS`.
            events: so many or more; a grade.
        """
        ended = self.stretches[LENGTHS.index(length)].ended(events)
        first = 1 if ended is None else ended - length + 2
        return max(0, self.minutes - length + 1 - first + 1)

    def usual(self, length: int) -> int:
        """Events of a usual stretch."""
        return self.stretches[LENGTHS.index(length)].median


def grade_of(events: float) -> int:
    """The highest grade that so many reach.

    >>> [grade_of(events) for events in (0, 1, 5.9, 6, 1e99)]
    [0, 1, 4, 5, 59]
    """
    return bisect_right(GRADES, events) - 1


def bound(quiet: int, length: int, later: int) -> float:
    """The p of a stretch that production has not shown.

    >>> bound(1992, 5, 4)
    0.004

    Args:
        quiet: K, see `Peaks.quiet`.
        length: n, minutes of a stretch.
        later: so many minutes after the last one known is the revision's own first, at most.
    """
    following = length - 1 + later
    return following / (quiet + following)

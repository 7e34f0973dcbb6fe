"""Does the same come at the same hour of other days? A backup, a batch, a report: no news once two have come.

Nothing that knows a signal by its values can tell: of what happens once a night few have been seen for weeks, and what
stands out as far in the middle of the day is a fault. So each incident is remembered, told or not, and one that is like
two others of the last month is not told: two began to ring at about this time of the day (UTC) on other days, each of
its signals went at least half as far in two, the same way, and it has not lasted twice as long as the shorter of two.
(When it reached its threshold, for that is known to the minute; the onset is an estimate, an hour away if little is
seen of it.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

_DAY_NS = 86_400_000_000_000
_NEAR_NS = 1_800_000_000_000
"""Between the times of the day of two that are alike: jobs wait for each other, and for work. Of incidents at any hour
one in 24 is as near to another."""
_MONTH_NS = 30 * _DAY_NS
"""The average run length of a workload, unless said otherwise: four of what comes once a week."""
_APART_NS = _DAY_NS - 2 * _NEAR_NS
"""What is nearer is of the same day."""
_AS_FAR = 2.0
"""Times: means over the first values since the onset vary. (As `farthest` has it of what somebody spoke of.)"""
_AS_LONG = 2.0
_MOST = 24
"""Remembered, the latest, but for those of which two later ones say as much."""
_MOST_CHANGES = 480
"""Of all of them together."""


class PastIncident(Struct, array_like=True):
    """One incident that is over."""

    rang_ns: int
    until_ns: int
    changes: dict[str, float]
    """Signal -> how far it went above (or below) what was normal, in its unit."""
    twice: bool = False
    """It counts as two: somebody said that it was nothing."""


class Habits:
    """`learn` each incident when it is over, and ask of the next whether it is usual."""

    def __init__(self, known: list[PastIncident]) -> None:
        """Go on with those known, oldest first; changed in place."""
        self._known = known

    def usual_until_ns(self, rang_ns: int, changes: Mapping[str, float]) -> int | None:
        """How long one that goes on is like two others; None: it is like none.

        Args:
            rang_ns: when its evidence reached the threshold.
            changes: signal -> how far it has gone, so far.
        """
        near = self._at_this_time(rang_ns)
        if not changes or any(abs(far) > _AS_FAR * _gone(name, far, near) for name, far in changes.items()):
            return None
        return rang_ns + int(_AS_LONG * _lasted(near))

    def learn(self, rang_ns: int, until_ns: int, changes: Mapping[str, float], *, nothing: bool) -> None:
        """One is over.

        Args:
            rang_ns: when its evidence reached the threshold; if that of another, it is known anew.
            until_ns: when it was over.
            changes: signal -> how far it went, at its farthest.
            nothing: somebody said that it was.
        """
        self.forget(rang_ns)
        latest = PastIncident(rang_ns, until_ns, {name: changes[name] for name in sorted(changes)}, nothing)
        near = [*self._at_this_time(rang_ns), latest]
        outdated = [past for place, past in enumerate(near) if _says_no_more(past, near[place + 1 :])]
        known = [past for past in self._known if past not in outdated and until_ns - past.until_ns <= _MONTH_NS]
        self._known[:] = [*known, latest][-_MOST:]
        while sum(len(past.changes) for past in self._known) > _MOST_CHANGES:
            del self._known[0]

    def forget(self, rang_ns: int) -> None:
        """Of that which rang then somebody says that it was right."""
        self._known[:] = [past for past in self._known if past.rang_ns != rang_ns]

    def _at_this_time(self, rang_ns: int) -> list[PastIncident]:
        """Those of other days, oldest first, one a day: that which lasted longest."""
        found: list[PastIncident] = []
        for past in self._known:
            away_ns = rang_ns - past.rang_ns
            off_ns = away_ns % _DAY_NS
            if not _APART_NS <= away_ns <= _MONTH_NS or min(off_ns, _DAY_NS - off_ns) > _NEAR_NS:
                continue
            if found and abs(past.rang_ns - found[-1].rang_ns) < _APART_NS:
                found[-1] = max(found[-1], past, key=lambda one: one.until_ns - one.rang_ns)
            else:
                found.append(past)
        return found


def _says_no_more(past: PastIncident, later: Sequence[PastIncident]) -> bool:
    """Two later ones have lasted as long, and in each signal two have gone as far."""
    farther = (abs(far) > _gone(name, far, later) for name, far in past.changes.items())
    return past.until_ns - past.rang_ns <= _lasted(later) and not any(farther)


def _lasted(near: Sequence[PastIncident]) -> float:
    """So long (ns) have two."""
    return _second([past.until_ns - past.rang_ns for past in near for _ in range(1 + past.twice)])


def _gone(name: str, far: float, near: Sequence[PastIncident]) -> float:
    """So far have two, the same way."""
    sign = 1.0 if far >= 0.0 else -1.0
    return _second([sign * past.changes.get(name, 0.0) for past in near for _ in range(1 + past.twice)])


def _second(values: Sequence[float]) -> float:
    """The second largest, 0 where there is none."""
    return sorted(values)[-2] if len(values) > 1 else 0.0

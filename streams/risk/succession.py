"""Which revision follows which? What the streams alone tell of a workload's rollouts.

The *incumbent* is the revision that serves: one that was there, never silent for long, for `settled_ns` before any
other. Two that were first seen within less of each other may have begun in either order (the slowest metrics come
every five minutes), so of them nothing is said; another source has to. What appears beside the incumbent and is heard
for `ALONE_NS` with no third one is on trial against it. With three or more (an Experiment has two revisions of its own)
nothing begins: which of them is a baseline the streams do not tell.

A pair is on trial once, and again when its canary has been away and is back. Of a pair, whoever asked for it, one that
falls silent for `settled_ns`, and for three times its longest silence so far, while the other is heard, has vanished:
of the canary that means aborted, of the baseline promoted, as long as nobody has named the pair (`streams.workload`):
whoever has can tell, and a baseline whose shipper is away looks alike, until the next rollout begins from the canary.
So long a promotion or an abort that somebody tells has time to come first; of a canary that has failed `ALONE_NS` will
do, for its abort is awaited, and a retry should not be told of that failure. Both silent tell nothing, and both heard
go on, however long.

All of it rests on event time alone, window after window.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import Struct

from streams.risk.comparison import Outcome

ALONE_NS = 60_000_000_000
"""Twice the time that Kubernetes gives a pod to end (30 s): two revisions deleted together are both heard within it."""
_SILENCES = 3
"""A silence of so many times the longest so far is another thing: for Poisson gaps the tail is exp(-3) times as likely
again, on top of `settled_ns`."""
_MOST_REVISIONS = 100
"""Known of one workload; past it the one heard longest ago is forgotten."""


class Known(Struct, array_like=True):
    """One revision."""

    first_ns: int
    """Start of the first window since it last was away."""
    heard_ns: int
    """Start of the last window in which it was heard."""
    longest_silence_ns: int = 0
    """Between two windows in which it was heard."""
    concluded: bool = False
    """It was compared and that is over: while it stays it is not on trial again."""


class SuccessionState(Struct, array_like=True):
    """The snapshot."""

    known: dict[str, Known] = {}
    """Pod-template hash -> what is known of it."""
    incumbent: str | None = None
    """Pod-template hash of the revision that serves; None: cannot tell."""
    heard_ns: int = 0
    """Start of the last window in which any was heard."""


class Succession:
    """One workload's: `hear` each window, then read `on_trial` and `outcome`."""

    def __init__(self, settled_ns: int, state: SuccessionState) -> None:
        self._settled_ns = settled_ns
        self._state = state
        self._now_ns = state.heard_ns
        self._serving: Collection[str] = ()

    def hear(self, start_ns: int, heard: Collection[str], serving: Collection[str] = ()) -> tuple[str, ...]:
        """Close a window in which these revisions were heard; those that have come back after they had vanished.

        Args:
            start_ns: of the window.
            heard: pod-template hashes.
            serving: those of which somebody said that they serve: while they are silent nothing takes their place.
        """
        self._serving = serving
        if not heard:
            return ()
        self._pass_over(start_ns - self._state.heard_ns)
        self._now_ns = self._state.heard_ns = start_ns
        back = tuple(name for name in sorted(heard) if self._meet(name, start_ns))
        self._settle()
        return back

    @property
    def on_trial(self) -> tuple[str, str] | None:
        """The incumbent and the one revision beside it; None where there is none, or more than one."""
        incumbent = self._state.incumbent
        others = {name: known for name, known in self._state.known.items() if name != incumbent}
        present = sorted(name for name, known in others.items() if not self._vanished(known))
        if incumbent is None or not present or self._vanished(self._state.known[incumbent]):
            return None
        newest = max(present, key=lambda name: (others[name].heard_ns, name))
        known = others.pop(newest)
        if known.concluded:
            return None
        alone_ns = max([known.first_ns, *(other.heard_ns for other in others.values())])
        return (incumbent, newest) if known.heard_ns - alone_ns >= ALONE_NS else None

    def outcome(self, baseline: str, canary: str, since_ns: int, *, failed: bool = False) -> Outcome | None:
        """What has become of a pair of which both were heard; None while both are there, or neither is.

        Args:
            baseline: pod-template hash.
            canary: pod-template hash.
            since_ns: what was heard only before that does not count.
            failed: the verdict was `fail`, so that an abort is awaited: a canary silent for `ALONE_NS` has gone.
        """
        one, other = self._state.known.get(baseline), self._state.known.get(canary)
        if one is None or other is None or min(one.heard_ns, other.heard_ns) < since_ns:
            return None
        patience_ns = self._patience_ns(other, ALONE_NS if failed else self._settled_ns)
        if one.heard_ns - other.heard_ns > patience_ns:
            return "aborted"
        if self._vanished(one) and other.heard_ns - one.heard_ns > self._patience_ns(one):
            return "promoted"
        return None

    def is_succeeded(self, baseline: str, canary: str) -> bool:
        """Whether one other revision began after the baseline was last heard, and was for `ALONE_NS` beside the canary.

        A rollout that replaces one under way takes its canary away sooner.
        """
        one, other = self._state.known.get(baseline), self._state.known.get(canary)
        others = [
            third
            for name, third in self._state.known.items()
            if name not in {baseline, canary} and not self._vanished(third)
        ]
        if one is None or other is None or len(others) != 1:
            return False
        first_ns = others[0].first_ns
        return first_ns > one.heard_ns and min(others[0].heard_ns, other.heard_ns) - first_ns >= ALONE_NS

    def newcomers(self, there: Collection[str]) -> set[str]:
        """Of what is there, what came after the incumbent beside it and of which nothing is concluded."""
        known, incumbent = self._state.known, self._state.incumbent
        if incumbent is None or incumbent not in there:
            return set()
        first_ns = known[incumbent].first_ns
        return {
            name for name in there if name in known and known[name].first_ns > first_ns and not known[name].concluded
        }

    def has_gone(self, revision: str) -> bool:
        """Whether it has been silent for so long that it has vanished."""
        known = self._state.known.get(revision)
        return known is not None and self._vanished(known)

    def swapped(self, baseline: str, canary: str) -> bool:
        """Whether a pair is named the wrong way round: its canary is what serves, and was there before its baseline."""
        one, other = self._state.known.get(baseline), self._state.known.get(canary)
        if one is None or other is None or canary != self._state.incumbent:
            return False
        return other.first_ns < one.first_ns

    def conclude(self, baseline: str, canary: str, outcome: Outcome) -> None:
        """Their comparison is over: promoted, the canary serves, and what served before only has to go."""
        known = self._state.known
        if outcome == "promoted" and canary in known:
            self._state.incumbent = canary
        for name in {baseline, canary} & known.keys():
            known[name].concluded = True

    def _pass_over(self, gap_ns: int) -> None:
        """A silence of all revisions is the shippers', and says nothing of any."""
        if gap_ns > ALONE_NS:
            for known in self._state.known.values():
                known.first_ns += gap_ns
                known.heard_ns += gap_ns

    def _meet(self, name: str, start_ns: int) -> bool:
        known = self._state.known.get(name)
        if known is None:
            self._state.known[name] = Known(start_ns, start_ns)
            return False
        if self._vanished(known):
            first_ns = known.first_ns if name in self._serving else start_ns
            self._state.known[name] = Known(first_ns, start_ns)
            return name not in self._serving
        known.longest_silence_ns = max(known.longest_silence_ns, start_ns - known.heard_ns)
        known.heard_ns = start_ns
        return False

    def _patience_ns(self, known: Known, least_ns: int | None = None) -> int:
        least_ns = self._settled_ns if least_ns is None else min(least_ns, self._settled_ns)
        return max(least_ns, _SILENCES * known.longest_silence_ns)

    def _vanished(self, known: Known) -> bool:
        return self._now_ns - known.heard_ns > self._patience_ns(known)

    def _settle(self) -> None:
        """Keep the incumbent, or find one; forget what is long gone."""
        state = self._state
        there = {name: one for name, one in state.known.items() if name in self._serving or not self._vanished(one)}
        if state.incumbent is not None and state.incumbent not in there and there:
            state.incumbent = None
        if state.incumbent is None and there:
            name, second_ns = self._oldest(there)
            if second_ns - there[name].first_ns >= self._settled_ns:
                state.incumbent = name
        self._forget()

    def _oldest(self, there: dict[str, Known]) -> tuple[str, int]:
        """Who came first, and when the next one did; now, if none did."""
        first, *rest = sorted((known.first_ns, name) for name, known in there.items())
        return first[1], rest[0][0] if rest else self._now_ns

    def _forget(self) -> None:
        for name in list(self._gone()):
            del self._state.known[name]

    def _gone(self) -> Iterator[str]:
        known = self._state.known
        kept = {self._state.incumbent, *self._serving}
        by_time = sorted((each.heard_ns, name) for name, each in known.items() if name not in kept)
        for number, (heard_ns, name) in enumerate(by_time):
            away_ns = self._now_ns - heard_ns
            if len(by_time) - number > _MOST_REVISIONS or away_ns > 4 * self._patience_ns(known[name]):
                yield name

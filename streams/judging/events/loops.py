"""Do pods of the canary restart again, minutes after they came, as those of production have not for long?

Side by side n restarts that the canary alone has are worth 2^n at half of the traffic, and a crash loop has some five
in ten minutes (the kubelet waits 10, 20, 40, 80, 160, 300 s), all of one cause: that fails nobody. But most workloads
do not restart at all for weeks, and the bound of `production.peaks` makes of that a p, whatever the clumps are in which
restarts come: if production has begun no ten minutes with `AGAIN` restarts or more for K minutes, a revision that is
like it does so in its first ten with a chance of at most g/(K+g).

Counted from a scrape after its last pods have started (`STARTS_NS`), so that a pod that restarts while what it needs is
not there yet has not restarted again. What it rests on stands in `production.against`.

Source: Kubernetes, "Pod lifecycle", section "Container restart policy" (the delays).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from streams.judging.pod_window import STARTS_NS
from streams.judging.production.against import LEAST_MINUTES
from streams.judging.production.past import MINUTE_NS, RESTARTS, ProductionPast, restarts_of
from streams.judging.production.peaks import bound
from streams.judging.reasons import Reason, number
from streams.judging.side import Side
from streams.signals.rule import SignalRule

MINUTES = 10
"""Of the stretch; a length of `production.peaks`. A loop has begun by then, and a longer one says less."""
AGAIN = 2
"""Restarts, each of a pod in one window. One happens; the second of a loop comes within five minutes of its start."""

_TOLD_NS = STARTS_NS + MINUTE_NS
"""From when on a pod tells of restarts after its start only: the slowest usual scrape is once a minute."""


class LoopState(Struct, array_like=True):
    """All that is remembered."""

    quiet: int = 0
    """K: minutes in which production began nothing like it; 0 = it is not known for long enough, nothing is judged."""
    pods: float = 0.0
    """Of production."""
    next_minute: int = 0
    """Number (since 1970) of the minute after the last one known of it."""
    most_pod_s: float = 0.0
    grew_ns: int = 0
    """Start of the window with which the canary last had more pods than ever."""
    from_minute: int | None = None
    """Number of the first minute that counts."""
    restarts: float = 0.0
    p: float = 1.0
    """For the whole life."""


def begin_loops(past: ProductionPast) -> LoopState:
    """The state in which a comparison begins."""
    known = past.restarts
    if known.minutes < LEAST_MINUTES or past.minute is None:
        return LoopState()
    return LoopState(known.quiet(MINUTES, AGAIN), past.pods, past.minute)


class Loops:
    """`add` the canary's windows in order of time, then read."""

    def __init__(self, window_ns: int, state: LoopState) -> None:
        """Goes on from a state, which becomes its own."""
        self._window_ns = window_ns
        self.state = state

    @property
    def judged(self) -> bool:
        """Production is known for long enough; settled before the comparison begins."""
        return self.state.quiet > 0

    def add(self, start_ns: int, canary: Side | None, rules: Mapping[str, SignalRule]) -> None:
        """One closed window.

        Args:
            start_ns: later than that of any before.
            canary: what it did; None where it was not there.
            rules: of signals; of one that is only watched, or has no weight, nothing is held against it.
        """
        state = self.state
        if not self.judged or canary is None:
            return
        if canary.pod_s > state.most_pod_s * (1.0 + 1e-9):
            state.most_pod_s, state.grew_ns = canary.pod_s, start_ns
        if start_ns - state.grew_ns < _TOLD_NS:
            return
        minute = start_ns // MINUTE_NS
        if state.from_minute is None:
            state.from_minute = minute
        restarts = restarts_of((canary,))
        if not restarts or not _counts(rules) or minute - state.from_minute >= MINUTES:
            return
        pods = canary.pods(self._window_ns)
        state.restarts += restarts * (min(1.0, state.pods / pods) if pods > 0.0 else 1.0)
        if state.restarts >= AGAIN:
            state.p = bound(state.quiet, MINUTES, max(1, state.from_minute - state.next_minute + 1))

    def reasons(self, progress: float) -> Iterable[Reason]:
        """A sentence, once it is so.

        Args:
            progress: 0..1, how far it has come to failing the canary.
        """
        state = self.state
        if state.p < 1.0:
            yield Reason(
                progress,
                f"pods of the canary restarted {number(state.restarts)} times within {MINUTES} minutes, counted from"
                f" {_TOLD_NS // MINUTE_NS} minutes after the last of them came; production has not done so for"
                f" {number(state.quiet)} minutes (restarts, p = {state.p:.2g})",
            )


def _counts(rules: Mapping[str, SignalRule]) -> bool:
    known = [rules[name] for name in RESTARTS if name in rules]
    return bool(known) and all(rule.weight > 0.0 and rule.criticality != "watch" for rule in known)

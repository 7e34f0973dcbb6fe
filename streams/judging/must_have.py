"""Which signals must a PASS not do without, and have both revisions shown them?

Named by name or pattern. A name must have been shown by both revisions. Of a pattern some signal must have been, and
each one that either has shown, by the other as well: that a rollout before had others is no fault of this one.
`log/*` is shown by log lines of any class, `requests/error` by requests counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from streams.judging.settings import LOG_SIGNALS, JudgeSettings
from streams.judging.side import Side
from streams.policy.counted import REQUESTS
from streams.policy.glob import matches
from streams.signals.rule import SignalRule

_LOGS = frozenset(LOG_SIGNALS.values())


class MustHaveState(Struct, array_like=True):
    """What has been shown so far, of what must be; sorted."""

    baseline: list[str] = []
    canary: list[str] = []


class MustHave:
    """`add` each judged window, then read what is `missing`."""

    def __init__(self, settings: JudgeSettings, state: MustHaveState) -> None:
        self._patterns = settings.must_have
        self._counted = {each.signal: each.criticality for each in settings.signals}
        self.state = state

    def add(self, baseline: Side | None, canary: Side | None, rules: Mapping[str, SignalRule]) -> None:
        """One window; None for a side that was not there."""
        if not self._patterns:
            return
        for side, known in ((baseline, self.state.baseline), (canary, self.state.canary)):
            new = [name for name in (_shown(side) if side else ()) if name not in known and self._asked(name, rules)]
            if new:
                known[:] = sorted({*known, *new})

    @property
    def missing(self) -> list[tuple[str, str]]:
        """What is asked for, and who has not shown it: `the baseline`, `the canary` or `either revision`."""
        found = {}
        for pattern in self._patterns:
            ours = [name for name in self.state.baseline if matches(pattern, name)]
            theirs = [name for name in self.state.canary if matches(pattern, name)]
            if not ours and not theirs:
                found[pattern] = "either revision"
            found |= {name: "the canary" for name in ours if name not in theirs}
            found |= {name: "the baseline" for name in theirs if name not in ours}
        return sorted(found.items())

    def reasons(self) -> list[str]:
        """A sentence for each that is missing."""
        return [
            f"cannot tell: `{name}` must be there for a PASS, and has not been seen of {who}"
            for name, who in self.missing
        ]

    def _asked(self, name: str, rules: Mapping[str, SignalRule]) -> bool:
        """A pattern fits, and no later entry of the policy says otherwise."""
        rule = rules.get(name)
        criticality = self._counted.get(name, "must_have" if rule is None else rule.criticality)
        return criticality == "must_have" and any(matches(pattern, name) for pattern in self._patterns)


def _shown(side: Side) -> list[str]:
    logged = _LOGS if side.lines or side.incidents else ()
    counted = any(each.requests > 0.0 for each in side.requests.values())
    return [*side.levels, *side.events, *side.values, *logged, *((REQUESTS,) if counted else ())]

"""When is production compared with itself, so that a rollout finds a past?

While one revision is there alone and no comparison runs: every five hours, so that any hour of the day has its turn,
until the past knows enough; after that every five days, so that what it knows does not grow old. What a rollout
interrupts is not taken.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping

from msgspec import Struct

from streams.judging.past import Past, Prior
from streams.judging.policy_settings import judge_settings
from streams.judging.rehearsal import Rehearsal, RehearsalState, begin_rehearsal
from streams.judging.settings import JudgeSettings
from streams.judging.side import Halves, Side, SignatureInfo
from streams.policy.workload_policy import WorkloadPolicy
from streams.signals.rule import SignalRule

_HOUR_NS = 3_600_000_000_000
_APART_NS = 5 * _HOUR_NS
"""From the end of a cohort to the next; no divisor of a day."""
_LATER_NS = 120 * _HOUR_NS
"""The same once enough is known."""
_ENOUGH = 6.0
"""Of `Past.cohorts`, which fade: nine of them."""


class RehearsalsState(Struct, array_like=True):
    """Of one workload."""

    due_ns: int | None = None
    """Event time from which one may begin; None: production has not been seen alone yet."""
    revision: str = ""
    """That is rehearsed; empty: none."""
    rehearsal: RehearsalState | None = None


class Rehearsals:
    """Those of one workload: ask `of` with every window, and `add` it where it is one."""

    def __init__(self, settings: JudgeSettings, window_ns: int, key: str, past: Past, state: RehearsalsState) -> None:
        """Goes on from a state, which becomes its own.

        Args:
            settings: of a comparison.
            window_ns: length of a window.
            key: of the workload; those of many shall not begin at once.
            past: of the workload, which learns what is rehearsed.
            state: a snapshot.
        """
        self._settings = settings
        self._window_ns = window_ns
        self._offset_ns = zlib.crc32(key.encode()) * _APART_NS >> 32
        self._past = past
        self._state = state
        self._rehearsal: Rehearsal | None = None
        if state.rehearsal is not None:
            self._rehearsal = Rehearsal(settings, window_ns, past, state.rehearsal)

    def to_state(self) -> RehearsalsState:
        """The snapshot; valid until the next window."""
        self._state.rehearsal = None if self._rehearsal is None else self._rehearsal.to_state()
        return self._state

    def of(self, start_ns: int, there: Collection[str], policy: WorkloadPolicy | None, *, runs: bool) -> str:
        """The revision whose window is one of a rehearsal, which may begin or break off here; empty: none.

        Args:
            start_ns: of the window.
            there: revisions with pods.
            policy: what an operator has set; None: the settings as they are.
            runs: a comparison does.
        """
        state = self._state
        alone = next(iter(there)) if len(there) == 1 and not runs else ""
        if self._rehearsal is not None and alone != state.revision:
            self.put_off(start_ns)
        if not alone:
            return ""
        if state.due_ns is None:
            state.due_ns = start_ns + self._offset_ns
        if self._rehearsal is None and start_ns >= state.due_ns:
            state.revision = alone
            judged = self._settings if policy is None else judge_settings(policy, self._settings)
            begun = begin_rehearsal(self._settings, self._past, judged.lifetime_ns or judged.planned_ns)
            self._rehearsal = Rehearsal(self._settings, self._window_ns, self._past, begun)
        return state.revision

    def add(
        self,
        start_ns: int,
        side: Side,
        halves: Halves,
        signatures: Mapping[int, SignatureInfo],
        rules: Mapping[str, SignalRule],
        templates: Mapping[int, int],
    ) -> bool:
        """One closed window of the revision that `of` named; the arguments are those of `Rehearsal.add`.

        Returns:
            Whether it was the last one, and the past has learned.
        """
        if self._rehearsal is None:
            return False
        self._rehearsal.add(start_ns, side, halves, signatures, rules, templates)
        if not self._rehearsal.over:
            return False
        self._past.learn(self._rehearsal.cohort(), self._settings.logs, Prior(), promoted=False)
        self.put_off(start_ns)
        return True

    def put_off(self, end_ns: int) -> None:
        """None is wanted for a while: the past has learned, or something came between."""
        self._rehearsal, self._state.revision = None, ""
        self._state.due_ns = end_ns + (_APART_NS if self._past.cohorts < _ENOUGH else _LATER_NS)

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: former number -> the one it is part of now."""
        if self._rehearsal is not None:
            self._rehearsal.redirect(redirects)

"""Which comparisons have ended, and which of them is tried again?

Asking again does not revive what has ended. Another attempt is judged anew: one whose rollout was seen under way after
the end, or whose canary's pods were all first met after it.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.judging.presence import Presence
from streams.risk.comparison import Comparison, Outcome
from streams.workload.state import WorkloadState

_RETRY_NS = 10_000_000_000
"""What is told within so long of the end may be a state from before it (argo-rollouts issue 4021)."""


def pair_of(key: str) -> tuple[str, str]:
    """Baseline and canary of a comparison's key."""
    _, baseline, canary = key.rsplit("/", 2)
    return baseline, canary


class Attempts:
    """`end` comparisons and `begin` them again."""

    def __init__(self, state: WorkloadState, presence: Mapping[str, Presence]) -> None:
        """Go on.

        Args:
            state: of the workload; `ended`, `attempts` and `anew` are kept here.
            presence: pod-template hash -> its pods, as they come and go.
        """
        self._state = state
        self._presence = presence

    @property
    def ended(self) -> list[str]:
        """Keys of all that ended lately."""
        return list(self._state.ended)

    @property
    def tried_again(self) -> list[str]:
        """Of those that were aborted: the canary has new pods beside its baseline, and no old ones."""
        return [key for key in self._state.ended if self._is_tried_again(key)]

    def has_ended(self, key: str) -> bool:
        """Whether it ended lately."""
        return key in self._state.ended

    def may_begin(self, comparison: Comparison, told_ns: int, *, again: bool) -> bool:
        """Whether there is anything to begin.

        Args:
            comparison: one that does not run.
            told_ns: when the rollout was seen under way; 0: unsaid.
            again: one has ended before, however long ago: without both revisions there is nothing to begin.
        """
        ended_ns = self._state.ended.get(comparison.key)
        if ended_ns is not None and told_ns - ended_ns < _RETRY_NS:
            return self._is_tried_again(comparison.key)
        return not again or (self._is_there(comparison.baseline) and self._is_there(comparison.canary))

    def begin(self, key: str) -> int:
        """It runs; start (ns) of the first window that no earlier attempt was judged by."""
        self._state.attempts.pop(key, None)
        return max(self._state.ended.pop(key, 0), self._state.anew.pop(key, 0))

    def end(self, comparison: Comparison, outcome: Outcome, ended_ns: int) -> None:
        """It has ended."""
        self._state.ended[comparison.key] = ended_ns
        if outcome == "aborted":
            self._state.attempts[comparison.key] = self.pods_met(comparison.canary)

    def began_after(self, key: str, pods: int) -> None:
        """One that was aborted is tried already: so many pods of its canary were met before."""
        self._state.attempts[key] = pods

    def is_another(self, key: str) -> None:
        """What begins next under this key is another attempt."""
        self._state.anew[key] = self._state.ended.pop(key)

    def forget(self, horizon_ns: int) -> None:
        """What ended before."""
        state = self._state
        state.ended = {key: ended_ns for key, ended_ns in state.ended.items() if ended_ns > horizon_ns}
        state.anew = {key: ended_ns for key, ended_ns in state.anew.items() if ended_ns > horizon_ns}
        state.attempts = {key: met for key, met in state.attempts.items() if key in state.ended}

    def pods_met(self, pod_template_hash: str) -> int:
        """How many pods of a revision have been met so far."""
        presence = self._presence.get(pod_template_hash)
        return 0 if presence is None else presence.state.numbered

    def all_new(self, pod_template_hash: str, met: int) -> bool:
        """Whether it has pods, all of which were first met after so many others."""
        presence = self._presence.get(pod_template_hash)
        return (
            presence is not None and presence.there and min(pod.number for pod in presence.state.pods.values()) >= met
        )

    def _is_tried_again(self, key: str) -> bool:
        met, (baseline, canary) = self._state.attempts.get(key), pair_of(key)
        return met is not None and self._is_there(baseline) and self.all_new(canary, met)

    def _is_there(self, pod_template_hash: str) -> bool:
        presence = self._presence.get(pod_template_hash)
        return presence is not None and presence.there

"""Which revision is production now, since when, and what was before it?

- Promoted: a comparison that ended so made its canary production.
- On trial: the canaries of running comparisons never are; their baseline is, where nothing else is known.
- Replaced: without Argo, a pod-template hash that appeared later takes over once more of its pods are there than of
  the former one, or the former one is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

from streams.judging.side import Side

_MOST_DEPLOYMENTS = 20
"""Remembered per workload, the latest."""


class Deployment(Struct, array_like=True, frozen=True):
    """One revision that became production."""

    revision: str
    """Pod-template hash."""
    deployed_ns: int
    """Of a promotion its end; else when the first of its pods appeared."""
    known_ns: int
    """When it was seen to be production: the first windows of its pods may be earlier."""
    first: bool = False
    """Nothing was known of the workload before: it may have been there for long."""


class ProductionState(Struct, array_like=True):
    """All that is known of it."""

    revision: str = ""
    """Empty while there is none."""
    before: str = ""
    """The revision that it replaced; empty where none is known."""
    seen: dict[str, int] = {}
    """Pod-template hash of each revision with pods -> start (ns) of the window that first showed it."""
    deployments: list[Deployment] = []
    """Oldest first."""


class Production:
    """`promote` and `add` in order of time; then `state`."""

    def __init__(self, state: ProductionState) -> None:
        self.state = state

    @property
    def latest(self) -> Deployment | None:
        """The deployment of what is production now; None where it was there from the first."""
        deployments = self.state.deployments
        return deployments[-1] if deployments and not deployments[-1].first else None

    def promote(self, revision: str, at_ns: int) -> bool:
        """A rollout ended with this canary as production; whether it was not before."""
        return self._deploy(revision, at_ns, at_ns)

    def add(self, start_ns: int, end_ns: int, sides: Mapping[str, Side], trials: Mapping[str, str]) -> bool:
        """See who is there in one closed window; whether production became another.

        Args:
            start_ns: of the window.
            end_ns: of the window.
            sides: pod-template hash -> what it did.
            trials: canary -> baseline, of the comparisons that run.
        """
        state = self.state
        state.seen = {name: state.seen.get(name, start_ns) for name in sorted(sides)}
        chosen = self._chosen(sides, trials)
        if not chosen or chosen == state.revision:
            return False
        return self._deploy(chosen, state.seen[chosen], end_ns)

    def _chosen(self, sides: Mapping[str, Side], trials: Mapping[str, str]) -> str:
        state = self.state
        others = [name for name in sorted(sides) if name not in trials]
        current = sides.get(state.revision)
        if current is None:
            return _baseline(trials.values(), others) or _largest(others, sides)
        seen_ns = state.seen[state.revision]
        later = [name for name in others if state.seen[name] > seen_ns and sides[name].pod_s > current.pod_s]
        return _largest(later, sides) or state.revision

    def _deploy(self, revision: str, deployed_ns: int, known_ns: int) -> bool:
        state = self.state
        if revision == state.revision:
            return False
        deployment = Deployment(revision, deployed_ns, known_ns, first=not state.revision)
        state.before, state.revision = state.revision, revision
        state.deployments = [*state.deployments, deployment][-_MOST_DEPLOYMENTS:]
        return True


def _baseline(baselines: Collection[str], there: Collection[str]) -> str:
    """The baseline of a running comparison, if its pods are there."""
    return max((name for name in baselines if name in there), default="")


def _largest(names: Collection[str], sides: Mapping[str, Side]) -> str:
    """Of which most pods are there; of equals the one of greater name."""
    return max(names, key=lambda name: (sides[name].pod_s, name), default="")

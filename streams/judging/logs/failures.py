"""Which traces failed, on either side? Those with a line of class error or critical.

Where only the canary's lines carry ids, its failed traces cannot be compared with incidents per pod and window: they
are not counted, and that is said.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from streams.judging.side import Side, SignatureInfo, Trace

FAILED = ("error", "critical")
_TALLIES = 200
"""Signatures kept for the reasons."""


class FailuresState(Struct, array_like=True):
    """What is remembered of both sides' failed traces."""

    loose: float = 0.0
    """Incidents of the baseline: failed traces without an id."""
    chances: float = 0.0
    """Pods times windows in which the baseline could have shown one."""
    unlike: float = 0.0
    """Failed traces of the canary that were not counted."""
    canary: dict[int, float] = {}
    """Template of class error or critical -> failed traces that hold it."""
    baseline: dict[int, float] = {}

    @property
    def saturation(self) -> float:
        """Probability that a baseline pod shows an incident in a window; 0 where failures have ids."""
        return min(1.0, self.loose / (self.chances + 1.0))

    def of_baseline(
        self, side: Side, windows: float, known: Mapping[int, SignatureInfo], templates: Mapping[int, int]
    ) -> float:
        """Count one window of the baseline; its failed traces.

        Args:
            side: what it did.
            windows: pods times windows it was there.
            known: what signature ids stand for.
            templates: redirects, see `LogPart.add`.
        """
        failed = [trace for trace in side.traces if trace.log_class in FAILED]
        self.chances += windows
        self.loose += sum(trace.count for trace in failed if not trace.shape)
        self._tally(self.baseline, failed, known, templates)
        return float(sum(trace.count for trace in failed))

    def of_canary(
        self, side: Side, known: Mapping[int, SignatureInfo], templates: Mapping[int, int], *, alike: bool
    ) -> float:
        """The same of the canary.

        Args:
            side: what it did.
            known: what signature ids stand for.
            templates: redirects, see `LogPart.add`.
            alike: baseline and history have ids as well.
        """
        failed = [trace for trace in side.traces if trace.log_class in FAILED]
        counted = [trace for trace in failed if alike or not trace.shape]
        found = float(sum(trace.count for trace in counted))
        self.unlike += sum(trace.count for trace in failed) - found
        self._tally(self.canary, counted, known, templates)
        return found

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others: so do their counts."""
        for tallies in (self.canary, self.baseline):
            for old in sorted(tallies.keys() & redirects.keys()):
                new = redirects[old]
                tallies[new] = tallies.get(new, 0.0) + tallies.pop(old)

    def _tally(
        self,
        tallies: dict[int, float],
        failed: list[Trace],
        known: Mapping[int, SignatureInfo],
        templates: Mapping[int, int],
    ) -> None:
        for trace in failed:
            for number in trace.signatures:
                info = known.get(number)
                if info is not None and info.log_class in FAILED:
                    template = templates.get(number, number)
                    tallies[template] = tallies.get(template, 0.0) + trace.count
        if len(tallies) > _TALLIES:
            for number in sorted(tallies, key=lambda one: (-tallies[one], one))[_TALLIES:]:
                del tallies[number]

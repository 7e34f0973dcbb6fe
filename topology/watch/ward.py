"""The watch over what is recorded: does an alarm ring? By the panel of production, and its life of alarms."""

from __future__ import annotations

from collections.abc import Iterable

from streams.watch.incident import Incident, changed
from streams.watch.mean import FadingMean
from streams.watch.panel import Panel, PanelState
from streams.watch.points import Point
from streams.watch.reading import Reading
from streams.watch.ringing import SETTLED_NS, SETTLED_WINDOWS, Ringing, log_budget

_STEPS = 100.0
"""Windows whose distance in time says how many there are in an average run length."""
_FOREVER_NS = 1 << 62


class Ward:
    """`add` each window's points, in order of time; then `rings` and `raised`."""

    def __init__(self, arl_s: float) -> None:
        """Begin.

        Args:
            arl_s: average seconds to a false alarm while all is normal.
        """
        self._arl_s = arl_s
        self._panel = Panel(PanelState(), _FOREVER_NS, scored=True)
        self._incidents: list[Incident] = []
        self._ringing = Ringing(self._panel, self._incidents, [], [], [])
        self._step = FadingMean(_STEPS)
        self._last_ns: int | None = None
        self.raised: Incident | None = None
        """By the latest window."""

    @property
    def rings(self) -> bool:
        """An alarm is raised or held."""
        return bool(self._incidents)

    @property
    def spoken_of(self) -> set[str]:
        """Signals that an alarm tells of."""
        return {name for incident in self._incidents for name in incident.told}

    @property
    def told(self) -> str:
        """What the alarm tells that the latest window raised; empty if it raised none."""
        return changed(self.raised) if self.raised is not None else ""

    def drop(self, name: str) -> None:
        """It is watched no more."""
        self._panel.drop(name)

    def add(self, time_ns: int, points: Iterable[Point], load: float | None = None) -> dict[str, Reading]:
        """Judge one window; `load` of the workload, where it is told.

        Raises:
            BadRecord: a value that cannot be, or a time not after the last one; it changes nothing.
        """
        readings = self._panel.add(time_ns, points, load)
        self._measure(time_ns)
        step_s = self._step.value or 1.0
        settled_ns = max(SETTLED_NS, int(SETTLED_WINDOWS * step_s * 1e9))
        for incident in list(self._incidents):
            self._ringing.hold(incident, time_ns, settled_ns)
        self._ringing.let_pass(time_ns, settled_ns)
        budget = log_budget(self._arl_s, step_s)
        self.raised = self._ringing.due(str(time_ns), "", time_ns, budget, close=False)
        return readings

    def _measure(self, time_ns: int) -> None:
        """How far windows lie apart; a gap counts as three at most."""
        if self._last_ns is not None:
            gap_s = (time_ns - self._last_ns) / 1e9
            self._step.learn(min(gap_s, 3.0 * self._step.value) if self._step.weight else gap_s)
        self._last_ns = time_ns

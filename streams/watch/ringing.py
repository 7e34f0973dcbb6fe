"""Which incidents ring? Raised at the budget, held, and over when the evidence is, or when it is what is normal.

Shin, Ramdas & Rinaldo (arXiv 2203.03532): an e-detector that alarms at M >= c has an average run length of at least c.
An alarm that hovers at its threshold would ring over and over, so it ends only when the evidence has fallen to half of
the budget's logarithm: by as much as had to gather anew. What leaves its normal soon after an incident began, and
reaches the threshold itself, joins it: one incident, one alarm. What comes at the same hour of other days (`habits`) is
held as an alarm is, and told to nobody. Whatever is watched, rings by this: production, a replayed signal, counted log
lines.
"""

from __future__ import annotations

import math

from streams.watch.habits import Habits, PastIncident
from streams.watch.incident import Incident
from streams.watch.leaks import BLOCK_NS
from streams.watch.panel import Panel

CLEARED_AT_RATIO = 0.5
"""Of the budget's logarithm."""
ARL_S = 30 * 86_400.0
"""Average time to a false alarm of a workload, unless said otherwise."""
SETTLED_NS = 3_600_000_000_000
"""An alarm that has rung for so long tells of what is normal now, unless said otherwise."""
SETTLED_WINDOWS = 240
"""Least windows of the same: as many as a fault may last before it teaches in full (`detector`)."""
_CLIMBS_NS = 86_400_000_000_000
"""The same of what climbs, and is not what is normal because it has done so for an hour."""
_LEAST = 100.0
_TOGETHER_NS = 600_000_000_000
"""Onsets this near are one incident."""
_CLIMBS_TOGETHER_NS = 3 * BLOCK_NS
"""The same of climbs, whose onset is known to the block."""
_TAKES_PART = 0.05
"""Least share of M of a signal that is named when the alarm is raised."""
_MOST_RINGING, _MOST_ENDED = 5, 20
_AS_BEFORE = "all is as it was before"
_NEW_LEVEL = "it stays at the new level, which is what is normal now"
_UNWATCHED = "what it told of is watched no more"


def log_budget(arl_s: float, window_s: float) -> float:
    """The log e at which an alarm is raised, for an average run length.

    >>> round(log_budget(ARL_S, 5.0), 2)
    13.16

    Args:
        arl_s: average seconds to a false alarm while all is normal.
        window_s: seconds between two values.
    """
    return math.log(max(arl_s / window_s, _LEAST))


class Ringing:
    """After each window of the panel: `hold` every incident that rings, `let_pass`, then `due`."""

    def __init__(
        self,
        panel: Panel,
        ringing: list[Incident],
        ended: list[Incident],
        usual: list[Incident],
        past: list[PastIncident],
    ) -> None:
        """Go on.

        Args:
            panel: whose signals ring.
            ringing: incidents, by time of the raise; changed in place.
            ended: the latest that rang; changed in place.
            usual: those that go on and do not ring, for such come at this hour; changed in place.
            past: what `habits` know; changed in place.
        """
        self._panel = panel
        self._ringing, self._ended, self._usual = ringing, ended, usual
        self._habits = Habits(past)

    def hold(self, incident: Incident, at_ns: int, settled_ns: int) -> bool:
        """Look at one incident again, and take in what joins it; whether it still rings.

        Args:
            incident: that rings.
            at_ns: end of the window.
            settled_ns: after so long it tells of what is normal now.
        """
        panel = self._panel
        log_m, climbs = incident.look(panel, at_ns), panel.climb(incident.told)
        for name in self._free():
            onset_ns = panel.signals[name].onset_ns
            within_ns = _CLIMBS_TOGETHER_NS if climbs and panel.climb([name]) else _TOGETHER_NS
            near = onset_ns is not None and onset_ns - incident.joined_ns <= within_ns
            if near and panel.log_share(name, at_ns=at_ns) >= incident.log_threshold:
                self._take_in(incident, name, at_ns)
        lasts_ns = at_ns - incident.raised_ns
        if at_ns - max(incident.raised_ns, incident.learned_ns) >= settled_ns:
            self._learn([name for name in incident.told if not panel.climb([name])])
            incident.learned_ns = at_ns
        if lasts_ns >= (max(settled_ns, _CLIMBS_NS) if climbs else settled_ns):
            self._learn([name for name in incident.told if panel.climb([name])])
            self.end(incident, at_ns, "it has lasted so long that it is what is normal now")
        elif log_m < CLEARED_AT_RATIO * incident.log_threshold:
            self._quieten(incident)
            over = _NEW_LEVEL if self._stays(incident) else _AS_BEFORE
            if panel.signals.keys().isdisjoint(incident.told):
                over = _UNWATCHED
            self.end(incident, at_ns, "it climbs no more" if climbs else over)
        return not incident.ended

    def let_pass(self, at_ns: int, settled_ns: int) -> None:
        """Look again at what goes on as on other days: what goes farther, or lasts longer, is due.

        But evidence may outlive what it was gathered from, and is forgotten then.

        Args:
            at_ns: end of the window.
            settled_ns: see `hold`.
        """
        for incident in list(self._usual):
            if not self.hold(incident, at_ns, settled_ns):
                continue
            until_ns = self._usual_until_ns(incident)
            if until_ns is not None and at_ns <= until_ns:
                self._pass_over(incident)
                continue
            self._usual.remove(incident)
            if not incident.goes_on:
                self._quieten(incident)

    def due(
        self, identity: str, revision: str, at_ns: int, log_threshold: float, *, close: bool, passing: bool = True
    ) -> Incident | None:
        """Raise an alarm, if the evidence of the signals that do not ring yet reaches the threshold, and is not usual.

        Args:
            identity: of the alarm.
            revision: in production.
            at_ns: end of the window.
            log_threshold: of the logarithm of M.
            close: of M since the deployment.
            passing: what comes at this hour of other days is passed over.
        """
        if len(self._ringing) + len(self._usual) >= _MOST_RINGING:
            return None
        panel, free = self._panel, self._free()
        log_m = panel.log_mean(free, close=close, at_ns=at_ns)
        if log_m < log_threshold:
            return None
        shares = {name: panel.log_share(name, at_ns=at_ns) for name in free}
        most = max(shares.values())
        names = [name for name in free if shares[name] >= most + math.log(_TAKES_PART)]
        onsets = [onset for name in names if (onset := panel.signals[name].onset_ns) is not None]
        onset_ns = min(onsets, default=at_ns)
        incident = Incident(identity, revision, at_ns, onset_ns, log_threshold, onset_ns)
        for each in names:
            self._take_in(incident, each, at_ns)
        incident.score = incident.worst = max(1.0, round(log_m / log_threshold, 4))
        if passing and self._usual_until_ns(incident) is not None:
            self._usual.append(incident)
            self._pass_over(incident)
            return None
        self._ringing.append(incident)
        return incident

    def end(self, incident: Incident, at_ns: int, why: str) -> None:
        """It is over."""
        incident.ended, incident.cleared_ns = why, at_ns
        if incident in self._usual:
            self._usual.remove(incident)
        else:
            self._ringing.remove(incident)
            self._ended[:] = [*self._ended, incident][-_MOST_ENDED:]
        self.remember(incident)

    def remember(self, incident: Incident) -> None:
        """One that is over, or of which somebody has said something since."""
        if incident.opinion == "real":
            self._habits.forget(incident.raised_ns)
        else:
            nothing = incident.opinion == "nothing"
            self._habits.learn(incident.raised_ns, incident.cleared_ns, incident.changes, nothing=nothing)

    def _pass_over(self, incident: Incident) -> None:
        for name in incident.told:
            self._panel.pass_over(name)

    def _quieten(self, incident: Incident) -> None:
        for name in incident.told:
            self._panel.quieten(name)

    def _usual_until_ns(self, incident: Incident) -> int | None:
        """Such come at this hour, and last so long; None: they do not. Of climbs nobody knows the hour."""
        if self._panel.climb(incident.told):
            return None
        changes = {name: told.now - told.before for name, told in incident.told.items()}
        return self._habits.usual_until_ns(incident.raised_ns, changes)

    def _stays(self, incident: Incident) -> bool:
        """The evidence is over, for the forecast has gone along: of late a level is nearer to what was told of it."""
        of_late = ((self._panel.level(name), told) for name, told in incident.told.items())
        return any(level is not None and abs(level - told.now) < abs(level - told.before) for level, told in of_late)

    def _learn(self, names: list[str]) -> None:
        for name in names:
            self._panel.relearn(name)

    def _free(self) -> list[str]:
        """Signals that take part in no incident, sorted."""
        taken = {name for incident in (*self._ringing, *self._usual) for name in incident.told}
        return sorted(self._panel.signals.keys() - taken)

    def _take_in(self, incident: Incident, name: str, at_ns: int) -> None:
        incident.tell(name, self._panel, at_ns)
        self._panel.hear(name)
        incident.joined_ns = max(incident.joined_ns, self._panel.signals[name].onset_ns or 0)

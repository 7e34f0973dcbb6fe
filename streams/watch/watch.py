"""The watch over one workload in production: from closed windows to alarms.

An alarm is raised where the mean of the e-detectors (`panel`) reaches the budget: on average once in `arl_ns` while all
is normal. A fifth of the budget is saved for deployments: a closer watch of the first minutes may spend half of what is
saved, so that the sum of both keeps the promise. Its references are what the revision before did until then (the models
go on over a deployment) and their season. One incident is one alarm: what leaves its normal within ten minutes of it
joins it, with its replicas. It is held until the evidence has fallen to half of the threshold's logarithm, until what
it told of has lasted so long that it is learned as normal, or until somebody says that it was nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field, structs

from streams.judging.side import Side, SignatureInfo
from streams.records.identity import Workload
from streams.records.times import rfc3339
from streams.risk.document import RiskDocument
from streams.signals.rule import SignalRule
from streams.watch.alarm import Alarm, AlarmState, Suspect
from streams.watch.feedback import AlarmFeedback
from streams.watch.habits import PastIncident
from streams.watch.incident import Incident, alarm_of, changed
from streams.watch.leaks import climbs
from streams.watch.loud import LOUD_ERRORS, LOUD_WARNINGS, MOST_LOUD, Loud, LoudState
from streams.watch.panel import MOST_SIGNALS, Panel, PanelState
from streams.watch.points import ERRORS, Point, load_of, points
from streams.watch.production import Production, ProductionState
from streams.watch.regular import PREFIX, Info, Logged, Regular, RegularState
from streams.watch.ringing import SETTLED_NS, Ringing
from streams.watch.suspects import Neighbour, suspects
from streams.watch.verdict import document_of
from streams.windows.secrets import without_secrets

_SAVED_SHARE = 0.2
"""Of the budget, for the first minutes of deployments."""
_MOST_SPENT = 0.05
"""Chance of a false alarm that one deployment's closer watch may cost."""
_MOST_EXAMPLES = 5
_MOST_KNOWN = 2000
"""Error signatures remembered as seen before."""
_SILENT_NS = 900_000_000_000
"""Without a closed window for so long, nothing can be said to go on."""
_REMEMBERED_NS = 86_400_000_000_000
"""A workload that is gone is known for so long."""

Windows = Sequence[tuple[int, Mapping[str, Side]]]


class WatchSettings(Struct, frozen=True):
    """What holds for every workload."""

    arl_ns: int = 30 * 86_400_000_000_000
    """Average time to a false alarm of a workload."""
    close_ns: int = 900_000_000_000
    """How long a deployment is watched more closely."""
    settled_ns: int = SETTLED_NS
    """An alarm that has rung for so long tells of what is normal now."""
    told_ns: int = 60_000_000_000
    """Between two messages of an alarm that is held."""


class WatchState(Struct, array_like=True):
    """The snapshot."""

    production: ProductionState = field(default_factory=ProductionState)
    panel: PanelState = field(default_factory=PanelState)
    ringing: list[Incident] = []
    """By time of the raise."""
    ended: list[Incident] = []
    """The latest: feedback may still come."""
    known: dict[int, int] = {}
    """Error signature -> start (ns) of the window that last showed it."""
    saved: float = 0.0
    """Chance of a false alarm that is saved for deployments."""
    close_log_threshold: float = 0.0
    """While a deployment is watched closely."""
    close_until_ns: int = 0
    as_of_ns: int = 0
    loud: LoudState = field(default_factory=LoudState)
    regular: RegularState = field(default_factory=RegularState)
    loud_warnings: LoudState = field(default_factory=LoudState)
    usual: list[Incident] = []
    """Those that go on and do not ring, for such come at this hour."""
    past: list[PastIncident] = []
    """Incidents that are over, by which that is known."""


def _unheard(_: str) -> Logged:
    return Logged()


class Watch:
    """`promoted`, `add` and `hear` in order of time; then `alarms`."""

    def __init__(
        self,
        settings: WatchSettings,
        window_ns: int,
        workload: Workload,
        state: WatchState,
        neighbours: Callable[[], Sequence[Neighbour]],
    ) -> None:
        self._settings = settings
        self._window_ns = window_ns
        self._workload = workload
        self._state = state
        self._neighbours = neighbours
        self._production = Production(state.production)
        self._panel = Panel(state.panel)
        self._louds = Loud(state.loud, LOUD_ERRORS), Loud(state.loud_warnings, LOUD_WARNINGS)
        self._regular = Regular(state.regular, window_ns)
        self._ringing = Ringing(self._panel, state.ringing, state.ended, state.usual, state.past)
        self._fresh: dict[str, Alarm] = {}
        rate = window_ns / settings.arl_ns
        self._saving = _SAVED_SHARE * rate
        self._log_threshold = -math.log((1.0 - _SAVED_SHARE) * rate)

    @property
    def ringing(self) -> int:
        """Alarms that are not cleared."""
        return len(self._state.ringing)

    def to_state(self) -> WatchState:
        """The snapshot."""
        self._panel.to_state()
        return self._state

    def idle(self, watermark_ns: int) -> bool:
        """It may be forgotten."""
        state = self._state
        return not state.ringing and (not state.as_of_ns or watermark_ns - state.as_of_ns > _REMEMBERED_NS)

    def alarms(self) -> list[Alarm]:
        """What has changed since this was last called: one document per alarm, its latest."""
        fresh = list(self._fresh.values())
        self._fresh.clear()
        return fresh

    def document(self, *, rollback: bool = False) -> RiskDocument | None:
        """The verdict on what is in production; None while nothing is.

        Args:
            rollback: an alarm laid to the latest deployment fails it.
        """
        state = self._state
        usual = {name for incident in state.usual for name in incident.told}
        rest = self._panel.signals.keys() - usual
        score = max(self._panel.log_mean(rest, at_ns=state.as_of_ns), 0.0) / self._log_threshold
        warm = sum(known.warm for known in self._panel.signals.values())
        return document_of(
            self._workload,
            state.production,
            state.ringing,
            score,
            state.as_of_ns,
            warm=warm,
            rollback=rollback,
            silent=[*self._as_usual(), *([missing] if (missing := self._missing()) else [])],
        )

    def promoted(self, revision: str, at_ns: int) -> None:
        """A rollout ended with this revision as production."""
        if self._production.promote(revision, at_ns):
            self._watch_closely(at_ns)

    def add(
        self,
        start_ns: int,
        sides: Mapping[str, Side],
        trials: Mapping[str, str],
        rules: Mapping[str, SignalRule],
        signatures: Mapping[int, SignatureInfo],
        recent: Windows,
        logged: Callable[[str], Logged] = _unheard,
    ) -> None:
        """Take in one closed window.

        Args:
            start_ns: of the window, later than that before.
            sides: pod-template hash -> what it did.
            trials: canary -> baseline, of the comparisons that run.
            rules: by signal, as the workload's policy wants them.
            signatures: those of class warning and worse, by id.
            recent: the latest closed windows, this one among them, oldest first.
            logged: what a revision wrote in this window.
        """
        state, end_ns = self._state, start_ns + self._window_ns
        if self._production.add(start_ns, end_ns, sides, trials):
            self._watch_closely(end_ns)
        side = sides.get(state.production.revision)
        if side is None:
            return
        state.as_of_ns = end_ns
        state.saved = min(state.saved + self._saving, 2.0 * _MOST_SPENT)
        new = self._new_signatures(start_ns, side, signatures)
        lines = logged(state.production.revision)
        self._panel.add(start_ns, self._points(side, new, rules, signatures, lines), load_of(side, rules))
        self._follow(start_ns, side, rules, signatures, lines)
        for incident in list(state.ringing):
            self._hold(incident, end_ns)
        self._ringing.let_pass(end_ns, self._settings.settled_ns)
        self._raise(end_ns, signatures, recent)

    def expire(self, watermark_ns: int) -> bool:
        """End what rings of a workload that is gone; whether anything did."""
        state = self._state
        if watermark_ns - state.as_of_ns <= _SILENT_NS:
            return False
        state.usual.clear()
        ringing = list(state.ringing)
        for incident in ringing:
            self._end(incident, watermark_ns, "nothing has been heard of the workload for a quarter of an hour")
        return bool(ringing)

    def hear(self, said: AlarmFeedback, at_ns: int) -> None:
        """Learn from what somebody says of an alarm; said again it changes nothing, nor do the other kinds of word."""
        state = self._state
        found = next((one for one in (*state.ringing, *state.ended) if one.id == said.alarm_id), None)
        if found is None or said.kind not in {"nothing", "real"} or said.kind == found.opinion:
            return
        found.opinion = said.kind
        latest_first = *state.ringing, *reversed(state.ended)
        for name in sorted(found.told):
            latest = next(one for one in latest_first if name in one.told) is found
            self._panel.teach(name, at_ns, news=said.kind == "real", latest=latest)
        if said.kind == "nothing" and found in state.ringing:
            for name in found.told:
                self._panel.quieten(name)
            self._end(found, at_ns, "somebody said that it was nothing")
        elif found.ended:
            self._ringing.remember(found)

    def _watch_closely(self, at_ns: int) -> None:
        state = self._state
        if state.production.deployments[-1].first:
            return
        spent = min(state.saved / 2.0, _MOST_SPENT)
        state.saved -= spent
        windows = max(self._settings.close_ns // self._window_ns, 1)
        state.close_until_ns = at_ns + self._settings.close_ns
        state.close_log_threshold = math.log(windows / spent) if spent > 0.0 else self._log_threshold
        self._panel.deployed()
        self._regular.deployed()

    def redirect(self, redirects: Mapping[int, int], info: Info) -> None:
        """Templates became part of others: they are not gone.

        Args:
            redirects: former template -> the one it is part of.
            info: text and class of a template.
        """
        for name, to in self._regular.join(redirects, info).items():
            self._panel.rename(name, to)

    def _points(
        self,
        side: Side,
        new: int,
        rules: Mapping[str, SignalRule],
        signatures: Mapping[int, SignatureInfo],
        lines: Logged,
    ) -> list[Point]:
        """All of a window; a part of the places is kept for templates, which turn up later than the rest."""
        found = list(points(side, new, rules, signatures))
        watched = [point for point in found if point.weight > 0.0]
        silent = (point for point in found if point.weight <= 0.0)
        places = MOST_SIGNALS - MOST_LOUD
        self._state.panel.left_out += max(len(watched) - places, 0)
        written = self._regular.points(lines, side.pod_s) if side.pod_s else ()
        loud = {point.signal: point for each in reversed(self._louds) for point in each.points(side, signatures, rules)}
        return [*watched[:places], *silent, *loud.values(), *climbs(found), *written]

    def _follow(
        self,
        start_ns: int,
        side: Side,
        rules: Mapping[str, SignalRule],
        signatures: Mapping[int, SignatureInfo],
        lines: Logged,
    ) -> None:
        spoken_of = {name for incident in (*self._state.ringing, *self._state.usual) for name in incident.told}
        quiet = [name for each in self._louds for name in each.add(start_ns, side, signatures, spoken_of, rules)]
        for name in quiet:
            if (known := self._panel.signals.get(name)) is not None:
                known.seen_ns = start_ns - _REMEMBERED_NS  # it gives up its place with the next window
        for name in self._regular.add(start_ns, lines, spoken_of):
            self._panel.drop(name)

    def _new_signatures(self, start_ns: int, side: Side, signatures: Mapping[int, SignatureInfo]) -> int:
        known, new = self._state.known, 0
        for number in sorted(side.incidents):
            info = signatures.get(number)
            if info is not None and info.log_class in ERRORS:
                new += number not in known
                known[number] = start_ns
        if len(known) > _MOST_KNOWN:
            latest = sorted(known, key=lambda number: (-known[number], number))[:_MOST_KNOWN]
            self._state.known = {number: known[number] for number in sorted(latest)}
        return new

    def _hold(self, incident: Incident, end_ns: int) -> None:
        told = len(incident.told)
        if not self._ringing.hold(incident, end_ns, self._settings.settled_ns):
            self._fresh[incident.id] = alarm_of(incident, self._workload, "cleared", end_ns)
        elif len(incident.told) > told or end_ns - incident.published_ns >= self._settings.told_ns:
            self._publish(incident, end_ns)

    def _raise(self, end_ns: int, signatures: Mapping[int, SignatureInfo], recent: Windows) -> None:
        state, due = self._state, self._ringing.due
        name, revision = f"{self._workload.key}/{rfc3339(end_ns)}", state.production.revision
        closely = end_ns <= state.close_until_ns
        incident = due(name, revision, end_ns, self._log_threshold, close=False, passing=not closely)
        if incident is None and closely:
            incident = due(name, revision, end_ns, state.close_log_threshold, close=True, passing=False)
        if incident is None:
            return
        deployments = state.production.deployments
        found = suspects(self._workload, incident.onset_ns, deployments, self._neighbours())
        incident.suspects = tuple(map(self._with_missing, found))
        incident.examples = self._examples(incident.onset_ns, signatures, recent)
        self._publish(incident, end_ns)

    def _with_missing(self, suspect: Suspect) -> Suspect:
        """Lines that are gone since a deployment ring nothing, but speak against it where something does."""
        production = self._state.production
        missing = self._missing() if suspect.revision == production.revision else ""
        if suspect.workload != self._workload.key or not missing:
            return suspect
        return structs.replace(suspect, why=f"{suspect.why}; {missing}")

    def _as_usual(self) -> list[str]:
        """What goes on and does not ring, in sentences."""
        began = [(incident, rfc3339(incident.onset_ns)) for incident in self._state.usual]
        return [f"{changed(incident)} since {onset}, as at this hour of other days" for incident, onset in began]

    def _missing(self) -> str:
        """What the revision in production does not write any more; empty if there is nothing."""
        missing = self._panel.missing()
        if not missing:
            return ""
        named = ", ".join(f'"{name.removeprefix(PREFIX)}"' for name in missing[:_MOST_EXAMPLES])
        more = f" and {len(missing) - _MOST_EXAMPLES} more" if len(missing) > _MOST_EXAMPLES else ""
        return f"lines of the revision before that it has not written yet: {named}{more}"

    def _examples(self, onset_ns: int, signatures: Mapping[int, SignatureInfo], recent: Windows) -> tuple[str, ...]:
        """Error signatures of production that came most since the onset, beyond what came before; secrets masked."""
        counts: dict[int, tuple[float, float]] = {}
        windows = {True: 0, False: 0}
        for start_ns, sides in recent:
            side, after = sides.get(self._state.production.revision), start_ns >= onset_ns
            if side is None:
                continue
            windows[after] += 1
            for number, pods in side.incidents.items():
                now, then = counts.get(number, (0.0, 0.0))
                counts[number] = (now + pods, then) if after else (now, then + pods)
        excess = {
            number: now / max(windows[True], 1) - then / max(windows[False], 1)
            for number, (now, then) in counts.items()
            if number in signatures
        }
        first = sorted(excess, key=lambda number: (-excess[number], number))[:_MOST_EXAMPLES]
        return tuple(without_secrets(signatures[number].text)[:1000] for number in first if excess[number] > 0.0)

    def _end(self, incident: Incident, at_ns: int, why: str) -> None:
        self._ringing.end(incident, at_ns, why)
        self._fresh[incident.id] = alarm_of(incident, self._workload, "cleared", at_ns)

    def _publish(self, incident: Incident, end_ns: int) -> None:
        incident.published_ns = end_ns
        word: AlarmState = "raised" if incident.raised_ns == end_ns else "held"
        self._fresh[incident.id] = alarm_of(incident, self._workload, word, end_ns)

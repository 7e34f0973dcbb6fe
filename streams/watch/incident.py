"""One incident: the signals that left their normal together, from the raise to the end, and how it is told."""

from __future__ import annotations

import math

from msgspec import Struct

from streams.records.identity import Workload
from streams.records.times import rfc3339
from streams.signals.units import shown_unit
from streams.watch.alarm import Alarm, AlarmSignal, AlarmState, Suspect
from streams.watch.panel import Panel, SignalState

_PER_POD_SECOND = "1/s"
_MOST_SIGNALS = 20
"""In the document, worst first."""


class Incident(Struct, array_like=True):
    """All that is remembered of it."""

    id: str
    revision: str
    raised_ns: int
    onset_ns: int
    log_threshold: float
    """At which it was raised."""
    joined_ns: int
    """Latest onset of a signal that takes part."""
    told: dict[str, AlarmSignal] = {}
    """Signal -> as it was last told."""
    suspects: tuple[Suspect, ...] = ()
    examples: tuple[str, ...] = ()
    score: float = 1.0
    published_ns: int = 0
    worst: float = 0.0
    """Highest score so far."""
    ended: str = ""
    """Why it is over; empty while it rings."""
    cleared_ns: int = 0
    learned_ns: int = 0
    """When what it told of last became normal, but for climbs."""
    opinion: str = ""
    """`nothing` or `real`, whichever was said of it last."""
    changes: dict[str, float] = {}
    """Signal -> how far it went above (or below) what was normal, at its farthest; its mean since the onset."""

    def look(self, panel: Panel, at_ns: int) -> float:
        """What its signals do now; the logarithm of their part in M."""
        log_m = panel.log_mean(self.told, at_ns=at_ns)
        for name in list(self.told):
            known = panel.signals.get(name)
            if known is not None and known.onset_ns is not None and known.speaks:
                self.tell(name, panel, at_ns)
        self.score = round(max(log_m, 0.0) / self.log_threshold, 4)
        self.worst = max(self.worst, self.score)
        return log_m

    @property
    def goes_on(self) -> bool:
        """The mean since the onset of a signal is half of what it was at most: it was out for half of the time."""
        return any(2.0 * abs(told.now - told.before) >= abs(self.changes[name]) for name, told in self.told.items())

    def tell(self, name: str, panel: Panel, at_ns: int) -> None:
        """One signal as it stands."""
        told = self.told[name] = signal_of(name, panel, at_ns, self.log_threshold)
        self.changes[name] = max(self.changes.get(name, 0.0), told.now - told.before, key=abs)


def signal_of(name: str, panel: Panel, at_ns: int, log_threshold: float) -> AlarmSignal:
    """One signal as it stands."""
    known = panel.signals[name]
    before, now = known.before, known.now
    if not known.negative:  # what never was below 0 is not, as a forecast is, or a level at a load it does not follow
        before, now = max(before, 0.0), max(now, 0.0)
    ratio = now / before if before != 0.0 else None
    return AlarmSignal(
        name,
        known.group,
        known.unit,
        "higher" if known.now >= known.before else "lower",
        before,
        now,
        ratio if ratio is None or math.isfinite(ratio) else None,
        round(max(panel.log_share(name, at_ns=at_ns), 0.0) / log_threshold, 4),
        rfc3339(at_ns if known.onset_ns is None else known.onset_ns),
        _note(known),
        known.limit,
        None if known.reaches_ns is None else rfc3339(known.reaches_ns),
    )


def _note(known: SignalState) -> str:
    if known.limit is None or known.reaches_ns is None:
        return known.note
    limit = f"{known.limit:.3g}{shown_unit(known.unit)}"
    return f"{known.note}, if it goes on at its limit of {limit} by {rfc3339(known.reaches_ns)}"


def alarm_of(incident: Incident, of: Workload, state: AlarmState, as_of_ns: int) -> Alarm:
    """Its document."""
    return Alarm(
        incident.id,
        of.cluster,
        of.namespace,
        of.name,
        incident.revision,
        state,
        rfc3339(incident.raised_ns),
        rfc3339(as_of_ns),
        rfc3339(incident.onset_ns),
        rfc3339(incident.cleared_ns) if state == "cleared" else None,
        incident.score,
        _summary(incident),
        tuple(_worst_first(incident)[:_MOST_SIGNALS]),
        incident.suspects,
        incident.examples,
    )


def changed(incident: Incident) -> str:
    """What changed, by how much, in numbers: of the worst signal, and how many more there are."""
    signals = _worst_first(incident)
    worst = signals[0]
    unit = " per pod-second" if worst.unit == _PER_POD_SECOND else shown_unit(worst.unit)
    times = f" ({worst.ratio:.3g} times)" if worst.ratio is not None else ""
    note = f", {worst.note}" if worst.note else ""
    more = len(signals) - 1
    others = f", and {more} more signal{'s' if more > 1 else ''}" if more else ""
    return f"{worst.signal}: {worst.before:.3g} before, {worst.now:.3g}{unit}{times}{note}{others}"


def _worst_first(incident: Incident) -> list[AlarmSignal]:
    return sorted(incident.told.values(), key=lambda one: (-one.score, one.signal))


def _summary(incident: Incident) -> str:
    """One sentence, with numbers."""
    cause = incident.suspects[0] if incident.suspects else None
    blamed = f"; {cause.likelihood} cause: {cause.why} ({cause.probability:.0%})" if cause else ""
    ended = f"; over: {incident.ended}" if incident.ended else ""
    return f"{changed(incident)} since {rfc3339(incident.onset_ns)}{blamed}{ended}"

"""What does production of a workload do, minute by minute, whatever revision it is?

All that the workload did outside of trials: of what was being compared with a baseline beside it, the baseline alone
counts. A revision that came with nothing beside it counts as well, whatever was said of it: were those left out that
failed, times at which everybody fails would never be known as such.

Three kinds of events: failed traces (or incidents, where lines carry no id), failed requests by the first source of
truth, and traces that hold a template of class warning or worse that was never shown before (or first in the last two
hours: a longer stretch may hold it). A minute in which no line came is no minute of logs, one in which no request was
counted is none of requests: a shipper that is down is no quiet production. How long requests take (`latencies`). And
how often containers restart, in minutes in which something told of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct, field

from streams.judging.counts import cut
from streams.judging.logs.failures import FAILED
from streams.judging.logs.settings import ERRORS, NEW_TEMPLATES
from streams.judging.production.latencies import MinuteOfValues
from streams.judging.production.peaks import LENGTHS, Peaks
from streams.judging.side import EventCount, Side
from streams.policy.counted import REQUESTS
from streams.signals.requests import best_source
from streams.signals.rule import SignalRule

MINUTE_NS = 60_000_000_000
_TEMPLATES = 4096
"""Remembered; of more the latest."""
_REVISIONS = 24
"""Of which is remembered how many new things they showed."""
_PODS_MEMORY = 0.99
"""Weight of the pods that there were after one more minute: of an hour and a half."""

RESTARTS = ("k8s.container.restarts", "k8s.container.restarts/seen")
"""Signals that tell of restarts; the first that is heard counts, so that a restart is one."""
_VALUES_MEMORY = 1440
"""Minutes that the number of values of a usual one is the mean of: a day, as loads have days."""
_LATENCIES = 4
"""Remembered."""
_UNHEARD = 1440
"""Minutes of others' values without its own after which a latency makes room for another: a day, as loads have days."""


class ShownTemplate(Struct, array_like=True, gc=False):
    """When a template was shown."""

    first: int
    """Number of the minute."""
    last: int


class ProductionPast(Struct, array_like=True):
    """All that is remembered of production: `learn` closed windows in order of time. Bounded."""

    minute: int | None = None
    """Number (since 1970) of the minute that is being filled."""
    filling: dict[str, float] = {}
    """Kind of events -> how many in this minute; those that were heard at all."""
    pod_s: float = 0.0
    """In this minute."""
    peaks: dict[str, Peaks] = {}
    """Kind of events -> what is known."""
    source: str = ""
    """Of requests."""
    pods: float = 0.0
    """How many there were lately."""
    traced: bool = False
    """Lines carry ids."""
    templates: dict[int, ShownTemplate] = field(default_factory=dict)
    """Of class warning or worse, by number."""
    revisions: list[int] = []
    """How many traces with new templates the latest revisions showed that were promoted, or stayed."""
    filling_values: MinuteOfValues = field(default_factory=MinuteOfValues)
    latencies: dict[str, Peaks] = {}
    """Signal -> ninth deciles of minutes, microseconds."""
    values: dict[str, float] = {}
    """Signal -> values of a usual minute."""
    unheard: dict[str, int] = {}
    """Signal of `latencies` -> minutes in which others had values since it had."""
    restarts: Peaks = field(default_factory=Peaks)
    """Of containers: pods that had one, window by window."""
    filling_restarts: float | None = None
    """In this minute; None where nothing told of them."""

    @property
    def minutes(self) -> int:
        """How long its logs are known, or its latencies."""
        logs = self.peaks.get(ERRORS)
        return max((0 if logs is None else logs.minutes, *(known.minutes for known in self.latencies.values())))

    def learn(
        self,
        start_ns: int,
        sides: Sequence[Side],
        templates: Mapping[int, int],
        known: Collection[int],
        rules: Mapping[str, SignalRule],
    ) -> None:
        """Take in one closed window.

        Args:
            start_ns: its start, later than that of any before.
            sides: of what was in production.
            templates: signature id -> id of the template it is part of, where that is another one.
            known: templates that comparisons have shown.
            rules: of signals.
        """
        minute = start_ns // MINUTE_NS
        if minute != self.minute:
            self._settle()
            self.minute = minute
        filling = self.filling
        for side in sides:
            self.pod_s += cut(side.pod_s)
            if side.lines:
                filling.setdefault(ERRORS, 0.0)
                filling.setdefault(NEW_TEMPLATES, 0.0)
            for trace in side.traces:
                self.traced = self.traced or trace.shape > 0
                if trace.log_class in FAILED:
                    filling[ERRORS] = filling.get(ERRORS, 0.0) + trace.count
                if trace.signatures and self._shows_new(trace.signatures, minute, templates, known):
                    filling[NEW_TEMPLATES] = filling.get(NEW_TEMPLATES, 0.0) + trace.count
            self._count_requests(side)
            self.filling_values.add(side.values, rules)
        restarts = restarts_of(sides)
        if restarts is not None:
            self.filling_restarts = (self.filling_restarts or 0.0) + restarts

    def redirect(self, redirects: Mapping[int, int]) -> None:
        """Templates have become part of others."""
        for old in sorted(self.templates.keys() & redirects.keys()):
            shown = self.templates.pop(old)
            self._show(redirects[old], shown.first, shown.last)

    def learn_revision(self, new: int) -> None:
        """A revision was promoted, or had nothing beside it and stays.

        Args:
            new: traces with new templates that it showed.
        """
        self.revisions = [*self.revisions[-_REVISIONS + 1 :], new]

    def _settle(self) -> None:
        """A minute is over."""
        for kind in sorted(self.filling):
            self.peaks.setdefault(kind, Peaks()).add(self.filling[kind])
        if self.filling_restarts is not None:
            self.restarts.add(self.filling_restarts)
        if self.filling or self.filling_restarts is not None:
            pods = self.pod_s * 1e9 / MINUTE_NS
            self.pods = pods if self.pods <= 0.0 else _PODS_MEMORY * self.pods + (1.0 - _PODS_MEMORY) * pods
        self.filling, self.filling_restarts, self.pod_s = {}, None, 0.0
        self._settle_values()
        if len(self.templates) > _TEMPLATES:
            ranked = sorted(self.templates, key=lambda one: (-self.templates[one].last, one))
            for number in ranked[_TEMPLATES:]:
                del self.templates[number]

    def _settle_values(self) -> None:
        deciles = self.filling_values.deciles()
        if deciles:
            self.unheard = {name: 0 if name in deciles else self.unheard.get(name, 0) + 1 for name in self.latencies}
        for name, decile in deciles.items():
            if name in self.latencies or self._has_room():
                peaks = self.latencies.setdefault(name, Peaks())
                peaks.add(decile)
                count, usual = self.filling_values.values[name].count, self.values.get(name, 0.0)
                self.values[name] = usual + (count - usual) / min(peaks.minutes, _VALUES_MEMORY)
        self.filling_values = MinuteOfValues()

    def _has_room(self) -> bool:
        """Whether one more latency can be remembered; the one that is unheard for longest may have to go for it."""
        if len(self.latencies) < _LATENCIES:
            return True
        silent = max(self.unheard, key=lambda name: (self.unheard[name], name), default="")
        if self.unheard.get(silent, 0) <= _UNHEARD:
            return False
        for known in (self.latencies, self.values, self.unheard):
            known.pop(silent, None)
        return True

    def _count_requests(self, side: Side) -> None:
        source = best_source(side.requests)
        if not source:
            return
        if source != self.source and source == best_source((source, self.source)):
            self.source = source
            self.peaks.pop(REQUESTS, None)
            self.filling.pop(REQUESTS, None)
        count = side.requests.get(self.source)
        if count is not None and count.requests > 0.0:
            self.filling[REQUESTS] = self.filling.get(REQUESTS, 0.0) + cut(count.errors)

    def _shows_new(
        self, signatures: Sequence[int], minute: int, templates: Mapping[int, int], known: Collection[int]
    ) -> bool:
        new = False
        for number in signatures:
            template = templates.get(number, number)
            shown = self._show(template, minute, minute)
            new = new or (template not in known and minute - shown.first < LENGTHS[-1])
        return new

    def _show(self, template: int, first: int, last: int) -> ShownTemplate:
        shown = self.templates.get(template)
        if shown is None:
            shown = self.templates[template] = ShownTemplate(first, last)
        shown.first, shown.last = min(shown.first, first), max(shown.last, last)
        return shown


def restarts_of(sides: Iterable[Side]) -> float | None:
    """Pods that restarted in a window, of all sides; None where nothing tells."""
    found = [count.incidents for side in sides if (count := _first_of(side.events)) is not None]
    return float(sum(found)) if found else None


def _first_of(events: Mapping[str, EventCount]) -> EventCount | None:
    return next((events[name] for name in RESTARTS if name in events), None)

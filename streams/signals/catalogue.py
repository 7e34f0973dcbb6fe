"""Which series of one workload belong to which signals, and by which rules?

Bounded: of so many series it is remembered how they are read, and so many signals are judged, in the order in which
the closing windows show them (of one window: by name). What finds no place is counted, for the document to tell.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, structs

from streams.records.metric import Series
from streams.signals.counted import beside, client_errors, guessed_role, told_apart
from streams.signals.limits import read_limit
from streams.signals.log_fields import log_field
from streams.signals.metric import Read, merge_uses
from streams.signals.probes import probed
from streams.signals.reading import How, Reading, SeriesUse
from streams.signals.requests import REQUEST_SOURCES, RequestRole, best_source, request_role
from streams.signals.rule import Kind, SignalRule
from streams.signals.rules import WHOLE_POD, builtin
from streams.signals.words import FAILED, guess

SERIES_PER_WORKLOAD = 20_000
"""As many pairs of pod and series as one revision may fill in a window (`windows.summary.Limits`)."""
SIGNALS_PER_WORKLOAD = 300
"""Half as many again as issue 3's 200 signals of one comparison."""
UNREAD_KNOWN = 200
"""Series without a place that are told apart; of more it is said that there are at least so many."""
GUESSED_SOURCES = 20
"""Metrics that count requests under names in no rule; one is the exposure, the others wait beside it."""
RULES = 3
"""Number of the rules by which series are read: one more whenever one that is known would be read otherwise."""
_KINDS: dict[How, Kind] = {
    **dict.fromkeys(("level", "rate", "over", "under", "share"), "level"),
    **dict.fromkeys(("event", "attempt", "onset"), "events"),
    **dict.fromkeys(("bucket", "values"), "values"),
}


def read_series(series: Series) -> Read:
    """How one series is read, and the rules of the signals it may be read into; depends on the series alone.

    >>> use, rules = read_series(Series("http_server_requests_seconds_count", (("status", "503"),)))
    >>> use.role.is_error, use.counter[0].how, [rule.signal for rule in rules]
    (True, 'under', ['http.server.requests/mean', 'http.server.requests/failed'])
    """
    field = log_field(series)
    if field is not None:
        return field
    if probed(dict(series.attributes)):
        return SeriesUse(), ()
    limits = read_limit(series)
    if limits is not None:
        return SeriesUse(gauge=limits), ()
    known, role = builtin(series), request_role(series)
    if known is None and role is None:
        role = guessed_role(series)
    use, rules = known or guess(series)
    if known is None and role is not None:
        rules = tuple(map(_as_load, rules))
    more = None
    if role is not None:
        more = merge_uses(iter((beside(role), client_errors(role, series))))
    elif known is None:
        more = told_apart(series)
        if more is not None and any(rule.kind == "events" for rule in rules):
            use, rules = SeriesUse(gauge=use.gauge), rules[1:]  # its name speaks of failures, its attributes of each
    if more is not None:
        use, rules = merge_uses(iter(((use, rules), more)))
    return SeriesUse(role, use.gauge, use.counter, use.histogram, use.gauge_is_total), rules


def _as_load(rule: SignalRule) -> SignalRule:
    """A rate of requests follows the traffic weight."""
    if rule.kind != "level" or rule.worse != "either":
        return rule
    return structs.replace(rule, group="load", criticality="watch")


class CatalogueState(Struct, array_like=True):
    """All that is remembered of one workload's series; language-neutral, bounded."""

    uses: dict[int, SeriesUse] = {}
    """Series id -> how it is read."""
    candidates: dict[str, SignalRule] = {}
    """Kind and signal -> its rule, whether a window has shown it or not."""
    signals: dict[str, SignalRule] = {}
    """Signal -> its rule: those that are judged."""
    percent: list[str] = []
    """Shares of unknown unit that have been above 1, sorted: they are in percent."""
    left_out: list[str] = []
    """Some signals that found no place, sorted."""
    unread: int = 0
    """Times that a series found no place."""
    unread_series: list[int] = []
    """Their ids, up to `UNREAD_KNOWN`, sorted."""
    guessed_sources: list[str] = []
    """Sources of requests that are in no rule, up to `GUESSED_SOURCES`, sorted."""
    outdated: dict[int, None] = {}
    """Series that were read by other rules, until they come again; so are the rules of their signals."""
    rules: int = 0
    """Number of those by which all others were read."""


class Catalogue:
    """One workload's series and signals: `learn` series as they come, `admit` signals as windows close."""

    def __init__(self, state: CatalogueState | None = None) -> None:
        self.state = state or CatalogueState()
        if self.state.rules != RULES:  # earlier ones, or later ones of a worker that has been replaced meanwhile
            self.state.outdated, self.state.rules = dict.fromkeys(self.state.uses), RULES
            self.state.candidates = {}
        self._outdated = self.state.outdated
        roles = (use.role for use in self.state.uses.values())
        self._sources = {role.source for role in roles if role is not None}
        self._exposure = best_source(self._sources)

    @property
    def rules(self) -> Mapping[str, SignalRule]:
        """Of the signals that are judged."""
        return self.state.signals

    def learn(self, number: int, series: Series) -> None:
        """Take in a series, by its id; one that is known stays as it is, unless it is outdated."""
        state = self.state
        known = number in state.uses
        if known and number not in self._outdated:
            return
        self._outdated.pop(number, None)
        if not known and len(state.uses) >= SERIES_PER_WORKLOAD:
            state.uses = {each: use for each, use in state.uses.items() if not use.empty}
        if not known and len(state.uses) >= SERIES_PER_WORKLOAD:
            state.unread += 1
            if number not in state.unread_series and len(state.unread_series) < UNREAD_KNOWN:
                state.unread_series = sorted((*state.unread_series, number))
            return
        use, rules = read_series(series)
        if use.role is not None and not self._knows(use.role):
            use = structs.replace(use, role=None)
        state.uses[number] = use
        for rule in rules:
            key = f"{rule.kind}:{rule.signal}"
            before = state.candidates.get(key)
            if before is None or _rank(rule) < _rank(before):
                state.candidates[key] = rule
            judged = state.signals.get(rule.signal)
            if known and judged is not None and judged.kind == rule.kind:
                state.signals[rule.signal] = state.candidates[key]

    def use(self, number: int) -> SeriesUse | None:
        """How a series is read; None for one not learned."""
        return self.state.uses.get(number)

    def admit(self, reading: Reading) -> bool:
        """Whether the signal is judged, as what the reading makes of it; it is, while there is room."""
        state, kind = self.state, _KINDS.get(reading.how)
        known = state.signals.get(reading.signal)
        if known is not None or kind is None:
            return known is not None and known.kind == kind
        rule = state.candidates.get(f"{kind}:{reading.signal}")
        if rule is None or self._told_already(reading.signal, kind):
            return False
        if len(state.signals) >= SIGNALS_PER_WORKLOAD:
            if reading.signal not in state.left_out and len(state.left_out) < SIGNALS_PER_WORKLOAD:
                state.left_out = sorted((*state.left_out, reading.signal))
            return False
        state.signals[reading.signal] = rule
        return True

    def _knows(self, role: RequestRole) -> bool:
        """Whether there is room for its source."""
        state = self.state
        if role.source not in (*REQUEST_SOURCES, *state.guessed_sources):
            if len(state.guessed_sources) >= GUESSED_SOURCES:
                return False
            state.guessed_sources = sorted((*state.guessed_sources, role.source))
        if role.source not in self._sources:
            self._sources.add(role.source)
            self._exposure = best_source(self._sources)
        return True

    def _told_already(self, signal: str, kind: Kind) -> bool:
        """Failed requests of the source that is the exposure, and of a pod what its containers tell."""
        if signal.endswith(WHOLE_POD):
            return f"{kind}:{signal.removesuffix(WHOLE_POD)}" in self.state.candidates
        return signal.endswith(FAILED) and signal.removesuffix(FAILED) == self._exposure

    def share_factor(self, reading: Reading, largest: float) -> float:
        """What makes a share percent.

        Args:
            reading: of the share.
            largest: of the samples at hand.
        """
        if reading.factor:
            return reading.factor
        percent = self.state.percent
        if largest > 1.0 and reading.signal not in percent:
            self.state.percent = percent = sorted((*percent, reading.signal))
        return 1.0 if reading.signal in percent else 100.0


def _rank(rule: SignalRule) -> tuple[str, str, float]:
    """Of two series that give one signal two rules (other units, other words) the same one is taken, in any order."""
    return rule.unit, rule.group, rule.weight

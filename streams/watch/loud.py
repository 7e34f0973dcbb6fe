"""Which templates of errors and warnings are watched one by one? Of either the loudest of late, a bounded number.

A class of log lines counts a window's most widespread template only, so that a rare failure that becomes frequent is
hidden behind a noisy one. Each template that is followed is a signal of its own. Who is followed is decided by earlier
windows alone: what a template's evidence says of a window never depends on that window having chosen it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import nsmallest

from msgspec import Struct

from streams.judging.counts import cut
from streams.judging.side import Side, SignatureInfo
from streams.signals.rule import SignalRule
from streams.watch.points import ERRORS, LOG_WEIGHTS, Point, log_rule, weight_of
from streams.windows.secrets import without_secrets

PREFIX = "log/template/"
_MOST_HEARD = 64
"""Candidates that are remembered, the loudest."""
_HALVES_NS = 6 * 3_600_000_000_000
"""Loudness is halved in so long: what was loud in the night is still known in the morning."""
_LOUDER = 4.0
"""So many times as loud as the quietest that is followed must be who takes its place ..."""
_CHANGE_NS = 3_600_000_000_000
"""... at most once in so long: a model takes time to know what is normal."""
_MOST_CHARACTERS = 120
_MOST_SIGNATURES = 256
"""Looked at of one window, the most widespread: who logs a new text with every line takes no more time than this."""


class Loudest(Struct, frozen=True):
    """Of which templates so many are followed."""

    classes: tuple[str, ...]
    most: int
    weight: float
    """Of all together: as much as their class."""


LOUD_ERRORS = Loudest(ERRORS, 16, 1.0)
LOUD_WARNINGS = Loudest(("warning",), 8, LOG_WEIGHTS["warning"])
MOST_LOUD = LOUD_ERRORS.most + LOUD_WARNINGS.most


class Heard(Struct, array_like=True):
    """How loud one template was."""

    loudness: float
    """Pods and windows in which it appeared, each halved every six hours."""
    as_of_ns: int


class LoudState(Struct, array_like=True):
    """The snapshot."""

    heard: dict[str, Heard] = {}
    """Signal -> how loud it was."""
    followed: list[str] = []
    """Signals, sorted."""
    changed_ns: int = 0
    """When one last took the place of another."""


class Loud:
    """`points` of a window, then `add` it."""

    def __init__(self, state: LoudState, of: Loudest) -> None:
        self._state, self._of = state, of

    def points(
        self, side: Side, signatures: Mapping[int, SignatureInfo], rules: Mapping[str, SignalRule]
    ) -> Iterator[Point]:
        """How many pods each followed template appeared at; zero says something too."""
        of, classes = self._of, self._watched(rules)
        counts, weight = _counts(side, signatures, classes), of.weight / of.most if classes else 0.0
        rule = log_rule(of.classes[-1], rules)
        for signal in self._state.followed:
            pods = counts.get(signal, 0.0)
            yield Point(signal, pods, side.pod_s, "logs", "1/s", "higher", weight, rule.tolerance_up)

    def add(
        self,
        start_ns: int,
        side: Side,
        signatures: Mapping[int, SignatureInfo],
        spoken_of: Collection[str],
        rules: Mapping[str, SignalRule],
    ) -> list[str]:
        """Learn a window's loudness; the signals that are followed no more.

        Args:
            start_ns: of the window.
            side: of production.
            signatures: by id.
            spoken_of: signals that an alarm tells of: they keep their place.
            rules: as `points` has them.
        """
        heard = self._state.heard
        for signal, pods in sorted(_counts(side, signatures, self._watched(rules)).items()):
            known = heard.get(signal)
            before = 0.0 if known is None else _faded(known, start_ns)
            heard[signal] = Heard(before + pods, start_ns)
        self._forget(start_ns)
        return self._choose(start_ns, spoken_of)

    def _watched(self, rules: Mapping[str, SignalRule]) -> Sequence[str]:
        """Classes, but those that a policy wants shown only."""
        return [log_class for log_class in self._of.classes if weight_of(log_rule(log_class, rules)) > 0.0]

    def _forget(self, at_ns: int) -> None:
        heard, followed = self._state.heard, self._state.followed
        if len(heard) > _MOST_HEARD:
            ranked = sorted(heard, key=lambda signal: (signal not in followed, -_faded(heard[signal], at_ns), signal))
            self._state.heard = {signal: heard[signal] for signal in sorted(ranked[:_MOST_HEARD])}

    def _choose(self, at_ns: int, spoken_of: Collection[str]) -> list[str]:
        state = self._state
        loudness = {signal: _faded(known, at_ns) for signal, known in state.heard.items()}
        waiting = sorted(loudness.keys() - set(state.followed), key=lambda signal: (-loudness[signal], signal))
        free = self._of.most - len(state.followed)
        if free > 0 and waiting:
            state.followed = sorted([*state.followed, *waiting[:free]])
            return []
        quiet = min(
            (signal for signal in state.followed if signal not in spoken_of),
            key=lambda signal: (loudness.get(signal, 0.0), signal),
            default=None,
        )
        if quiet is None or not waiting or at_ns - state.changed_ns < _CHANGE_NS:
            return []
        if loudness[waiting[0]] < _LOUDER * max(loudness.get(quiet, 0.0), 1.0):
            return []
        state.followed = sorted([*(signal for signal in state.followed if signal != quiet), waiting[0]])
        state.changed_ns = at_ns
        return [quiet]


def _counts(side: Side, signatures: Mapping[int, SignatureInfo], classes: Collection[str]) -> dict[str, float]:
    """Signal -> pods at which its template appeared; of several signatures of one template the most widespread."""
    counts: dict[str, float] = {}
    found: Iterable[tuple[int, int]] = side.incidents.items()
    if len(side.incidents) > _MOST_SIGNATURES:
        found = nsmallest(_MOST_SIGNATURES, found, key=_widest)
    for number, pods in found:
        info = signatures.get(number)
        if info is not None and info.log_class in classes:
            signal = signal_name(info.text)
            counts[signal] = max(counts.get(signal, 0.0), cut(pods))
    return counts


def _widest(found: tuple[int, int]) -> tuple[int, int]:
    number, pods = found
    return -pods, number


@lru_cache(4096)
def signal_name(text: str) -> str:
    """The signal of a template.

    >>> signal_name("payment <*> declined, password=hunter2")
    'log/template/payment <*> declined, password=[masked]'
    """
    return PREFIX + shown(text)


def shown(text: str) -> str:
    """A template in the name of a signal: secrets masked, the rest left out."""
    return without_secrets(text)[:_MOST_CHARACTERS]


def _faded(known: Heard, at_ns: int) -> float:
    return known.loudness * math.exp2(-max(at_ns - known.as_of_ns, 0) / _HALVES_NS)

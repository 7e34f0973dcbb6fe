"""Which templates are watched for being written at all? The loudest lines of ordinary life that come regularly.

Those that are no warning: that a warning is not written any more is no incident.

A template is regular if it came in half of the minutes of late in which anything was written, and in half an hour of
them at least: on a workload that is known for a day, a batch has to run for hours before its end can ring. Who is
followed is decided by earlier windows alone, and stays as long as it is regular at all; one that has become part of
another template hands its place on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet

from msgspec import Struct

from streams.judging.side import SignatureInfo
from streams.watch.loud import shown
from streams.watch.points import Point

MOST_REGULAR = 32
"""As many as a service has of lines that never change; a model of one takes a tenth of a kilobyte."""
PREFIX = "log/gone/"
_CLASS = "info"
_MOST_HEARD = 4 * MOST_REGULAR
"""Candidates that are remembered, the most regular."""
_MOST_NEW = 256
"""Of one window, those at most pods: who logs a new text with every line takes no more time than this."""
_MINUTE_NS = 60_000_000_000
_HALVES = 360.0
"""Minutes in which what was is halved: what came in the night is still known in the morning."""
_ABSENT_HALVES = 10_080.0
"""Minutes in which the longest absence is halved, as in `gone`."""
_LEAST = 30.0
"""Minutes in which it has to have come."""
_REGULAR_RATIO, _GONE_RATIO = 0.5, 0.125
"""Of minutes: from which it is followed, and below which no more (three times `_HALVES` after it last came)."""
_MOST_PODS = 8
"""Of those that showed a template last, remembered."""
_WEIGHT = 1.0 / MOST_REGULAR
"""All of them together weigh as much as one class."""


Info = Callable[[int], SignatureInfo | None]


def _unknown(_: int) -> None:
    return None


class Logged(Struct):
    """What the pods of one revision wrote in one window."""

    info: Info = _unknown
    """Text and class of a template; None where it is not known."""

    pods: dict[int, AbstractSet[int]] = {}
    """Pod (numbered per revision) -> templates, of any class, of those that wrote."""
    there: set[int] = set()
    """Pods that are there, silent ones too."""
    whole: bool = True
    """No line was left out for want of room."""


class Known(Struct, array_like=True):
    """How regularly one template came."""

    minutes: float
    """In which it came, each halved every six hours."""
    loudness: float
    """Pods at which it came in them, faded alike."""
    minute: int
    """The last of them."""
    absent: float = 0.0
    """Most minutes in a row in which it did not come."""


class Followed(Struct, array_like=True):
    """One template that is watched."""

    signal: str
    pods: list[int] = []
    """Those that showed it last."""
    absent: float = 0.0
    """Most windows in a row without it before it was followed, to the minute."""


class RegularState(Struct, array_like=True):
    """The snapshot."""

    minutes: float = 0.0
    """In which anything was written, each halved every six hours."""
    minute: int = -1
    """The last of them."""
    heard: dict[int, Known] = {}
    """Template -> how regularly it came."""
    followed: dict[int, Followed] = {}


class Regular:
    """`points` of a window, then `add` it."""

    def __init__(self, state: RegularState, window_ns: int) -> None:
        self._state, self._minute = state, _MINUTE_NS / window_ns

    def points(self, logged: Logged, pod_s: float) -> Iterator[Point]:
        """Of each followed template at how many pods it came, beside how much else.

        Args:
            logged: of production.
            pod_s: of production, above 0.
        """
        if not logged.whole:
            return
        whole = sum(map(len, logged.pods.values()))
        for number, one in self._state.followed.items():
            showed = [pod for pod, templates in logged.pods.items() if number in templates]
            beside = float(whole - len(showed))
            if showed:
                one.pods = sorted(showed)[:_MOST_PODS]
            elif logged.there.intersection(one.pods) and not logged.pods.keys() & set(one.pods):
                beside = 0.0  # its pods are there and write nothing at all
            yield Point(
                one.signal,
                float(len(showed)),
                pod_s,
                "logs",
                "1/s",
                "lower",
                _WEIGHT,
                model="gone",
                beside=beside,
                absent=one.absent,
            )

    def add(
        self,
        start_ns: int,
        logged: Logged,
        spoken_of: Collection[str],
    ) -> list[str]:
        """Learn a window; the signals that are followed no more.

        Args:
            start_ns: of the window.
            logged: of production.
            spoken_of: signals that an alarm tells of: they keep their place.
        """
        state, minute = self._state, start_ns // _MINUTE_NS
        self._hear(minute, logged)
        if not logged.pods or minute == state.minute:
            return []
        state.minutes = self._faded(state.minutes, state.minute, minute) + 1.0
        state.minute = minute
        return self._choose(minute, logged.info, spoken_of)

    def join(self, redirects: Mapping[int, int], info: Info) -> dict[str, str | None]:
        """Templates became part of others, which take their places; signal -> its name now, None if there is another.

        Whoever is part of it came no more often than it does: what was known of its gaps, errs on the side of silence.
        """
        state, moved = self._state, dict[str, str | None]()
        for old, new in sorted(redirects.items()):
            known, there = state.heard.pop(old, None), state.heard.get(new)
            if known is not None and (there is None or there.minutes < known.minutes):
                state.heard[new] = known
            followed = state.followed.pop(old, None)
            if followed is None:
                continue
            what, taken = info(new), {one.signal for one in state.followed.values()}
            signal = followed.signal if what is None else signal_name(what.text)
            if new in state.followed or signal in taken:
                moved[followed.signal] = None
            else:
                moved[followed.signal] = signal
                state.followed[new] = Followed(signal, followed.pods, followed.absent)
        state.followed = dict(sorted(state.followed.items()))
        return moved

    def deployed(self) -> None:
        """Other pods from here on."""
        for one in self._state.followed.values():
            one.pods = []

    def _hear(self, minute: int, logged: Logged) -> None:
        heard, new = self._state.heard, []
        for number in set[int]().union(*logged.pods.values()):
            known = heard.get(number)
            if known is not None and known.minute == minute:
                continue
            pods = sum(number in templates for templates in logged.pods.values())
            if known is None:
                new.append((-pods, number))
                continue
            away = minute - known.minute
            known.absent = max(known.absent * math.exp2(-away / _ABSENT_HALVES), away - 1.0)
            known.minutes = self._faded(known.minutes, known.minute, minute) + 1.0
            known.loudness = self._faded(known.loudness, known.minute, minute) + pods
            known.minute = minute
        for pods, number in sorted(new)[:_MOST_NEW]:
            what = logged.info(number)
            if what is not None and what.log_class == _CLASS:
                heard[number] = Known(1.0, float(-pods), minute)
        if len(heard) > _MOST_HEARD:
            followed = self._state.followed
            ranked = sorted(heard, key=lambda one: (one not in followed, -self._of_late(heard[one], minute), one))
            self._state.heard = {number: heard[number] for number in sorted(ranked[:_MOST_HEARD])}

    def _choose(self, minute: int, info: Info, spoken_of: Collection[str]) -> list[str]:
        state, dropped = self._state, []
        for number, one in list(state.followed.items()):
            known, what = state.heard.get(number), info(number)
            rare = known is None or self._of_late(known, minute) < _GONE_RATIO * state.minutes
            if one.signal not in spoken_of and (rare or (what is not None and what.log_class != _CLASS)):
                del state.followed[number]
                dropped.append(one.signal)
        free = MOST_REGULAR - len(state.followed)
        if free > 0 and state.minutes >= _LEAST:
            least = max(_LEAST, _REGULAR_RATIO * state.minutes)
            fitting = [
                number
                for number, known in state.heard.items()
                if number not in state.followed and self._of_late(known, minute) >= least
            ]
            fitting.sort(key=lambda number: (-state.heard[number].loudness, number))
            names = {one.signal for one in state.followed.values()} | set(dropped)
            for number in fitting[:free]:
                what = info(number)
                signal = "" if what is None else signal_name(what.text)
                if what is not None and what.log_class == _CLASS and signal not in names:
                    names.add(signal)
                    state.followed[number] = Followed(signal, absent=self._minute * state.heard[number].absent)
            state.followed = dict(sorted(state.followed.items()))
        return dropped

    def _of_late(self, known: Known, minute: int) -> float:
        return self._faded(known.minutes, known.minute, minute)

    @staticmethod
    def _faded(number: float, since: int, minute: int) -> float:
        return number * math.exp2(-max(minute - since, 0) / _HALVES)


def signal_name(text: str) -> str:
    """The signal of a template.

    >>> signal_name("order <*> placed")
    'log/gone/order <*> placed'
    """
    return PREFIX + shown(text)

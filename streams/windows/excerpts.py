"""Which lines of a window are shown, and what stood around them? Of each grave signature one, at a few pods.

An excerpt is cut out of the run at hand: what another run holds of the pod is not there. Counts are no matter of it,
and nothing is judged by it.
Which excerpts stay depends on each alone (`Places`), so it does not matter how they were spread over deltas.
"""

from __future__ import annotations

from bisect import insort
from binascii import crc32
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, takewhile

from msgspec import Struct

from streams.records.log import LogRecord, Severity
from streams.windows.continuation import goes_on
from streams.windows.secrets import may_hold_secrets, without_secrets

GRAVE = Severity.ERROR
"""Lines from this severity on are shown."""
CONTEXT_LINES = 5
"""Shown before a grave line, and as many after it."""
MAX_CHARACTERS = 1_000
"""Of a line shown; of those around it, each, a quarter of it."""
_READ = 2
"""Times of that are read before secrets are masked, so that none is cut in two and then not known."""
_EVENT_LINES = 20
"""Of a stack trace, shown with the line that it goes on with."""
_REACH = 200
"""Records, of any pod, that are looked through on either side."""


class Excerpt(Struct, frozen=True, array_like=True, order=True):
    """A line as it was written, but for secrets, and the lines of the same pod around it. Of two the lesser stays."""

    time_ns: int
    """Event time of the line."""
    line: str
    """With the lines that go on with it, joined by newlines."""
    before: tuple[str, ...] = ()
    """Of the same pod, oldest first."""
    after: tuple[str, ...] = ()
    """Of the same pod, oldest first."""


Rank = tuple[int, int, int, str]
"""Severity (negative), signature id, a number of the pod that differs from window to window, pod: the least stays."""


def rank(pod: str, number: int, start_ns: int, severity: int) -> Rank:
    """Where a pair of pod and signature stands: the gravest first; which pods, depends on the window, so that all come."""
    return -severity, number, crc32(f"{start_ns} {pod}".encode()), pod


class Places:
    """The pairs of pod and signature of one revision and window that may keep an excerpt: few pods per signature.

    A pair that has no place among some of the pairs has none among all: both bounds follow one order (bottom-k).
    """

    def __init__(self, pods_per_signature: int, limit: int) -> None:
        self._pods_per_signature = pods_per_signature
        self._limit = limit
        self._ranks: list[Rank] = []

    def take(self, one: Rank) -> bool:
        """Whether the pair has a place, for now; it may lose it to others.

        >>> places = Places(1, 1)
        >>> places.take((-17, 4, 0, "b")), places.take((-17, 5, 0, "a")), places.take((-21, 6, 0, "a"))
        (True, False, True)
        """
        ranks = self._ranks
        if len(ranks) >= self._limit and (not ranks or one > ranks[-1]):
            return False
        if one not in ranks:
            insort(ranks, one)
            same = [each for each in ranks if each[:2] == one[:2]]
            if len(same) > self._pods_per_signature:
                ranks.remove(same[-1])
            del ranks[self._limit :]
        return one in ranks

    def kept(self) -> set[tuple[str, int]]:
        """Pod and signature of those that have a place."""
        return {(pod, number) for _, number, _, pod in self._ranks}


def cut(run: Sequence[object], position: int, record: LogRecord, around: int) -> Excerpt:
    """The excerpt around a record of a run, secrets not masked yet.

    Args:
        run: what each of its messages came to, in order: a record, several, or what else there may be.
        position: of the record's message.
        record: the line.
        around: lines before it, and as many after its event.
    """
    short = _READ * MAX_CHARACTERS // 4
    before = list(islice(_beyond(_backwards(run, position), record), around))[::-1]
    after = _beyond(_forwards(run, position), record)
    event, first = [record.message], ""
    for line in after:
        if len(event) > _EVENT_LINES or not goes_on(line, Severity.UNSET):
            first = line
            break
        event.append(line[:short])
    rest = [first, *islice(after, around - 1)] if first and around else []
    text = "\n".join(event)[: _READ * MAX_CHARACTERS]
    return Excerpt(record.time_ns, text, tuple(x[:short] for x in before), tuple(x[:short] for x in rest))


def shown(excerpt: Excerpt) -> Excerpt:
    """The excerpt as it may leave the worker: short, and secrets masked.

    >>> shown(Excerpt(1, "login failed", ("password=hunter2",))).before
    ('password=[masked]',)
    """
    quarter, line, around = MAX_CHARACTERS // 4, excerpt.line, (*excerpt.before, *excerpt.after)
    if may_hold_secrets("\n".join((line, *around))):
        line, around = without_secrets(line), tuple(map(without_secrets, around))
    kept = tuple(_sound(each[:quarter]) for each in around)
    at = len(excerpt.before)
    return Excerpt(excerpt.time_ns, _sound(line[:MAX_CHARACTERS]), kept[:at], kept[at:])


def _beyond(records: Iterator[LogRecord], record: LogRecord) -> Iterator[str]:
    """Lines of the record's pod beyond it, within reach."""
    for _ in takewhile(lambda each: each is not record, records):
        pass
    return (each.message for each in islice(records, _REACH) if each.source == record.source)


def _forwards(run: Sequence[object], position: int) -> Iterator[LogRecord]:
    return chain.from_iterable(_records_of(run[at]) for at in range(position, len(run)))


def _backwards(run: Sequence[object], position: int) -> Iterator[LogRecord]:
    return chain.from_iterable(reversed(_records_of(run[at])) for at in range(position, -1, -1))


def _records_of(one: object) -> Sequence[LogRecord]:
    if type(one) is LogRecord:
        return (one,)
    several: Iterable[object] = one if isinstance(one, Sequence) else ()
    return [record for record in several if isinstance(record, LogRecord)]


def _sound(line: str) -> str:
    """Without halves of surrogate pairs, which no message can carry."""
    return line if line.isascii() else line.encode("utf-8", "replace").decode()

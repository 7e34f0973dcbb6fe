"""Which lines of a window are shown, and what stood around them? Of each grave signature one, at a few pods.

An excerpt is cut out of the run at hand: what another run holds of the pod is not there. Counts are no matter of it,
and nothing is judged by it.
Which excerpts stay depends on each alone (`Places`), so it does not matter how they were spread over deltas.
"""

from __future__ import annotations

from binascii import crc32
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice

from msgspec import Struct

from streams.records.log import LogRecord, Severity
from streams.windows.continuation import goes_on
from streams.windows.masks import visible
from streams.windows.secrets import may_hold_secrets, without_secrets
from streams.windows.signature import fold

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
    """A line as it was written, but for secrets and what is not seen, and those of its container around it.

    Of two the lesser stays.
    """

    time_ns: int
    """Event time of the line."""
    line: str
    """With the lines that go on with it, joined by newlines."""
    before: tuple[str, ...] = ()
    """Of the same container, oldest first."""
    after: tuple[str, ...] = ()
    """Of the same container, oldest first."""


Rank = tuple[int, int, int, str]
"""Severity (negative), signature id, a number of the pod that differs from window to window, pod: the least stays."""


def rank(pod: str, number: int, start_ns: int, severity: int) -> Rank:
    """Where a pair of pod and signature stands: the gravest first; which pods, depends on the window."""
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
        """Whether the pair gets a place, for now; it may lose it to others. One that has one already gets no second.

        >>> places = Places(1, 1)
        >>> places.take((-17, 4, 0, "b")), places.take((-17, 5, 0, "a")), places.take((-21, 6, 0, "a"))
        (True, False, True)
        """
        ranks = self._ranks
        if len(ranks) >= self._limit and (not ranks or one > ranks[-1]):
            return False
        at = bisect_left(ranks, one)
        if at < len(ranks) and ranks[at] == one:
            return False
        ranks.insert(at, one)
        same = [each for each in ranks if each[:2] == one[:2]]
        if len(same) > self._pods_per_signature:
            ranks.remove(same[-1])
        del ranks[self._limit :]
        return one in ranks

    def holds(self, one: Rank) -> bool:
        """Whether the pair has a place still."""
        return one in self._ranks

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
    before = list(islice(_before(run, position, record), around))[::-1]
    event, rest, is_whole = [record.message], list[str](), False
    for one in _after(run, position, record):
        if one.may_go_on(record) and not is_whole and len(event) <= _EVENT_LINES:
            if goes_on(one.message, Severity.UNSET):
                event.append(one.message[:short])
                continue
            is_whole = True
        if len(rest) >= around:
            break
        rest.append(one.message[:short])
    text = "\n".join(event)[: _READ * MAX_CHARACTERS]
    return Excerpt(record.time_ns, text, tuple(one.message[:short] for one in before), tuple(rest))


def shown(excerpt: Excerpt) -> Excerpt:
    """The excerpt as it may leave the worker: short, and secrets masked.

    >>> shown(Excerpt(1, "login failed", ("password=hunter2",))).before
    ('password=[masked]',)
    """
    quarter = MAX_CHARACTERS // 4
    before = tuple(_masked(line)[:quarter] for line in excerpt.before)
    after = tuple(_masked(line)[:quarter] for line in excerpt.after)
    return Excerpt(excerpt.time_ns, _masked(excerpt.line)[:MAX_CHARACTERS], before, after)


def _masked(line: str) -> str:
    """Without what is not seen, without secrets, and without halves of surrogate pairs, which no message can carry.

    What is not seen goes first: a logger that colours `password=hunter2` word by word hides its form.
    """
    if not line.isprintable():
        line = visible(line)
    folded = fold(line)
    return without_secrets(_sound(line)) if _may_hold_secrets(folded) else _sound(line)


def _before(run: Sequence[object], position: int, record: LogRecord) -> Iterator[LogRecord]:
    """Lines of the record's container before it, within reach, latest first."""
    several = run[position]
    if several is not record:
        own = _records_of(several)
        place = next(at for at, each in enumerate(own) if each is record)
        yield from filter(record.is_beside, own[max(0, place - _REACH) : place][::-1])
    for at in range(position - 1, max(position - _REACH, 0) - 1, -1):
        one = run[at]
        if type(one) is not LogRecord:
            yield from filter(record.is_beside, _records_of(one)[-_REACH:][::-1])
        elif record.is_beside(one):
            yield one


def _after(run: Sequence[object], position: int, record: LogRecord) -> Iterator[LogRecord]:
    """Lines of the record's container after it, within reach."""
    several = run[position]
    if several is not record:
        own = _records_of(several)
        place = next(at for at, each in enumerate(own) if each is record)
        yield from filter(record.is_beside, own[place + 1 : place + 1 + _REACH])
    for at in range(position + 1, min(position + _REACH, len(run))):
        one = run[at]
        if type(one) is not LogRecord:
            yield from filter(record.is_beside, _records_of(one)[:_REACH])
        elif record.is_beside(one):
            yield one


def _records_of(one: object) -> Sequence[LogRecord]:
    if isinstance(one, LogRecord):
        return (one,)
    several: Iterable[object] = one if isinstance(one, Sequence) else ()
    return [record for record in several if isinstance(record, LogRecord)]


@lru_cache(maxsize=4096)
def _may_hold_secrets(folded: bytes) -> bool:
    """Of lines that differ in digits alone looked into once: which digits they are, is no matter of it."""
    return may_hold_secrets(folded.decode())


def _sound(line: str) -> str:
    """Without halves of surrogate pairs, which no message can carry."""
    return line if line.isascii() else line.encode("utf-8", "replace").decode()

"""Which templates are in a file? The same code as the pipeline's, one pass, in memory that does not grow with it.

What is remembered per line is the number of its signature and its severity, on disk; its template is looked up at the
end, when it is known which signatures belong together, and which found no room.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

from msgspec import Struct

from streams.records.log import Severity
from streams.templates.classes import Classed, Classes
from streams.templates.template import Template, other
from streams.templates.templates import Budget, Templates
from streams.templates.topics import LogClass
from streams.windows.secrets import without_secrets
from streams.windows.signature import Signature, fold, signature, signature_id

BATCH_LINES = 10_000
"""Lines that are learned from at a time, as the pipeline does with a window."""
_NUMBER_BYTES = 8
_CACHED_LINES = 20_000
_MAX_CACHED_BYTES = 1024
_BUDGET = Budget(templates=20_000, signatures=200_000, new=BATCH_LINES)
_OTHERS = {severity: other(severity) for severity in Severity}
_BY_NUMBER = {one.number: one for one in _OTHERS.values()}


class Row(Struct, frozen=True):
    """One template of the file."""

    number: str
    """16 hexadecimal digits."""
    text: str
    """Without secrets."""
    log_class: LogClass
    why: str
    lines: int
    first_line: int
    """From 1."""


class Listing:
    """`read` lines, then ask for the `rows` and for `each_line`."""

    def __init__(self, classes: Classes, spool: BinaryIO, mask: Callable[[str], str] | None = None) -> None:
        """Begin with nothing read; `spool` is an empty file to write to and read from."""
        self._classes = classes
        self._templates = Templates(_BUDGET, mask=mask)
        self._numbers: dict[bytes, int] = {}
        """Folded line -> number of its signature."""
        self._signatures: dict[int, Signature] = {}
        """Those of the lines above, and of this batch."""
        self._spool = spool
        self.lines = 0

    def read(self, lines: Iterable[str], after_batch: Callable[[], None] = lambda: None) -> None:
        """Take in lines; may be called again."""
        numbers = self._numbers
        batch = array("Q")
        add = batch.append
        for line in lines:
            folded = fold(line)
            number = numbers.get(folded)
            add(self._number(folded) if number is None else number)
            if len(batch) == BATCH_LINES:
                self._learn(batch)
                del batch[:]
                after_batch()
        self._learn(batch)
        after_batch()

    def rows(self) -> list[Row]:
        """The templates, those with most lines first."""
        counts: Counter[int] = Counter()
        first: dict[int, int] = {}
        for place, number in enumerate(self._roots(), 1):
            counts[number] += 1
            first.setdefault(number, place)
        described = ((number, *self._described(number)) for number in counts)
        rows = [
            Row(
                f"{number:016x}",
                without_secrets(what.text),
                classed.log_class,
                classed.why,
                counts[number],
                first[number],
            )
            for number, what, classed in described
        ]
        return sorted(rows, key=lambda row: (-row.lines, row.first_line))

    def each_line(self) -> Iterator[tuple[int, str, str, LogClass]]:
        """For each line: its number from 1, its template's number and text, and its class."""
        known: dict[int, tuple[str, str, LogClass]] = {}
        for place, number in enumerate(self._roots(), 1):
            row = known.get(number)
            if row is None:
                what, classed = self._described(number)
                row = known[number] = (f"{number:016x}", without_secrets(what.text), classed.log_class)
            yield (place, *row)

    def _number(self, folded: bytes) -> int:
        what = signature(folded)
        number = signature_id(what)
        self._signatures[number] = what
        if len(folded) <= _MAX_CACHED_BYTES:
            self._numbers[folded] = number
        return number

    def _learn(self, batch: array[int]) -> None:
        lines = Counter(batch)
        seen = {number: self._signatures[number] for number in lines}
        self._templates.learn(seen, self.lines, lines)
        if max(len(self._numbers), len(self._signatures)) > _CACHED_LINES:
            self._numbers.clear()
            self._signatures.clear()
        self.lines += len(batch)
        severities = {number: what.severity for number, what in seen.items()}
        self._spool.seek(0, 2)
        self._spool.write(len(batch).to_bytes(_NUMBER_BYTES, "big"))
        self._spool.write(batch.tobytes())
        self._spool.write(bytes(map(severities.__getitem__, batch)))

    def _roots(self) -> Iterator[int]:
        """The template of each line, in order."""
        self._spool.seek(0)
        while raw := self._spool.read(_NUMBER_BYTES):
            lines = int.from_bytes(raw, "big")
            numbers = array("Q", self._spool.read(_NUMBER_BYTES * lines))
            for number, severity in zip(numbers, self._spool.read(lines), strict=True):
                found = self._templates.template_of(number)
                yield _OTHERS[Severity(severity)].number if found is None else found

    def _described(self, number: int) -> tuple[Template, Classed]:
        what = self._templates.template(number) or _BY_NUMBER[number]
        return what, self._classes.classify(what)

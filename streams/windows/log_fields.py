r"""What do the fields of JSON log lines say that an operator named? Counted per pod and window, as metrics are.

A field of numbers (`duration_ms:ms`) becomes a distribution of the lines' values; a field and a value (`status=5*`) two
counts, of the lines that hold it and of those that hold another. Read from the line itself: its signature knows no
numbers; and, where it is no JSON or has no such key, from the fields that the shipper has taken out of it
(`Fielded`): those beside the message (Fluent Bit's `Merge_Log`, Vector's `remap`), below `json` (Filebeat's
name for them) or below `log` (Vector's `native_json` wraps all in it), or OTLP's attributes. A name is that of a key;
one with dots is also looked for in nested objects. Of doubled keys the last counts. What cannot be read is counted by
reason, and the line counts as any other.

Nothing here depends on how lines are spread over transactions: counts are integers, a value's bucket is a function of
the value. Buckets are 2.2% wide, and values beyond 1e15 are none, so that a window holds 5,200 of a field at most.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from streams.errors import BadPolicy
from streams.records.histogram import of_values
from streams.records.metric import Series
from streams.windows.summary import PodSummary, series_id

PREFIX = "log.field."
"""Begins the names of their signals."""
HELD = "held"
"""Attribute of a count: whether the lines held the value."""
MAX_FIELDS = 20
_SCALE = 5
"""32 buckets per doubling; the least tolerance that a sensitivity gives is 10%."""
_SMALLEST, _LARGEST = 1e-9, 1e15
"""A nanosecond in seconds, a petabyte; what is smaller is 0."""
_MAX_CHARACTERS = 65_536
"""Of a line that is read: four times what a container runtime writes in one piece."""
_BELOW = ("json", "log")
"""Keys of a message below which a shipper may have put the line's own."""
_FIELD = re.compile(r"([A-Za-z_@][\w.@-]{0,63})(?:=([^\s,:=*]{1,64}\*?)|:([\w%{}/]{1,16}))?", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][-+]?[0-9]{1,3})?", re.ASCII)

Values = dict[int, list[float]]
"""Series id -> the values of a pod's lines."""


class LogField(Struct, frozen=True):
    """One field that is read."""

    name: str
    """Of a key; with dots also of nested ones."""
    value: str | None = None
    """Lines that hold it are counted; with `*` at its end, all values that begin so. None: its values are numbers."""
    unit: str = ""
    """UCUM of the numbers, or a word for it; empty: as the words of the name say."""

    @classmethod
    def parse(cls, text: str) -> LogField:
        """A field as it is written in a setting: `NAME`, `NAME:UNIT` or `NAME=VALUE`.

        Raises:
            BadPolicy: it is none.

        >>> LogField.parse("duration_ms:ms").unit, LogField.parse("status=5*").value
        ('ms', '5*')
        """
        found = _FIELD.fullmatch(text)
        if found is None:
            raise BadPolicy("log-fields", text[:80], "write NAME, NAME:UNIT or NAME=VALUE; a value may end in *")
        return cls(found[1], found[2], found[3] or "")

    @property
    def series(self) -> tuple[Series, ...]:
        """What it becomes: one of numbers, or those of the lines that hold the value and of those that do not."""
        if self.value is None:
            return (Series(f"{PREFIX}{self.name}", (), self.unit),)
        return tuple(Series(f"{PREFIX}{self.name}={self.value}", ((HELD, held),)) for held in ("true", "false"))


def fields_of(texts: Sequence[str]) -> tuple[LogField, ...]:
    """What an operator named, checked one by one and together.

    Raises:
        BadPolicy: as `LogField.parse` and `LogFields`.
    """
    fields = tuple(map(LogField.parse, texts))
    LogFields(fields)
    return fields


class LogFields:
    """`read` lines, then `settle` what their numbers were."""

    def __init__(self, fields: Sequence[LogField]) -> None:
        """Read these.

        Raises:
            BadPolicy: too many of them, or one twice.
        """
        if len(fields) > MAX_FIELDS or len(set(fields)) < len(fields):
            raise BadPolicy("log-fields", f"{len(fields)} fields", f"name at most {MAX_FIELDS}, each once")
        self.series = {series_id(series): series for field in fields for series in field.series}
        """By id, all that it makes."""
        self.unread: dict[str, int] = {}
        """Reason -> lines, or fields of one, that could not be read."""
        parts = {part for field in fields for part in (field.name, field.name.partition(".")[0])}
        names = sorted(parts.union(_BELOW))
        keys = {name: f"key{number}" for number, name in enumerate(names)}
        self._fields = [_Read.of(field, keys) for field in fields]
        self._below = [keys[name] for name in _BELOW]
        self._line: Any = msgspec.defstruct("Line", [(key, Any, None) for key in keys.values()], rename=_turned(keys))
        self._decode = msgspec.json.Decoder(self._line).decode

    def read(
        self, line: str, pod: PodSummary, values: Values, beside: bytes | Mapping[str, object] | None = None
    ) -> None:
        """Count what a line says; one that is no JSON object says nothing.

        Args:
            line: as it was logged.
            pod: that wrote it.
            values: of its numbers.
            beside: what the shipper has taken out of it, see `Fielded`.
        """
        found = self._decoded(line) if line[:1] == "{" else None
        others: list[Any] | None = None
        for field in self._fields:
            value = None if found is None else field.of_line(found)
            if value is None and beside is not None:
                if others is None:
                    others = self._beside(beside)
                value = field.of_any(others)
            if value is None:
                continue
            if field.wanted is None:
                self._measure(field, value, values)
            elif (text := _text(value)) is None:
                self._count("no_text")
            else:
                counted = field.series[0] if _is(text, field.wanted) else field.series[1]
                pod.increases[counted] = pod.increases.get(counted, 0.0) + 1.0

    def named(self, beside: bytes | Mapping[str, object]) -> dict[str, object]:
        """Of what the shipper has taken out of a line what is read, by name: to be kept without the rest.

        >>> LogFields([LogField.parse("took.ms")]).named({"json": {"took": {"ms": 7}}, "user": "eve"})
        {'took.ms': 7}
        """
        others, found = self._beside(beside), dict[str, object]()
        for field in self._fields:
            value = field.of_any(others)
            if value is not None:
                found[field.name] = value
        return found

    def _decoded(self, text: str | bytes) -> Any:
        """The fields of a JSON object; None where it cannot be read."""
        if len(text) > _MAX_CHARACTERS:
            self._count("too_long")
            return None
        try:
            return self._decode(text)
        except msgspec.ValidationError:  # the only one there can be: a number that no double holds
            self._count("out_of_range")
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            self._count("no_json")
        return None

    def _beside(self, fields: bytes | Mapping[str, object]) -> list[Any]:
        """What a shipper's message, or OTLP's attributes, hold: its own keys, then those below."""
        found = self._decoded(fields) if isinstance(fields, bytes) else self._taken(fields)
        if found is None:
            return []
        below = (getattr(found, key) for key in self._below)
        return [found, *(self._taken(one) for one in below if isinstance(one, dict))]

    def _taken(self, fields: Mapping[str, object]) -> Any:
        return msgspec.convert(fields, self._line)

    def _measure(self, field: _Read, value: object, values: Values) -> None:
        number = _number(value)
        if number is None:
            self._count("no_number")
        elif abs(number) <= _LARGEST:
            values.setdefault(field.series[0], []).append(number)
        else:
            self._count("out_of_range")

    def _count(self, reason: str) -> None:
        self.unread[reason] = self.unread.get(reason, 0) + 1


class _Read(Struct, frozen=True):
    """Where a field is found, and what becomes of it."""

    name: str
    key: str
    """Attribute of the decoded line."""
    outer: str
    """Attribute of what it may be nested in."""
    path: tuple[str, ...]
    """Keys from there on."""
    wanted: str | None
    series: tuple[int, ...]
    """Ids."""

    @classmethod
    def of(cls, field: LogField, keys: Mapping[str, str]) -> _Read:
        outer, *path = field.name.split(".")
        return cls(
            field.name, keys[field.name], keys[outer], tuple(path), field.value, tuple(map(series_id, field.series))
        )

    def of_any(self, lines: Sequence[Any]) -> object:
        """Its value in the first of some decoded lines that has it; None where none does."""
        return next((value for line in lines if (value := self.of_line(line)) is not None), None)

    def of_line(self, line: Any) -> object:
        """Its value in a decoded line; None where it is not there."""
        value: object = getattr(line, self.key)
        return _nested(getattr(line, self.outer), self.path) if value is None and self.path else value


def settle(values: Values, pod: PodSummary) -> None:
    """The values of a pod's lines as distributions; a shipper may send a metric of that name as well."""
    for number, found in values.items():  # a bucket costs a logarithm, and many values are the same
        known, more = pod.histogram_increases.get(number), of_values(Counter(found).items(), _SCALE, _SMALLEST)
        pod.histogram_increases[number] = more if known is None else known.merge(more)


def _number(value: object) -> float | None:
    """A number, or a text that is one; None for all else."""
    if type(value) is float or type(value) is int:
        return value
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else None


def _text(value: object) -> str | None:
    """A text, number or truth value as it is compared; None for a list or an object."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else None


def _is(text: str, wanted: str) -> bool:
    return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted


def _nested(value: object, path: Sequence[str]) -> object:
    """What stands under these keys, one inside the other; None where there is nothing.

    >>> _nested({"response": {"status": 503}}, ("response", "status"))
    503
    """
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _turned(keys: Mapping[str, str]) -> dict[str, str]:
    return {key: name for name, key in keys.items()}

"""Does a located value fit a type, and if not: which part of it, on which line, and what may stand there?

All faults are collected, so that an operator mends a file once; what does not fit is left out of the rest. The types
say what is allowed: a type's description is the sentence shown, and the `fits` in its `extra` checks what no pattern
can.
"""

from __future__ import annotations

import difflib
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from streams.policy.fault import Faults
from streams.policy.yaml_text import Located, within

_Entry = TypeVar("_Entry")


class Conversion:
    """One file's values into their types; what does not fit becomes a fault."""

    def __init__(self, faults: Faults) -> None:
        self._refuse = faults.refuse

    def convert(self, found: Located, kind: Any, path: str = "") -> Any:
        """The value as plain data that `msgspec.convert` takes; UNSET where it does not fit."""
        if found.refused:
            return UNSET
        kind, meta = _peeled(kind)
        if isinstance(kind, type) and issubclass(kind, Struct):
            return self._struct(found, kind, path)
        if get_origin(kind) is dict:
            return self._dict(found, kind, meta, path)
        if get_origin(kind) is tuple:
            return self._list(found, kind, meta, path)
        return self._scalar(found, kind, meta, path)

    def _struct(self, found: Located, kind: type[Struct], path: str) -> dict[str, Any] | UnsetType:
        fields = _fields(kind)
        if not isinstance(found.value, dict):
            self._refuse(found.line, path, found.value, f"give a mapping of {_listed(list(fields))}")
            return UNSET
        data: dict[str, Any] = {}
        for key, child in found.value.items():
            below = within(path, key)
            if key in fields:
                _put(data, key, self.convert(child, fields[key].type, below))
            else:
                self._refuse(child.line, below, key, _instead(key, list(fields)))
        for name, field in fields.items():
            if field.required and name not in found.value:
                self._refuse(found.line, within(path, name), None, "it must be given")
        return data

    def _dict(self, found: Located, kind: Any, meta: Meta | None, path: str) -> dict[str, Any] | UnsetType:
        key_kind, value_kind = get_args(kind)
        if not isinstance(found.value, dict):
            self._refuse(found.line, path, found.value, "give a mapping")
            return UNSET
        data: dict[str, Any] = {}
        for key, child in self._no_more(found, list(found.value.items()), meta, path):
            below = within(path, key)
            if self._scalar(Located(child.line, key), *_peeled(key_kind), below) is not UNSET:
                _put(data, key, self.convert(child, value_kind, below))
        return data

    def _list(self, found: Located, kind: Any, meta: Meta | None, path: str) -> list[Any] | UnsetType:
        if not isinstance(found.value, list):
            self._refuse(found.line, path, found.value, "give a list")
            return UNSET
        item, children = get_args(kind)[0], self._no_more(found, found.value, meta, path)
        items = [self.convert(child, item, f"{path}[{number}]") for number, child in enumerate(children)]
        if isinstance(item, type) and issubclass(item, Struct):
            return [{} if each is UNSET else each for each in items]  # what comes after it keeps its number
        return [each for each in items if each is not UNSET]

    def _no_more(self, found: Located, entries: list[_Entry], meta: Meta | None, path: str) -> list[_Entry]:
        """As many entries as are allowed, the first."""
        most = None if meta is None else meta.max_length
        if most is not None and len(entries) > most:
            self._refuse(found.line, path, f"{len(entries)} entries", f"give at most {most}")
        return entries[:most]

    def _scalar(self, found: Located, kind: Any, meta: Meta | None, path: str) -> Any:
        value = found.value
        if not _is(value, Annotated[kind, meta] if meta is not None else kind):
            self._refuse(found.line, path, value, _allowed(kind, meta, value))
            return UNSET
        extra = (meta.extra if meta is not None else None) or {}
        if "fits" in extra and not extra["fits"](value):
            why = extra["why"](value) if "why" in extra else None
            self._refuse(found.line, path, value, _allowed(kind, meta, value) if why is None else why)
            return UNSET
        return value


def _put(data: dict[str, Any], key: str, value: Any) -> None:
    if value is not UNSET:
        data[key] = value


@cache
def _fields(kind: type[Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    """By the name they have in the file; asked once a type, not once a value."""
    return {field.encode_name: field for field in msgspec.structs.fields(kind)}


def _is(value: object, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _peeled(kind: Any) -> tuple[Any, Meta | None]:
    """A field's type without "may be left out", and what is said of it."""
    if get_origin(kind) in {Union, UnionType}:
        (kind,) = (option for option in get_args(kind) if option is not UnsetType)
    if get_origin(kind) is Annotated:
        kind, meta = get_args(kind)
        return kind, meta
    return kind, None


def _allowed(kind: Any, meta: Meta | None, value: object) -> str:
    if meta is not None and meta.description is not None:
        return meta.description
    if get_origin(kind) is Literal:
        options = [str(option) for option in get_args(kind)]
        return _instead(value, options) if isinstance(value, str) else f"give {_listed(options)}"
    return "give true or false" if kind is bool else "give another value"


def _instead(word: str, known: list[str]) -> str:
    """A sentence on what is known, the likeliest first.

    >>> _instead("tolerence", ["tolerance", "margin"])
    'did you mean tolerance?'
    """
    close = difflib.get_close_matches(word[:60], known, 1)
    return f"did you mean {close[0]}?" if close else f"give {_listed(known)}"


def _listed(options: list[str]) -> str:
    return options[0] if len(options) == 1 else f"{', '.join(options[:-1])} or {options[-1]}"

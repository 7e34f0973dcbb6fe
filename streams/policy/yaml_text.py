"""What does a YAML text say, and on which line?

Only what a policy needs: mappings with text keys, lists and scalars as YAML 1.2's core schema reads them (so that `on`
and `12:30` are text and `1e-3` is a number). Anchors, aliases, tags, further documents and doubled keys are refused;
size and depth are bounded before anything is built.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml
from msgspec import Struct

from streams.policy.fault import BadPolicyFile, Fault, shown

MAX_CHARACTERS = 256 * 1024
"""Of one text; 500 workloads of a dozen lines each, and half a second to parse."""
_MAX_DEPTH = 12
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Located(Struct, frozen=True):
    """A value and where it stands."""

    line: int
    """Of its key, or of its item of a list; from 1."""
    value: bool | int | float | str | list[Located] | dict[str, Located] | None

    def plain(self) -> Any:
        """The value without its lines."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def parse(text: str, source: str) -> Located:
    """The one document of a text.

    Raises:
        BadPolicyFile: it is too long, no YAML, or uses what is not read here.

    >>> parse("a: {b: [1, 2.5, x]}", "policy.yml").plain()
    {'a': {'b': [1, 2.5, 'x']}}
    """
    if len(text) > MAX_CHARACTERS:
        fault = Fault(0, "file", f"{len(text)} characters", f"give at most {MAX_CHARACTERS}")
        raise BadPolicyFile(source, [fault])
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader)).document()
    except _Refused as refused:
        raise BadPolicyFile(source, [refused.fault]) from None
    except yaml.MarkedYAMLError as error:
        raise BadPolicyFile(source, [_no_yaml(error)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        fault = Fault(line, "file", shown(chr(error.character)), "write printable text")
        raise BadPolicyFile(source, [fault]) from None


def _no_yaml(error: yaml.MarkedYAMLError) -> Fault:
    """What YAML's own rules have against it, and where it began."""
    mark = error.problem_mark or error.context_mark
    line = 0 if mark is None else mark.line + 1
    begun = "" if error.context_mark is None else f", {error.context} from line {error.context_mark.line + 1}"
    return Fault(line, "file", "this", f"write YAML ({error.problem}{begun})")


class _Refused(Exception):
    def __init__(self, line: int, field: str, value: object, allowed: str) -> None:
        self.fault = Fault(line, field, shown(value), allowed)


class _Builder:
    """Events in, one located value out."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events

    def document(self) -> Located:
        """The only document."""
        found: Located | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found is not None:
                    raise _Refused(_line(event), "file", "a second document", "write one document a file")
                found = self._value(next(self._events), None, "", 0)
        return found or Located(1, None)

    def _value(self, event: Any, key_line: int | None, path: str, depth: int) -> Located:
        line = key_line or _line(event)
        self._check(event, path or "file", depth)
        if isinstance(event, yaml.MappingStartEvent):
            return Located(line, self._mapping(path, depth + 1))
        if isinstance(event, yaml.SequenceStartEvent):
            return Located(line, self._list(path, depth + 1))
        return Located(line, _scalar(event, path or "file"))

    def _check(self, event: Any, path: str, depth: int) -> None:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _Refused(line, path, f"anchor {event.anchor}", "anchors and aliases are not read; write it out")
        if getattr(event, "tag", None) is not None:
            raise _Refused(line, path, event.tag, "tags are not read; leave it out")
        if depth > _MAX_DEPTH:
            raise _Refused(line, path[:60], "this", f"nest at most {_MAX_DEPTH} deep")

    def _mapping(self, path: str, depth: int) -> dict[str, Located]:
        children: dict[str, Located] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            line = _line(event)
            self._check(event, path or "file", depth)
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused(line, path or "file", "a key that is no text", "write text as keys")
            key = event.value
            below = within(path, key)
            if key in children:
                raise _Refused(line, below, key, f"it stands in line {children[key].line} already; write it once")
            children[key] = self._value(next(self._events), line, below, depth)
        return children

    def _list(self, path: str, depth: int) -> list[Located]:
        children: list[Located] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            children.append(self._value(event, None, f"{path}[{len(children)}]", depth))
        return children


def _line(event: Any) -> int:
    """From 1."""
    number: int = event.start_mark.line
    return number + 1


def within(path: str, key: str) -> str:
    """The path of a field of a mapping.

    >>> within("groups", "latency"), within("signals", "http.*"), within("", "alpha")
    ('groups.latency', "signals['http.*']", 'alpha')
    """
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,60}", key) is None:
        return f"{path}[{shown(key)}]"
    return f"{path}.{key}" if path else key


def _scalar(event: Any, path: str) -> bool | int | float | str | None:
    text: str = event.value
    if event.style is not None:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise _Refused(_line(event), path, text, "give a smaller number")
        return number
    return text

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

from streams.policy.fault import Fault, Faults, shown

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
    refused: bool = False
    """Nobody knows what stands here; what is wrong with it is told."""

    def plain(self) -> Any:
        """The value without its lines."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def parse(text: str, faults: Faults) -> Located | None:
    """The one document of a text; None if there is no telling what it says.

    Args:
        text: YAML.
        faults: takes what is wrong: that it is too long, no YAML, or uses what is not read here. Of the latter the rest
            is read all the same.

    >>> parse("a: {b: [1, 2.5, x]}", Faults()).plain()
    {'a': {'b': [1, 2.5, 'x']}}
    """
    if len(text) > MAX_CHARACTERS:
        faults.add(Fault(0, "file", f"{len(text)} characters", f"give at most {MAX_CHARACTERS}"))
        return None
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader), faults).document()
    except _TooDeep:
        return None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 0 if mark is None else mark.line + 1
        begun = "" if error.context_mark is None else f", {error.context} from line {error.context_mark.line + 1}"
        faults.add(Fault(line, "file", "this", f"write YAML ({error.problem}{begun})"))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        faults.refuse(line, "file", chr(error.character), "write printable text")
    return None


class _TooDeep(Exception):
    """What is nested so deep is not looked at any further."""


class _Builder:
    """Events in, one located value out."""

    def __init__(self, events: Iterator[Any], faults: Faults) -> None:
        self._events = events
        self._refuse = faults.refuse

    def document(self) -> Located:
        """The only document."""
        found: Located | None = None
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                if found is not None:
                    self._refuse(_line(event), "file", "a second document", "write one document a file")
                    break
                found = self._value(next(self._events), None, "", 0)
        return found or Located(1, None)

    def _value(self, event: Any, key_line: int | None, path: str, depth: int) -> Located:
        line = key_line or _line(event)
        self._check(event, path or "file", depth)
        if isinstance(event, yaml.AliasEvent) or event.tag is not None:
            self._pass_over(event)
            return Located(line, None, refused=True)
        if isinstance(event, yaml.MappingStartEvent):
            return Located(line, self._mapping(path, depth + 1))
        if isinstance(event, yaml.SequenceStartEvent):
            return Located(line, self._list(path, depth + 1))
        return self._scalar(event, line, path)

    def _check(self, event: Any, path: str, depth: int) -> None:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            self._refuse(line, path, f"anchor {event.anchor}", "anchors and aliases are not read; write it out")
        if getattr(event, "tag", None) is not None:
            self._refuse(line, path, event.tag, "tags are not read; leave it out")
        if depth > _MAX_DEPTH:
            self._refuse(line, path[:60], "this", f"nest at most {_MAX_DEPTH} deep")
            raise _TooDeep

    def _mapping(self, path: str, depth: int) -> dict[str, Located]:
        children: dict[str, Located] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            line = _line(event)
            self._check(event, path or "file", depth)
            if not isinstance(event, yaml.ScalarEvent):
                self._refuse(line, path, "a key that is no text", "write text as keys")
                self._pass_over(event)
                self._pass_over(next(self._events))
                continue
            key = event.value
            below = within(path, key)
            if key in children:
                self._refuse(line, below, key, f"it stands in line {children[key].line} already; write it once")
            value = self._value(next(self._events), line, below, depth)
            children.setdefault(key, value)
        return children

    def _pass_over(self, event: Any) -> None:
        """Read a node to its end."""
        depth = isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        while depth:
            event = next(self._events)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)

    def _list(self, path: str, depth: int) -> list[Located]:
        children: list[Located] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            children.append(self._value(event, None, f"{path}[{len(children)}]", depth))
        return children

    def _scalar(self, event: Any, line: int, path: str) -> Located:
        text: str = event.value
        if event.style is not None:
            return Located(line, text)
        if text in _WORDS:
            return Located(line, _WORDS[text])
        if _INTEGER.fullmatch(text):
            return Located(line, int(text))
        if _FLOAT.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return Located(line, number)
            self._refuse(_line(event), path, text, "give a smaller number")
            return Located(line, None, refused=True)
        return Located(line, text)


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

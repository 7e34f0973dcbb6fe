"""What is wrong in a policy file, and on which line?"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from streams.errors import BadPolicy

_MAX_SHOWN = 80
"""Characters of a refused value that are shown."""
_MAX_FAULTS = 100
"""Of one file that are told."""


class Fault(Struct, frozen=True, order=True):
    """One thing that cannot be followed."""

    line: int
    """From 1; 0 where the file as a whole is meant."""
    field: str
    """Its path in the file, such as `workloads[0].alpha`."""
    value: str
    """As `repr` shows it, cut."""
    allowed: str
    """What may stand there instead."""

    def text(self, source: str) -> str:
        """One line for a person, beginning with where, as compilers do.

        >>> Fault(3, "alpha", "2", "give a number above 0 and below 0.5").text("policy.yml")
        'policy.yml:3: alpha: 2 is not allowed; give a number above 0 and below 0.5'
        """
        where = f"{source}:{self.line}" if self.line else source
        return f"{where}: {self.field}: {self.value} is not allowed; {self.allowed}"


def shown(value: object) -> str:
    """A value as an error shows it: on one line, cut.

    >>> shown("a" * 200)[-3:], shown({"a": 1}), shown(True)
    ('...', 'a mapping', 'true')
    """
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "nothing", True: "true", False: "false"}[value]
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


class Faults:
    """What is wrong with one file so far.

    Attributes:
        found: in the order in which it was found.
    """

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """One more."""
        if len(self.found) < _MAX_FAULTS:
            self.found.append(fault)

    def refuse(self, line: int, field: str, value: object, allowed: str) -> None:
        """A value of the file may not stand there."""
        self.add(Fault(line, field or "file", shown(value), allowed))


class BadPolicyFile(BadPolicy):
    """A policy file that is refused whole.

    Attributes:
        source: the file's name.
        faults: all that is wrong with it, by line; never empty.
    """

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(sorted(faults))
        first = self.faults[0]
        super().__init__(first.field, first.value, first.allowed)
        more = f" (and {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        self.args = (f"{first.text(source)}{more}",)

"""One line of a template, with the lines of its pod around it."""

from __future__ import annotations

from msgspec import Struct

_OVERHEAD = 100
"""Characters that an example takes beside its lines: time, revision, pod."""


class Example(Struct, frozen=True, array_like=True, order=True):
    """One line, as it was written but for secrets."""

    time_ns: int
    text: str
    revision: str
    """Pod-template hash."""
    pod: str
    before: tuple[str, ...] = ()
    """Lines of the same pod, oldest first."""
    after: tuple[str, ...] = ()
    """Lines of the same pod, oldest first."""

    @property
    def characters(self) -> int:
        """About how many it takes."""
        return _OVERHEAD + len(self.text) + sum(map(len, (*self.before, *self.after)))

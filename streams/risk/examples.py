"""Which lines does the document of a comparison show of its templates? Those of most use, as long as there is room.

The document is published with every window, so what it shows is bounded as a whole: the first templates, which have
most impact, come first.
"""

from __future__ import annotations

from collections.abc import Iterator

from streams.risk.comparison import Comparison
from streams.risk.document import rfc3339
from streams.risk.templates import TemplateExample
from streams.templates.examples import Example, Kept

BUDGET = 24_000
"""Characters of all examples of a document: a tenth of what a document of 200 signals takes."""
MOST = 4
"""Of one template."""


class Room:
    """What is left for examples in one document."""

    def __init__(self, comparison: Comparison, characters: int = BUDGET) -> None:
        self._comparison = comparison
        self._left = characters

    def take(self, kept: Kept | None) -> tuple[TemplateExample, ...]:
        """The examples of the next template, as far as there is room."""
        if kept is None:
            return ()
        found = []
        for one in self._ordered(kept):
            self._left -= one.characters
            if self._left < 0:
                break
            found.append(_told(one))
        return tuple(found)

    def _ordered(self, kept: Kept) -> list[Example]:
        latest = dict(kept.revisions)
        pair = (latest.pop(self._comparison.canary, None), latest.pop(self._comparison.baseline, None))
        others = sorted(latest.values(), reverse=True)
        ones = [one for one in (*pair, kept.first, *others) if one is not None]
        return list(_different(ones))[:MOST]


def _different(ones: list[Example]) -> Iterator[Example]:
    """Without those that are the line of one before."""
    seen = set()
    for one in ones:
        line = (one.time_ns, one.text, one.revision, one.pod)
        if line not in seen:
            seen.add(line)
            yield one


def _told(one: Example) -> TemplateExample:
    return TemplateExample(rfc3339(one.time_ns), one.revision, one.pod, one.text, one.before, one.after)

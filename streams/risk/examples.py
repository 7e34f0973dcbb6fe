"""Which lines does the document of a comparison show of its templates? Those of most use, as long as there is room.

The document is published with every window, so what it shows is bounded as a whole: the first templates, which have
most impact, come first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from streams.records.times import rfc3339
from streams.risk.comparison import Comparison
from streams.risk.templates import TemplateContext, TemplateExample
from streams.templates.contexts import Group
from streams.templates.example import Example
from streams.templates.examples import Kept

BUDGET = 24_000
"""Characters of all examples of a document: a tenth of what a document of 200 signals takes."""
MOST = 6
"""Of one template."""


class Shown(Struct, frozen=True):
    """What is shown of one template's lines; the fields are those of `TemplateEvidence`."""

    examples: tuple[TemplateExample, ...] = ()
    contexts: tuple[TemplateContext, ...] = ()
    canary_examples: int = 0
    baseline_examples: int = 0


class Room:
    """What is left for examples in one document."""

    def __init__(self, comparison: Comparison, characters: int = BUDGET) -> None:
        self._comparison = comparison
        self._left = characters

    def take(self, kept: Kept | None) -> Shown:
        """The examples of the next template, as far as there is room, and the lines that they have around them."""
        if kept is None:
            return Shown()
        canary, baseline = self._comparison.canary, self._comparison.baseline
        groups = sorted(kept.contexts.groups, key=lambda one: (-one.counts.get(canary, 0), -one.examples, one.lines))
        found = []
        for one in self._ordered(kept, groups):
            if not self._spend(one.characters):
                break
            found.append(one)
        places = {_line(one): place for place, one in enumerate(found)}
        contexts = [
            TemplateContext(
                tuple(line.text for line in group.lines if not line.is_after),
                tuple(line.text for line in group.lines if line.is_after),
                group.counts.get(canary, 0),
                group.counts.get(baseline, 0),
                places.get(_line(group.latest), -1),
            )
            for group in groups
            if self._spend(sum(len(line.text) for line in group.lines))
        ]
        counts = kept.contexts.counts
        return Shown(tuple(map(_told, found)), tuple(contexts), counts.get(canary, 0), counts.get(baseline, 0))

    def _spend(self, characters: int) -> bool:
        """Whether there is room for so many, which are taken then."""
        self._left -= characters
        return self._left >= 0

    def _ordered(self, kept: Kept, groups: Sequence[Group]) -> list[Example]:
        latest = dict(kept.revisions)
        pair = (latest.pop(self._comparison.canary, None), latest.pop(self._comparison.baseline, None))
        others = sorted(latest.values(), reverse=True)
        ones = [one for one in (*pair, *(group.latest for group in groups), kept.first, *others) if one is not None]
        return list(_different(ones))[:MOST]


def _different(ones: list[Example]) -> Iterator[Example]:
    """Without those that are the line of one before."""
    seen = set()
    for one in ones:
        if _line(one) not in seen:
            seen.add(_line(one))
            yield one


def _line(one: Example) -> tuple[int, str, str, str]:
    """What tells it from others, whatever of the lines around it is kept."""
    return one.time_ns, one.text, one.revision, one.pod


def _told(one: Example) -> TemplateExample:
    return TemplateExample(rfc3339(one.time_ns), one.revision, one.pod, one.text, one.before, one.after)

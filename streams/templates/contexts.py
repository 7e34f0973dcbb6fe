"""Between which lines do the examples of a template stand? Those that share a line around them are one group.

What counts of a line around an example is its signature, and whether it stands before or after it; where any of them is
a warning or worse, those alone count (what else a pod was doing is chance). A group is what **all** of its examples
share: one more joins the group of which it has most, at least half, and what it does not have is none of the group's
any more. So a line that happens to stand there is gone with the second example, and a group is never without a line.

Groups depend on the examples in the order in which windows close, never on deltas; those of templates that become one
are joined by the same rule. Bounded: of too many groups that with fewest examples goes, of equals the one not seen for
longest; its examples still count among all.

Source: leader clustering, Hartigan, Clustering Algorithms (1975), ch. 3, with the intersection for the leader.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from streams.records.log import Severity
from streams.templates.example import Example
from streams.windows.continuation import goes_on
from streams.windows.signature import Signature, fold, signature

MOST_GROUPS = 4
MOST_LINES = 10
"""The nearest on either side, that are looked at."""
MAX_CHARACTERS = 160
"""Of a signature around an example."""


class Around(Struct, frozen=True, array_like=True, order=True):
    """A line around an example."""

    is_after: bool
    text: str
    """Its signature."""


class Group(Struct, array_like=True):
    """Examples that share the lines around them."""

    lines: tuple[Around, ...]
    """What all of them share, sorted; never empty."""
    counts: dict[str, int]
    """Pod-template hash -> examples of it."""
    latest: Example

    @property
    def examples(self) -> int:
        """Of all revisions."""
        return sum(self.counts.values())


class Contexts(Struct, array_like=True):
    """Of one template: `add` examples, `join` those of another."""

    counts: dict[str, int] = {}
    """Pod-template hash -> examples of it, in a group or in none."""
    groups: list[Group] = []

    def add(self, example: Example) -> None:
        """Take in one example; one without a line around it is in no group."""
        _count(self.counts, {example.revision: 1})
        lines = lines_around(example.text, example.before, example.after)
        if lines:
            self._take(Group(lines, {example.revision: 1}, example))

    def join(self, other: Contexts) -> None:
        """Take in those of a template that has become part of this one."""
        _count(self.counts, other.counts)
        for group in other.groups:
            self._take(Group(group.lines, dict(group.counts), group.latest))

    def keep_to(self, revisions: Container[str]) -> None:
        """Forget how many were of other revisions, and groups of which none is left."""
        for counts in (self.counts, *(group.counts for group in self.groups)):
            for revision in [name for name in counts if name not in revisions]:
                del counts[revision]
        self.groups = [group for group in self.groups if group.counts]

    @property
    def characters(self) -> int:
        """About how many they take."""
        return sum(sum(len(line.text) for line in group.lines) + group.latest.characters for group in self.groups)

    def _take(self, more: Group) -> None:
        found = self._like(more.lines)
        if found is None:
            self.groups.append(more)
            if len(self.groups) > MOST_GROUPS:
                self.groups.remove(min(self.groups, key=lambda one: (one.examples, one.latest, one.lines)))
            return
        found.lines = tuple(sorted(set(found.lines).intersection(more.lines)))
        found.latest = max(found.latest, more.latest)
        _count(found.counts, more.counts)

    def _like(self, lines: Sequence[Around]) -> Group | None:
        """The group of which these are most, and at least half; of equals the first."""
        best, found = (0.0, 0), None
        for group in self.groups:
            shared = len(set(group.lines).intersection(lines))
            fit = shared / len(group.lines), shared
            if 2 * shared >= len(group.lines) and fit > best:
                best, found = fit, group
        return found


def lines_around(text: str, before: Sequence[str], after: Sequence[str]) -> tuple[Around, ...]:
    """What counts of the lines around an example, sorted.

    >>> lines_around("ERROR order 7 lost", ["GET /cart", "WARN connection to 10.0.0.7:80 refused"], ["GET /cart"])
    (Around(is_after=False, text='WARN connection to <*> refused'),)

    Args:
        text: of the example; the same once more around it says nothing.
        before: lines before it, in order of time.
        after: lines after it.
    """
    own = _read(fold(text.partition("\n")[0])).text
    found: dict[Around, Severity] = {}
    for is_after, lines in ((False, before[-MOST_LINES:]), (True, after[:MOST_LINES])):
        for line in lines:
            what = _read(fold(line))
            if what.text and what.text != own and not goes_on(line, what.severity):
                found[Around(is_after, what.text[:MAX_CHARACTERS])] = what.severity
    grave = [line for line, severity in found.items() if severity >= Severity.WARN]
    return tuple(sorted(grave or found))


@lru_cache(maxsize=4096)
def _read(folded: bytes) -> Signature:
    """Of lines that differ in digits alone worked out once."""
    return signature(folded)


def _count(counts: dict[str, int], more: Mapping[str, int]) -> None:
    for revision, examples in more.items():
        counts[revision] = counts.get(revision, 0) + examples

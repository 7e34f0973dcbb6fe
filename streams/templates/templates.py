"""Which signatures are one template? Learned online, one window at a time, per workload.

A signature starts as a template of its own. When enough signatures differ in one word (`holes`), they become one
template with a hole there, which may merge on. What was a template before is redirected to it: counts stay where they
were counted, and a redirect says where they belong now. A template's number is a function of its text, so it is the
same after a restart, and in the next rollout.

What depends on what: a window's signatures are learned together, in the order of their numbers, so the result depends
on the windows and their order, never on the deltas a window came in. The order of *windows* may show: a signature that
finds a template with a hole for it joins that one and does not look for others.

Bounded: at most `Budget.templates` texts and `Budget.signatures` redirects, of which those go first that were not seen
for longest (of warnings and worse: last). Of a window's new signatures so many are learned as there is room for, and a
tenth more: lines that are never the same neither push out what is known nor cost more than their share. The gravest and
most frequent go first; the others count as `other`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from heapq import nsmallest

from msgspec import Struct

from streams.records.log import Severity
from streams.templates.holes import Patterns, patterns
from streams.templates.pattern_index import PatternIndex
from streams.templates.template import Learned, Template, template
from streams.windows.masks import HOLE
from streams.windows.signature import Signature

_TURNOVER_RATIO = 0.1
"""Share of the budget that one window may replace."""


class Budget(Struct, frozen=True):
    """How much one workload may fill."""

    templates: int = 4_000
    signatures: int = 20_000
    """That are part of a template."""
    new: int = 2_000
    """Signatures learned in one window while there is room."""


class Known(Struct, array_like=True, gc=False):
    """A template as it is remembered."""

    text: str
    severity: Severity
    seen_ns: int
    """Start of the last window in which it was seen."""


class Part(Struct, array_like=True, gc=False):
    """A signature, or a former template, that is part of a template."""

    of: int
    seen_ns: int
    text: str = ""
    """Of a former template with a hole: what fits it now belongs where it went."""
    severity: Severity = Severity.UNSET


class TemplatesState(Struct, array_like=True):
    """The snapshot: language-neutral, all there is to know."""

    version: int = 1
    """Keeps its place in snapshots; not read."""
    templates: dict[int, Known] = {}
    parts: dict[int, Part] = {}


class Templates:
    """`learn` a window's signatures, then ask for the `template_of` each."""

    def __init__(
        self,
        budget: Budget | None = None,
        state: TemplatesState | None = None,
        mask: Callable[[str], str] | None = None,
    ) -> None:
        """Begin with a snapshot; `mask` is the service's own (`service_masks`), applied before all else."""
        self._budget = budget or Budget()
        self._mask = mask
        known = state or TemplatesState()
        self._templates = dict(known.templates)
        self._parts = dict(known.parts)
        self._born: set[int] = set()
        """Templates of this window: nothing was counted under them yet."""
        self._patterns = PatternIndex()
        for number, one in self._templates.items():
            self._patterns.name(one.severity, one.text, number)
            self._patterns.enter(number, patterns(one.text, one.severity))
        for number, part in self._parts.items():
            if part.text:
                self._patterns.name(part.severity, part.text, number)

    def to_state(self) -> TemplatesState:
        """The snapshot; valid until the next `learn`."""
        return TemplatesState(1, self._templates, self._parts)

    def __len__(self) -> int:
        return len(self._templates)

    def learn(
        self, signatures: Mapping[int, Signature], seen_ns: int, lines: Mapping[int, int] | None = None
    ) -> Learned:
        """Take in all signatures of one window.

        Args:
            signatures: those seen in the window, by number; known ones only count as seen.
            seen_ns: start of the window.
            lines: how often each was seen; where there is not room for all, the most frequent are learned.
        """
        often = lines or {}
        templates, parts = self._templates, self._parts
        fresh = [
            number
            for number in signatures
            if (number not in templates and number not in parts) or not self._seen(number, seen_ns)
        ]
        fresh.sort()
        room = self._room()
        left_out = max(0, len(fresh) - room)
        if left_out:
            fresh.sort(key=lambda number: (signatures[number].severity << 64) + often.get(number, 0), reverse=True)
            fresh = sorted(fresh[:room])
        self._born.clear()
        redirects: dict[int, int] = {}
        for number in fresh:
            self._add_masked(number, signatures[number], seen_ns, redirects)
        forgot = self._trim()
        former = (old for old in redirects if old not in self._born)
        final = {old: found for old in former if (found := self.template_of(old)) is not None}
        return Learned(final, left_out, forgot)

    def template_of(self, number: int) -> int | None:
        """The template that a signature or a former template is part of; None if it is not known (any more)."""
        part = self._parts.get(number)
        while part is not None:
            number = part.of
            part = self._parts.get(number)
        return number if number in self._templates else None

    def template(self, number: int) -> Template | None:
        """What a template's number stands for."""
        known = self._templates.get(number)
        return None if known is None else Template(number, known.text, known.severity)

    def all(self) -> list[Template]:
        """The templates, in the order of their numbers."""
        return [Template(number, one.text, one.severity) for number, one in sorted(self._templates.items())]

    def _room(self) -> int:
        """How many signatures may be learned in this window."""
        budget = self._budget
        free = min(budget.templates - len(self._templates), budget.signatures - len(self._parts))
        return min(budget.new, max(0, free) + int(_TURNOVER_RATIO * min(budget.templates, budget.signatures)))

    def _seen(self, number: int, seen_ns: int) -> bool:
        """Note that it was seen; False if it is not known."""
        root = self.template_of(number)
        if root is None:
            return False
        part = self._parts.get(number)
        if part is not None:
            part.seen_ns = max(part.seen_ns, seen_ns)
        known = self._templates[root]
        known.seen_ns = max(known.seen_ns, seen_ns)
        return True

    def _add_masked(self, number: int, what: Signature, seen_ns: int, redirects: dict[int, int]) -> None:
        """Take in a signature under the service's own masks."""
        text = what.text if self._mask is None else self._mask(what.text)
        if text == what.text:
            self._add(number, what, seen_ns, redirects)
            return
        if number in self._templates:
            return  # made as a pattern since
        whole = template(text, what.severity)
        if not self._seen(whole.number, seen_ns):
            self._add(whole.number, Signature(text, what.severity), seen_ns, redirects)
        self._parts[number] = Part(whole.number, seen_ns)

    def _add(self, number: int, what: Signature, seen_ns: int, redirects: dict[int, int]) -> None:
        if number in self._templates or number in self._parts:
            return  # made as a pattern since
        severity, text = what.severity, what.text
        found = patterns(text, severity)
        whole = self._whole(found)
        if whole is not None:
            self._parts[number] = Part(whole, seen_ns)
            self._seen(whole, seen_ns)
            return
        self._templates[number] = Known(text, severity, seen_ns)
        self._born.add(number)
        self._patterns.name(severity, text, number)
        ripe = self._patterns.enter(number, found)
        for member in self._patterns.members(severity, text):  # a hole stands where they have a word
            self._join(member, number, redirects)
        if ripe is not None:
            self._merge(ripe, severity, seen_ns, redirects)

    def _whole(self, found: Patterns) -> int | None:
        """The template, if any, for which one of these patterns stands; of several the one of least number."""
        named = self._patterns.named(found)
        return min((root for number in named if (root := self.template_of(number)) is not None), default=None)

    def _merge(self, pattern: str, severity: Severity, seen_ns: int, redirects: dict[int, int]) -> None:
        """Make the pattern a template, and all that differ only there part of it."""
        whole = template(pattern, severity)
        members = self._patterns.members(severity, pattern)
        self._add(whole.number, Signature(pattern, severity), seen_ns, redirects)
        root = self.template_of(whole.number)
        for member in members:
            if root is not None:
                self._join(member, root, redirects)

    def _join(self, number: int, root: int, redirects: dict[int, int]) -> None:
        """A template becomes part of another."""
        one = self._templates.get(number)
        if one is None or number == root:
            return
        self._remove(number)
        self._parts[number] = Part(root, one.seen_ns)
        if HOLE in one.text:
            self._parts[number] = Part(root, one.seen_ns, one.text, one.severity)
            self._patterns.name(one.severity, one.text, number)
        redirects[number] = root
        if (known := self._templates.get(root)) is not None:
            known.seen_ns = max(known.seen_ns, one.seen_ns)

    def _remove(self, number: int) -> None:
        one = self._templates.pop(number)
        self._patterns.unname(one.severity, one.text)
        self._patterns.leave(number)

    def _trim(self) -> bool:
        """Forget what is over the budget; whether anything was."""
        known = len(self._templates) + len(self._parts)
        over = len(self._templates) - self._budget.templates
        if over > 0:
            for number in self._oldest(over):
                self._remove(number)
            self._forget([number for number in self._parts if self.template_of(number) is None])
        over = len(self._parts) - self._budget.signatures
        if over > 0:
            between = {part.of for part in self._parts.values()}
            ends = (number for number in self._parts if number not in between)
            self._forget(nsmallest(over, ends, key=lambda one: (self._parts[one].seen_ns, one)))
        return len(self._templates) + len(self._parts) < known

    def _oldest(self, most: int) -> list[int]:
        """So many templates: those not seen for longest, of equals by number; of warnings and worse last."""
        warn, by_age = Severity.WARN, defaultdict[tuple[bool, int], list[int]](list)
        for number, one in self._templates.items():
            by_age[one.severity >= warn, one.seen_ns].append(number)
        found: list[int] = []
        for age in sorted(by_age):
            found += nsmallest(most - len(found), by_age[age])
            if len(found) == most:
                break
        return found

    def _forget(self, parts: Iterable[int]) -> None:
        for number in parts:
            part = self._parts.pop(number)
            if part.text:
                self._patterns.unname(part.severity, part.text)

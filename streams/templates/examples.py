"""What do lines of a template look like? The first one, the latest, and the latest of each revision, secrets masked.

And of each group of those that share a line around them (`contexts`) the latest, which depends on the order in which
windows close. Which others are kept depends on the lines alone, not on the order they come in: of two at one time the
one of lesser text is the first and the other the latest. Bounded in revisions, and in characters of all that is kept.
"""

from __future__ import annotations

from msgspec import Struct, field, structs

from streams.templates.contexts import Contexts
from streams.templates.example import Example
from streams.windows.secrets import without_secrets

MAX_CHARACTERS = 1_000
"""Of a line kept; of its context, each line half of it."""
MAX_CONTEXT = 20
"""Lines before it, and as many after; ingest sends 5 unless it is told otherwise."""
REVISIONS = 4
BUDGET = 500_000
"""Characters of all examples of a workload, as its state is one message; templates whose latest is oldest go first."""


class Kept(Struct, array_like=True):
    """The examples of one template."""

    first: Example
    """Without the lines around it, once there is a later one."""
    revisions: dict[str, Example]
    """Pod-template hash -> the latest of it."""
    contexts: Contexts = field(default_factory=Contexts)
    """Of all that were met of these revisions."""

    @property
    def latest(self) -> Example:
        """Of all revisions."""
        return max(self.revisions.values())

    @property
    def characters(self) -> int:
        """About how many it takes."""
        shown = self.first.characters + sum(one.characters for one in self.revisions.values())
        return shown + self.contexts.characters


class Examples:
    """`add` lines, `of` a template."""

    def __init__(self, state: dict[int, Kept] | None = None, budget: int = BUDGET) -> None:
        self._kept = dict(state or {})
        self._budget = budget
        self._characters = sum(one.characters for one in self._kept.values())

    def to_state(self) -> dict[int, Kept]:
        """Template's number -> its examples; valid until the next change."""
        return self._kept

    def add(self, number: int, example: Example) -> None:
        """Keep a line of a template if it is the first, or the latest of its revision.

        >>> examples = Examples()
        >>> examples.add(7, Example(1, "password=x refused", "5d8f", "pod-a"))
        >>> examples.of(7).first.text
        'password=[masked] refused'
        """
        shown, contexts = _shown(example), Contexts()
        contexts.add(shown)
        self._keep(number, Kept(shown, {shown.revision: shown}, contexts))
        while self._characters > self._budget and len(self._kept) > 1:
            self._drop(min(self._kept, key=lambda one: (self._kept[one].latest.time_ns, one)))

    def join(self, old: int, new: int) -> None:
        """A template has become part of another: so do its examples."""
        mine = self._drop(old)
        if mine is not None:
            self._keep(new, mine)

    def _keep(self, number: int, more: Kept) -> None:
        """What is kept of a template, with more of it."""
        known = self._drop(number)
        if known is None:
            known = more
        else:
            known = Kept(_alone(min(known.first, more.first)), dict(known.revisions), known.contexts)
            known.contexts.join(more.contexts)
            for one in more.revisions.values():
                _keep_latest(known.revisions, one)
            known.contexts.keep_to(known.revisions)
        self._kept[number] = known
        self._characters += known.characters

    def _drop(self, number: int) -> Kept | None:
        known = self._kept.pop(number, None)
        if known is not None:
            self._characters -= known.characters
        return known

    def of(self, number: int) -> Kept | None:
        """The examples of a template."""
        return self._kept.get(number)


def _keep_latest(revisions: dict[str, Example], one: Example) -> None:
    held = revisions.get(one.revision)
    revisions[one.revision] = one if held is None else max(held, one)
    if len(revisions) > REVISIONS:
        del revisions[min(revisions, key=revisions.__getitem__)]


def _alone(example: Example) -> Example:
    return structs.replace(example, before=(), after=()) if example.before or example.after else example


def _shown(example: Example) -> Example:
    half = MAX_CHARACTERS // 2
    before, after = (
        tuple(without_secrets(line[:MAX_CHARACTERS])[:half] for line in lines)
        for lines in (example.before[-MAX_CONTEXT:], example.after[:MAX_CONTEXT])
    )
    text = without_secrets(example.text[: 2 * MAX_CHARACTERS])[:MAX_CHARACTERS]
    return structs.replace(example, text=text, before=before, after=after)

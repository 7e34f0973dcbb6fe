"""What do lines of a template look like? The first one, the latest, and the latest of each revision, secrets masked.

Which lines are kept depends on the lines alone, not on the order they come in: of two at one time the one of lesser
text is the first and the other the latest. Bounded in templates, revisions and characters.
"""

from __future__ import annotations

from msgspec import Struct, structs

from streams.windows.secrets import without_secrets

MAX_CHARACTERS = 1_000
"""Of a line kept; of its context, each line half of it."""
MAX_CONTEXT = 10
REVISIONS = 4
TEMPLATES = 500
"""With examples; those with the oldest latest go first."""


class Example(Struct, frozen=True, array_like=True, order=True):
    """One line, as it was written but for secrets."""

    time_ns: int
    text: str
    revision: str
    """Pod-template hash."""
    pod: str
    context: tuple[str, ...] = ()
    """Lines of the same pod around it, the line itself not among them, oldest first."""


class Kept(Struct, array_like=True):
    """The examples of one template."""

    first: Example
    latest: Example
    revisions: dict[str, Example]
    """Pod-template hash -> the latest of it."""


class Examples:
    """`add` lines, `of` a template."""

    def __init__(self, state: dict[int, Kept] | None = None, templates: int = TEMPLATES) -> None:
        self._kept = dict(state or {})
        self._templates = templates

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
        shown = _shown(example)
        known = self._kept.get(number)
        if known is None:
            self._kept[number] = Kept(shown, shown, {shown.revision: shown})
        else:
            known.first = min(known.first, shown)
            known.latest = max(known.latest, shown)
            _keep_latest(known.revisions, shown)
        if len(self._kept) > self._templates:
            oldest = min(self._kept, key=lambda one: (self._kept[one].latest.time_ns, one))
            del self._kept[oldest]

    def join(self, old: int, new: int) -> None:
        """A template has become part of another: so do its examples."""
        mine = self._kept.pop(old, None)
        if mine is None:
            return
        known = self._kept.get(new)
        if known is None:
            self._kept[new] = mine
            return
        known.first = min(known.first, mine.first)
        known.latest = max(known.latest, mine.latest)
        for one in mine.revisions.values():
            _keep_latest(known.revisions, one)

    def of(self, number: int) -> Kept | None:
        """The examples of a template."""
        return self._kept.get(number)


def _keep_latest(revisions: dict[str, Example], one: Example) -> None:
    held = revisions.get(one.revision)
    revisions[one.revision] = one if held is None else max(held, one)
    if len(revisions) > REVISIONS:
        del revisions[min(revisions, key=lambda name: (revisions[name].time_ns, name))]


def _shown(example: Example) -> Example:
    half = MAX_CHARACTERS // 2
    return structs.replace(
        example,
        text=without_secrets(example.text[: 2 * MAX_CHARACTERS])[:MAX_CHARACTERS],
        context=tuple(without_secrets(line[:MAX_CHARACTERS])[:half] for line in example.context[-MAX_CONTEXT:]),
    )

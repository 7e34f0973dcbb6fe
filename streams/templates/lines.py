"""What do a workload's log lines say, and how grave is each? Its templates, their classes, and what was said of them.

A window's signatures are learned together when it closes, so the state depends on the windows and on when feedback was
given in event time, never on the deltas they came in. `raised` marks what feedback, a learned kind or the policy makes
graver than severity and default topics do: earlier baselines were not counted that way, so it must not be held against
the past.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from streams.templates.classes import Classed, Classes, ClassesState, Feedback, concerns, order
from streams.templates.example import Example
from streams.templates.examples import Examples, Kept
from streams.templates.template import Learned, Template
from streams.templates.templates import Templates, TemplatesState
from streams.templates.topics import LOG_CLASSES, Topics
from streams.windows.signature import Signature

MAX_HISTORY = 200
"""Reclassifications told, and as many that were said for more than the workload; the oldest go first."""
_CACHED = 10_000


class LinesState(Struct, array_like=True):
    """The snapshot."""

    version: int = 1
    """Keeps its place in snapshots; not read."""
    templates: TemplatesState = field(default_factory=TemplatesState)
    classes: ClassesState = field(default_factory=ClassesState)
    history: list[Feedback] = []
    """What was said, in order of time; what was taken back as well."""
    examples: dict[int, Kept] = {}
    """Template's number -> what its lines look like."""


class Line(Struct, frozen=True):
    """What a signature comes to."""

    template: Template
    classed: Classed
    raised: bool
    """Graver than severity and default topics make it."""


class Lines:
    """`learn` windows and `hear` feedback, then `read` signatures."""

    def __init__(
        self,
        state: LinesState | None = None,
        topics: Topics | None = None,
        mask: Callable[[str], str] | None = None,
    ) -> None:
        known = state or LinesState()
        self._templates = Templates(None, known.templates, mask)
        self._classes = Classes(topics, known.classes)
        self._history = list(known.history)
        self._examples = Examples(known.examples)
        self._lines: dict[int, Line] = {}
        """Template's number -> what it comes to; until something is said, or templates become one."""

    def to_state(self) -> LinesState:
        """The snapshot; valid until the next change."""
        examples = self._examples.to_state()
        return LinesState(1, self._templates.to_state(), self._classes.to_state(), self._history, examples)

    def learn(self, signatures: Mapping[int, Signature], start_ns: int, lines: Mapping[int, int]) -> Learned:
        """Take in one window's signatures; feedback goes with a template that has become part of another."""
        learned = self._templates.learn(signatures, start_ns, lines)
        if learned.redirects:
            self._lines.clear()
        for old, new in sorted(learned.redirects.items()):
            became = self._templates.template(new)
            if became is not None:
                self._classes.join(old, became)
            self._examples.join(old, new)
        return learned

    def show(self, number: int, line: Example) -> None:
        """Keep a line of a signature as an example of its template, if that is known."""
        template = self.template(number)
        if template is not None:
            self._examples.add(template.number, line)

    def examples(self, number: int) -> Kept | None:
        """What the lines of a template look like; None if none was shown."""
        return self._examples.of(number)

    def hear(self, said: Feedback) -> None:
        """Take in feedback; it holds for what is read from now on. Sent twice, it was said once."""
        if said in self._history:
            return
        if said.scope == "workload":
            self._lines.clear()
            self._classes.learn(said, self._templates.all())
        else:
            stale = [number for number, line in self._lines.items() if concerns(said, line.template)]
            self._classes.share(said, stale)
            for number in stale:
                del self._lines[number]
        self._history = latest([*self._history, said], MAX_HISTORY)

    def root(self, number: int) -> int | None:
        """Number of the template that a signature, or a former template, is part of; None if it is not known."""
        return self._templates.template_of(number)

    def template(self, number: int) -> Template | None:
        """The template that a signature, or a former template, is part of; None if it is not known."""
        root = self.root(number)
        return None if root is None else self._templates.template(root)

    def read(self, number: int, what: Signature | None = None) -> Line | None:
        """What a signature comes to; None if it is not known and not given.

        >>> from streams.records.log import Severity
        >>> lines = Lines()
        >>> lines.read(7, Signature("java.lang.OutOfMemoryError", Severity.INFO)).classed.log_class
        'critical'
        """
        template = self.template(number)
        if template is None:
            if what is None:
                return None
            template = Template(number, what.text, what.severity)
        line = self._lines.get(template.number)
        if line is None:
            if len(self._lines) >= _CACHED:
                self._lines.clear()
            line = self._lines[template.number] = self._line(template)
        return line

    def _line(self, template: Template) -> Line:
        by_rule = self._classes.by_rule(template)
        classed = self._classes.classify(template, by_rule)
        raised = LOG_CLASSES.index(classed.log_class) < LOG_CLASSES.index(by_rule.log_class)
        return Line(template, classed, raised)

    def tags(self, what: Template) -> tuple[str, ...]:
        """The tags that feedback gave a template."""
        return self._classes.tags(what)

    @property
    def history(self) -> tuple[Feedback, ...]:
        """What was said, the oldest first."""
        return tuple(self._history)


def latest(said: Sequence[Feedback], most: int) -> list[Feedback]:
    """The latest, oldest first: so many of this workload and so many for more; neither pushes out the other."""
    ordered = sorted(said, key=_order)
    own = [one for one in ordered if one.scope == "workload"][-most:]
    shared = [one for one in ordered if one.scope != "workload"][-most:]
    return sorted([*own, *shared], key=_order)


def _order(said: Feedback) -> tuple[object, ...]:
    return (*order(said), said.template, said.scope)

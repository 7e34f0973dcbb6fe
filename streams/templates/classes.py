"""How grave is a log template? What an operator said of it, else topics, else what is alike, else its severity.

In this order, and each answer says who gave it, how sure it is and why:

1. feedback at the workload on the template itself;
2. the operator's own topics;
3. feedback on the template for more than the workload: for its namespace, else for all;
4. a kind learned from feedback at the workload on templates like it (`kinds`), if more likely than not;
5. the default topics;
6. its severity; without one, `info`.

What is nearest to the workload counts: a policy speaks of it, who says something for all may never have seen it.

What was said for more than the workload holds for the template itself and for those that say no more than it does
(`holes.fits`), so that it reaches a workload that has not yet seen enough of a line to make a hole. It never reaches a
template that is wider, whose other lines nobody looked at, and teaches no kind: the same words may mean another thing
elsewhere, and what to tell them apart from is not known there.

The state is the feedback, and with it the templates it was to be told apart from: all else is a function of these, so
it holds over restarts and rollouts and merges in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from msgspec import Struct, structs

from streams.errors import BadPolicy
from streams.records.identity import Scope
from streams.records.log import Severity
from streams.templates.holes import fits
from streams.templates.kinds import Kind, Kinds
from streams.templates.template import Template
from streams.templates.topics import LOG_CLASSES, LogClass, Topics
from streams.windows.masks import HOLE

MAX_FEEDBACK = 500
"""Templates with feedback; the oldest goes first."""
MAX_CONTRAST = 200
MAX_SHARED = 200
"""Templates with feedback for a namespace, and as many with feedback for all; the oldest goes first."""
MAX_REASON = 500
_CACHED = 10_000
_WIDER: tuple[Scope, ...] = ("namespace", "all")
"""Than the workload; the nearer first."""
_FOR: dict[Scope, str] = {"workload": "", "namespace": " for its namespace", "all": " for all workloads"}
_OF_SEVERITY: dict[Severity, LogClass] = {
    Severity.FATAL: "critical",
    Severity.ERROR: "error",
    Severity.WARN: "warning",
}


class Classed(Struct, frozen=True):
    """The class of a template."""

    log_class: LogClass
    source: Literal["feedback", "topic", "learned", "severity", "none"]
    """Who says so; `topic` is the operator's or a default one, `none` is nobody."""
    sure_ratio: float
    """0..1: 1 where a person said so, .5 where nothing tells."""
    why: str
    """For a person."""


_BY_SEVERITY = {
    severity: Classed(_OF_SEVERITY.get(severity, "info"), "severity", 0.9, f"severity {severity.name}")
    for severity in Severity
} | {Severity.UNSET: Classed("info", "none", 0.5, "no severity, no topic")}


class Feedback(Struct, frozen=True, array_like=True):
    """What somebody said of a template. Of two on one template the later counts."""

    at_ns: int
    """When it was said."""
    who: str
    template: Template
    log_class: LogClass | None
    """None takes back what was said before."""
    reason: str = ""
    tags: tuple[str, ...] = ()
    scope: Scope = "workload"
    """Whose lines it was said of."""


class ClassesState(Struct, array_like=True):
    """The snapshot: language-neutral, all there is to know."""

    version: int = 1
    """Keeps its place in snapshots; not read."""
    feedback: dict[int, Feedback] = {}
    """Template's number -> the last that was said of it."""
    contrast: dict[int, Template] = {}
    """Other templates of the workload."""
    shared: dict[Scope, dict[int, Feedback]] = {}
    """Wider scope -> template's number -> the last that was said of it."""


class Classes:
    """`learn` and `share` feedback, `classify` templates."""

    def __init__(self, topics: Topics | None = None, state: ClassesState | None = None) -> None:
        self._topics = topics or Topics()
        known = state or ClassesState()
        self._feedback = dict(known.feedback)
        self._contrast = dict(known.contrast)
        self._shared = {scope: dict(known.shared.get(scope, {})) for scope in _WIDER}
        self._shapes = self._by_shape()
        """Scope, severity and number of blanks -> what may hold for a template of that shape."""
        self._classed: dict[int, Classed] = {}
        """Template's number -> its class; until the next feedback."""
        self._kinds: Kinds | None = None
        self._stale = True

    def to_state(self) -> ClassesState:
        """The snapshot; valid until the next `learn` or `share`."""
        return ClassesState(1, self._feedback, self._contrast, self._shared)

    def learn(self, said: Feedback, others: Iterable[Template] = ()) -> None:
        """Take in feedback at this workload; it holds at once.

        Args:
            said: of any template; older than what is known of it, it changes nothing.
            others: templates of the workload at this time, to tell it apart from.

        Raises:
            BadPolicy: a class that is none, or a reason that is too long.
        """
        _check(said)
        _keep(self._feedback, said, MAX_FEEDBACK)
        self._contrast.update((other.number, other) for other in others)
        kept = sorted(self._contrast.values(), key=lambda one: (-one.severity, one.number))[:MAX_CONTRAST]
        self._contrast = {one.number: one for one in kept}
        self._stale = True
        self._classed.clear()

    def share(self, said: Feedback, classed: Iterable[int]) -> None:
        """Take in feedback for more than this workload; it holds at once.

        Args:
            said: of any template; older than what is known of it, it changes nothing.
            classed: numbers of the templates that it may hold for, of those that were ever classified.

        Raises:
            BadPolicy: as `learn`.
        """
        _check(said)
        _keep(self._shared[said.scope], said, MAX_SHARED)
        self._shapes = self._by_shape()
        for number in classed:
            self._classed.pop(number, None)

    def classify(self, what: Template, by_rule: Classed | None = None) -> Classed:
        """The class of a template, who says so, and why.

        Args:
            what: the template.
            by_rule: what `by_rule` says of it, where that is known.
        """
        known = self._classed.get(what.number)
        if known is None:
            if len(self._classed) >= _CACHED:
                self._classed.clear()
            known = self._classed[what.number] = self._classify(what, by_rule)
        return known

    def _classify(self, what: Template, by_rule: Classed | None) -> Classed:
        said = self._feedback.get(what.number)
        if said is not None and said.log_class is not None:
            return _told(said, said.log_class)
        own = self._topics.own(what.text)
        if own is not None:
            return Classed(own.log_class, "topic", 1.0, f"holds {own.text!r}, a topic of the policy")
        for said in self._said_for_more(what):
            if said.log_class is not None:
                return _told(said, said.log_class)
        by_rule = by_rule or self.by_rule(what)
        kind = self._kind(what.text, by_rule.log_class)
        return by_rule if kind is None else _learned(kind)

    def by_rule(self, what: Template) -> Classed:
        """The class that severity and default topics alone give."""
        topic = self._topics.default(what.text, what.severity)
        by_severity = _BY_SEVERITY[what.severity]
        if topic is not None and LOG_CLASSES.index(topic.log_class) < LOG_CLASSES.index(by_severity.log_class):
            return Classed(topic.log_class, "topic", 0.9, f"holds {topic.text!r}, a default topic")
        return by_severity

    def join(self, old: int, new: Template) -> None:
        """A template has become part of another: what was said of it holds there, unless something later was."""
        self._classed.pop(old, None)
        self._classed.pop(new.number, None)
        said = self._feedback.pop(old, None)
        if said is not None:
            self.learn(structs.replace(said, template=new))

    def tags(self, what: Template) -> tuple[str, ...]:
        """The tags that feedback gave a template."""
        own = self._feedback.get(what.number)
        if own is not None and own.tags:
            return own.tags
        return next((said.tags for said in self._said_for_more(what) if said.tags), ())

    def _said_for_more(self, what: Template) -> Iterator[Feedback]:
        """What was said of a template for more than the workload, that which counts first."""
        for scope in _WIDER:
            held = self._shared[scope]
            if not held:
                continue
            same = held.get(what.number)
            if same is not None:
                yield same
            shape = (scope, what.severity, what.text.count(" "))
            yield from (said for said in self._shapes.get(shape, ()) if said is not same and concerns(said, what))

    def _by_shape(self) -> dict[tuple[Scope, Severity, int], list[Feedback]]:
        """What was said of templates with holes for more than the workload: fewest holes first, then the latest."""
        found: dict[tuple[Scope, Severity, int], list[Feedback]] = {}
        for scope, held in self._shared.items():
            for said in held.values():
                if HOLE in said.template.text:
                    what = said.template
                    found.setdefault((scope, what.severity, what.text.count(" ")), []).append(said)
        for alike in found.values():
            alike.sort(key=order, reverse=True)
            alike.sort(key=lambda said: said.template.text.count(HOLE))
        return found

    def _kind(self, text: str, by_rule: LogClass) -> Kind | None:
        if self._stale:
            self._kinds = self._learned()
            self._stale = False
        return None if self._kinds is None else self._kinds.of(text, by_rule)

    def _learned(self) -> Kinds | None:
        said = sorted(
            (number, one.template.text, one.log_class)
            for number, one in self._feedback.items()
            if one.log_class is not None
        )
        if not said:
            return None
        numbers = {number for number, _, _ in said}
        others = sorted(one for number, one in self._contrast.items() if number not in numbers)
        return Kinds(
            [(text, log_class) for _, text, log_class in said],
            [(one.text, self.by_rule(one).log_class) for one in others],
        )


def _told(said: Feedback, log_class: LogClass) -> Classed:
    return Classed(log_class, "feedback", 1.0, f"set by {said.who}{_FOR[said.scope]}: {said.reason}".rstrip(": "))


def concerns(said: Feedback, what: Template) -> bool:
    """Whether feedback on one template holds for another, where it was said for more than one workload."""
    if said.template.number == what.number:
        return True
    return said.template.severity == what.severity and fits(what.text, said.template.text)


def _check(said: Feedback) -> None:
    if said.log_class is not None and said.log_class not in LOG_CLASSES:
        raise BadPolicy("class", said.log_class, f"one of {', '.join(LOG_CLASSES)} is")
    if len(said.reason) > MAX_REASON:
        raise BadPolicy("reason", f"{said.reason[:40]}...", f"at most {MAX_REASON} characters are")


def _keep(held: dict[int, Feedback], said: Feedback, most: int) -> None:
    """Of two on one template the later stays; of too many the latest."""
    known = held.get(said.template.number)
    if known is None or order(said) > order(known):
        held[said.template.number] = said
    if len(held) > most:
        del held[min(held, key=lambda number: order(held[number]))]


def order(said: Feedback) -> tuple[int, str, str, str, tuple[str, ...]]:
    """Of what was said of one template the greatest counts: the latest, else whatever is the same everywhere."""
    return said.at_ns, said.who, said.log_class or "", said.reason, said.tags


def _learned(kind: Kind) -> Classed:
    shown = ", ".join(repr(word) for word in kind.words)
    why = f"like {kind.examples} templates set to {kind.log_class}: {shown}"
    return Classed(kind.log_class, "learned", kind.sure_ratio, why)

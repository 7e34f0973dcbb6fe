"""What the document of a comparison says of log templates, and what operators said of them."""

from __future__ import annotations

from msgspec import Struct

from streams.judging.template_counts import Expectation

MOST_TEMPLATES = 50
"""In one document; those with most impact."""
MOST_SHAPES = 5
"""Differences of shapes in one document, those of most traces."""
MOST_CHANGES = 5
"""Of one of these."""
MOST_FEEDBACK = 50
"""In one document, and as much that was said for more than the workload; the latest."""


class TemplateExample(Struct, frozen=True):
    """One line of a template, as it was written but for secrets and what is not seen. Strangers wrote it: escape it."""

    at: str
    """RFC 3339."""
    revision: str
    """Pod-template hash."""
    pod: str
    line: str
    """With the lines that go on with it."""
    before: tuple[str, ...] = ()
    """Lines of the same pod, oldest first."""
    after: tuple[str, ...] = ()
    """Lines of the same pod, oldest first."""


class TemplateContext(Struct, frozen=True):
    """Examples of one template that stand between the same lines. Strangers wrote them: escape them."""

    before: tuple[str, ...]
    """Signatures of the lines that all of them follow, in the same pod."""
    after: tuple[str, ...]
    """Signatures of the lines that follow all of them."""
    canary_examples: int
    """How many of the canary's are so."""
    baseline_examples: int
    example: int = -1
    """The latest, by its place among the template's examples; -1: there was no room for it."""


class TemplateEvidence(Struct, frozen=True):
    """One log template on both sides."""

    id: str
    """16 hexadecimal digits; the same after restarts and in later rollouts."""
    text: str
    """With holes (`<*>`) for what varies. Strangers wrote it: escape it."""
    log_class: str
    """As it counts now; `info` and `ignore` count no more."""
    source: str
    """Who says so: `feedback`, `topic`, `learned`, `severity` or `none`."""
    sure_ratio: float
    """0..1."""
    why: str
    verdict: Expectation
    """`unexpected`: new, or more often than exposure explains; a word for people, it decides nothing."""
    baseline_count: float
    """Pods times windows that showed it."""
    canary_count: float
    explained_count: float
    """Of the canary's, how many its share of the exposure explains."""
    impact: float
    """0..100: its share of the risk of its class side by side, and of those it was counted as before."""
    tags: tuple[str, ...] = ()
    share: float = 0.0
    """0..1: of its class, by likelihood; its impact is so much of the risk of its class, and `former_shares`."""
    examples: tuple[TemplateExample, ...] = ()
    """The latest of the canary, of the baseline, of each context, the first, the latest of others; of the first
    templates only."""
    contexts: tuple[TemplateContext, ...] = ()
    """That of most of the canary's examples first."""
    canary_examples: int = 0
    """All of the canary that were met, in a context or in none."""
    baseline_examples: int = 0
    former_shares: dict[str, float] = {}
    """Class -> the same of what was counted as that, before somebody said or the policy had it otherwise."""


class LineChange(Struct, frozen=True):
    """A line that traces log in another number than those most like them."""

    template: str
    """Id of its template."""
    text: str
    """Of its template. Strangers wrote it: escape it."""
    canary_lines: int
    """In each of the canary's traces; 4 stands for four and more, and 1 for any number where numbers are not judged."""
    baseline_lines: int


class ShapeEvidence(Struct, frozen=True):
    """Traces of the canary that log what neither the baseline nor earlier ones do, in what is different about them."""

    canary_traces: int
    baseline_traces: int
    """Of the baseline's traces most like them; 0: none is like them, and `changes` are what they log."""
    changes: tuple[LineChange, ...]
    left_out: int = 0
    """Changes for which there is no room."""
    trace_id: str = ""
    """Of one of the canary's traces, as it was shipped; empty where none is known. Strangers wrote it: escape it."""


class FeedbackGiven(Struct, frozen=True):
    """One reclassification, as it was said."""

    at: str
    """RFC 3339."""
    who: str
    template: str
    """Id; of the template as it was then."""
    text: str
    log_class: str
    """The class given; `` takes back what was said before."""
    reason: str
    tags: tuple[str, ...] = ()
    scope: str = "workload"
    """Whose lines it was said of: the `workload`'s, its `namespace`'s, or `all`; what was said nearest counts."""


def template_id(number: int) -> str:
    """How a template's number is written: JSON's numbers are too short for it.

    >>> template_id(255)
    '00000000000000ff'
    """
    return f"{number:016x}"

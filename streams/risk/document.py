"""The document of one comparison: everything a reader needs, in one JSON object without NaN.

It says what the judging found, never more: `none` where it cannot tell. What only the reader's moment knows (the
age of the answer, the address of the page) is added by serve.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from streams.judging.evidence import (
    UNDECIDED_RISK,
    Exposure,
    GroupEvidence,
    PartEvidence,
    Reading,
    Reference,
    RiskPoint,
    SignalEvidence,
    Verdict,
)
from streams.policy.written import Sensitivity
from streams.risk.comparison import Comparison, Outcome
from streams.risk.templates import FeedbackGiven, ShapeEvidence, TemplateEvidence

VERSION = 7
"""2: parts and groups; signals of every kind. 3: log templates, and the feedback on them. 4: readings. 5: reference,
and the context that examples share. 6: new shapes of traces. 7: whether the pair was named."""


class RiskDocument(Struct, frozen=True):
    """A message of `serinus.risk`, keyed by `Comparison.key`, compacted: the latest replaces all before."""

    comparison: Comparison
    verdict: Verdict = "none"
    """`fail` stays; `pass` stays unless it becomes `fail`, or `none` as the traffic is not split as intended; `none` =
    cannot tell."""
    risk: float = UNDECIDED_RISK
    """0..100. 100 exactly when the verdict is `fail`; with `none` never 0 and never 100."""
    score: float = 100.0 - UNDECIDED_RISK
    """100 - risk, as Kayenta counts."""
    confidence: float = 0.0
    """0..1: how far it is shown that the canary can be promoted; 1 where it is."""
    exposure: Exposure = Exposure()
    started_at: str | None = None
    """Start of the first window in which both revisions were seen (without a baseline, the canary); RFC 3339, like all
    times here."""
    as_of: str | None = None
    """End of the last window judged."""
    decided_at: str | None = None
    """End of the window in which the verdict became what it is; None while `none`."""
    state: Literal["running", "ended"] = "running"
    outcome: Outcome | None = None
    """What became of the rollout, once ended."""
    parts: tuple[PartEvidence, ...] = ()
    """Logs, errors, values, levels: what each says, and its share of alpha."""
    groups: tuple[GroupEvidence, ...] = ()
    """Worst first."""
    signals: tuple[SignalEvidence, ...] = ()
    """Worst first."""
    reasons: tuple[str, ...] = ()
    """Sentences with numbers, most important first; never empty."""
    unjudged: tuple[str, ...] = ()
    """What could not be judged and why."""
    templates: tuple[TemplateEvidence, ...] = ()
    """Log templates of class warning and worse, that with most impact first; bounded."""
    feedback: tuple[FeedbackGiven, ...] = ()
    """What operators said of the workload's templates, latest first; bounded."""
    history: tuple[RiskPoint, ...] = ()
    """The risk over time, thinned evenly to a bounded number of points."""
    policy: tuple[str, ...] = ()
    """What an operator set for it that is not the default, line by line; held from its beginning to its end."""
    watch_score: float | None = None
    """Of production after promotion: 1.0 is the boundary of an alarm; None: a comparison, or not known well enough."""
    sensitivity: Sensitivity = "medium"
    """At which it was judged."""
    shapes: tuple[ShapeEvidence, ...] = ()
    """What is different about traces of a new shape, where that is worth telling; that of most traces first."""
    readings: tuple[Reading, ...] = ()
    """Risk and log classes by the weights of each sensitivity; they decide nothing (`reading.read_at`)."""
    reference: Reference = "baseline"
    """By what the canary is judged: the baseline beside it; where none is there `history`, the workload's earlier
    comparisons, which can fail it and never pass it; or `none`, where there is neither."""
    named: bool = True
    """Somebody has named the pair; else the records alone have shown it."""
    version: int = VERSION


def undecided(comparison: Comparison, reason: str) -> RiskDocument:
    """The document of a comparison of which nothing is known."""
    return RiskDocument(comparison, reasons=(reason,))

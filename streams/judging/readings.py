"""How would the comparison look if another sensitivity had been set? Shown to who asks; it decides nothing.

A sensitivity shares out between the three log classes what they have of alpha (`policy.sensitivity`). Their evidence
is the same whatever the shares are, so that each row can be kept beside the one that was set: the same e-values, mixed
by its weights, their largest so far. What cannot be switched afterwards is what was tolerated, for the evidence was
gathered against that.

Nor is the verdict. Weights chosen by who has seen the data are no weights fixed before it: the least of three p-values
has up to three times the chance of alpha to fail a canary that is no worse. So no reading ever says 100 but where the
comparison has failed, and none says less then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.judging.combine import risk_of
from streams.judging.evidence import PartEvidence, Reading, ReadSignal, Verdict
from streams.policy.written import Sensitivity


def readings(
    verdict: Verdict,
    confidence: float,
    harm: Mapping[Sensitivity, float],
    logs: Callable[[Sensitivity], PartEvidence],
    signals: Callable[[Sensitivity], tuple[ReadSignal, ...]],
) -> tuple[Reading, ...]:
    """One for each sensitivity.

    Args:
        verdict: of the comparison.
        confidence: 0..1; no matter of sensitivity.
        harm: how far it has come to failing by the weights of each, 0..1.
        logs: what the logs say.
        signals: what the log classes say.
    """
    return tuple(
        Reading(each, risk_of(verdict, found, confidence), found >= 1.0, logs(each), signals(each))
        for each, found in harm.items()
    )

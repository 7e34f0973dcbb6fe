"""What does a workload's policy make of the settings of its judge?

Elsewhere: how long it looks back (`look_back`), when its baseline was (`streams.workload`), and what holds for signals
that are not counted (`streams.policy.rules.apply`).
"""

from __future__ import annotations

from msgspec import structs

from streams.judging.critical import CRITICAL_SHARE
from streams.judging.settings import LOG_SIGNALS, JudgeSettings
from streams.policy.counted import CRITICAL, ERROR
from streams.policy.log_rules import mask_fault, topic_of
from streams.policy.rules import counted, named
from streams.policy.sensitivity import SENSITIVITIES
from streams.policy.workload_policy import LogPolicy, WorkloadPolicy
from streams.templates.expressions import MAX_EXPRESSIONS, service_masks
from streams.templates.lines import Lines, LinesState
from streams.templates.topics import MAX_TOPICS, Topics

DEFAULT = JudgeSettings()
FAILING = (CRITICAL, ERROR)
"""Log classes whose lines make a trace a failed one. The past counts both as one, so that what is tolerated of it is
the larger of what is tolerated of either: a canary that stays below both tolerances stays below that."""


def judge_settings(policy: WorkloadPolicy, base: JudgeSettings = DEFAULT) -> JudgeSettings:
    """The settings that follow the policy; what no policy can say stays as in `base`.

    >>> judge_settings(WorkloadPolicy()) == DEFAULT
    True
    """
    signals = counted(policy)
    failing = [each.tolerance_ratio for each in signals if each.signal in FAILING]
    return structs.replace(
        base,
        alpha=policy.alpha,
        beta=policy.beta,
        signals=signals,
        part_weights=dict(policy.parts),
        warm_up_ns=policy.warm_up_ns,
        lifetime_ns=policy.lifetime_ns,
        pass_score=policy.pass_score,
        marginal_score=policy.marginal_score,
        intended_share=policy.canary_share,
        minimum_requests=policy.minimum_requests,
        minimum_pod_s=policy.minimum_pod_s,
        exposure=policy.exposure,
        logs=structs.replace(base.logs, exposure=policy.exposure, tolerance=max(failing)),
        critical_share=CRITICAL_SHARE if named(policy, "critical") else 0.0,
        must_have=named(policy, "must_have"),
        baseline="beside" if policy.historic_baseline is None else "earlier",
        weights_at={each: _log_weights(structs.replace(policy, sensitivity=each)) for each in SENSITIVITIES},
    )


def _log_weights(policy: WorkloadPolicy) -> dict[str, float]:
    return {each.signal: each.weight for each in counted(policy) if each.signal in LOG_SIGNALS.values()}


def lines_of(logs: LogPolicy, state: LinesState) -> Lines:
    """A workload's lines with the classes and masks of its policy, of which the last that fits wins.

    Where three entries that meet bring more than `MAX_TOPICS` or `MAX_EXPRESSIONS` the last ones are followed (of two
    `agreement` refuses it); what can never be found is left out, and told (`policy.unfollowed`).
    """
    own = [topic for rule in reversed(logs.classes) if (topic := topic_of(rule)) is not None]
    masks = [mask for mask in logs.masks if mask_fault(mask) is None][-MAX_EXPRESSIONS:]
    return Lines(state, Topics(own[:MAX_TOPICS], defaults=logs.default_topics), service_masks(masks) if masks else None)

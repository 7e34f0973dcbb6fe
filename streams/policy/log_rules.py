"""Which classes and masks of a policy can be followed? RE2 runs them, over text whose digits are holes by then."""

from __future__ import annotations

from streams.errors import BadPolicy
from streams.policy.workload_policy import LogClassRule
from streams.templates.expressions import Expression
from streams.templates.topics import Topic, Topics


def topic_of(rule: LogClassRule) -> Topic | None:
    """The topic that a rule makes; None where `class_fault` says why there is none.

    >>> topic_of(LogClassRule("status=503", False, "ignore")).text
    'status=503'
    """
    return _topic(rule) if class_fault(rule) is None else None


def class_fault(rule: LogClassRule) -> str | None:
    """Why a rule cannot be followed; None if it can.

    >>> class_fault(LogClassRule("error 42", False, "ignore"))
    'digits are holes by now: only a status such as 503 is kept'
    """
    try:
        Topics([_topic(rule)])
    except BadPolicy as fault:
        return fault.allowed
    return None


def mask_fault(expression: str) -> str | None:
    r"""Why a mask cannot be followed; None if it can.

    >>> mask_fault("shard [0-9]+ of"), mask_fault("eth0")
    (None, '0 is a hole by now, but for a status such as 503: write \\d for digits')
    """
    try:
        Expression(expression)
    except BadPolicy as fault:
        return fault.allowed
    return None


def _topic(rule: LogClassRule) -> Topic:
    return Topic(rule.text, rule.log_class, rule.is_expression)

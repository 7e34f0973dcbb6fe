"""Which classes and masks of a policy can be followed? RE2 runs them, over text whose digits are holes by then."""

from __future__ import annotations

from streams.errors import BadPolicy
from streams.policy.workload_policy import LogClassRule
from streams.templates.expressions import Expression
from streams.templates.topics import Topic, Topics


def topic_of(rule: LogClassRule) -> Topic | None:
    """The topic that a rule makes; None where it could never be found, or RE2 does not take it.

    >>> topic_of(LogClassRule("error 42", False, "ignore"))
    >>> topic_of(LogClassRule("status=503", False, "ignore")).text
    'status=503'
    """
    topic = Topic(rule.text, rule.log_class, rule.is_expression)
    try:
        Topics([topic])
    except BadPolicy:
        return None
    return topic


def can_mask(expression: str) -> bool:
    """Whether RE2 takes a mask."""
    try:
        Expression(expression)
    except BadPolicy:
        return False
    return True

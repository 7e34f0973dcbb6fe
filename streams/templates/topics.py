"""Which strings say how grave a line is? The default topics, and an operator's own strings and expressions.

The defaults are those that operators of Autopilot know, with two misspelt names mended. Written in capitals they are
words (`NO_ERROR` holds no `ERROR`), else beginnings of names (`NullPointerException` is also found behind a package).
`status=500` stands for all faults of a server, also in access logs. The defaults say nothing of a line whose severity
says that it is no problem, but for `AT_ANY_SEVERITY` and for access logs that are all written at INFO; an operator's
own topics are believed in any line.

Digits in a template are holes, but for the statuses of failed responses (`status=503`): an operator's string with
other digits would never be found, and is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, get_args

from msgspec import Struct

from streams.errors import BadPolicy
from streams.records.log import Severity
from streams.templates.expressions import MAX_EXPRESSION, Expression

LogClass = Literal["critical", "error", "warning", "info", "ignore"]
LOG_CLASSES: tuple[LogClass, ...] = get_args(LogClass)
_UNSET, _INFO, _WARN = Severity.UNSET, Severity.INFO, Severity.WARN
MAX_TOPICS = 200


class Topic(Struct, frozen=True):
    """A string or an expression, and the class of the lines it is found in."""

    text: str
    log_class: LogClass
    expression: bool = False
    """Whether the text is an expression (RE2), not a string."""


_FAULT_OF_A_SERVER = "status=500"
DEFAULT_TOPICS: tuple[Topic, ...] = (
    *(
        Topic(text, "critical")
        for text in (
            "OutOfMemoryError",
            "StackOverflowError",
            "ClassNotFoundException",
            "FileNotFoundException",
            "ArrayIndexOutOfBounds",
            "NullPointerException",
            "StringIndexOutOfBoundsException",
            "FATAL",
            "SEVERE",
        )
    ),
    *(
        Topic(text, "error")
        for text in (
            "NoClassDefFoundError",
            "NoSuchMethodError",
            "NumberFormatException",
            "IllegalArgumentException",
            "IllegalStateException",
            "ParseException",
            "SQLException",
            "ArithmeticException",
            "status=404",
            _FAULT_OF_A_SERVER,
            "EXCEPTION",
            "ERROR",
        )
    ),
    Topic("WARN", "warning"),
)
AT_ANY_SEVERITY = frozenset({"OutOfMemoryError", "StackOverflowError"})
"""Faults of the machine itself, after which a process is not to be trusted however mildly it speaks of them."""
_ACCESS_LOG = re.compile(r'(?:\A|[\]-] )"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH) <\*>" 5\d\d(?!\w)')
"""Of a server: uvicorn, aiohttp and gunicorn write all of it at INFO, so that the level tells nothing of the answer.
(What calls others writes it at DEBUG, and goes on.)"""
_SPOKEN_DIGITS = re.compile(r"[45]\d\d(?!\d)")


class Topics:
    """Topics that have been checked; the operator's own come first."""

    def __init__(self, own: Sequence[Topic] = (), defaults: bool = True) -> None:
        """Check the operator's topics.

        Raises:
            BadPolicy: too many, one that can never be found, a class that is none, or a bad expression.
        """
        if len(own) > MAX_TOPICS:
            raise BadPolicy("topics", len(own), f"at most {MAX_TOPICS} are")
        self._own = [(topic, _checked(topic, f"topics[{place}]")) for place, topic in enumerate(own)]
        self._defaults = _DEFAULTS if defaults else ()

    def own(self, text: str) -> Topic | None:
        """The first of the operator's topics that is found in a text.

        >>> Topics([Topic("quota", "ignore")]).own("ERROR quota exceeded")
        Topic(text='quota', log_class='ignore', expression=False)
        """
        for topic, expression in self._own:
            if topic.text in text if expression is None else expression.found(text):
                return topic
        return None

    def default(self, text: str, severity: Severity) -> Topic | None:
        """The first, so the gravest, of the default topics that is found in a text.

        >>> Topics().default("order failed | java.lang.NullPointerException @ a.B.c", Severity.ERROR).log_class
        'critical'
        """
        harmless = _UNSET < severity < _WARN
        answered = severity is _INFO and '" 5' in text and _ACCESS_LOG.search(text) is not None
        for topic, sign, pattern in self._defaults:
            if sign not in text:
                continue
            if harmless and topic.text not in AT_ANY_SEVERITY and not (answered and topic.text == _FAULT_OF_A_SERVER):
                continue
            if pattern.search(text) is not None:
                return topic
        return None


def _checked(topic: Topic, field: str) -> Expression | None:
    if topic.log_class not in LOG_CLASSES:
        raise BadPolicy(f"{field}.class", topic.log_class, f"one of {', '.join(LOG_CLASSES)} is")
    if topic.expression:
        return Expression(topic.text, f"{field}.text")
    if not topic.text or len(topic.text) > MAX_EXPRESSION:
        raise BadPolicy(f"{field}.text", topic.text[:80], f"1 to {MAX_EXPRESSION} characters are")
    if re.search(r"\d", _SPOKEN_DIGITS.sub("", topic.text)):
        raise BadPolicy(f"{field}.text", topic.text, "digits are holes by now: only a status such as 503 is kept")
    return None


def _pattern(topic: Topic) -> re.Pattern[str]:
    if topic.text == _FAULT_OF_A_SERVER:
        return re.compile(r"(?<![\w.])5\d\d(?![\w.])")  # a server's fault in any notation: no other digits are left
    end = r"(?!\w)" if topic.text.isupper() or topic.text[-1].isdigit() else ""
    return re.compile(rf"(?<!\w){re.escape(topic.text)}{end}")


_DEFAULTS = tuple(
    (topic, "5" if topic.text == _FAULT_OF_A_SERVER else topic.text, _pattern(topic)) for topic in DEFAULT_TOPICS
)
"""Each with what it cannot be found without: to look for that costs a tenth of running the expression."""

"""How is each value written, and what is allowed?

A type's description is the sentence that an operator reads when a value does not fit; `fits` in its `extra` checks
what no pattern can, and `why`, where there is one, says more exactly what is wrong.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from streams.errors import BadRecord
from streams.policy.quantities import DURATION_PATTERN, PERCENT_PATTERN, TIME_PATTERN, duration_ns, ratio
from streams.records.times import rfc3339_ns
from streams.templates.expressions import MAX_EXPRESSION, fault

Sensitivity = Literal["low", "medium", "high"]
ExposureSource = Literal["auto", "requests", "log_lines", "pod_seconds"]
NotANumber = Annotated[
    Literal["remove"],
    Meta(
        description="give remove: as 0, windows without traffic would count as values of 0, and a healthy canary with"
        " little traffic would fail; for a counter that is not there, give missing_data: zero"
    ),
]
Part = Literal["logs", "errors", "values", "levels"]
"""The parts of the judging that answer apart (`judging.shares`)."""

KEPT_NS = 900_000_000_000
"""So long back are closed windows known (`workload.WorkloadSettings.ring_ns`)."""
_EARLIEST_NS = KEPT_NS - 60_000_000_000
_SHORTEST_LOOK_BACK_NS = 60_000_000_000
"""Twelve windows: what is judged of less is hardly more than one scrape."""
_LONGEST_NS = 30 * 86_400_000_000_000


def _text(pattern: str, allowed: str, fits: object = None) -> Meta:
    """Text of a form; `fits` says of text of that form whether its value is allowed."""
    return Meta(pattern=pattern, description=allowed, extra={"fits": fits} if fits is not None else None)


def _percent(allowed: str, least: float, most: float, *, inclusive: bool) -> Meta:
    def fits(text: str) -> bool:
        value = ratio(text)
        return least <= value <= most if inclusive else least < value < most

    return _text(PERCENT_PATTERN, allowed, fits)


def _is_time(text: str) -> bool:
    try:
        rfc3339_ns(text)
    except BadRecord:
        return False
    return True


def _is_log_text(text: str) -> bool:
    return not is_expression(text) or fault(text[1:-1]) is None


def is_expression(text: str) -> bool:
    """Whether a key of `logs.classes` is an expression, `/between slashes/`, and not plain text.

    >>> is_expression("/dead.*/"), is_expression("/health"), is_expression("/")
    (True, False, False)
    """
    return len(text) > 2 and text.startswith("/") and text.endswith("/")


Duration = Annotated[
    str,
    _text(
        DURATION_PATTERN,
        "give a duration such as 30s, 5m or 1h30m, 30d at most",
        lambda t: duration_ns(t) <= _LONGEST_NS,
    ),
]
PositiveDuration = Annotated[
    str,
    _text(
        DURATION_PATTERN,
        "give a duration such as 30s, 5m or 1h30m, above 0s",
        lambda t: 0 < duration_ns(t) <= _LONGEST_NS,
    ),
]
Ago = Annotated[
    str,
    _text(
        DURATION_PATTERN,
        "give a duration from 1s to 14m: what a revision did is known for 15m",
        lambda t: 0 < duration_ns(t) <= _EARLIEST_NS,
    ),
]
LookBack = Annotated[
    str,
    _text(
        rf"^growing$(?!\n)|{DURATION_PATTERN}",
        "give growing, or the length of a sliding one such as 10m, at least 1m",
        lambda t: t == "growing" or _SHORTEST_LOOK_BACK_NS <= duration_ns(t) <= _LONGEST_NS,
    ),
]
Time = Annotated[str, _text(TIME_PATTERN, "give a time such as 2026-08-21T08:00:00Z", _is_time)]
ToleranceUp = Annotated[str, _percent("give a percentage from 0% to 1000%, such as 20%", 0, 10, inclusive=True)]
ToleranceDown = Annotated[str, _percent("give a percentage from 0% to 100%, such as 20%", 0, 1, inclusive=True)]
Margin = Annotated[str, _percent("give a percentage above 0%, 9900% at most, such as 100%", 1e-4, 99, inclusive=True)]
Share = Annotated[str, _percent("give a percentage above 0% and below 100%", 0, 1, inclusive=False)]
Weight = Annotated[float, Meta(gt=0, le=1000, description="give a number above 0, 1000 at most")]
PartWeight = Annotated[float, Meta(ge=0, le=1000, description="give a number from 0 to 1000")]
Chance = Annotated[float, Meta(gt=0, lt=0.5, description="give a number above 0 and below 0.5")]
Score = Annotated[float, Meta(ge=0, le=100, description="give a number from 0 to 100")]
Amount = Annotated[float, Meta(ge=0, le=1e12, description="give a number from 0 to 1e12")]
Rate = Annotated[float, Meta(gt=0, le=1e6, description="give a number above 0, 1e6 at most")]
Glob = Annotated[
    str,
    Meta(
        max_length=253,
        pattern=r"^[-._A-Za-z0-9*?]*$(?!\n)",
        description="give a name; * stands for any text, ? for one character",
    ),
]
SignalGlob = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$(?!\n)",
        description="give a signal's name, at most 200 characters; * stands for any text, ? for one character",
    ),
]
Expression = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_EXPRESSION,
        description=f"give a regular expression of 1 to {MAX_EXPRESSION} characters that RE2 takes",
        extra={"fits": lambda text: fault(text) is None, "why": fault},
    ),
]
LogText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_EXPRESSION + 2,
        description="give a text that lines hold, or a regular expression /between slashes/",
        extra={"fits": _is_log_text, "why": lambda text: fault(text[1:-1])},
    ),
]
"""A text that lines of the class hold, or a regular expression `/between slashes/`."""

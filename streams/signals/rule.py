"""What is a signal, and what about it is worse?

A signal is one observable of a revision. A rule says of what kind it is, which way is worse, how much it matters and
to which group it belongs; the rules that are built in stand in `rules`, an operator's policy may override each field.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["level", "events", "values"]
"""`level`: a number per pod and window (gauge, or a counter's rate). `events`: counted against an exposure.
`values`: one value per request, as a histogram."""
Worse = Literal["higher", "lower", "either"]
"""Which way is worse. `either`: both are told, at low weight."""
Criticality = Literal["normal", "must_have", "critical", "watch"]
"""`must_have`: without data no PASS. `critical`: fails the canary alone, at its share of alpha. `watch`: shown only."""
Group = Literal[
    "errors",
    "availability",
    "latency",
    "tail_latency",
    "cpu",
    "memory",
    "saturation",
    "gc",
    "restarts",
    "io",
    "network",
    "load",
    "other",
]
"""Signals of one group tell of one thing; a group is judged once, however many signals it has."""
MissingData = Literal["unjudged", "zero"]
"""Of a counter that a side does not report: it cannot be judged, or it has not counted."""
Scale = Literal["log", "share_free", "count"]
"""How a level is made comparable: `log` = log(v + c); `share_free` = log of what is missing to 100% (availability);
`count` = 2*sqrt(v + 3/8) for small integers."""


USUAL_TOLERANCE = 0.2
"""20% is less than pods of one revision differ."""


class SignalRule(Struct, frozen=True):
    """One signal."""

    signal: str
    """Its name in documents and policies; that of the metric, unless several metrics are one signal."""
    kind: Kind
    group: Group = "other"
    worse: Worse = "either"
    weight: float = 1.0
    """Within its group, relative to the others."""
    scale: Scale = "log"
    unit: str = ""
    """UCUM of what is shown: `s`, `By`, `1`, ...; empty where unknown."""
    criticality: Criticality = "normal"
    tolerance_up: float = USUAL_TOLERANCE
    """Relative rise that nobody minds (0.2 = 20%)."""
    tolerance_down: float = USUAL_TOLERANCE
    """Relative fall that nobody minds."""
    known: bool = True
    """A built-in rule or the policy names it; False: no rule fitted, compared two-sidedly at low weight."""
    guessed: bool = False
    """Not `known`, but the words of its name tell group and direction (`words`)."""
    group_weight: float = 1.0
    """Of its group, relative to the other groups."""
    margin: float | None = None
    """A PASS shows that it is less than this much worse (1.0 = 100%); None: the margin of its part."""
    missing_data: MissingData | None = None
    """What it means that a side does not report a counter; None: `zero` of one that is known, else `unjudged`."""

"""What holds for the log part, and how each default was chosen."""

from __future__ import annotations

import math

from msgspec import Struct

from streams.errors import BadPolicy
from streams.policy.written import ExposureSource
from streams.signals.rule import USUAL_TOLERANCE

ERRORS, NEW_TEMPLATES, NEW_SHAPES = "logs/errors", "logs/new_templates", "logs/new_shapes"
STREAMS = (ERRORS, NEW_TEMPLATES, NEW_SHAPES)
"""The three count streams: traces with a line of class error or critical; canary traces with a template of class
warning or worse, or with a set of templates, that neither history nor the baseline so far has shown."""
NEW_NUMBERS = "logs/new_numbers"
"""Canary traces that log known lines in numbers that neither has shown. Judged in place of `NEW_SHAPES`, each of which
it counts too, where the workload's past says that no more of them than of those are needed to tell; where more are,
both are, with shares of theirs that are as the inverse of what is needed."""

OF_WHOLE_TRACES = (NEW_SHAPES, NEW_NUMBERS)
"""Of what all lines of a trace are together."""
LEARNED = (*STREAMS, NEW_NUMBERS)


class LogSettings(Struct, frozen=True):
    """What an operator may set."""

    shares: tuple[float, float, float] = (0.4, 0.3, 0.3)
    """Of `STREAMS`, in the part's p; near equal, sum 1. The share of a stream that cannot be judged in a comparison
    goes to the others, before it begins. Warnings count in the second and third only: a warning known to the workload
    is never evidence, however often it comes."""
    tolerance: float = 1.0 + USUAL_TOLERANCE
    """Error rates up to this many times the baseline's, and history's, are tolerated; of new things, which come with
    errors, as much more than once as this is more than usual."""
    background: float = 0.1
    """Prior chance that errors follow pods, not requests; see `signal`."""
    decay: float = 0.98
    """Weight of a cohort after one more: the last fifty count. Between .95 and 1 it made no difference
    (judge-sketch.md)."""
    known_limit: int = 4096
    """Templates, and shapes, remembered of the past; of more the latest."""
    held_limit: int = 512
    """Kinds of novel things of one side followed within a comparison."""
    exposure: ExposureSource = "auto"
    """What traces and incidents are counted against side by side (`works`); what the past says is in pod-seconds."""

    def __post_init__(self) -> None:
        """Refuse what no judgement can be made with.

        Raises:
            BadPolicy: a value outside its range, named.
        """
        fits = all(share > 0.0 for share in self.shares) and abs(math.fsum(self.shares) - 1.0) < 1e-9
        _check("shares", self.shares, fits, "above 0, sum 1")
        _check("tolerance", self.tolerance, 0.1 <= self.tolerance <= 100.0, "0.1 to 100")
        _check("background", self.background, 0.0 <= self.background <= 1.0, "0 to 1")
        _check("decay", self.decay, 0.0 < self.decay <= 1.0, "above 0, at most 1")
        _check("known_limit", self.known_limit, self.known_limit >= 1, "1 or more")
        _check("held_limit", self.held_limit, self.held_limit >= 1, "1 or more")


def _check(field: str, value: object, fits: bool, allowed: str) -> None:
    if not fits:
        raise BadPolicy(field, value, allowed)

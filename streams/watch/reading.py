"""What the model of one signal says of one point: how far from normal, and since when."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Direction = Literal["higher", "lower"]


class Reading(Struct, frozen=True, gc=False):
    """One signal at one moment."""

    value: float
    """As it came: a level in its unit, or a rate per unit of exposure."""
    expected: float
    """What the model of normal expected before it saw the value; same unit."""
    direction: Direction
    """Where the value lies against what was expected."""
    log_e: float
    """Natural logarithm of the signal's e-detector; its expectation at time t is at most t while all is normal."""
    abnormality: float
    """0..1, rising: of this point alone, whatever was before it; 0 of a model that is not asked for it."""
    onset_ns: int | None
    """Where the present evidence began to gather; None while there is none."""
    warm: bool
    """The model knows enough to speak; until then `log_e` says nothing and `abnormality` is 0."""
    note: str = ""
    """What the numbers do not say, as part of a sentence."""
    limit: float | None = None
    """How far the signal can go, where it climbs towards that; its unit."""
    reaches_ns: int | None = None
    """When it would be there, at the rate of its climb."""

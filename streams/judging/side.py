"""One revision in one closed window, reduced to what the judging needs; small enough to keep many."""

from __future__ import annotations

from msgspec import Struct

LogClass = str
"""`critical`, `error` or `warning`; what is below warning is not judged."""


class RequestCount(Struct, array_like=True):
    """Requests that one source of truth counted in one window."""

    requests: float = 0.0
    errors: float = 0.0
    reported: tuple[int, ...] = ()
    """Pods (numbered per workload) of which at least one sample fell into this window, ascending."""
    awaited: tuple[int, ...] = ()
    """Pods seen in this window that have reported to this source at any time, ascending."""


class Side(Struct, array_like=True):
    """What one revision did in one window."""

    pod_s: float = 0.0
    """Seconds that its pods were there, summed over pods: the exposure where no requests are counted."""
    lines: int = 0
    """Log lines of any class."""
    incidents: dict[int, int] = {}
    """Signature id -> in how many pods it appeared in this window, for classes warning and worse."""
    requests: dict[str, RequestCount] = {}
    """Source of truth (name of a rule in `judging.requests`) -> its counts."""


class SignatureInfo(Struct, array_like=True, frozen=True):
    """What a signature id stands for."""

    text: str
    log_class: LogClass

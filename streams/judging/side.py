"""One revision in one closed window, reduced to what the judging needs; small enough to keep many."""

from __future__ import annotations

from msgspec import Struct

from streams.records.histogram import Histogram

LogClass = str
"""`critical`, `error` or `warning`; what is below warning is not judged."""


Halves = tuple[dict[str, Histogram], dict[str, Histogram]]
"""The same as `Side.values`, of the pods of a revision with even and with odd numbers."""


class RequestCount(Struct, array_like=True, gc=False):
    """Requests that one source of truth counted in one window."""

    requests: float = 0.0
    errors: float = 0.0
    reported: tuple[int, ...] = ()
    """Pods (numbered per workload) of which at least one sample fell into this window, ascending."""
    awaited: tuple[int, ...] = ()
    """Pods seen in this window that have reported to this source at any time, ascending."""


class EventCount(Struct, array_like=True, gc=False):
    """Events that a counter, not a log, tells of: restarts, timeouts, kills."""

    events: float = 0.0
    pod_s: float = 0.0
    """Pod-seconds of the pods that report it: what it could have counted in. Of a known signal, all pods' (a counter
    that is not there has not counted)."""
    attempts: float = 0.0
    """What could have been such an event, by the counters themselves: calls, for failed calls; 0 where none tells."""
    incidents: int = 0
    """Pods that had at least one."""
    reports: int = 0
    """Pods of which a sample came in this window: they could have shown one."""


class Trace(Struct, array_like=True, frozen=True):
    """Traces or requests alike, of which nothing more has been heard for a while.

    Where lines carry no id, what a pod logged in a window is one: an incident.
    """

    half: int
    """0 or 1: of the pods of the revision, so that it can be split in halves; of the pod that showed them first."""
    log_class: LogClass | None
    """The worst class of their lines; None if none is judged."""
    signatures: tuple[int, ...]
    """Ids of their signatures of class warning and worse, ascending."""
    shape: int
    """63 bits of a hash of the set of all their signatures; 0 where it is not known (no id, or lines left out)."""
    count: int = 1
    """How many there are."""
    numbers: int = 0
    """The same hash of how often each signature comes too (`PodSummary.traces`); 0 where none comes twice: that of the
    set is this one; -1 where there was no room to tell."""

    @property
    def counted_shape(self) -> int:
        """Of its lines and how often each comes; 0 where that is not known."""
        return max(0, self.numbers or self.shape)


class Side(Struct, array_like=True):
    """What one revision did in one window."""

    pod_s: float = 0.0
    """Seconds that its pods were there, summed over pods: the exposure where no requests are counted."""
    lines: int = 0
    """Log lines of any class."""
    incidents: dict[int, int] = {}
    """Signature id -> in how many pods it appeared in this window, for classes warning and worse."""
    requests: dict[str, RequestCount] = {}
    """Source of truth (name of a rule in `signals.requests`) -> its counts."""
    levels: dict[str, dict[int, float]] = {}
    """Signal -> pod (numbered per revision) -> its mean level in this window, where it has samples."""
    events: dict[str, EventCount] = {}
    """Signal -> what its counters say."""
    values: dict[str, Histogram] = {}
    """Signal -> the values observed in this window, of all pods."""
    traces: list[Trace] = []
    """Traces that are over, as far as can be told in this window, sorted."""
    traces_cut: bool = False
    """Traces or lines of traces were left out for want of room: which shapes there are is not known."""
    plain_lines: int = 0
    """Log lines that are no warning or worse."""
    born_ns: int = 0
    """Start of the oldest of its pods that say when they started; 0 where none does."""
    failed: dict[int, int] = {}
    """Pod (numbered per revision) -> failed traces that are over, see `traces`; of the pod that showed them first."""
    starting: int = 0
    """Pods that say that they are just starting; their latencies are left out."""
    limits: dict[str, dict[int, float]] = {}
    """Signal -> pod (as in `levels`, where it has one) -> how far that can go."""

    numbers_cut: bool = False
    """For want of room it is not told how often traces log a line; their shapes and how many there are, are."""

    def pods(self, window_ns: int) -> float:
        """How many of its pods were there, on average over a window of that length."""
        return self.pod_s * 1e9 / window_ns


class SignatureInfo(Struct, array_like=True, frozen=True):
    """What a signature id stands for."""

    text: str
    log_class: LogClass
    raised: bool = False
    """Graver than what earlier baselines were counted by: it counts side by side, never against the past."""

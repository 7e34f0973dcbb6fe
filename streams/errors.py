"""Every exception of Serinus, by whose fault it is.

StreamsError
├── BadRecord         the sender's: one record goes to the dead letters with a `Reason`, the batch goes on
├── BadPolicy         the operator's: stops at start, names the field, the value and what is allowed
└── BrokenInvariant   ours: crash, restart from the last snapshot
"""

from __future__ import annotations

from enum import StrEnum


class StreamsError(Exception):
    """Root of all of them."""


class Reason(StrEnum):
    """Why a record became a dead letter; the label value of `serinus_ingest_dead_letters_total`."""

    EMPTY = "empty"
    """No payload (a tombstone or zero bytes)."""
    TOO_LARGE = "too_large"
    """The payload or one of its fields is longer than allowed."""
    TOO_DEEP = "too_deep"
    """Nested deeper than the decoder admits."""
    NOT_UTF8 = "not_utf8"
    """Text that is not UTF-8."""
    NOT_JSON = "not_json"
    """Truncated or otherwise malformed JSON."""
    NOT_PROTOBUF = "not_protobuf"
    """Malformed protobuf."""
    UNKNOWN_FORMAT = "unknown_format"
    """Well-formed, but no known shipper writes this."""
    WRONG_TYPE = "wrong_type"
    """A field the format defines holds a value of another type."""
    NO_TIME = "no_time"
    """Neither the record nor its Kafka message has a usable time."""
    BAD_TIME = "bad_time"
    """A time that cannot be read, or outside 1970..2262."""
    TOO_LATE = "too_late"
    """Event time too far behind the Kafka message's own time."""
    TOO_EARLY = "too_early"
    """Event time too far ahead of the Kafka message's own time."""
    NO_MESSAGE = "no_message"
    """A log record without a message."""
    NO_HASH = "no_hash"
    """No pod-template hash in any of its known places."""
    BAD_HASH = "bad_hash"
    """A pod-template hash that is no Kubernetes label value."""
    NO_POD = "no_pod"
    """No pod name."""
    NO_WORKLOAD = "no_workload"
    """The workload's name follows neither from labels nor from owner nor from the pod's name."""
    BAD_NAME = "bad_name"
    """A namespace, pod, workload or metric name that is too long or malformed."""
    NO_VALUE = "no_value"
    """A metric sample without a value, or a not-a-number (also Prometheus' staleness marker)."""
    BAD_VALUE = "bad_value"
    """A metric value that cannot be: infinite, a negative count, bucket counts that do not fit their bounds."""


class BadRecord(StreamsError):
    """One record cannot be used.

    Attributes:
        reason: the counted kind of fault.
        detail: what and where, for a person; never longer than 300 characters.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail[:300]
        super().__init__(f"{reason}: {self.detail}")


class BadPolicy(StreamsError):
    """A configuration that cannot be followed; raised at start, never later.

    Attributes:
        field: its name.
        allowed: what would be, for a person.

    >>> print(BadPolicy("alpha", 2, "give less than 1"), "/", BadPolicy("policy", None, "name a file"))
    alpha: 2 is not allowed; give less than 1 / policy: nothing is given; name a file
    """

    def __init__(self, field: str, value: object, allowed: str) -> None:
        self.field = field
        self.allowed = allowed
        fault = "nothing is given" if value is None else f"{value!r} is not allowed"
        super().__init__(f"{field}: {fault}; {allowed}")


class BrokenInvariant(StreamsError):
    """Something that cannot happen happened; the process must not go on with this state."""

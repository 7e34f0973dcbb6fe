"""What becomes of a record that cannot be used: it is kept with its reason, and counted.

Of a message of many there is one letter a reason: each holds the message's beginning, and a batch of OTLP may hold tens
of thousands of records without a pod-template hash. One that says that there is no value (`NO_VALUE`) is counted alone:
nothing is wrong with it.
"""

from __future__ import annotations

from msgspec import Struct

from streams.errors import BadRecord, Reason

_KEPT_BYTES = 4096


class DeadLetter(Struct, frozen=True):
    """A message of `serinus.dead-letters`."""

    reason: Reason
    detail: str
    """What and where, for a person; of the first where there are several."""
    topic: str
    partition: int
    offset: int
    """Where the whole message still is, as long as its topic keeps it."""
    payload: str
    """Its beginning, at most 4,096 bytes; what is not UTF-8 is replaced."""
    payload_bytes: int
    """Length of the whole."""
    records: int = 1
    """Of the message, that could not be used for this reason."""


def dead_letter(
    bad: BadRecord, topic: str, partition: int, offset: int, payload: bytes, records: int = 1
) -> DeadLetter:
    """The letter for the records of a message that are bad for one reason, of which `bad` is the first."""
    kept = payload[:_KEPT_BYTES].decode("utf-8", "replace")
    return DeadLetter(bad.reason, bad.detail, topic, partition, offset, kept, len(payload), records)

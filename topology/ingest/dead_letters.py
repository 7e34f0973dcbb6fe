"""What becomes of a record that cannot be used: it is kept with its reason, and counted.

One that says that there is no value (`NO_VALUE`) is counted alone: nothing is wrong with it.
"""

from __future__ import annotations

from msgspec import Struct

from streams.errors import BadRecord, Reason

_KEPT_BYTES = 4096


class DeadLetter(Struct, frozen=True):
    """A message of `serinus.dead-letters`."""

    reason: Reason
    detail: str
    """What and where, for a person."""
    topic: str
    partition: int
    offset: int
    """Where the whole message still is, as long as its topic keeps it."""
    payload: str
    """Its beginning, at most 4,096 bytes; what is not UTF-8 is replaced."""
    payload_bytes: int
    """Length of the whole."""


def dead_letter(bad: BadRecord, topic: str, partition: int, offset: int, payload: bytes) -> DeadLetter:
    """The letter for one bad record of a message."""
    kept = payload[:_KEPT_BYTES].decode("utf-8", "replace")
    return DeadLetter(bad.reason, bad.detail, topic, partition, offset, kept, len(payload))

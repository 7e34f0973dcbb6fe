"""What does a reader promise? Messages of one topic in, records out.

A message is read alone by `read`; a run of them by `read_all`, which says the same of each and is what ingest calls:
a format whose messages hold one line each has its hot loop there (`container_lines`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec, Protocol

from streams.errors import BadRecord
from streams.records.found import Found, Record

Arguments = ParamSpec("Arguments")


class Reader(Protocol):
    """Messages of one topic -> records."""

    def read(self, payload: bytes, message_time_ns: int) -> Sequence[Record | BadRecord]:
        """The records of one message; where a message carries many, what cannot be used as BadRecord values.

        Args:
            payload: the message's value.
            message_time_ns: the Kafka message's time, for records that have none of their own; 0 = none.

        Raises:
            BadRecord: the whole message cannot be used. No other exception, whatever the bytes.
        """

    def read_all(self, payloads: Sequence[bytes], message_time_ns: Callable[[int], int]) -> list[Found]:
        """What each message of a run came to, in their order; raises nothing, whatever the bytes.

        Args:
            payloads: the messages' values.
            message_time_ns: position of a message -> its Kafka time as for `read`; asked for only where needed.
        """
        return [outcome(self.read, payload, message_time_ns(position)) for position, payload in enumerate(payloads)]


def outcome(read: Callable[Arguments, Found], *arguments: Arguments.args, **keywords: Arguments.kwargs) -> Found:
    """What a call comes to, the fault that it raises included."""
    try:
        return read(*arguments, **keywords)
    except BadRecord as bad:
        return bad.with_traceback(None)

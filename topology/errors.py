"""The one fault that is neither the sender's, nor the operator's, nor ours: something else is not there yet."""

from __future__ import annotations

from streams.errors import StreamsError


class Unavailable(StreamsError):
    """Kafka or another server cannot be reached, or not now; trying again may help."""

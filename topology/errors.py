"""Faults of what is around us: something else is not there yet, or a place cannot be written."""

from __future__ import annotations

from pathlib import Path

from streams.errors import BadPolicy, StreamsError


class Unavailable(StreamsError):
    """Kafka or another server cannot be reached, or not now; trying again may help."""


def unwritable(option: str, path: Path, error: OSError) -> BadPolicy:
    """The error of an option that names what cannot be written."""
    return BadPolicy(option, str(path), f"it must be writable ({type(error).__name__})")

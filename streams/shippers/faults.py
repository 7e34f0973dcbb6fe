"""What a decoder raises, and what it means for the dead letters."""

from __future__ import annotations

import msgspec

from streams.errors import BadRecord, Reason

MAX_RECORD_BYTES = 1 << 20
"""Of a message that holds one record."""
MAX_BATCH_BYTES = 8 << 20
"""Of a message that holds many (OTLP)."""

DECODE_FAULTS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""All that msgspec's decoders, of JSON and of MessagePack, raise on hostile bytes."""


def json_fault(fault: Exception, where: str = "") -> BadRecord:
    """The dead letter's reason for one of `DECODE_FAULTS`; `where` is what was being decoded."""
    prefix = f"{where}: " if where else ""
    if isinstance(fault, UnicodeDecodeError):
        return BadRecord(Reason.NOT_UTF8, f"{prefix}{fault.reason} in a text")
    if isinstance(fault, RecursionError):
        return BadRecord(Reason.TOO_DEEP, f"{prefix}nested too deep")
    if isinstance(fault, msgspec.ValidationError):
        # msgspec says where (`- at $.x`) for all but the outermost value.
        inside = bool(where) or " - at `$" in str(fault)
        return BadRecord(Reason.WRONG_TYPE if inside else Reason.UNKNOWN_FORMAT, f"{prefix}{fault}")
    return BadRecord(Reason.NOT_JSON, f"{prefix}{fault}")


def check_size(payload: bytes, limit_bytes: int) -> None:
    """Refuse what is empty or too large.

    Raises:
        BadRecord: EMPTY or TOO_LARGE.
    """
    if not payload:
        raise BadRecord(Reason.EMPTY, "no payload")
    if len(payload) > limit_bytes:
        raise too_large(payload, limit_bytes)


def too_large(payload: bytes, limit_bytes: int) -> BadRecord:
    """The fault of a payload past a limit."""
    return BadRecord(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {limit_bytes} are read")

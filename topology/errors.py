"""Faults of what is around us: something else is not there yet, or a place cannot be read, written or listened on."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

from streams.errors import BadPolicy, StreamsError

_NOT_OURS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""What is wrong with an address, never with a port."""


class Unavailable(StreamsError):
    """Kafka or another server cannot be reached, or not now; trying again may help."""


def unreadable(option: str, path: Path | str, error: OSError | UnicodeDecodeError) -> BadPolicy:
    """The error of an option that names what cannot be read, or is no text."""
    return BadPolicy(option, str(path), f"it must be readable ({_why(error)})")


def unwritable(option: str, path: Path, error: OSError) -> BadPolicy:
    """The error of an option that names what cannot be written."""
    return BadPolicy(option, str(path), f"it must be writable ({_why(error)})")


def not_listening(option: str, host: str, port: int, error: OSError | UnicodeError) -> BadPolicy:
    """The error of the option that names a port, or of `host`, where that is none of this machine's."""
    if isinstance(error, UnicodeError | socket.gaierror) or error.errno in _NOT_OURS:
        return BadPolicy("host", host, f"give an address of this machine ({_why(error)})")
    return BadPolicy(option, f"{host}:{port}", f"it cannot be listened on ({_why(error)}); 0 takes any free port")


def _why(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is no UTF-8"
    return str(error) if isinstance(error, UnicodeError) else error.strerror or type(error).__name__

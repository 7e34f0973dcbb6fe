"""A state that later changes of the one it was copied from do not reach."""

from __future__ import annotations

from typing import TypeVar

import msgspec

_T = TypeVar("_T", bound=msgspec.Struct)


def copied(state: _T) -> _T:
    """The state as a snapshot would bring it back."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=type(state))

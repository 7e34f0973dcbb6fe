"""What does a policy file say that the judge cannot follow yet?

Such a field is read and checked, so that a file need not change when the judge learns to follow it, but nobody may
believe that it holds: `serinus policy check` and every role that reads the file say which ones there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET

from streams.policy.document import Settings
from streams.policy.policy_file import PolicyFile

_SETTINGS = ("logs",)


def unfollowed(policy_file: PolicyFile) -> list[tuple[int, str]]:
    """Line (0 where it is not known) and path of each field that is read but not followed, in the order of the file."""
    return [
        (policy_file.lines.get(path, 0), path)
        for entry in policy_file.entries
        for path in _paths(entry.settings, entry.path)
    ]


def sentence(policy_file: PolicyFile) -> str | None:
    """One line that names them all; None where there are none."""
    found = unfollowed(policy_file)
    if not found:
        return None
    named = ", ".join(f"{path} (line {line})" if line else path for line, path in found)
    return f"{policy_file.source}: read but not followed yet: {named}"


def _paths(settings: Settings, path: str) -> Iterator[str]:
    yield from (f"{path}.{name}" for name in _SETTINGS if getattr(settings, name) is not UNSET)

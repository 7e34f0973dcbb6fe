"""The operator's policy file on disk: read at start, read again when it changes.

A file that cannot be followed stops the start; later it is refused whole, told once, and the last good one stays. A
Kubernetes ConfigMap mount changes by swapping a symbolic link above the file; that is seen as any other change.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import click
from opentelemetry.metrics import Meter, NoOpMeter

from streams.errors import BadPolicy
from streams.policy.policy_file import PolicyFile
from streams.policy.reader import read
from streams.policy.unfollowed import sentence
from streams.policy.yaml_text import MAX_CHARACTERS
from topology.file_mark import Mark, mark

log = logging.getLogger(__name__)

INTERVAL_S = 5.0
"""Between two looks at the file: a ConfigMap takes up to a minute to arrive anyway."""
_MAX_BYTES = 4 * MAX_CHARACTERS
"""UTF-8 takes at most four bytes a character."""


def load(path: Path) -> PolicyFile:
    """The policy of a file.

    Raises:
        BadPolicy: it cannot be read or followed.
    """
    return _load(path)[0]


class WatchedPolicy:
    """The policy in force: `current()` looks at the file again when `interval_s` has passed."""

    def __init__(
        self,
        path: Path | None,
        meter: Meter | None = None,
        interval_s: float = INTERVAL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Reads the file.

        Args:
            path: None is a policy that says nothing, for ever.
            meter: counts what became of changes.
            interval_s: least time between two looks.
            clock: seconds, never going back.

        Raises:
            BadPolicy: the file cannot be read or followed.
        """
        self._path = path
        self._interval_s = interval_s
        self._clock = clock
        self._reloads = (meter or NoOpMeter("serinus")).create_counter(
            "serinus.policy.reloads", description="Changes of the policy file, by whether they were taken or refused."
        )
        self._policy, self._seen = (PolicyFile(), None) if path is None else _load(path)
        _tell(self._policy)
        self._looked_s = clock()

    def current(self) -> PolicyFile:
        """The last good one; the same object as long as nothing changes. Never raises."""
        if self._path is not None and self._clock() - self._looked_s >= self._interval_s:
            self._looked_s = self._clock()
            self._look(self._path)
        return self._policy

    def _look(self, path: Path) -> None:
        try:
            seen: Mark | None = mark(path)
        except OSError:
            seen = None  # told by reading it
        if seen == self._seen:
            return
        try:
            self._policy, self._seen = _load(path)
        except BadPolicy as error:
            self._seen = seen
            self._reloads.add(1, {"outcome": "refused"})
            log.error("policy refused, the last good one stays: %s", error)  # noqa: TRY400 - the operator's fault
            return
        self._reloads.add(1, {"outcome": "taken"})
        log.info("policy taken: %s, %d entries", path, len(list(self._policy.entries)))
        _tell(self._policy)


def _tell(policy: PolicyFile) -> None:
    """Nobody may believe that what is only read holds."""
    told = sentence(policy)
    if told is not None:
        log.warning("%s", told)


def _load(path: Path) -> tuple[PolicyFile, Mark | None]:
    """The policy and the mark of what was read; a file that changes meanwhile has another mark at the next look."""
    try:
        with path.open("rb") as file:
            seen = mark(file.fileno())
            raw = file.read(_MAX_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadPolicy("policy", f"{path}, byte {error.start}", "write UTF-8") from error
    except OSError as error:
        raise BadPolicy("policy", str(path), f"name a readable file ({error.strerror})") from error
    if len(raw) > _MAX_BYTES:
        raise BadPolicy("policy", str(path), f"give at most {MAX_CHARACTERS} characters")
    return read(text, click.format_filename(path)), seen

"""When somebody who did not answer is asked again: after a second, then twice as long each time, up to a limit."""

from __future__ import annotations

FIRST_S = 1.0
LONGEST_S = 30.0


class Backoff:
    """Of one server, or one message; times are those of a clock that is never set back."""

    def __init__(self, longest_s: float = LONGEST_S) -> None:
        self._longest_s = longest_s
        self._pause_s = 0.0
        self._until_s = float("-inf")

    def ready(self, now_s: float) -> bool:
        """Whether it may be tried now."""
        return now_s >= self._until_s

    def failed(self, now_s: float) -> None:
        """It was tried in vain.

        >>> backoff = Backoff()
        >>> backoff.failed(0.0)
        >>> backoff.ready(0.9), backoff.ready(1.0)
        (False, True)
        >>> backoff.failed(1.0)
        >>> backoff.ready(2.9), backoff.ready(3.0)
        (False, True)
        """
        self._pause_s = min(self._longest_s, max(FIRST_S, 2 * self._pause_s))
        self._until_s = now_s + self._pause_s

    def succeeded(self) -> None:
        """It need not wait any more."""
        self._pause_s = 0.0
        self._until_s = float("-inf")

"""How far what was read from Kafka can be trusted to be the latest."""

from __future__ import annotations

import time
from collections.abc import Callable

SILENCE_S = 30.0
"""A broker that has not answered for so long is mentioned, and what hangs on the latest waits for it."""


class Freshness:
    """What a reader of topics tells of itself; whoever shows what was read asks it.

    Args:
        clock: seconds, for the time since the broker last answered; never set back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._contact_at = clock()
        self.caught_up = False
        """Whether everything that was in the topics at start has been read once; stays true."""
        self.lag_messages = 0
        """Messages in the topics that are not read yet, as last heard."""

    def contact(self) -> None:
        """The broker has answered just now."""
        self._contact_at = self._clock()

    @property
    def contact_age_s(self) -> float:
        """Seconds since the broker last answered, or since the start."""
        return self._clock() - self._contact_at

    @property
    def current(self) -> bool:
        """All was read, and the broker is there: what is not known is not."""
        return self.caught_up and self.contact_age_s <= SILENCE_S

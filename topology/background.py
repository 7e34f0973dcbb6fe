"""Work that goes on beside the event loop: a thread from `start` to `stop`, whose end by a fault does not go unseen."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

log = logging.getLogger(__name__)


class Background(ABC):
    """One thread; what it does is `_work`.

    Attributes:
        failure: what ended the thread, if it was not `stop`; the process must not go on.
    """

    def __init__(self, name: str) -> None:
        """Make it ready to start; `name` is the thread's, in stack dumps."""
        self.failure: BaseException | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._guarded, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """End, and wait for the end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether it has begun and not ended."""
        return self._thread.is_alive()

    @abstractmethod
    def _work(self) -> None:
        """All there is to do, until `_stopping` is set."""

    def _guarded(self) -> None:
        try:
            self._work()
        except BaseException as error:
            log.exception("%s ended by itself", self._thread.name)
            self.failure = error

"""One address before several replicas, as a Service is one: only those that are ready get connections."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from types import TracebackType
from typing import Self


class ReadyProxy:
    """Forwards TCP connections, in turn, to the ports that it is told are ready."""

    def __init__(self) -> None:
        self._ready: tuple[int, ...] = ()
        self._turn = itertools.count()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open = 0
        self._changed = threading.Condition()
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def take_in(self, port: int) -> None:
        """This replica is ready."""
        self._ready = (*self._ready, port)

    def take_out(self, port: int, timeout_s: float = 10.0) -> None:
        """It gets no more connections; returns once those that are open have ended, as after a preStop pause."""
        self._ready = tuple(each for each in self._ready if each != port)
        with self._changed:
            assert self._changed.wait_for(lambda: self._open == 0, timeout_s)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._forward, args=(client,), daemon=True).start()

    def _forward(self, client: socket.socket) -> None:
        with self._changed:
            self._open += 1
        try:
            ready = self._ready
            port = ready[next(self._turn) % len(ready)]
            with client, socket.create_connection(("127.0.0.1", port)) as server:
                threading.Thread(target=_copy, args=(client, server), daemon=True).start()
                _copy(server, client)
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """All that comes, until it ends."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            sink.sendall(part)
        sink.shutdown(socket.SHUT_WR)

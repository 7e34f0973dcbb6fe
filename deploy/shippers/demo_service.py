"""Writes the logs of two revisions of one service as a container runtime would; only the standard library.

usage: demo_service.py DIRECTORY

Three pods of the baseline and one of the canary write lines in the CRI format to
DIRECTORY/<pod>_<namespace>_<container>-<id>.log. The canary loses its database now and then.
"""

# ruff: noqa: INP001 - a script that its container runs alone
from __future__ import annotations

import random
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

BASELINE = ("shop-6f87c5d5d5-x2k9p", "shop-6f87c5d5d5-m4t7q", "shop-6f87c5d5d5-z8w3c")
CANARY = ("shop-7c9d8b6f44-h5r2n",)
TICK_S = 0.2
LINES_A_TICK = 4
FAULT_RATIO = 0.03
MOST_BYTES = 8 << 20

FAULT = (
    "ERROR failed to load order {order}: SQLSTATE[HY000] [2002] Connection refused",
    "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available, timed out after {ms}ms.",
    "    at com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:{line})",
    "    at com.example.shop.OrderRepository.load(OrderRepository.java:{line})",
)
USUAL = (
    "INFO GET /orders/{order} 200 {ms}ms",
    "INFO POST /cart/items 201 {ms}ms user={order}",
    "INFO cache hit ratio 0.{line}",
    "WARN slow query took {ms}ms: SELECT * FROM orders WHERE id = {order}",
)


def lines(is_canary: bool, chance: random.Random) -> tuple[str, ...]:
    """What one request leaves in the log."""
    event = FAULT if is_canary and chance.random() < FAULT_RATIO else (chance.choices(USUAL, (60, 30, 8, 2))[0],)
    order, ms, line = chance.randrange(10**6), chance.randrange(1, 400), chance.randrange(10, 99)
    return tuple(text.format(order=order, ms=ms, line=line) for text in event)


def append(path: Path, texts: tuple[str, ...]) -> None:
    """Write them with the runtime's time and stream; start the file anew, as the kubelet does, when it is full."""
    if path.exists() and path.stat().st_size > MOST_BYTES:
        path.replace(path.with_suffix(".log.1"))
    with path.open("a", encoding="utf-8") as file:
        for text in texts:
            at = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "000Z")
            file.write(f"{at} {'stderr' if text.startswith(('ERROR', 'java', ' ')) else 'stdout'} F {text}\n")


def main() -> None:
    """Write until the container is stopped."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    directory = Path(sys.argv[1])
    chance = random.Random()  # noqa: S311 - a simulation, no secret
    while True:
        for pod in BASELINE + CANARY:
            path = directory / f"{pod}_demo_shop-{container_id(pod)}.log"
            for _ in range(LINES_A_TICK):
                append(path, lines(pod in CANARY, chance))
        time.sleep(TICK_S)


def container_id(pod: str) -> str:
    """A container id that stays the same when this program starts again."""
    return pod.encode()[-6:].hex()


if __name__ == "__main__":
    main()

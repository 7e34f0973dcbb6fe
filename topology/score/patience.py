"""Makes a client of aiokafka pause where it would ask for the cluster's metadata in vain without end.

Its reader asks again the moment an answer says that a partition has no leader; while a single broker is away nothing
answers, and it asks a thousand times a second (aiokafka 0.14, `Fetcher._fetch_requests_routine`: the metadata's future
is among those it waits for, and `retry_backoff_ms` is not looked at).
"""

from __future__ import annotations

import asyncio
from typing import Any

PAUSE_S = 0.5
"""After metadata that could not be had: much less than a broker takes to start."""


def patient(client: Any) -> None:
    """Have an `AIOKafkaClient` pause; what asks for metadata waits as long, all else goes on."""
    ask = client._metadata_update  # noqa: SLF001 - there is no setting

    async def ask_patiently(*arguments: Any) -> Any:
        answered = await ask(*arguments)
        if not answered:
            await asyncio.sleep(PAUSE_S)
        return answered

    client._metadata_update = ask_patiently  # noqa: SLF001 - the same

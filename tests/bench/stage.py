"""All roles as processes of their own on a broker, for measurements from outside."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from topology import pipeline
from topology.demo.query import RiskClient
from topology.embedded import free_port
from topology.settings import Kafka
from topology.supervise import Children
from topology.topics import SUMMARIES, definitions

PAGE_BYTES = 4096


class Stage:
    """Starts the roles; ends them with the context."""

    def __init__(self, servers: str, session_timeout_s: float = 3.0) -> None:
        self.servers = servers
        self.partitions = next(topic.partitions for topic in definitions() if topic.name == SUMMARIES)
        self._session_timeout_s = session_timeout_s
        self._children = Children()
        self.port = free_port()
        self.risks = RiskClient(f"http://127.0.0.1:{self.port}")

    def __enter__(self) -> Self:
        pipeline.prepare(Kafka(self.servers), None)
        plan = pipeline.Plan(port=self.port, log_level="error")
        for name, arguments in plan.commands(self.servers, self._session_timeout_s):
            self._children.start(name, arguments)
        while not self.risks.ready():
            if ended := self._children.next_ended(0.2):
                raise RuntimeError(str(ended))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._children.stop()

    def memory_mb(self, name: str) -> float:
        """Resident memory of a role now."""
        process = self._children.processes[name]
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
        return pages * PAGE_BYTES / 2**20

    def cpu_s(self, name: str) -> float:
        """Processor time a role has used so far."""
        fields = Path(f"/proc/{self._children.processes[name].pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / 100

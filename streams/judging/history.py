"""How has the risk moved? Points at even distances, however long it takes: when there is no room, every second goes."""

from __future__ import annotations

from msgspec import Struct

from streams.judging.evidence import RiskPoint


class RiskHistory(Struct, array_like=True):
    """The risk at every `stride`-th window."""

    stride: int = 1
    windows: int = 0
    points: list[RiskPoint] = []

    def add(self, point: RiskPoint, limit: int) -> None:
        """One window; at most limit - 1 points are kept."""
        if self.windows % self.stride == 0:
            self.points.append(point)
        self.windows += 1
        while len(self.points) >= max(2, limit):
            self.points = self.points[::2]
            self.stride *= 2

    def up_to(self, latest: RiskPoint | None) -> tuple[RiskPoint, ...]:
        """The points and, where the last one is older, the latest."""
        if latest is None or (self.points and self.points[-1].time_s >= latest.time_s):
            return tuple(self.points)
        return (*self.points, latest)

"""The risk over time as the numbers of an SVG picture; the template draws them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from streams.judging.evidence import RiskPoint

WIDTH, HEIGHT = 760, 240
LEFT, RIGHT, TOP, BOTTOM = 36, 744, 16, 212
_STEPS_S = (1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)
_MOST_TICKS = 7


class LabelledPoint(Struct, frozen=True):
    """A place in the picture with a word to it."""

    x: float
    y: float
    label: str


class Chart(Struct, frozen=True):
    """All that is drawn, in the picture's own units."""

    line: str
    """Points of the risk, for a polyline."""
    area: str
    """The same, closed along the bottom."""
    last: LabelledPoint
    levels: tuple[LabelledPoint, ...]
    """Horizontal lines at risk 0 to 100; the topmost is where a canary fails."""
    ticks: tuple[LabelledPoint, ...]
    """Times of day, UTC."""
    decided: LabelledPoint | None
    """Where the verdict was reached."""


def draw(history: Sequence[RiskPoint], decided_s: float | None, verdict: str) -> Chart | None:
    """The picture of a history; None where there is nothing to draw.

    Args:
        history: in any order; risks outside 0..100 are drawn at the edge.
        decided_s: when the verdict was reached, seconds since 1970.
        verdict: which.
    """
    points = sorted((point.time_s, point.risk) for point in history if 0 < point.time_s < 253_370_764_800)
    if not points:
        return None
    first, last = points[0][0], points[-1][0]
    span = max(last - first, 1.0)

    def x(time_s: float) -> float:
        return round(LEFT + (RIGHT - LEFT) * (min(max(time_s, first), last) - first) / span, 1)

    def y(risk: float) -> float:
        return round(BOTTOM - (BOTTOM - TOP) * min(max(risk, 0.0), 100.0) / 100.0, 1)

    placed = [(x(time_s), y(risk)) for time_s, risk in points]
    line = " ".join(f"{px},{py}" for px, py in placed)
    decided = None
    if decided_s is not None:
        risk_then = next((risk for time_s, risk in points if time_s >= decided_s), points[-1][1])
        decided = LabelledPoint(x(decided_s), y(risk_then), verdict)
    return Chart(
        line=line,
        area=f"{placed[0][0]},{BOTTOM} {line} {placed[-1][0]},{BOTTOM}",
        last=LabelledPoint(*placed[-1], f"{points[-1][1]:.0f}"),
        levels=tuple(LabelledPoint(LEFT, y(level), str(level)) for level in (0, 25, 50, 75, 100)),
        ticks=tuple(LabelledPoint(x(time_s), BOTTOM, _clock(time_s, span)) for time_s in _ticks(first, last)),
        decided=decided,
    )


def _ticks(first: float, last: float) -> list[int]:
    """Round moments within the span, at most seven."""
    step = next((step for step in _STEPS_S if (last - first) / step < _MOST_TICKS), None)
    if step is None:
        days = int((last - first) / 86400 / _MOST_TICKS) + 1
        step = 86400 * days
    begin = int(-(-first // step)) * step
    return list(range(begin, int(last) + 1, step))


def _clock(time_s: float, span_s: float) -> str:
    moment = datetime.fromtimestamp(time_s, UTC)
    if span_s > 3 * 86400:
        return f"{moment:%d %b}"
    return f"{moment:%H:%M}" if span_s > 600 else f"{moment:%H:%M:%S}"

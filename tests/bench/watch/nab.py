"""How well do scores find the labelled windows of NAB? Its scoring, written from its rules.

Of each labelled window the earliest detection counts, by a sigmoid of its place in the window (1 at the left end, 0
at the right); each detection elsewhere costs by how far past the last window it is; a window without detection costs
its weight. A file's first 15% (of at most 5,000 points) count for nothing. One threshold serves all files: the best,
found anew for each profile. The sum is scaled so that 0 is no detection at all and 100 is all windows at once and
nothing else.

Source: Lavin & Ahmad, Evaluating real-time anomaly detection algorithms (ICMLA 2015, arXiv 1510.03336), section II.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass

PROFILES = {"standard": (1.0, 0.11, 1.0), "low_fp": (1.0, 0.22, 1.0), "low_fn": (1.0, 0.11, 2.0)}
"""Weights of a true positive, a false positive, a false negative; those of NAB's `profiles.json`."""


@dataclass(frozen=True)
class Labelled:
    """One file's scores and windows."""

    scores: Sequence[float]
    windows: Sequence[tuple[int, int]]
    """First and last point of each, both within."""


def probation(points: int) -> int:
    """Points at the start that do not count."""
    return math.floor(0.15 * min(points, 5000))


def sigmoid(place: float) -> float:
    """What a detection is worth: -1 is the left end of a window, 0 its right end, above: past it.

    >>> round(sigmoid(-1.0), 3), sigmoid(0.0), sigmoid(4.0)
    (0.987, 0.0, -1.0)
    """
    return -1.0 if place > 3.0 else 2.0 / (1.0 + math.exp(5.0 * place)) - 1.0


def score(files: Sequence[Labelled], profile: str, threshold: float | None = None) -> tuple[float, float]:
    """The score (at most 100), and its threshold: the given one, or the best.

    Args:
        files: of the corpus.
        profile: one of `PROFILES`.
        threshold: scores from here on are detections; None: the best for the corpus.
    """
    _, false_alarm, miss = PROFILES[profile]
    windows = sum(len(file.windows) for file in files)
    found: dict[tuple[int, int], float] = {}
    total = -miss * windows
    best, best_at = total, math.inf
    points = [point for number, file in enumerate(files) for point in _points(number, file)]
    points.sort(key=operator.itemgetter(0), reverse=True)
    for place, (value, worth, window) in enumerate(points):
        if threshold is not None and value < threshold:
            break
        if window is None:
            total += false_alarm * worth
        elif worth > found.get(window, -math.inf):
            total += worth - found.get(window, -miss)
            found[window] = worth
        last_of_its_value = place + 1 == len(points) or points[place + 1][0] < value
        if last_of_its_value and (threshold is not None or total > best):
            best, best_at = total, value
    whole = windows * (1.0 + miss)
    return 100.0 * (best + miss * windows) / whole, threshold if threshold is not None else best_at


def _points(number: int, file: Labelled) -> list[tuple[float, float, tuple[int, int] | None]]:
    """(score, worth, window) of each point after the probation."""
    begin = probation(len(file.scores))
    found: list[tuple[float, float, tuple[int, int] | None]] = []
    ahead = list(file.windows)
    before: tuple[int, int] | None = None
    for place, value in enumerate(file.scores):
        while ahead and ahead[0][1] < place:
            before = ahead.pop(0)
        if ahead and ahead[0][0] <= place:
            left, right = ahead[0]
            worth = sigmoid(-(right - place + 1) / (right - left + 1)) / sigmoid(-1.0)
            entry = (value, worth, (number, left))
        else:
            worth = -1.0 if before is None else sigmoid((place - before[1]) / max(before[1] - before[0], 1))
            entry = (value, worth, None)
        if place >= begin:
            found.append(entry)
    return found

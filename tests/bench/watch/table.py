"""`python -m tests.bench --only watch --data DIR`: the watch beside a guarded Gaussian on labelled streams.

NAB: one set of parameters for all files, the threshold the best of the corpus (NAB's rule); then with the threshold
of the other half of the files, and with .5, from where our score says that a point is abnormal. The same of simulated
streams (`nablike`), for choices that NAB's files must not make. Events: the alarm as
`serinus watch --replay` has it, one workload's signals sharing a budget of one false alarm in 30 days, and the same
with the threshold at which the false alarms are one a series-day.
"""

from __future__ import annotations

import bisect
import itertools
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from streams.errors import BadRecord
from streams.watch.levels import LevelWatch
from streams.watch.points import Point
from streams.watch.ringing import ARL_S
from tests.bench.watch import corpora, events, nab, nablike
from tests.bench.watch.guarded_gaussian import GuardedGaussian
from topology.watch.ward import Ward

Scores = Callable[[list[int], list[float]], list[float]]
_CORPORA = 4
_REFRACTORY_STEPS = 10
_SLACK_STEPS = 2


def make(data: Path) -> str:
    """The tables, as Markdown."""
    files = list(corpora.nab(data / "nab"))
    simulated = [stream for seed in range(_CORPORA) for stream in nablike.corpus(seed)]
    points = (*_points(f"NAB, {len(files)} files", files), "", *_points(f"simulated, {len(simulated)}", simulated))
    return "\n".join([*points, "", *_events(data)])


def watched(times: list[int], values: list[float]) -> tuple[list[float], list[float]]:
    """Abnormality and log e of each value; 0 where a time repeats."""
    watch, scores, evidence = LevelWatch(), [], []
    for at, value in zip(times, values, strict=True):
        try:
            reading = watch.add(at, value)
        except BadRecord:
            scores.append(0.0)
            evidence.append(evidence[-1] if evidence else 0.0)
        else:
            scores.append(reading.abnormality)
            evidence.append(reading.log_e if reading.warm else 0.0)
    return scores, evidence


def gaussian(_: list[int], values: list[float]) -> list[float]:
    """The peer's scores."""
    peer = GuardedGaussian()
    return [peer.add(value) for value in values]


def _points(told: str, streams: list[corpora.Stream]) -> Iterable[str]:
    yield f"| {told} | standard | low FP | low FN | by the other half | at .5 | us a point |"
    yield "|---|---|---|---|---|---|---|"
    ways: dict[str, Scores] = {"guarded Gaussian": gaussian, "Serinus": lambda t, v: watched(t, v)[0]}
    for name, way in ways.items():
        began, points, files = time.process_time(), 0, []
        for stream in streams:
            times, values = stream.series["value"]
            points += len(times)
            places = [(bisect.bisect_left(times, a), bisect.bisect_right(times, b) - 1) for a, b in stream.windows]
            files.append(nab.Labelled(way(times, values), places))
        cost = 1e6 * (time.process_time() - began) / points
        scores = " | ".join(f"{nab.score(files, profile)[0]:.1f}" for profile in nab.PROFILES)
        at_half = " / ".join(f"{nab.score(files, profile, 0.5)[0]:.1f}" for profile in nab.PROFILES)
        halves = files[::2], files[1::2]
        crossed = (
            nab.score(one, "standard", nab.score(other, "standard")[1])[0] for one, other in (halves, halves[::-1])
        )
        yield f"| {name} | {scores} | {' / '.join(f'{each:.1f}' for each in crossed)} | {at_half} | {cost:.1f} |"


def _events(data: Path) -> Iterable[str]:
    yield "| events | at | F1 | found of | false | alarms a series-day | false a series-day |"
    yield "|---|---|---|---|---|---|---|"
    for name, read in corpora.CORPORA.items():
        if not (data / name).is_dir():
            continue
        streams = list(read(data / name))
        for told, arl_s in (("one false alarm in 30 days", ARL_S), ("one in a day", 86_400.0)):
            found = events.Found()
            for stream in streams:
                raised, step_ns, length_ns = _raised(stream, arl_s)
                begun = events.apart(raised, _REFRACTORY_STEPS * step_ns)
                found.add(begun, stream.windows, stream.ignored, _SLACK_STEPS * step_ns)
                found.series_days += length_ns / 86_400e9
            rates = " | ".join(f"{number / found.series_days:.3f}" for number in (found.onsets, found.false))
            of = found.hit + found.missed
            yield f"| {name} | {told} | {found.f1:.2f} | {found.hit} of {of} | {found.false} | {rates} |"


def _raised(stream: corpora.Stream, arl_s: float) -> tuple[list[int], int, int]:
    """When alarms were raised over the signals of one workload; the usual step, and the length."""
    ward, found = Ward(arl_s), []
    at: dict[int, list[Point]] = {}
    load: dict[int, float] = {}
    for signal, (times, values) in stream.series.items():
        rule = corpora.rule(signal)
        if rule.group == "load":
            load |= zip(times, values, strict=True)
        if rule.criticality == "watch":
            continue
        for when, value in dict(zip(times, values, strict=True)).items():
            at.setdefault(when, []).append(
                Point(signal, value, None, rule.group, "", rule.worse, rule.weight, rule.tolerance_up)
            )
    times = sorted(at)
    for when in times:
        ward.add(when, at[when], load.get(when))
        if ward.raised is not None:
            found.append(when)
    steps = sorted(b - a for a, b in itertools.pairwise(times))
    return found, steps[len(steps) // 2], times[-1] - times[0]

"""Simulated streams of the kinds that NAB has, with labelled windows as it has them: nothing of its data is in them.

For choices that NAB's own files must not make. In a corpus as many of each kind as in NAB, about: processors and
requests of a cloud, prices of advertisements, temperatures, demand, rare events, traffic, messages, artificial ones.
In a few artificial ones a label tells of nothing: what was drawn to change is not in the stream.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tests.bench.watch.corpora import Stream, Windows

Floats: TypeAlias = NDArray[np.float64]
_BEGIN_S = 1_396_828_800
"""A Monday."""
_DAY_S = 86_400


class _Draw:
    """One stream on its way: the times, what is drawn for it, where its anomalies begin."""

    def __init__(self, rng: np.random.Generator, number: int, step_s: int, anomalies: int) -> None:
        self.rng, self.number = rng, number
        begin = _BEGIN_S + int(rng.integers(0, 7 * _DAY_S))
        self.at_s = begin + step_s * np.cumsum(np.where(rng.random(number) < 0.001, rng.integers(2, 20, number), 1))
        parts = np.linspace(0.2, 0.95, anomalies + 1) * number
        self.onsets = [int(rng.uniform(left, right - 0.03 * number)) for left, right in itertools.pairwise(parts)]

    def ar(self, stays: float, sd: float) -> Floats:
        """An AR(1) of that deviation."""
        shocks = self.rng.normal(0.0, sd * np.sqrt(1.0 - stays * stays), self.number)
        for place in range(1, self.number):
            shocks[place] += stays * shocks[place - 1]
        return shocks

    def day(self, peak_h: float, width_h: float) -> Floats:
        """1 at its peak, every day."""
        off = np.abs((self.at_s % _DAY_S / 3600.0 - peak_h + 12.0) % 24.0 - 12.0)
        return np.exp(-0.5 * (off / width_h) ** 2)

    @property
    def weekend(self) -> NDArray[np.bool_]:
        """Of each time."""
        return (self.at_s - _BEGIN_S) // _DAY_S % 7 >= 5

    def counts(self, means: Floats, size: float) -> Floats:
        """Negative binomial."""
        return self.rng.negative_binomial(size, size / (size + np.maximum(means, 1e-9))).astype(float)

    def parts(self, least: int, most: int) -> Iterator[slice]:
        """Of each anomaly."""
        for onset in self.onsets:
            yield slice(onset, min(onset + int(self.rng.integers(least, most)), self.number))

    def stream(self, name: str, values: Floats) -> Stream:
        """Windows as NAB's: together a tenth of the stream, in the midst of each an onset."""
        half = int(0.1 * self.number / max(len(self.onsets), 1) / 2.0)
        at_ns = [int(at) * 10**9 for at in self.at_s]
        windows: Windows = [
            (at_ns[max(onset - half, 0)], at_ns[min(onset + half, self.number - 1)]) for onset in self.onsets
        ]
        return Stream(name, {"value": (at_ns, values.tolist())}, windows)


def _processor(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 4032, 300, int(rng.choice([1, 2])))
    level = rng.choice([2.0, 10.0, 40.0])
    sd = level * rng.choice([0.01, 0.05, 0.15])
    values = level + draw.ar(rng.choice([0.0, 0.3, 0.7]), sd)
    if rng.random() < 0.5:
        values[int(rng.integers(0, 72)) :: rng.choice([12, 72, 288])] += level * rng.uniform(0.5, 3.0)  # a job
    for part in draw.parts(3, 500):
        match rng.choice(["shift", "spike", "dip", "wider", "flat"]):
            case "shift":
                values[part] += sd * rng.uniform(5.0, 30.0) * rng.choice([1.0, 1.0, -0.5])
            case "spike":
                values[part][:8] += sd * 10.0 + level * rng.uniform(0.5, 8.0)
            case "dip":
                values[part][:12] *= rng.uniform(0.0, 0.4)
            case "wider":
                values[part] += rng.normal(0.0, sd * rng.uniform(3.0, 6.0), len(values[part]))
            case _:
                values[part] = values[part.start]
    return draw, np.maximum(values, 0.0)


def _bytes(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 4032, 300, int(rng.choice([1, 2])))
    values = np.exp(draw.ar(rng.choice([0.3, 0.8]), rng.uniform(0.3, 1.2))) * rng.choice([1e2, 1e5, 1e7])
    if rng.random() < 0.5:
        values[rng.random(draw.number) < 0.7] = rng.choice([0.0, np.median(values)])
    usual = values.copy()
    for part in draw.parts(1, 250):
        match rng.choice(["burst", "more", "silent"]):
            case "burst":
                values[part][:6] = np.percentile(usual, 99) * rng.uniform(2.0, 10.0)
            case "more":
                values[part] += np.percentile(usual, rng.choice([80, 97])) * rng.uniform(1.0, 3.0)
            case _:
                values[part] = usual.min()
    return draw, values


def _requests(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 4032, 300, 2)
    means = rng.choice([5.0, 60.0, 300.0]) * (0.3 + draw.day(rng.uniform(10.0, 18.0), 4.0))
    for part in draw.parts(2, 150):
        means[part] *= rng.choice([rng.uniform(1.6, 6.0), rng.uniform(0.05, 0.4)])
    return draw, draw.counts(means, rng.choice([1.5, 5.0, 50.0]))


def _price(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 1640, 3600, int(rng.choice([1, 2, 3])))
    values = np.exp(draw.ar(rng.choice([0.3, 0.6]), rng.choice([0.1, 0.3, 0.5])))
    values *= 1.0 + rng.choice([0.0, 0.3]) * draw.day(14.0, 4.0)
    values *= np.where(rng.random(draw.number) < rng.choice([0.001, 0.01]), rng.uniform(1.5, 5.0, draw.number), 1.0)
    high = np.percentile(values, 99.5)
    for part in draw.parts(12, 80):
        if rng.random() < 1.0 / 3.0:
            values[part][:3] = high * rng.uniform(1.5, 6.0)
        else:
            values[part] *= rng.choice([rng.uniform(1.6, 3.0), rng.uniform(0.1, 0.6)])
    return draw, values


def _temperature(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 10_000, int(rng.choice([300, 3600])), int(rng.choice([2, 3, 4])))
    values = 70.0 + draw.ar(0.999, 6.0) + draw.ar(0.5, rng.uniform(0.3, 1.0)) + rng.uniform(0.0, 6.0) * draw.day(15, 4)
    for part in draw.parts(60, 400):
        reached = np.minimum(1.0, np.arange(len(values[part])) / rng.choice([1, 20, 100]))
        match rng.choice(["far", "less far", "spike", "flat"]):
            case "far":
                values[part] -= reached * rng.uniform(20.0, 60.0)
            case "less far":
                values[part] += reached * rng.uniform(8.0, 18.0) * rng.choice([1.0, -1.0])
            case "spike":
                values[part][:4] += rng.uniform(10.0, 25.0) * rng.choice([1.0, -1.0])
            case _:
                values[part] = values[part.start]
    return draw, values


def _rare(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 4000, 300, 2)
    chance = 0.003 + 0.15 * draw.day(14.0, 3.0) * np.where(draw.weekend, 0.1, 1.0)
    size = np.full(draw.number, 0.3)
    for part in draw.parts(6, 60):
        chance[part] = rng.uniform(0.4, 1.0)
        size[part] *= rng.choice([1.0, 4.0])
    return draw, np.where(rng.random(draw.number) < chance, rng.exponential(size), 0.0)


def _demand(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 10_320, 1800, 5)
    values = 3.0 + 9.0 * draw.day(19.0, 4.0) + 7.0 * draw.day(12.0, 4.0) + 5.0 * draw.day(1.0, 3.0) * draw.weekend
    values *= 1000.0 * (1.0 + draw.ar(0.97, 0.08) + rng.normal(0.0, 0.02, draw.number))
    usual = values.copy()
    for part in draw.parts(10, 60):
        match rng.choice(["less", "least", "more", "another hour's"]):
            case "less":
                values[part] *= rng.uniform(0.5, 0.8)
            case "least":
                values[part] *= 0.1
            case "more":
                values[part][:8] *= 1.5
            case _:
                values[part] = usual[part.start - 24 : part.stop - 24]
    return draw, values


def _traffic(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 2400, 500, int(rng.choice([1, 2, 3])))
    rush = (draw.day(8.0, 1.2) + draw.day(17.5, 1.5)) * np.where(draw.weekend, 0.15, 1.0)
    rush *= np.maximum(1.0 + 0.3 * np.repeat(rng.normal(0.0, 1.0, 24), 100), 0.0)
    for part in draw.parts(3, 40):
        rush[part] += rng.uniform(1.2, 3.0)
    match rng.choice(["speed", "occupancy", "time"]):
        case "speed":
            slow = 20.0 * (rng.random(draw.number) < 0.01)
            return draw, np.round(np.maximum(68.0 - 30.0 * rush + rng.normal(0.0, 3.0, draw.number) - slow, 2.0))
        case "occupancy":
            return draw, np.round(np.maximum(3.0 + 12.0 * rush + rng.gamma(2.0, 1.0, draw.number), 0.0), 2)
        case _:
            waits = np.where(rng.random(draw.number) < 0.02, rng.exponential(200.0, draw.number), 0.0)
            return draw, np.round(90.0 * np.exp(0.6 * rush + draw.ar(0.6, 0.25)) + waits)


def _messages(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 15_800, 300, int(rng.choice([2, 3, 4])))
    means = rng.choice([3.0, 20.0, 100.0]) * (0.25 + draw.day(17.0, 4.5)) * np.exp(draw.ar(0.9, rng.uniform(0.2, 0.5)))
    gusts = np.zeros(draw.number)
    for onset in np.flatnonzero(rng.random(draw.number) < rng.choice([0.0005, 0.002])):  # without a label
        fading = gusts[onset : onset + 15]
        fading += min(rng.pareto(1.8) + 0.5, 8.0) * np.exp(-np.arange(len(fading)) / 4.0)
    for part in draw.parts(6, 60):
        length = part.stop - part.start
        gusts[part] += rng.uniform(6.0, 40.0) * np.exp(-3.0 * np.arange(length) / length)
    return draw, draw.counts(means * (1.0 + gusts), rng.choice([3.0, 15.0]))


def _artificial(rng: np.random.Generator) -> tuple[_Draw, Floats]:
    draw = _Draw(rng, 4032, 300, int(rng.choice([0, 1])))
    by_day = 60.0 * (draw.day(13.5, 4.5) > np.exp(-0.5))
    values = rng.choice([0.0, 1.0]) * rng.uniform(0.0, 4.0, draw.number) + 20.0
    values += rng.choice([0.0, 1.0]) * by_day
    spikes = rng.choice([0.0, 1.0]) * rng.uniform(20.0, 60.0, draw.number)
    chance = np.full(draw.number, 0.01)
    for part in draw.parts(100, 288):
        match rng.choice(["gone", "more", "often", "shift"]):
            case "gone":
                values[part] = 20.0
            case "more":
                values[part] += 0.7 * (values[part] - 20.0)
            case "often":
                chance[part] = 0.2
            case _:
                values[part] += rng.uniform(6.0, 30.0)
    return draw, values + spikes * (rng.random(draw.number) < chance)


_KINDS: tuple[tuple[str, Callable[[np.random.Generator], tuple[_Draw, Floats]], int], ...] = (
    ("cloud/processor", _processor, 5), ("cloud/bytes", _bytes, 2), ("cloud/requests", _requests, 2),
    ("price/price", _price, 3), ("known/temperature", _temperature, 2), ("known/rare", _rare, 1),
    ("known/demand", _demand, 1), ("traffic/traffic", _traffic, 4), ("messages/messages", _messages, 4),
    ("artificial/artificial", _artificial, 6),
)  # fmt: skip


def corpus(seed: int) -> Iterator[Stream]:
    """Thirty streams."""
    rng = np.random.default_rng(seed)
    for kind, make, number in _KINDS:
        for place in range(number):
            draw, values = make(rng)
            yield draw.stream(f"{kind}-{place}", values)

"""What a case knows of its workload is what had ended when it began, and it makes a difference."""

from __future__ import annotations

import random

import pytest

from tests.topology.recording.recordings import T0, case, log_line, write
from topology.backtest.rules import rules_of
from topology.backtest.run import run

LENGTH_S, PODS, EVERY_S = 180, 3, 10
SIDES = ("baseline_hash", "canary_hash")


def levels(entry, start_s, canary_times, seed):
    """Memory and processor use of each pod, later than its log; differs from pod to pod and in time."""
    draw = random.Random(seed)
    for side in SIDES:
        for pod in range(PODS):
            own = draw.gauss(0, 0.05)
            for second in range(21, LENGTH_S, EVERY_S):
                line = log_line(entry, start_s + second, side, pod, "")
                del line["message"]
                times = canary_times if side == "canary_hash" else 1.0
                for name, level in (("pod_memory_usage_mib", 300), ("pod_cpu_usage_percent", 20)):
                    yield {**line, "name": name, "value": level * times * (1 + own + draw.gauss(0, 0.02))}


def recorded(directory, starts):
    """Healthy cases at these starts, and one at 10,000 s whose canary takes four times the memory."""
    entries, logs, metrics = [], [], []
    for number, start_s in enumerate((*starts, 10_000)):
        entry = case(f"c{number}", T0 + start_s, LENGTH_S)
        entries.append(entry)
        logs += [log_line(entry, T0 + start_s, side, pod, "up") for side in SIDES for pod in range(PODS)]
        metrics += levels(entry, T0 + start_s, 1.0 if start_s != 10_000 else 4.0, number)
    return write(directory, entries, logs, metrics)


def rows_of(directory, tmp_path, name, jobs=1):
    """Row by row; the last is the broken one."""
    (tmp_path / name).mkdir()
    (result,) = run([directory], rules_of(None, 0.05, None), tmp_path / name, jobs=jobs)
    return result.rows


BEFORE = [number * 1000 for number in range(9)]


def test_the_past_is_what_a_leak_is_found_by(tmp_path):
    """Promise: after nine healthy rollouts a canary of four times the memory fails; none of the healthy ones does."""
    *healthy, broken = rows_of(recorded(tmp_path / "r", BEFORE), tmp_path, "1")
    assert broken.verdict == "fail"
    assert broken.parts["levels"].p < 0.05
    assert all(row.failed_at_s is None for row in healthy)


@pytest.mark.parametrize(
    "starts",
    [[], [10_000 - LENGTH_S + 1 + number for number in range(9)], [10_100 + number * 1000 for number in range(9)]],
)
def test_what_had_not_ended_is_not_known(tmp_path, starts):
    """Promise: nine rollouts that still ran when it began, or began later, tell it as little as none at all."""
    (alone,) = rows_of(recorded(tmp_path / "alone", []), tmp_path, "1")
    rows = {row.case: row for row in rows_of(recorded(tmp_path / "r", starts), tmp_path, "2")}
    broken = rows[f"c{len(starts)}"]
    assert broken.verdict != "fail"
    assert (broken.risk, broken.parts, broken.reasons) == (alone.risk, alone.parts, alone.reasons)


def test_processes_change_nothing_of_the_past(tmp_path):
    """Promise: whichever process comes back first, the same is learned in the same order."""
    directory = recorded(tmp_path / "r", [*BEFORE, 50, 60, 2050])
    assert rows_of(directory, tmp_path, "1", jobs=3) == rows_of(directory, tmp_path, "2")

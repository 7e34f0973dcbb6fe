"""The policy file on disk: good changes are taken, bad ones refused whole and told once."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from streams.errors import BadPolicy
from streams.policy.effective import effective
from streams.policy.policy_file import PolicyFile
from streams.records.identity import Workload
from topology.policy_file import INTERVAL_S, WatchedPolicy, load

SHOP = Workload("", "prod", "shop")


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now_s


class Watch:
    """A watched file with its clock and its counter."""

    def __init__(self, path: Path | None) -> None:
        self.clock = Clock()
        self._reader = InMemoryMetricReader()
        meter = MeterProvider([self._reader]).get_meter("test")
        self.watched = WatchedPolicy(path, meter, clock=self.clock)

    def look(self) -> PolicyFile:
        """The policy once it is time to look again."""
        self.clock.now_s += INTERVAL_S
        return self.watched.current()

    def alpha(self) -> float:
        """Of the policy then."""
        return effective(self.look(), SHOP).alpha

    def counted(self) -> dict[str, float]:
        """What became of changes so far."""
        found: Any = self._reader.get_metrics_data()
        if found is None:
            return {}
        points = found.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points
        return {point.attributes["outcome"]: point.value for point in points}


def saying(alpha: str) -> str:
    """A policy that sets alpha."""
    return f"version: 1\ndefaults:\n  alpha: {alpha}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good policy."""
    path = tmp_path / "policy.yml"
    path.write_text(saying("0.05"))
    return path


def test_no_file_says_nothing() -> None:
    """For ever, and no file is looked for."""
    assert Watch(None).look() == PolicyFile()


def test_a_change_is_taken_when_it_is_time_to_look(file: Path) -> None:
    """Not before; and what did not change stays the same object."""
    watch = Watch(file)
    first = watch.watched.current()
    file.write_text(saying("0.125"))
    assert watch.watched.current() is first
    assert watch.alpha() == 0.125
    assert watch.look() is watch.look()
    assert watch.counted() == {"taken": 1}


def test_a_bad_change_is_refused_whole_and_told_once(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """One line with file, line and reason; the last good policy stays; the mended file is taken."""
    watch = Watch(file)
    file.write_text("version: 1\ndefaults:\n  beta: 0.2\n  alpha: 0.9\n")
    assert [watch.alpha() for _ in range(3)] == [0.05] * 3
    lines = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert len(lines) == 1
    assert f"{file}:4: defaults.alpha: 0.9 is not allowed; give a number above 0 and below 0.5" in lines[0]
    assert watch.counted() == {"refused": 1}
    file.write_text(saying("0.25"))
    assert watch.alpha() == 0.25
    assert watch.counted() == {"refused": 1, "taken": 1}


@pytest.mark.parametrize("breaking", ["removed", "not utf-8", "empty", "a folder", "too long"])
def test_a_file_that_cannot_be_read_is_refused(file: Path, breaking: str) -> None:
    """At start it stops, later the last good one stays until the file is there again."""
    watch = Watch(file)
    file.unlink()
    if breaking == "a folder":
        file.mkdir()
    elif breaking != "removed":
        file.write_bytes({"not utf-8": b"version: 1 # \xff", "empty": b"", "too long": b"#" * 2_000_000}[breaking])
    with pytest.raises(BadPolicy):
        load(file)
    with pytest.raises(BadPolicy):
        WatchedPolicy(file)
    assert [watch.alpha(), watch.alpha()] == [0.05, 0.05]
    assert watch.counted() == {"refused": 1}
    if breaking == "a folder":
        file.rmdir()
    file.write_text(saying("0.2"))
    assert watch.alpha() == 0.2


def test_a_byte_order_mark_is_no_fault(file: Path) -> None:
    """Editors on Windows write one."""
    file.write_bytes(b"\xef\xbb\xbf" + saying("0.3").encode())
    assert effective(load(file), SHOP).alpha == 0.3


def test_a_configmap_mount_is_followed(tmp_path: Path) -> None:
    """As kubelet does it: policy.yml -> ..data/policy.yml, ..data -> a folder; then ..data is renamed onto."""
    for name, alpha in (("..1", "0.05"), ("..2", "0.10"), ("..3", "0.9x")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yml").write_text(saying(alpha))
        os.utime(tmp_path / name / "policy.yml", ns=(1, 1))
    data, mounted = tmp_path / "..data", tmp_path / "policy.yml"

    def swap(folder: str) -> None:
        (tmp_path / "..data_tmp").symlink_to(folder)
        (tmp_path / "..data_tmp").rename(data)

    swap("..1")
    mounted.symlink_to("..data/policy.yml")
    watch = Watch(mounted)
    swap("..2")
    assert watch.alpha() == 0.1
    swap("..3")
    assert watch.alpha() == 0.1
    swap("..1")
    assert watch.alpha() == 0.05
    assert watch.counted() == {"taken": 2, "refused": 1}


def test_a_replaced_file_of_equal_size_is_seen(file: Path) -> None:
    """Also where the new one is as old as the first."""
    watch = Watch(file)
    other = file.with_name("other")
    other.write_text(saying("0.07"))
    os.utime(other, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    other.rename(file)
    assert watch.alpha() == 0.07

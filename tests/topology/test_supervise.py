"""Child processes: ended together, reported when they end by themselves, never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from topology.supervise import Children, Ended, supervise

MODULE = """
import signal, sys, threading
def say(word):
    print(word, file=sys.stderr, flush=True)
kind, ready = sys.argv[1], sys.argv[2]
stop = threading.Event()
signal.signal(signal.SIGTERM, signal.SIG_IGN if kind == "deaf" else lambda *_: stop.set())
open(ready, "w").close()
if kind == "crash":
    say("first")
    say("no such luck")
    sys.exit(3)
stop.wait()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Stands in for `topology`: obeys, is deaf to SIGTERM, or crashes."""
    (tmp_path / "serinus_test_child.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "serinus_test_child"


def _await(*files: Path) -> None:
    deadline = time.monotonic() + 20
    while not all(file.exists() for file in files):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_stop_ends_all_of_them(module: str, tmp_path: Path) -> None:
    """Status 0, and nobody is left."""
    stop = threading.Event()
    with Children() as children:
        for name in ("a", "b"):
            children.start(name, ["obey", str(tmp_path / name)], module)
        processes = list(children.processes.values())
        _await(tmp_path / "a", tmp_path / "b")
        stop.set()
        assert supervise(children, stop) == 0
    assert [process.returncode for process in processes] == [0, 0]


def test_children_run_what_is_installed(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not what has its name in the directory that somebody stands in."""
    here = tmp_path / "here"
    here.mkdir()
    (here / f"{module}.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(here)
    with Children() as children:
        children.start("a", ["obey", str(tmp_path / "a")], module)
        _await(tmp_path / "a")


def test_a_crash_is_reported_and_ends_the_others(
    module: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Name, status and last line; the child's stderr is passed through; the status becomes ours."""
    with Children() as children:
        children.start("score-0", ["obey", str(tmp_path / "a")], module)
        other = children.processes["score-0"]
        _await(tmp_path / "a")
        children.start("ingest-0", ["crash", str(tmp_path / "b")], module)
        assert supervise(children, threading.Event()) == 3
    assert "ingest-0 ended with status 3: no such luck; stopping the others" in caplog.text
    assert capfd.readouterr().err == "first\nno such luck\n"
    assert other.returncode == 0


def test_a_deaf_child_is_killed(module: str, tmp_path: Path) -> None:
    """After the grace, and the status says that it was no clean end."""
    stop = threading.Event()
    stop.set()
    with Children(grace_s=0.3) as children:
        children.start("a", ["deaf", str(tmp_path / "a")], module)
        process = children.processes["a"]
        _await(tmp_path / "a")
        assert supervise(children, stop) == 1
    assert process.returncode == -signal.SIGKILL


def test_the_end_of_a_needed_process_ends_all(module: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without its broker there is nothing to do."""
    with subprocess.Popen([sys.executable, "-c", ""]) as gone, Children() as children:
        children.start("a", ["obey", str(tmp_path / "a")], module)
        _await(tmp_path / "a")
        assert supervise(children, threading.Event(), {"embedded broker": gone}) == 1
    assert "embedded broker ended with status 0" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux does it")
def test_children_do_not_outlive_a_killed_parent(module: str, tmp_path: Path) -> None:
    """SIGKILL leaves a parent no time to clean up."""
    script = "import sys\nfrom topology.supervise import Children\nc = Children()\n"
    script += "c.start('a', ['obey', sys.argv[1]], sys.argv[2])\n"
    script += "print(c.processes['a'].pid, flush=True)\nsys.stdin.read()\n"
    command = [sys.executable, "-c", script, str(tmp_path / "a"), module]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        _await(tmp_path / "a")
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(10)
    deadline = time.monotonic() + 10
    while _alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _alive(pid)


def test_a_signal_is_named() -> None:
    """SIGKILL reads better than -9."""
    assert str(Ended("a", -9, "")) == "a ended with signal SIGKILL"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_children_see_the_environment_they_are_given(module: str, tmp_path: Path) -> None:
    """And no more of ours: without the path that finds it the stand-in is not there."""
    with Children(environment={"PATH": os.environ["PATH"]}) as children:
        children.start("a", ["obey", str(tmp_path / "a")], module)
        ended = children.next_ended(20)
    assert ended is not None
    assert "No module named" in ended.last_line

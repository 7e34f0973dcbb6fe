"""`.ci/run` is red where anything of it failed, whatever ran beside it: here with a `make` that does as it is told."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / ".ci/run"
MAKE = """#!/bin/bash
for task; do if [[ $task =~ ^(test|fetch|.venv) ]]; then break; fi; done
echo "$task" >>made
case $task in
    test-*) if [[ -e .pytest_cache/$task/lastfailed ]]; then echo "$task knows what failed" >>made; fi ;;
esac
if [[ $task == "${KILLED:-}" ]]; then kill -KILL $PPID; fi
if [[ $task == "${FAILS:-}" ]]; then exit 2; fi
if [[ $task == "${FAILS_ONCE:-}" && $(grep -cx "$task" made) == 1 ]]; then exit 2; fi
"""
TOOLS = {
    "bin/make": MAKE,
    "bin/java": "#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n",
    "deploy/kafka/run": '#!/bin/sh\ntest "$FAILS" != fetch-kafka\n',
    "tests/prometheus/install": '#!/bin/sh\ntest "$FAILS" != fetch-prometheus\n',
    **{f"bin/{name}": "#!/bin/sh\n" for name in ("mvn", "go", "apt-get")},
}
ALL = [".venv/.ready", "fetch-argo", "test", "test-argo", "test-kafka", "test-prometheus"]


@pytest.fixture
def ci(tmp_path):
    """Runs it with some words of the environment: its status, what it complained of, what was made."""
    for name, text in TOOLS.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
    (tmp_path / ".ci").mkdir()
    shutil.copy(RUN, tmp_path / ".ci/run")

    def run(**words):
        environment = {
            **os.environ,
            "FAILS": "",
            "KILLED": "",
            "FAILS_ONCE": "",
            "PYTHON": sys.executable,
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            **words,
        }
        done = subprocess.run([tmp_path / ".ci/run"], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr, sorted((tmp_path / "made").read_text().splitlines())

    return run


def test_all_is_run_and_what_is_green_is_green(ci):
    """Promise: nothing is left out where everything can be had."""
    assert ci() == (0, "", ALL)


@pytest.mark.parametrize("task", ["test", "fetch-kafka", "test-kafka", "test-argo", "test-prometheus"])
def test_what_fails_is_red_and_the_rest_is_run(ci, task):
    """Promise: also what ran beside another, and what failed once more."""
    status, said, made = ci(FAILS=task)
    assert status == 1
    assert f"failed: {task}\n" in said
    assert sorted(set(made)) == ALL


def test_what_fails_once_is_tried_alone_and_told(ci, tmp_path):
    """Promise: of its first try, not of the day before."""
    known = tmp_path / ".pytest_cache/test-argo/lastfailed"
    known.parent.mkdir(parents=True)
    known.touch()
    status, said, made = ci(FAILS_ONCE="test-argo")
    assert (status, made) == (0, sorted([*ALL, "test-argo"]))
    assert "UNSTEADY, failed at the first try: test-argo\n" in said


@pytest.mark.parametrize(
    ("task", "left", "failed"),
    [("test-prometheus", ["test-argo"], "test-prometheus test-argo"), ("test-kafka", [], "test-kafka")],
)
def test_what_was_killed_beside_another_is_red(ci, task, left, failed):
    """Promise: tests that were not run do not pass."""
    status, said, made = ci(KILLED=task)
    assert made == [name for name in ALL if name not in left]
    assert (status, f"failed: {failed}\n" in said) == (1, True)


def test_without_what_all_of_it_needs_nothing_is_begun(ci):
    """Promise: two of them would set it up at once, in one place."""
    status, _, made = ci(FAILS=".venv/.ready")
    assert status != 0
    assert not {"test", "test-kafka", "test-argo"} & set(made)


def test_where_prometheus_cannot_be_had_it_is_said(ci):
    """Promise: no failure, and no silence."""
    status, said, made = ci(FAILS="fetch-prometheus")
    assert (status, made) == (0, [name for name in ALL if name != "test-prometheus"])
    assert "NO PROMETHEUS" in said

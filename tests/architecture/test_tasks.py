"""The tasks of the Makefile that look for tests with a mark in one folder find them all."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mark", ["kafka", "prometheus", "argo"])
def test_all_tests_with_a_mark_are_where_its_task_looks(mark):
    """To import all the others would take longer than some of these."""
    recipe = re.search(rf"^test-{mark}:.*\n(.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe is not None
    folder = ROOT / recipe[1].split()[-1]
    marked = [file for file in ROOT.glob("tests/**/test_*.py") if re.search(rf"mark\.{mark}\b", file.read_text())]
    assert marked
    assert [file for file in marked if not file.is_relative_to(folder)] == []

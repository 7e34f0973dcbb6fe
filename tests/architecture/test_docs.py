"""What README and docs name is there: options, variables, metrics, paths, headings and tests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from topology.cli import command

ROOT = Path(__file__).parents[2]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXTS = {doc: doc.read_text(encoding="utf-8") for doc in DOCS}
CODE, TESTS = (
    "\n".join(path.read_text(encoding="utf-8") for part in parts for path in (ROOT / part).rglob("*.py"))
    for parts in (("topology", "streams"), ("tests",))
)
BASES = (ROOT, ROOT / "docs", ROOT / "deploy", ROOT / "streams/judging", ROOT / "streams")
"""A path in the docs is told from one of these on."""
FOREIGN = {"--watch", "--sort-by", "--find-hanging", "--abort", "--merge", "--only", "--data", "--kafka", "--memory-s"}
FOREIGN |= {"--type", "--patch-file", "--from-literal", "--warm-up-s"}
"""Of kubectl, of Kafka's own tools, and of `python -m tests.bench`."""
OURS = re.compile(r"`((?:deploy|docs|tests|streams|topology)/[\w./-]+|[a-z_]+/[a-z_]+\.py|[a-z_]+\.py)`")


def _options() -> dict[str, set[str]]:
    """Command -> its options."""
    found: dict[str, set[str]] = {}
    waiting: list[tuple[str, click.Command]] = [("", command)]
    while waiting:
        path, each = waiting.pop()
        found[path] = {flag for option in each.params for flag in option.opts}
        if isinstance(each, click.Group):
            waiting += [(f"{path} {name}".strip(), below) for name, below in each.commands.items()]
    return found


OPTIONS = _options()


def _commands(text: str) -> Iterator[tuple[str, str]]:
    """Each `serinus COMMAND ...` that is written out: the command, and the words after it."""
    text = text.replace("\\\n", " ")
    for line in re.findall(r"(?:^|`|\$ |\| |bin/)serinus ((?:[^`\n#|>]|<[^>]*>)*)", text, re.MULTILINE):
        words = line.split()
        name = " ".join(words[:2]) if " ".join(words[:2]) in OPTIONS else words[0] if words else ""
        if name in OPTIONS and name:
            yield name, line


@pytest.mark.parametrize("doc", DOCS, ids=lambda path: path.name)
def test_options_are_there(doc):
    """Every `--option` is one of ours or of the tools named; after a command, one of that command."""
    everywhere = set().union(*OPTIONS.values()) | FOREIGN | {"--version", "--help"}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", TEXTS[doc])) <= everywhere
    for name, words in _commands(TEXTS[doc]):
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", words)) <= OPTIONS[name], f"serinus {words}"


@pytest.mark.parametrize("doc", DOCS, ids=lambda path: path.name)
def test_variables_are_there(doc):
    """Every SERINUS_ variable is that of an option, shared or of one command."""
    flags = {flag for flags in OPTIONS.values() for flag in flags}
    known = {f"SERINUS_{flag.lstrip('-')}" for flag in flags}
    known |= {f"SERINUS_{name}_{flag.lstrip('-')}" for name, flags in OPTIONS.items() for flag in flags}
    known = {name.upper().replace("-", "_").replace(" ", "_") for name in known}
    assert set(re.findall(r"\bSERINUS_[A-Z_]+\b", TEXTS[doc])) <= known


@pytest.mark.parametrize("doc", DOCS, ids=lambda path: path.name)
def test_metrics_are_there(doc):
    """Every serinus_ metric, or what several begin with, is made; OpenTelemetry adds unit and `_total`."""
    made = {name.replace(".", "_") for name in re.findall(r"\bserinus[._][a-z_.]+", CODE)}
    made |= {f"serinus_{name}" for name in re.findall(r'\bgauge\("([a-z_]+)"', CODE)}
    for name in re.findall(r"\bserinus_[a-z_]+", TEXTS[doc]):
        bare = re.sub(r"(_seconds)?(_total)?$", "", name)
        assert {name, bare} & made or any(each.startswith(f"{name}_") for each in made), name


@pytest.mark.parametrize("doc", DOCS, ids=lambda path: path.name)
def test_paths_are_there(doc):
    """Files and directories of this repository, links and their headings, tests and their modules."""
    for name in OURS.findall(TEXTS[doc]):
        assert any((base / name).exists() for base in BASES) or list(ROOT.glob(f"streams/**/{name}")), name
    for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", TEXTS[doc]):
        file = doc.parent / target if target else doc
        assert file.exists(), target
        headings = re.findall(r"^#+ (.*)$", TEXTS[file.resolve()], re.MULTILINE) if heading else []
        slugs = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
        assert not heading or heading in slugs, f"{target}#{heading}"
    for name in re.findall(r"`(test_[a-z_0-9]+)`", TEXTS[doc]):
        assert f"def {name}(" in TESTS or list(ROOT.glob(f"tests/**/{name}.py")), name


def test_commands_are_all_told_of():
    """No command that README and docs leave out."""
    text = "\n".join(TEXTS.values())
    assert [name for name in OPTIONS if name and f"serinus {name}" not in text] == []

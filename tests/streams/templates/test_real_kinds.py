"""Feedback on five lines of a kind classes the others right: shown on recorded lines, whichever the five are."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import msgspec
import pytest

from streams.records.log import Severity
from streams.templates.classes import Feedback
from streams.templates.lines import Lines, LinesState
from streams.windows.signature import Signature, fold, signature, signature_id

RECORDED = Path(__file__).parents[2] / "golden/lines/trainticket.jsonl"
KINDS = {"step of an order": ("[preserve][Step", "learned"), "servlet that threw": ("Servlet.service", "feedback")}
"""What all of a kind hold, and who knows the class of the others. Texts of the first differ, and it is learned; those
of the second differ in one word, so five of them become a template, which the others are part of."""
TRIED = 10
"""Choices of five; with each, all others of the kind are unseen."""


class Recorded(msgspec.Struct):
    """One line."""

    severity: str
    message: str


def recorded() -> dict[int, Signature]:
    """Signatures of the recorded lines, by number."""
    lines = [msgspec.json.decode(line, type=Recorded) for line in RECORDED.read_text().splitlines()]
    found = [signature(fold(line.message), Severity[line.severity]) for line in lines]
    return {signature_id(one): one for one in found}


def choices(kind: list[int]) -> list[tuple[int, ...]]:
    """Fives of a kind, drawn evenly."""
    return random.Random(7).sample(list(itertools.combinations(sorted(kind), 5)), TRIED)


@pytest.mark.parametrize("log_class", ["warning", "ignore", "critical"])
@pytest.mark.parametrize(("words", "source"), KINDS.values(), ids=KINDS)
def test_after_five_of_a_kind_the_unseen_others_are_classed_right(words, source, log_class):
    """Promise: all of the kind that no one has seen yet are of the class of the five, and no line of another kind is.

    After a restart, as the model is learned again from what was said; the unseen lines come one by one.
    """
    lines = recorded()
    kind = [number for number, one in lines.items() if words in one.text]
    others = {number: one for number, one in lines.items() if number not in kind}
    for five in choices(kind):
        known = {**others, **{number: lines[number] for number in five}}
        taught = Lines()
        before = {number: taught.read(number, one).classed.log_class for number, one in others.items()}
        taught.learn(known, 0, {})
        for at_ns, number in enumerate(five):
            what = taught.template(number)
            taught.hear(Feedback(at_ns, "eve", what, log_class, "they are all alike"))
        stored = msgspec.msgpack.encode(taught.to_state())
        for number in set(kind) - set(five):
            later = Lines(msgspec.msgpack.decode(stored, type=LinesState))
            later.learn({number: lines[number]}, 5, {})
            found = later.read(number).classed
            assert (found.log_class, found.source) == (log_class, source), lines[number].text
        assert {number: later.read(number, one).classed.log_class for number, one in others.items()} == before

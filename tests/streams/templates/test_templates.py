"""Signatures become templates: by their words, the same in any order of deltas, bounded, over restarts and rollouts."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records.log import Severity
from streams.templates.expressions import service_masks
from streams.templates.template import template
from streams.templates.templates import Budget, Templates, TemplatesState
from streams.windows.signature import Signature, signature_id

_WORDS = st.sampled_from(["open", "close", "user", "for", "cart", "bob", "eve", "mallory", "trent", "a.b.c", "<*>"])
_TEXTS = st.lists(_WORDS, min_size=1, max_size=6).map(" ".join)
_WINDOWS = st.lists(st.frozensets(_TEXTS, max_size=12), max_size=8)


def _window(texts, severity=Severity.INFO):
    """A window's signatures, by number."""
    found = [Signature(text, severity) for text in texts]
    return {signature_id(one): one for one in found}


def _number(text, severity=Severity.INFO):
    return template(text, severity).number


def _learned(windows, **options):
    templates = Templates(**options)
    for start, texts in enumerate(windows):
        templates.learn(_window(texts), start)
    return templates


def test_a_word_in_whose_place_others_stood_is_a_hole():
    """Promise: five different words in one place, or three behind one that announces a name, make one template."""
    templates = _learned([[f"cache {name} is now warm" for name in ("red", "blue", "green", "white")]])
    assert len(templates) == 4
    templates.learn(_window(["cache black is now warm"]), 1)
    assert [one.text for one in templates.all()] == ["cache <*> is now warm"]
    templates = _learned([[f"session opened for {name} again" for name in ("bob", "eve", "mallory")]])
    assert [one.text for one in templates.all()] == ["session opened for <*> again"]


def test_a_place_that_masking_knows_as_a_value_is_one_for_words_too():
    """Promise: one signature with a hole there is enough, whichever comes first."""
    for order in (["login of <*> failed", "login of bob failed"], ["login of bob failed", "login of <*> failed"]):
        templates = _learned([[text] for text in order])
        assert {templates.template_of(_number(text)) for text in order} == {_number("login of <*> failed")}


@pytest.mark.parametrize(
    "texts",
    [
        [f"{verb} the order now" for verb in ("place", "pay", "ship", "send", "drop", "lose")],
        [f"failed with java.io.{kind}Exception in cart" for kind in ("A", "B", "C", "D", "E", "F")],
        [f"failed with {kind}Exception in cart" for kind in ("A", "B", "C", "D", "E", "F")],
        [f"error x | a.B: y @ a.C.{frame} < a.D.e" for frame in "fghijk"],
        [f"answered with status={code} to all" for code in ("400", "404", "500", "502", "503", "504")],
        [f"{name}=<*> is the value" for name in ("a", "b", "c", "d", "e", "f")],
        [f"state {sign} after" for sign in ("-", "->", "*", "**", "--", "=>")],
    ],
)
def test_what_says_what_happened_is_never_a_hole(texts):
    """Promise: first words, exceptions, frames, statuses, keys and signs tell templates apart, however many come."""
    assert len(_learned([texts])) == len(texts)


def test_severities_do_not_mix():
    """Promise: lines that differ in severity are never one template."""
    texts = [f"cache {name} is now warm" for name in ("red", "blue", "green", "white")]
    templates = _learned([texts])
    templates.learn(_window(["cache black is now warm"], Severity.ERROR), 1)
    assert len(templates) == 5


def test_what_was_a_template_before_is_redirected():
    """Promise: counts made under a former template find where they belong, also over several mergers."""
    texts = [f"cache {name} is now warm" for name in ("red", "blue", "green", "white", "black")]
    templates = _learned([texts[:4]])
    before = [templates.template_of(_number(text)) for text in texts[:4]]
    learned = templates.learn(_window(texts[4:]), 1)
    assert set(learned.redirects) == set(before)
    assert {templates.template_of(number) for number in before} == set(learned.redirects.values())


def test_a_merger_may_merge_on():
    """Promise: two places that vary end in one template; what was redirected before still finds it."""
    texts = [f"move {thing} of the cart by {who} to end" for thing in "abcdef" for who in "uvwxyz"]
    templates = _learned([texts])
    assert [one.text for one in templates.all()] == ["move <*> of the cart by <*> to end"]
    assert {templates.template_of(_number(text)) for text in texts} == {templates.all()[0].number}


@given(_WINDOWS, st.randoms(use_true_random=False))
def test_the_order_within_a_window_does_not_show(windows, draw):
    """Promise: a window's signatures give the same state to the bit in whatever order its deltas came."""
    shuffled = [draw.sample(sorted(texts), len(texts)) for texts in windows]
    one, other = _learned(windows).to_state(), _learned(shuffled).to_state()
    assert sorted(one.templates.items()) == sorted(other.templates.items())
    assert sorted(one.parts.items()) == sorted(other.parts.items())


@pytest.mark.parametrize("budget", [Budget(), Budget(templates=5, signatures=6, new=4)])
@given(before=_WINDOWS, after=_WINDOWS)
def test_the_state_round_trips(budget, before, after):
    """Promise: encoded, decoded and gone on with, it does what it would have done, also where much is forgotten."""
    templates = _learned(before, budget=budget)
    encoded = msgspec.msgpack.encode(templates.to_state())
    again = Templates(budget, msgspec.msgpack.decode(encoded, type=TemplatesState))
    for start, texts in enumerate(after, len(before)):
        assert again.learn(_window(texts), start) == templates.learn(_window(texts), start)
    assert msgspec.msgpack.encode(again.to_state()) == msgspec.msgpack.encode(templates.to_state())
    assert Templates(budget, templates.to_state())._patterns == templates._patterns


@given(_WINDOWS)
def test_every_signature_has_a_template(windows):
    """Promise: what was learned and is within the budget is never lost, and its template is one of those told."""
    templates = _learned(windows)
    numbers = {one.number for one in templates.all()}
    assert {templates.template_of(_number(text)) for texts in windows for text in texts} <= numbers


def test_numbers_are_the_same_in_the_next_rollout():
    """Promise: a template's number follows from its text, so another process that sees other fillers agrees."""
    one = _learned([[f"cache {name} is now warm" for name in "abcde"]])
    other = _learned([[f"cache {name} is now warm" for name in "vwxyz"]])
    assert one.all() == other.all()


def test_distinct_lines_cost_bounded_memory_and_work_and_are_told():
    """Promise: lines that never repeat stay within the budget; what is left out is counted, not lost silently."""
    draw = random.Random(1)
    templates = Templates(Budget(templates=200, signatures=500, new=100))
    for start in range(20):
        texts = [" ".join(f"{draw.getrandbits(40):x}x" for _ in range(9)) for _ in range(1000)]
        learned = templates.learn(_window(texts), start)
        assert learned.left_out >= 900
        assert len(templates) <= 200
    state = templates.to_state()
    assert len(state.parts) <= 500
    number = signature_id(Signature("never seen", Severity.ERROR))
    assert templates.template_of(number) is None


def test_what_is_grave_or_frequent_survives_a_flood():
    """Promise: of too many new lines the gravest and most frequent are learned, and what is known is not pushed out."""
    draw = random.Random(2)
    templates = Templates(Budget(templates=100, signatures=100, new=50))
    templates.learn(_window(["disk of the shop is full"], Severity.ERROR), 0)
    for start in range(1, 30):
        flood = _window([" ".join(f"{draw.getrandbits(40):x}x" for _ in range(9)) for _ in range(500)])
        often = _window([f"often seen {start}"])
        templates.learn({**flood, **often}, start, dict.fromkeys(flood, 1) | dict.fromkeys(often, 9))
        assert templates.template_of(next(iter(often))) is not None
    assert templates.template_of(_number("disk of the shop is full", Severity.ERROR)) is not None


@pytest.mark.parametrize("windows", [4, 30])
def test_what_a_flood_has_pushed_out_makes_no_hole(windows):
    """Promise: words of texts that had to go count no more, few or many that went since; those that come again do."""
    draw = random.Random(3)
    templates = Templates(Budget(templates=100, signatures=100, new=50))
    texts = [f"the {word} of the shop is open" for word in ("door", "gate", "hatch", "lid", "roof")]
    templates.learn(_window(texts[:4]), 0)
    for start in range(1, windows):
        flood = [" ".join(f"{draw.getrandbits(40):x}x" for _ in range(9)) for _ in range(500)]
        templates.learn(_window(flood), start)
    assert all(templates.template_of(_number(text)) is None for text in texts[:4])
    templates.learn(_window(texts[4:]), windows)
    assert templates.template_of(_number(texts[4])) == _number(texts[4])
    templates.learn(_window(texts[:4]), windows + 1)
    whole = templates.template_of(_number(texts[4]))
    assert templates.template(whole).text == "the <*> of the shop is open"


def test_many_signatures_of_one_template_are_bounded():
    """Promise: a template that a million values were seen of costs its redirects, within their budget."""
    templates = Templates(Budget(templates=50, signatures=300, new=200))
    for start in range(20):
        templates.learn(_window([f"login of n{start}x{number} failed" for number in range(200)]), start)
    assert [one.text for one in templates.all()] == ["login of <*> failed"]
    assert len(templates.to_state().parts) <= 300


def test_a_service_may_name_its_own_values():
    """Promise: what a mask list matches is a hole from the first line on; counts stay under the signatures."""
    templates = Templates(mask=service_masks(["tenant [a-z]+"]))
    templates.learn(_window(["quota of tenant acme reached", "quota of tenant ajax reached"]), 0)
    assert [one.text for one in templates.all()] == ["quota of <*> reached"]
    assert templates.template_of(_number("quota of tenant acme reached")) == templates.all()[0].number

"""A run of messages is read as each of them alone is."""

from __future__ import annotations

import random

import pytest

from streams.errors import BadRecord
from streams.shippers.formats import FORMATS, reader
from streams.shippers.reader import outcome
from tests.streams.shippers import golden
from tests.streams.shippers.test_hostile import PLAIN, TABLE

PAYLOADS = {
    "logs": [payload for content, _, _, payload in golden.cases() if content == "logs"]
    + [payload for payload, _ in TABLE.values()],
    "metrics": [payload for content, _, _, payload in golden.cases() if content == "metrics"],
}


def plain(found):
    """What was found in a message, in a form that compares."""
    several = found if isinstance(found, list | tuple) else [found]
    return [(one.reason, one.detail) if isinstance(one, BadRecord) else one for one in several]


@pytest.mark.parametrize(
    ("content", "format_name"), [(content, name) for content, formats in FORMATS.items() for name in formats]
)
def test_a_run_is_read_like_its_messages(content, format_name):
    """Whatever comes before or after it, and however often it comes, a message means the same; nothing is raised."""
    draw = random.Random(format_name)
    many, alone = reader(content, format_name), reader(content, format_name)
    for _ in range(20):
        payloads = draw.choices(PAYLOADS[content], k=draw.choice((1, 5, 60)))
        times_ns = [golden.MESSAGE_TIME_NS + position for position in range(len(payloads))]
        found = many.read_all(payloads, times_ns.__getitem__)
        each = [outcome(alone.read, payload, time_ns) for payload, time_ns in zip(payloads, times_ns, strict=True)]
        assert [plain(one) for one in found] == [plain(one) for one in each]


@pytest.mark.parametrize("format_name", ["auto", "fluent-bit"])
@pytest.mark.parametrize(
    "changed",
    [
        b'"level":"warn","log":',
        b'"lvl":3,"log":',
        b'"severity":"ERROR","log":',
        b'"log.level":"error","log":',
        b'"@l":"Error","log":',
        b'"level":null,"log":',
        b'"message":"other","log":',
        b'"msg":"other","log":',
        b'"trace_id":"a","log":',
        b'"traceId":"a","log":',
        b'"trace.id":"a","log":',
        b'"request_id":"a","log":',
        b'"kubernetes":{"labels":{"a":"b"}},"log":',
        b'"log":"x","log":',
        b'"log":"{\\"log\\":\\"x\\", \\"and\\":\\"more than the line itself says\\"}","log":',
        b'"@timestamp":1.5,"m":"{\\"@timestamp\\":1.5}","log":',
        b'"m":"a \\"quoted\\" word","log":',
        b'"@timestamp":"2026-08-21T10:13:20Z","log":',
        b'"time":1,"log":',
        b'"log":1,"other":',
    ],
)
def test_a_line_that_is_nearly_plain(format_name, changed):
    """A plain line with any one field more is read in a run as it is alone, also when its container is known."""
    line = PLAIN
    odd = line.replace(b'"log":', changed, 1)
    assert odd != line
    many, alone = reader("logs", format_name), reader("logs", format_name)
    outcome(alone.read, line, 1)
    found = many.read_all([line, line, odd, line], lambda _: 1)
    expected = [outcome(alone.read, payload, 1) for payload in (line, odd)]
    assert [plain(one) for one in found] == [plain(expected[0])] * 2 + [plain(expected[1]), plain(expected[0])]

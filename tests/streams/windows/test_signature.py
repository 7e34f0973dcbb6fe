"""The same line gives the same signature; what varies becomes a hole; hostile lines cost bounded time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records.log import Severity
from streams.windows import masks
from streams.windows.signature import MAX_LINE_CHARACTERS, Signature, fold, signature, signature_id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("took 15 ms", "took 7 ms"),
        ("user=17 logged in from 10.0.0.1:443", "user=99 logged in from 192.168.17.254:80"),
        ("id 550e8400-e29b-41d4-a716-446655440000 done", "id 6ba7b810-9dad-11d1-80b4-00c04fd430c8 done"),
        ('open "a.txt" failed', 'open "b.txt" failed'),
        ("at 0xdeadbeef", "at 0x7ffe0001"),
        ("key deadbeefcafe lost", "key 0badf00d1234 lost"),
        ("read /etc/hosts", "read /var/lib/app/data.db"),
        ("get https://shop.example/a?b=c ok", "get http://10.0.0.1/ ok"),
        ("sent to eve@shop.example", "sent to bob.b+x@mail.shop.example"),
        ("from db.prod.svc.cluster.local", "from cache.shop.com"),
        ("peer db:5432 gone", "peer db:5433 gone"),
        ("used 1.5 GB", "used 93 KB"),
        ("at Fri Nov 13 10:00:01 2026", "at Mon Jan 2 09:00:00 2006"),
        ("host db (10.0.0.1) down 3 times", "host db (10.0.0.2) down 17 times"),
        ("ids 1, 2, 3", "ids 4"),
        ("open C:\\app\\a.log", "open D:\\b.log"),
        ("name=alpha done", "name=beta done"),
        ('"GET /a/1 HTTP/1.1" 200 5', '"GET /b?c=d HTTP/1.1" 302 0'),
        ("status=200 ok", "status=302 ok"),
        ("\x1b[31mred 1\x1b[0m", "red 2"),
        ("a   b\t1", "a b 1"),
        ("took <1 ms", "took 5 ms"),
        ('time=1 level=info msg="took 15 ms" user=17', 'time=2 level=info msg="took 7 ms" user=18 path=/a'),
    ],
)
def test_values_do_not_tell_lines_apart(one, other):
    """Promise: lines that differ in numbers, addresses, ids, quoted values or hex share a signature."""
    assert signature(fold(one)) == signature(fold(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("connection refused", "connection reset"),
        ("ERROR disk full", "WARN disk full"),
        ("java.io.IOException: x", "java.sql.SQLException: x"),
        ("eth down", "eth0 down"),
        ('"GET /a HTTP/1.1" 200 5', '"POST /a HTTP/1.1" 200 5'),
        ('"GET /a HTTP/1.1" 500 5', '"GET /a HTTP/1.1" 200 5'),
        ("status=404 in 3 ms", "status=200 in 3 ms"),
        ("can't open", "can't close"),
        ("yes/no", "no/yes"),
        ('time=1 level=info msg="cart priced" user=17', 'time=1 level=info msg="order read" user=17'),
        ('level=error msg=failed err="disk full"', 'level=error msg=failed err="no route"'),
    ],
)
def test_words_do(one, other):
    """Promise: lines that say different things do not."""
    assert signature(fold(one)) != signature(fold(other))


def test_severity_of_the_field_wins_over_the_line():
    """Promise: what the record says of its severity is believed before what the text looks like."""
    assert signature(fold("ERROR: retrying"), Severity.INFO).severity is Severity.INFO
    assert signature(fold("ERROR: retrying")).severity is Severity.ERROR


@pytest.mark.parametrize(
    ("line", "text", "severity"),
    [
        ('{"level":"error","msg":"no stock of 17"}', "error no stock of <*>", Severity.ERROR),
        (
            '{"@timestamp":"2026-03-01T12:00:00Z","log.level":"WARN","log.logger":"c.s.Cart","message":"slow 3 ms"}',
            "WARN c.s.Cart: slow <*>",
            Severity.WARN,
        ),
        ('{"severity":"ERROR","message":"failed","error":{"type":"a"}}', "ERROR failed", Severity.ERROR),
        (
            '{"level":50,"msg":"x","stack":"TypeError: y\\n    at Cart.total (/a.js:1:2)"}',
            "error x | TypeError: y @ Cart.total",
            Severity.ERROR,
        ),
        (
            # zap's production encoder: the cause is the error; the stack names no exception.
            '{"level":"error","msg":"failed","error":"no","stacktrace":"main.pay\\n\\t/a.go:88\\nmain.Error\\n\\t/a.go:9"}',
            "error failed (no)",
            Severity.ERROR,
        ),
        (
            # net/http's error log through slog.SetDefault
            '{"level":"INFO","msg":"http: panic serving 10.0.0.7: x\\ngoroutine 6 [running]:\\nmain.a(0x1)\\n\\t/a:7"}',
            "INFO http: panic serving <*>: x | @ main.a",
            Severity.ERROR,
        ),
        ('{"level":"info","exception":"java.io.IOException: z"}', "info (java.io.IOException: z)", Severity.INFO),
        ('{"msg":"a","err":{"message":"b","level":"warn"}}', "warn a", Severity.WARN),
        ('{"took":3,"user":"bob"}', "{took user}", Severity.UNSET),
        ('{"msg":"done","status":503}', "done status=503", Severity.UNSET),
        ('{"msg":"done","status":200}', "done", Severity.UNSET),
        ('{"level":"error","msg":"cut \\', "error cut", Severity.ERROR),
        ("{not json at all 5", "{}", Severity.UNSET),
    ],
)
def test_a_json_line_is_its_message_level_logger_and_exception(line, text, severity):
    """Promise: fields that say what happened make the signature, in the spellings that loggers have; values do not."""
    found = signature(fold(line))
    assert found.text == text
    assert found.severity is severity


def test_order_and_values_of_other_fields_do_not_tell_json_lines_apart():
    """Promise: trace ids, times and durations in other fields change nothing."""
    one = signature(fold('{"ts":1,"msg":"placed","trace":"ab12"}'))
    assert one == signature(fold('{"trace":"ff00","msg":"placed","ts":2222}'))


@given(st.text(max_size=300))
def test_any_text_has_a_signature_and_it_is_a_function_of_the_folded_line(text):
    """Promise: no text breaks it, and equal folds give equal signatures and ids."""
    folded = fold(text)
    first, second = signature(folded), signature(bytes(folded))
    assert first == second
    assert signature_id(first) == signature_id(second)
    assert 0 <= signature_id(first) < 2**63


@pytest.mark.parametrize(
    ("line", "text", "severity"),
    [
        (
            (
                'E0301 12:00:00.123456  17 workers.go:1300] "Error syncing pod" err="failed to \\"StartContainer\\" '
                'for \\"shop\\" with CrashLoopBackOff: \\"back-off 5m0s\\"" pod="prod/shop-7f9c6d5b4"'
            ),
            'error workers.go: Error syncing pod (failed to "<*>" for "<*>" with CrashLoopBackOff: "<*>")',
            Severity.ERROR,
        ),
        (
            'I0301 12:00:00.123456       1 kubelet.go:2421] "SyncLoop ADD" pods=["a/b"]',
            "info kubelet.go: SyncLoop ADD",
            Severity.INFO,
        ),
        ('W0301 12:00:00.123456       1 a.go:7] "Cut \\', "warning a.go: Cut", Severity.WARN),
        ("E0301 12:00:00.123456       1 a.go:7] no quotes here: x", "<*>] no quotes here: x", Severity.ERROR),
    ],
)
def test_a_line_of_klog_is_its_message_and_error(line, text, severity):
    """Promise: Kubernetes' structured lines tell what happened; their names and values do not tell them apart."""
    assert signature(fold(line)) == Signature(text, severity)


@pytest.mark.parametrize("unit", ["a", "0", "<*> ", '"', "'", "a=", "\x1b[0m", "(" * 7, "é", "0a-"])
def test_long_lines_are_cut_before_they_cost(unit):
    """Promise: only the first characters of a line count, and the signature is short, whatever it is made of."""
    line = unit * 200_000
    assert len(fold(line)) <= 4 * MAX_LINE_CHARACTERS
    assert len(signature(fold(line)).text) <= 512


def test_control_characters_do_not_reach_readers():
    """Promise: terminal escapes of a hostile log never get into a signature."""
    assert "\x1b" not in signature(fold("\x1b[31mERROR\x1b[0m \x07boom")).text


@pytest.mark.parametrize(
    ("line", "text", "severity"),
    [
        # logrus (TextFormatter), behind go-grpc-middleware's logging interceptor
        (
            'time="2026-11-30T14:52:42Z" level=warning msg="finished call" grpc.error="code = 14 desc = \\"/x\\": EOF"',
            "warning finished call",
            Severity.WARN,
        ),
        # log/slog's TextHandler
        (
            'time=2026-11-30T14:52:42.001Z level=ERROR source=main.go:42 msg="order 17 failed" err="disk full"',
            "ERROR order <*> failed (disk full)",
            Severity.ERROR,
        ),
        # go-kit/log
        (
            'level=info ts=2026-11-30T14:52:42Z caller=main.go:12 event=load msg="WAL segment 7 loaded"',
            "info WAL segment <*> loaded",
            Severity.INFO,
        ),
        # Its level is that under its key, wherever it stands and whatever the message quotes.
        ('msg="order 17 failed, HINT:  see log" level=error', "error order <*> failed, HINT: see log", Severity.ERROR),
        ('caller=x.go:1 msg="answered ERROR" level=info', "info answered ERROR", Severity.INFO),
        # Without a message (Rails' lograge), or not from the first word on, it is a line like any other.
        (
            "method=GET path=/orders format=html status=503 duration=12.1",
            "method=<*> path=<*> format=<*> status=503 duration=<*>",
            Severity.UNSET,
        ),
        ("WARN retry of level=info msg=none", "WARN retry of level=<*> msg=<*>", Severity.WARN),
    ],
)
def test_logfmt(line, text, severity):
    """Promise: what a line of logfmt says is its level, message and error, not which keys stand in it."""
    found = signature(fold(line))
    assert (found.text, found.severity) == (text, severity)


@given(st.text(st.sampled_from('ab=" \\0msglevel'), max_size=400))
def test_any_line_is_read_as_logfmt_or_not_at_all(noise):
    """Promise: whatever stands between or behind pairs, a message that comes whole is found."""
    quoted = noise.replace("\\", "").replace('"', "")
    found = signature(fold(f'level=info note="{quoted}" msg="cart priced" {noise}'))
    assert found.text == "info cart priced"


@given(st.text(st.sampled_from("abzAZ0459٣é_-+%~$:;,=()[]{}<>|\"'#"), min_size=1, max_size=20))
def test_a_word_without_an_address_is_masked_as_any(word):
    """Promise: that words without the sign of an address go by fewer expressions, or none, changes no signature."""
    assert masks._PLAIN.sub(masks._hole, word) == masks._PART.sub(masks._hole, word) == masks._masked(word)


@given(st.text(st.sampled_from("abfF0459٣é"), min_size=1, max_size=12))
def test_a_word_of_letters_and_digits_is_masked_as_any(word):
    """Promise: the same of ids, numbers, statuses and names that end in a digit."""
    assert masks._masked(word) == masks._PART.sub(masks._hole, word)

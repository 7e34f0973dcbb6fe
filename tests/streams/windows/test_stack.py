"""A stack trace is its exceptions and their nearest frames; its lines are known by their form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.records.log import Severity
from streams.windows.signature import fold, signature
from streams.windows.stack import trace
from streams.windows.stack_lines import Form, continues, form
from tests.streams.windows.traces import SIGNATURES, TRACES


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_its_types_messages_and_top_frames(name):
    """Promise: one exception has one signature: head, then type, cleaned message and top frames of each cause."""
    assert signature(fold(TRACES[name])).text == SIGNATURES[name]


def test_a_long_trace_keeps_what_stands_far_down():
    """Promise: the cause below hundreds of frames, and what a deep Python traceback raised, are part of it."""
    deep = "".join(f"\n\tat com.shop.Deep.call{number}(Deep.java:{number})" for number in range(400))
    text = (
        TRACES["java, bare"]
        + deep
        + "\nCaused by: java.io.IOException: disk gone\n\tat com.shop.Disk.read(Disk.java:1)"
    )
    assert signature(fold(text)).text.endswith("| java.io.IOException: disk gone @ com.shop.Disk.read")
    calls = "".join(f'\n  File "/app/deep.py", line {number}, in call\n    call()' for number in range(400))
    text = f"Traceback (most recent call last):{calls}\nRecursionError: too deep"
    assert signature(fold(text)).text == "| RecursionError: too deep @ deep.call < deep.call < deep.call"


@pytest.mark.parametrize("name", TRACES)
def test_a_trace_is_an_error_at_least(name):
    """Promise: where the head does not say how grave it is, an exception is an error and a panic fatal."""
    expected = Severity.FATAL if name in {"go", "rails"} else Severity.ERROR
    assert signature(fold(TRACES[name])).severity is expected


@pytest.mark.parametrize(("one", "other"), [("4711", "8"), ("Java:88", "Java:90"), ("61 more", "7 more")])
def test_numbers_and_callers_far_away_do_not_tell_traces_apart(one, other):
    """Promise: ids, line numbers and counts of frames left out are no part of it."""
    text = TRACES["java"]
    assert signature(fold(text.replace(one, other))) == signature(fold(text))


def test_what_was_thrown_tells_traces_apart():
    """Promise: another type, or another place of the throw, is another event."""
    text = TRACES["java, bare"]
    assert signature(fold(text.replace("OutOfMemory", "StackOverflow"))) != signature(fold(text))
    assert signature(fold(text.replace("Arrays.copyOf(", "Arrays.fill("))) != signature(fold(text))


_CONTINUING = [
    "\tat com.shop.Pool.take(Pool.java:140)",
    "    at Cart.total (/app/cart.js:10:5)",
    "   at Shop.Pipe.Read(Byte[] buffer) in /src/Pipe.cs:line 12",
    "Caused by: java.io.IOException: closed",
    "\t... 12 more",
    "\t... 3 common frames omitted",
    "\tSuppressed: java.io.IOException: close failed",
    '  File "/app/shop/net.py", line 10, in connect',
    "During handling of the above exception, another exception occurred:",
    "The above exception was the direct cause of the following exception:",
    "goroutine 42 [running]:",
    "\t/src/main.go:5 +0x1d",
    "created by main.main in goroutine 1",
    "main.handle(0xc000010000, 0x1)",
    "   --- End of inner exception stack trace ---",
    " ---> System.IO.IOException: pipe closed",
    "  [Previous line repeated 996 more times]",
    "#1 [internal function]: {closure}(1)",
    "  thrown in /app/src/Cart.php on line 31",
    "stack backtrace:",
    "   0: __rustc::rust_begin_unwind",
    "   1: core::panicking::panic_fmt",
    "  12: <tower::util::oneshot::Oneshot<S,Req> as core::future::future::Future>::poll",
    "  13:     0x55f3c1a2 - shop::common",
    " 101: tokio::runtime::task::raw::RawTask<T>::poll",
    "  14: core::ops::function::FnOnce::call_once{{vtable.shim}}",
    "  15: std::sys::backtrace::__rust_begin_short_backtrace",
    "  16: <alloc::boxed::Box<F,A> as core::ops::function::FnOnce<Args>>::call_once",
    f"  16: <tower::util::MapResponse<{400 * 'a'}> as core::future::future::Future>::poll",
    "  17: __libc_start_main",
    "  18: main",
    "  19: <unknown>",
    "  20: core::ptr::drop_in_place<alloc::vec::Vec<u8>>",
    "  21: shop::<impl shop::Priced for shop::Cart>::total",
    "  22: shop::main::{{closure}}::h0123456789abcdef",
    "  23: _ZN4core9panicking5panic17h0123456789abcdefE",
    "PHP   1. {main}() /app/index.php:0",
    "PHP  12. Cart->total() /app/src/Cart.php:31",
    "             at ./src/cart.rs:31:9",
    "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace",
    "lib/orders.rb:9:in `block in call'",
    "\tWrapped by: java.io.IOException: closed",
    "Wrapped by: java.io.IOException: closed",
    "Suppressed: java.io.IOException: closed",
    "Stack trace:",
    "      errno: -111,",
    "      port: 5432",
    "      dest: '/data/b'",
    "      in function  shop_cart:total/1 (src/shop_cart.erl, line 31)",
    "      in call from gen_server:try_handle_call/4 (gen_server.erl, line 1123)",
    "[signal SIGSEGV: segmentation violation]",
    "... 12 more",
]


@pytest.mark.parametrize("line", _CONTINUING)
def test_a_line_of_a_trace_is_known_without_its_head(line):
    """Promise: a continuation is known by its form, also when its digits are folded."""
    assert continues(line)
    assert continues(fold(line).decode())


_PIECES = sorted(
    {
        piece
        for text in [*TRACES.values(), *_CONTINUING]
        for line in text.split("\n")
        for piece in (line, line[:12], line.strip(), line[-9:])
    }
)


@given(
    st.lists(st.sampled_from(_PIECES) | st.sampled_from([*" \t#.-[]{}()\u2003:0", "main.f()", "a.b(0x1)"]), max_size=4)
)
def test_how_a_line_begins_and_ends_is_looked_at_first_and_changes_nothing(pieces):
    """Promise: the short look that spares most lines the long one misses none of those that go on."""
    line = "".join(pieces)
    assert continues(line) == (form(line) in {Form.FRAME, Form.CAUSE, Form.REST})


@pytest.mark.parametrize(
    "line",
    [
        "",
        "INFO at 12:00 all is well",
        "  indented",
        "at the end of the day",
        "java.io.IOException: closed",
        "Traceback (most recent call last):",
        "panic: no",
        "order 7 caused by: a customer",
        '{"msg":"\\tat com.shop.Pool.take(Pool.java:140)"}',
        "ValueError: bad",
        "  1: foo::bar",
        "   1: <ERROR> no stock",
        "   2: _cart_ lost",
        "   3: fe80::1 is down",
        "   4: rustic chair sold out",
        "   5: core::resultless orders",
        "PHP 8. is needed",
    ],
)
def test_a_line_that_may_begin_an_event_is_none(line):
    """Promise: what may be an event of its own is never taken for a continuation."""
    assert not continues(line)


def test_text_of_several_lines_that_is_no_trace_is_no_trace():
    """Promise: pretty-printed values and banners are one masked line."""
    assert trace("starting\n  port: 80\n  name: shop") is None
    assert signature(fold("starting\n  port: 80\n  name: shop")).text == "starting port: <*> name: shop"
    assert signature(fold("starting with {\n  name: shop\n}")).text == "starting with { name: shop }"
    json = r'{"level":"ERROR","message":"{\n  \"code\": \"no stock\"\n}"}'
    assert signature(fold(json)).text == 'ERROR { "<*>": "<*>" }'


@pytest.mark.parametrize(
    "unit", ["a.", "a.b(", "\tat a.b(c)\n", "Caused by: ", "aError: ", "...\n", " ", 'File "', "-"]
)
@pytest.mark.timeout(30)
def test_hostile_traces_cost_bounded_time(unit):
    """Promise: whatever a line repeats, its signature takes milliseconds, not minutes."""
    signature(fold(unit * 100_000))

"""Stack traces as five runtimes write them, and what is to be made of each."""

from __future__ import annotations

JAVA = """\
2026-03-01 12:00:00.123 ERROR [http-nio-8080-exec-7] c.s.OrderService - order 4711 failed
com.shop.OrderFailed: java.sql.SQLException: no connection to 10.0.0.7
\tat com.shop.OrderService.place(OrderService.java:88) ~[shop.jar:1.2]
\tat com.shop.OrderController.post(OrderController.java:31)
\tSuppressed: java.io.IOException: close failed
\t\tat com.shop.Cart.close(Cart.java:9)
\t... 61 more
Caused by: java.sql.SQLException: no connection to 10.0.0.7
\tat com.shop.Pool.take(Pool.java:140)
\t... 63 common frames omitted
Caused by: java.net.ConnectException: refused
\t... 70 more"""
JAVA_BARE = """\
java.lang.OutOfMemoryError: Java heap space
\tat java.util.Arrays.copyOf(Arrays.java:3332)
\tat com.shop.Report.render(Report.java:12)"""
PYTHON = """\
ERROR:shop.orders:order 4711 failed
Traceback (most recent call last):
  File "/app/shop/net.py", line 10, in connect
    sock.connect(address)
    ~~~~~~~~~~~~^^^^^^^^^
ConnectionRefusedError: [Errno 111] refused

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/shop/orders.py", line 31, in place
    connect()
  File "/app/shop/net.py", line 12, in connect
    raise OutOfStock(7) from None
shop.orders.OutOfStock: 7 pieces"""
GO = """\
panic: runtime error: index out of range [5] with length 3

goroutine 42 [running]:
github.com/shop/cart.(*Cart).Total(0xc000010000, {0x1, 0x2})
\t/src/cart/cart.go:12 +0x1d
main.handle(...)
\t/src/main.go:5
created by main.main in goroutine 1
\t/src/main.go:3 +0x20"""
DOTNET = """\
System.InvalidOperationException: order 4711 failed
 ---> System.IO.IOException: pipe closed
   at Shop.Pipe.Read(Byte[] buffer) in /src/Pipe.cs:line 12
   --- End of inner exception stack trace ---
   at Shop.Orders.Place(Int32 id) in /src/Orders.cs:line 3"""
NODE = """\
TypeError: Cannot read properties of undefined (reading 'price')
    at Cart.total (/app/cart.js:10:5)
    at async Promise.all (index 0)
    at /app/server.js:3:1"""

RUST = """\
thread 'tokio-rt-worker' (7719) panicked at src/main.rs:18:80:
index out of bounds: the len is 0 but the index is 5
stack backtrace:
   0: __rustc::rust_begin_unwind
   1: core::panicking::panic_fmt
             at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/core/src/panicking.rs:75:14
   2: core::panicking::panic_bounds_check
   3: shop::common
             at ./src/main.rs:18:80
   4: <tower_http::catch_panic::ResponseFuture<F,T> as core::future::future::Future>::poll
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace."""

NET_HTTP = """\
2026/11/30 11:42:45 http: panic serving 10.1.2.3:49100: assignment to entry in nil map
goroutine 6 [running]:
net/http.(*conn).serve.func1()
\t/usr/local/go/src/net/http/server.go:1947 +0xbe
panic({0x8c3e40?, 0x9d8a10?})
\t/usr/local/go/src/runtime/panic.go:792 +0x132
main.common({0x9dc1c0, 0xc000170000}, 0xc00017e000)
\t/src/main.go:73 +0x5ab"""

FETCH = """\
TypeError: fetch failed
    at node:internal/deps/undici/undici:14976:13
    at async stock (/app/stock.js:18:13) {
  [cause]: Error: connect ECONNREFUSED 10.0.0.7:443
      at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16) {
    errno: -111,
    code: 'ECONNREFUSED',
    syscall: 'connect',
  }
}"""

TRACES = {"java": JAVA, "java, bare": JAVA_BARE, "python": PYTHON, "go": GO, ".net": DOTNET, "node": NODE}
TRACES |= {"rust": RUST, "net/http": NET_HTTP, "node, cause": FETCH}
SIGNATURES = {
    "java": (
        "<*> ERROR [<*>] c.s.OrderService - order <*> failed"
        " | com.shop.OrderFailed: java.sql.SQLException: no connection to <*>"
        " @ com.shop.OrderService.place < com.shop.OrderController.post"
        " | java.io.IOException: close failed @ com.shop.Cart.close"
        " | java.sql.SQLException: no connection to <*> @ com.shop.Pool.take"
        " | java.net.ConnectException: refused"
    ),
    "java, bare": "| java.lang.OutOfMemoryError: Java heap space @ java.util.Arrays.copyOf < com.shop.Report.render",
    "python": (
        "ERROR:shop.orders:order <*> failed | ConnectionRefusedError: [Errno <*>] refused @ net.connect"
        " | shop.orders.OutOfStock: <*> pieces @ net.connect < orders.place"
    ),
    "node, cause": (
        "| TypeError: fetch failed @ node < stock | Error: connect ECONNREFUSED <*> @ TCPConnectWrap.afterConnect"
    ),
    "net/http": (
        "<*> http: panic serving <*>: assignment to entry in nil map | @ net/http.(*conn).serve.func0 < main.common"
    ),
    "rust": (
        "| thread '<*>' (<*>) panicked at src/main.rs:<*>:"
        " @ shop::common < <tower_http::catch_panic::ResponseFuture<F,T> as core::future::future::Future>::"
    ),
    "go": (
        "| panic: runtime error: index out of range [<*>] with length <*>"
        " @ github.com/shop/cart.(*Cart).Total < main.handle"
    ),
    ".net": (
        "| System.InvalidOperationException: order <*> failed"
        " | System.IO.IOException: pipe closed @ Shop.Pipe.Read < Shop.Orders.Place"
    ),
    "node": (
        "| TypeError: Cannot read properties of undefined (reading '<*>') @ Cart.total < Promise.all < /app/server.js"
    ),
}

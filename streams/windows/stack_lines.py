r"""What is a line to a stack trace, going by its form?

Knows the lines of Java (with `Caused by`, `Suppressed`, `... 12 more`), Python, Go, .NET, Node, Ruby, PHP and Rust. A
line of `Form.FRAME`, `CAUSE` or `REST` belongs to an event that an earlier line began, whether or not we have seen that
line: it is never an event of its own.

Sources: java.lang.Throwable.printStackTrace; CPython Lib/traceback.py; Go runtime/traceback.go; .NET
Exception.ToString; V8's stack trace API; Node, `util.inspect` and "Class: SystemError"; php-src
Zend/zend_exceptions.c; Rust std::backtrace; Erlang/OTP, stdlib's `erl_error.erl` (`format_stacktrace`).
"""

from __future__ import annotations

import re
from enum import Enum

_MAX_FRAME = 80
_SCANNED = 400
"""Characters of a line that are looked at."""


class Form(Enum):
    """What a line is to a stack trace."""

    FRAME = 1
    """Where it was."""
    CAUSE = 2
    """Another exception of the same event follows: in this line or below it."""
    REST = 3
    """Belongs to the trace and says nothing."""
    HEAD = 4
    """A trace begins here: `Traceback`, `panic:`."""
    THROWN = 5
    """An exception and its message; begins an event, or ends a Python trace."""
    OTHER = 6


_TYPE = r"[A-Za-z_][\w$.`]{0,200}+(?:(?<=Exception)|(?<=Error)|(?<=Failure)|(?<=Throwable)|(?<=Interrupt))"
_RUST_INDEX = r"(?:\ \ \ [0-9]|\ \ [0-9]{2}|\ [0-9]{3}):\ ++(?:0x[0-9a-f]+\ -\ )?"
"""Four wide, flush right; other numbered lists are not."""
_FORMS = re.compile(
    rf"""
    (?P<noise>                                                                     # Rust: places, and what panics
        \s++at\ [^\s:]{{1,400}}\.rs:[0-9:]+\s*\Z
      | {_RUST_INDEX}(?:(?:__)?rust_\w+|(?:__rustc|(?:core|std)::(?:panic\w*|result|option|rt))::[^\s<]*+
            (?:<[^\n]*)?)\s*\Z
      | stack\ backtrace:\s*\Z | note:\ [^\n]*`RUST_BACKTRACE=[^\n]*
    )
  | (?P<frame>
        \s++at\ (?:async\ |new\ )?(?P<java>[\w.$<>/@\[\]`+~-]++)[^\n]*              # Java, .NET, Node
      | \s++at\ \S[^\n]*                                                           # any of them, unusual
      | \s*+File\ "(?P<file>[^"\n]*+)",\ line\ [0-9]++(?:,\ in\ (?P<python>[^\n]*+))?
      | (?=[\w/*()\[\]-]++\.)(?=[^\n]*+(?<=\))\Z)                                   # Go, a call
        (?P<go>[\w./*()\[\]-]+)\((?:0x|\.\.\.|\{{0x)[^\n]*+
      | (?P<bare>main\.[\w.]+|[\w./*()-]+\.func[0-9]+(?:\.[0-9]+)*)\(\)\Z           # without arguments
      | \s++from\ \S+:[0-9]+:in\ [^\n]*                                            # Ruby
      | \s*+[^\s:]{{1,200}}\.rb:[0-9]+:in\ [`'][^`'\n]*'\s*\Z                              # Rails
      | \#[0-9]+\ (?:/[^\s(]*+\([0-9]+\):|\[internal\ function\]:|\{{main\}})[^\n]*   # PHP
      | PHP\ (?:\ \ [0-9]|\ [0-9]{{2}}|[0-9]{{3}})\.\ [^\n]*
      | {_RUST_INDEX}(?P<rust>                                                      # Rust: a path, a method, C's
            (?:[A-Za-z_][\w$]*+::)++[^\s<]*+(?:<[^\n]*)? | <[^\n:]*+::[^\n]* | <unknown> | main | _\w+
        )\s*\Z
    )
  | (?P<cause>
        \s*+(?:Caused\ by|Suppressed|Wrapped\ by):\ (?P<caused>[^\n]*+)
      | \s*+(?:--->|\[cause\]:)\ (?P<inner>[^\n]*+)                                # .NET, Node
      | During\ handling\ of\ the\ above\ exception[^\n]*
      | The\ above\ exception\ was\ the\ direct\ cause[^\n]*
    )
  | (?P<rest>
        \s*+\.\.\.\ [0-9]+\ (?:more|common\ frames)[^\n]*
      | \s*+---\ End\ of\ [^\n]*
      | \s++\[Previous\ line\ repeated\ [^\n]*
      | \s++\S+\.go:[0-9]+[^\n]*
      | goroutine\ [0-9]+\ [^\n]*\]?:
      | created\ by\ [\w./*()-]+(?:\ in\ goroutine\ [0-9]+)?\Z
      | \[signal\ SIG[^\n]*
      | \s{{2,}}(?:errno:\ -[0-9]+|port:\ [0-9]+                                        # Node, SystemError
            |(?:code|syscall|address|hostname|path|dest):\ '[^'\n]*'),?\Z
      | \s{{2,}}in\ (?:function|call\ from)\ \ ?[^\s:]++:[^\n]*                     # Erlang
      | \s*+\}}\Z
      | (?:PHP\ )?Stack\ trace:\s*\Z | \s++thrown\ in\ [^\n]*\ on\ line\ [0-9]+\s*\Z   # PHP
      | \s{{4,}}(?:\^|~)[\^~\s]*\Z                                                 # Python's marks
    )
  | (?P<head>(?:Traceback\ \(most\ recent\ call\ last\):|panic:\ |fatal\ error:\ )[^\n]*)
  | (?P<thrown>
        (?:Exception\ in\ thread\ "[^"\n]*+"\ |Unhandled\ exception\.\ |Uncaught\ )?+
        {_TYPE}(?:\ \[\w{{1,64}}\])?(?::\s[^\n]*|\s*)\Z                                # Node: a code behind the type
    )
    """,
    re.VERBOSE,
)
_FORM_OF = {
    "noise": Form.REST,
    "frame": Form.FRAME,
    "cause": Form.CAUSE,
    "rest": Form.REST,
    "head": Form.HEAD,
    "thrown": Form.THROWN,
}
_MAY_CONTINUE = re.compile(
    r"[\s#.\[}-]|stack b|note: |File \"|PHP |Caused by|Suppressed|Wrapped by|During |The above|gorout|created|Stack"
)
"""How lines of `Form.FRAME`, `CAUSE` and `REST` begin, but for Go's calls and Ruby's places: a fifth of `_FORMS`."""
_GO_PLACE = re.compile(r"\t\S+\.go:[0-9]+")
_GO_FUNCTION = re.compile(r"(?=[\w/-]++\.)[\w./*()\[\]-]++\Z")
_CLASS = re.compile(r"(?:[\w$]{1,80}+\.){1,16}+[A-Z][\w$]{0,100}+(?:: .*)?\Z")
"""A class with its package, and perhaps a message."""
_RAISED = re.compile(r"[A-Za-z_][\w.]*+(?::|\Z)")
_NAMED = re.compile(rf"(?:^|[\s\[(]){_TYPE}(?=[:\s,;)\]]|\Z)")


def form(line: str) -> Form:
    r"""What a line is to a stack trace, by itself.

    >>> form("\tat shop.Db.open(Db.java:42)").name, form("java.sql.SQLException: no connection").name
    ('FRAME', 'THROWN')
    >>> form("  indented").name
    'OTHER'
    """
    match = _FORMS.match(line[:_SCANNED])
    return Form.OTHER if match is None else _form(match)


def read(line: str) -> tuple[Form, str]:
    r"""The form, and what the line says: a frame its function, any other its exception; nothing if it has none.

    >>> read("\tat shop.Db.open(Db.java:42)")
    (<Form.FRAME: 1>, 'shop.Db.open')
    """
    match = _FORMS.match(line[:_SCANNED])
    if match is None:
        return Form.OTHER, ""
    what = _form(match)
    if what is Form.FRAME:
        return what, _function(match)
    if what is Form.CAUSE:
        return what, match["caused"] or match["inner"] or ""
    return what, "" if what is Form.REST else line.strip()


def continues(line: str) -> bool:
    r"""Whether the line belongs to an event begun earlier, whatever came before it.

    >>> continues("Caused by: java.io.IOException: closed"), continues("java.io.IOException: closed")
    (True, False)
    """
    line = line[:_SCANNED]
    if _MAY_CONTINUE.match(line) is None and not line.endswith(")") and ".rb:" not in line:
        return False
    return form(line) in {Form.FRAME, Form.CAUSE, Form.REST}


def looks_called(line: str, following: str) -> bool:
    r"""Whether two lines are a frame as zap and pkg/errors write it: a function without arguments, then its place.

    >>> looks_called("main.order", "\t/src/main.go:42"), looks_called("main.order", "\tat a.B.c(B.java:1)")
    (True, False)
    """
    return _GO_PLACE.match(following) is not None and _GO_FUNCTION.match(line) is not None


def looks_thrown(line: str) -> bool:
    """Whether a line may name an exception by nothing but its class, `shop.OrderFailed: no stock`: frames decide.

    >>> looks_thrown("shop.OrderFailed: no stock"), looks_thrown("shop failed: no stock")
    (True, False)
    """
    return _CLASS.match(line) is not None


def looks_raised(line: str) -> bool:
    """Whether a line may end a Python traceback: any class may be raised.

    >>> looks_raised("shop.OutOfStock: 7 pieces"), looks_raised("KeyboardInterrupt"), looks_raised("INFO ready")
    (True, True, False)
    """
    return _RAISED.match(line) is not None


def names_exception(line: str) -> bool:
    """Whether a type of exception stands in the line, so that frames may follow it."""
    return _NAMED.search(line[:_SCANNED]) is not None


def _form(match: re.Match[str]) -> Form:
    for name, what in _FORM_OF.items():
        if match[name] is not None:
            return what
    return Form.OTHER


def _function(match: re.Match[str]) -> str:
    """The function of a frame, without file, line and arguments."""
    python = match["python"]
    if python is not None:
        module = match["file"].replace("\\", "/").rpartition("/")[2].removesuffix(".py")
        name = f"{module}.{python}"
    else:
        name = match["java"] or match["go"] or match["bare"] or match["rust"] or match[0].strip()
    return name[:_MAX_FRAME]

"""Has what a series counts failed, as far as its attributes tell?

Exporters spell one thing in many ways: `status="500"`, `code="5xx"`, `statusCode="503"`, `grpc_code="Unavailable"`,
`status_code="STATUS_CODE_ERROR"`, `result="failure"`, `exception="IOException"`. What is asked is whether the *server*
failed: a client's mistake (4xx, InvalidArgument) is none, whoever counts it; it is asked for apart.

Sources: OpenTelemetry semantic conventions, "HTTP status" and "gRPC" (table of server span status), span status of the
span metrics connector; Micrometer's `outcome`, `result` and `exception`; Linkerd's `classification`; google/rpc
`code.proto`, the HTTP status of each gRPC code.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.signals.names import words

Attributes = Mapping[str, str]

_STATUS_KEYS = (
    *("http_response_status_code", "http_status_code", "http_response_code", "http_status", "http_code"),
    *("response_status_code", "response_code", "response_status", "status_code", "status", "code"),
)
_CLASS_KEYS = ("response_code_class", "code_class", "status_class")
_ENVOY_CLASS = "envoy_response_code_class"
_GRPC_KEYS = (
    *("rpc_response_status_code", "rpc_grpc_status_code", "grpc_code", "grpc_status", "grpc_status_code"),
    *("grpc_response_status", "grpc_server_status", "grpc_client_status"),
)
_OUTCOME_KEYS = ("outcome", "result", "classification", "kind", "process_status", "rcode", "state")
_FAULT_KEYS = ("error_type", "exception")
"""Of what was thrown; empty or `none` where nothing was."""
_GRPC_FAULTS = frozenset(
    {"2", "unknown", "4", "deadlineexceeded", "12", "unimplemented", "13", "internal", "14", "unavailable"}
    | {"15", "dataloss"}
)
"""Status codes that are the server's fault."""
_GRPC_CLIENT_ERRORS = frozenset(
    {"1", "cancelled", "3", "invalidargument", "5", "notfound", "6", "alreadyexists", "7", "permissiondenied"}
    | {"8", "resourceexhausted", "9", "failedprecondition", "10", "aborted", "11", "outofrange", "16"}
    | {"unauthenticated"}
)
"""Status codes that are a 4xx of HTTP."""
_CLIENT_ERRORS = frozenset({"clienterror"} | {fault for fault in _GRPC_CLIENT_ERRORS if fault.isalpha()})
_FAILED = frozenset(
    {"error", "errors", "failure", "failed", "fail", "servererror", "ioerror", "timeout", "exception"}
    | {"statuscodeerror"}
    | {fault for fault in _GRPC_FAULTS if fault.isalpha() and fault != "unknown"}
    | {"servfail"}
)
_GOOD = _CLIENT_ERRORS | frozenset(
    {"ok", "success", "succeeded", "successful", "completed", "statuscodeok", "statuscodeunset", "unset"}
    | {"redirection", "informational", "canceled", "noerror", "nxdomain"}
)


def failed(attributes: Attributes) -> bool | None:
    """Whether what a series counts has failed, by the server's fault; None where its attributes cannot tell.

    >>> failed({"statusCode": "503"}), failed({"status": "4xx"}), failed({"result": "failure"}), failed({"path": "/"})
    (True, False, True, None)
    """
    said = _said(attributes)
    told = [http_failed(said[key]) for key in _STATUS_KEYS if key in said]
    told += [http_failed(f"{said[key][0]}xx") for key in _CLASS_KEYS if key in said]
    told += [grpc_failed(said[key]) for key in _GRPC_KEYS if key in said]
    told += [_word_failed(said[key]) for key in (*_STATUS_KEYS, *_OUTCOME_KEYS) if key in said]
    told += [_plain(said[key]) not in {"none", "null"} for key in _FAULT_KEYS if key in said]
    return next((one for one in told if one is not None), None)


def client_error(attributes: Attributes) -> bool:
    """Whether what a series counts was refused as the client's mistake: HTTP 4xx, or the gRPC codes that are such.

    >>> [client_error(said) for said in ({"statusCode": "404"}, {"grpc_code": "Unauthenticated"}, {"code": "500"})]
    [True, True, False]
    """
    said = _said(attributes)
    return (
        any(_http_class(said[key]) == "4" for key in _STATUS_KEYS if key in said)
        or any(_http_class(f"{said[key][0]}xx") == "4" for key in (*_CLASS_KEYS, _ENVOY_CLASS) if key in said)
        or any(_plain(said[key]) in _GRPC_CLIENT_ERRORS for key in _GRPC_KEYS if key in said)
        or any(_plain(said[key]) in _CLIENT_ERRORS for key in (*_STATUS_KEYS, *_OUTCOME_KEYS) if key in said)
    )


def told_outcome(attributes: Attributes) -> bool | None:
    """The same by a word for how it ended alone, whatever the name says of failures; None where there is none.

    >>> told_outcome({"kind": "successful_without_retry"}), told_outcome({"code": "200"})
    (False, None)
    """
    said = _said(attributes)
    told = (_word_failed(said[key]) for key in _OUTCOME_KEYS if key in said)
    return next((one for one in told if one is not None), None)


def http_failed(code: str) -> bool | None:
    """Of an HTTP status or its class: `503`, `503.0` and `5xx` are the server's fault; None for what is none.

    >>> http_failed("502"), http_failed("4XX"), http_failed("5"), http_failed("500ms"), http_failed("UNKNOWN")
    (True, False, None, None, None)
    """
    first = _http_class(code)
    return first == "5" if first else None


def grpc_failed(code: str) -> bool:
    """Of a gRPC status code, by name or number.

    >>> grpc_failed("DEADLINE_EXCEEDED"), grpc_failed("13"), grpc_failed("NotFound")
    (True, True, False)
    """
    return _plain(code) in _GRPC_FAULTS


def _said(attributes: Attributes) -> Attributes:
    """Attributes that say something, under keys whose words are joined by underscores."""
    return {"_".join(words(key)): value for key, value in attributes.items() if value}


def _http_class(code: str) -> str:
    """The first digit of an HTTP status or its class; empty for what is none."""
    digits = code.removesuffix(".0").lower()
    known = len(digits) == 3 and digits[0] in "12345" and (digits[1:] == "xx" or digits.isdecimal())
    return digits[0] if known else ""


def _word_failed(word: str) -> bool | None:
    for plain in (_plain(word), next(iter(words(word)), "")):
        if plain in _FAILED or plain in _GOOD:
            return plain in _FAILED
    return None


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter.isalnum())

"""What does a counter in no rule count, where its attributes tell what failed from what did not?

Most services count under a prefix of their own: `shop_http_requests_total{code="500"}`, `jobs_total{result="failure"}`.
Where the words of the name speak of requests, and of none to others, they are requests served, and a source of exposure
after all of the table (`requests`); else a share of failed attempts, guessed like all that goes by words (`words`).
"""

from __future__ import annotations

from msgspec import structs

from streams.records.metric import Series
from streams.signals.metric import Read
from streams.signals.names import Stem, stems, words
from streams.signals.outcome import Attributes, client_error, failed, told_outcome
from streams.signals.reading import Reading, SeriesUse
from streams.signals.requests import COUNTS, PROXY_SOURCES, RequestRole
from streams.signals.rule import SignalRule
from streams.signals.units import base_unit, known_unit
from streams.signals.words import CLIENT_ERROR, ERRORS, GUESSED_WEIGHT, OTHERS, failed_signal

_REQUESTS = frozenset(("request", "requests", "req", "reqs", "rq", "response", "responses", "rpc", "rpcs", "http"))
_UNDER_WAY = frozenset(("active", "flight", "inflight", "inprogress", "pending", "progress", "queued"))
"""Has no outcome yet, whatever its attributes say: `litestar_requests_in_progress{status_code="200"}`."""
_SIZES = frozenset(("size", "bytes", "length"))
_PROXIES = frozenset(
    ("apisix", "caddy", "envoy", "haproxy", "istio", "kong", "linkerd", "nginx", "nginxplus", "traefik")
)
"""First words of what proxies count: by rule or not at all, for one request passes many of their counters."""


def guessed_role(series: Series) -> RequestRole | None:
    """What a metric in no rule says of requests served; None where it says nothing of them.

    >>> guessed_role(Series("shop_http_requests_total", (("statusCode", "500"),)))
    RequestRole(source='shop_http_requests', is_error=True)
    >>> guessed_role(Series("shop_client_requests_total", (("statusCode", "500"),)))
    """
    said, stem = words(series.name), _last(series)
    if _REQUESTS.isdisjoint(said) or not (OTHERS | ERRORS).isdisjoint(said):
        return None
    is_error = _failed(series, stem, said)
    return None if is_error is None else RequestRole(stem.stem, is_error)


def told_apart(series: Series) -> Read | None:
    """A metric in no rule, and of no requests served, as attempts of which some failed; None where it does not tell.

    >>> use, (rule,) = told_apart(Series("jobs_processed_total", (("result", "failure"),)))
    >>> rule.signal, [reading.how for reading in use.counter]
    ('jobs_processed/failed', ['event', 'attempt'])
    """
    stem = _last(series)
    is_error = _failed(series, stem, words(series.name))
    if is_error is None:
        return None
    return _attempts(stem.stem, failed=is_error)


def beside(role: RequestRole) -> Read:
    """What a source of requests says of failed ones where another is the exposure.

    A revision that refuses connections, or answers too late, counts nothing itself: only its proxy does. Of one that
    serves HTTP and gRPC one is the exposure, and of two counters in no rule either may be of calls to others.
    """
    return _attempts(role.source, failed=role.is_error, known=role.source in PROXY_SOURCES)


def client_errors(role: RequestRole, series: Series) -> Read:
    """What a source of requests says of those that were refused as their client's mistake.

    Shown only, unless a policy says otherwise: who may go where decides what clients ask for, and a scanner that keeps
    its connection asks one pod alone for what is not there. The rule comes with the first such series; what is never
    refused has no such signal.
    """
    rule = SignalRule(role.source + CLIENT_ERROR, "events", "errors", "higher", criticality="watch")
    attempt, event = Reading(rule.signal, "attempt"), Reading(rule.signal, "event")
    if role.is_error or not client_error(dict(series.attributes)):
        return SeriesUse(counter=(attempt,), histogram=(attempt,)), ()
    return SeriesUse(counter=(event, attempt), histogram=(event, attempt)), (rule,)


def _attempts(counted: str, *, failed: bool, known: bool = False) -> Read:
    """A counter of attempts that all failed, or all did not."""
    rule = SignalRule(failed_signal(counted), "events", "errors", "higher")
    if not known:
        rule = structs.replace(rule, weight=GUESSED_WEIGHT, known=False, guessed=True)
    attempt, event = Reading(rule.signal, "attempt"), Reading(rule.signal, "event")
    readings = (event, attempt) if failed else (attempt,)
    return SeriesUse(counter=readings, histogram=readings), (rule,)


def _last(series: Series) -> Stem:
    return list(stems(series.name))[-1]


def _failed(series: Series, stem: Stem, said: list[str]) -> bool | None:
    """Whether what it counts has failed; None where it cannot tell, or counts nothing but failures, or no things.

    What speaks of failures counts more than these only where a word says how each ended: retries that succeeded.
    """
    sized = base_unit(known_unit(series.unit) or stem.unit) == "By" or not _SIZES.isdisjoint(said)
    if stem.part not in COUNTS or sized or not said or said[0] in _PROXIES or not _UNDER_WAY.isdisjoint(said):
        return None
    attributes = dict(series.attributes)
    if not ERRORS.isdisjoint(said):
        return told_outcome(attributes)
    return failed(attributes) if _is_served(attributes) else None


def _is_served(attributes: Attributes) -> bool:
    """Whether what is counted came in: neither a caller's own view, nor spans that others answered."""
    kind = (attributes.get("span_kind") or attributes.get("span.kind", "")).removeprefix("SPAN_KIND_").lower()
    return (
        attributes.get("reporter", "destination") in {"destination", "server"}
        and attributes.get("direction", "inbound") == "inbound"
        and kind in {"", "server", "consumer"}
    )

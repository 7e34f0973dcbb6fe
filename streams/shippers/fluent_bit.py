"""Fluent Bit's `out_kafka` in its JSON format, with the kubernetes filter.

Source: fluent/fluent-bit plugins/out_kafka/kafka.c, plugins/filter_kubernetes/{kubernetes.c,kube_meta.c}.
"""

from __future__ import annotations

from collections.abc import Mapping

from streams.records.log import STACK_KEYS, THROWN_KEYS
from streams.records.times import rfc3339_ns
from streams.shippers.identity import LABEL_PREFIX, Attributes, canonical
from streams.shippers.line import Layout, Line
from streams.shippers.times import any_time_ns, seconds_ns

_THROWN = tuple(f'"{key}"' for key in (*STACK_KEYS, *THROWN_KEYS))


def _attributes(kubernetes: Mapping[str, object]) -> Attributes | None:
    if "namespace_name" not in kubernetes:
        return None
    labels = kubernetes.get("labels")
    attributes = canonical(labels, LABEL_PREFIX) if isinstance(labels, Mapping) else {}
    attributes["k8s_pod_name"] = kubernetes.get("pod_name")
    attributes["k8s_namespace_name"] = kubernetes["namespace_name"]
    return attributes


def _event(line: Line) -> tuple[int, str | None]:
    """Time from `@timestamp` (seconds, or text with `timestamp_format iso8601`), else from the parser's `time`.

    Where `log` is the JSON text that `Merge_Log` has taken apart, the application's own message says more, unless there
    is an exception beside it: what was thrown stands in the text alone.
    """
    stamp = line.at_timestamp
    if isinstance(stamp, float):
        time_ns = seconds_ns(stamp)
    elif stamp is not None:
        time_ns = rfc3339_ns(stamp) if isinstance(stamp, str) else seconds_ns(stamp)
    else:
        time_ns = any_time_ns(line.time) if line.time is not None else 0
    log, message = line.log, line.msg if line.message is None else line.message
    if isinstance(log, str) and (log[:1] != "{" or message is None or _has_thrown(log)):
        return time_ns, log
    return time_ns, message


def _has_thrown(log: str) -> bool:
    """Whether a key of an exception seems to be there; an error that is an object is pino's."""
    return '"err":{' in log or any(key in log for key in _THROWN)


FLUENT_BIT = Layout("fluent-bit", _attributes, _event, line_in_log=True)

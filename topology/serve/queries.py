"""What may be asked, and what is wrong with a query that asks something else.

Values come from URLs, hence from anybody: what is said of them is shortened and printable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct
from multidict import MultiMapping

from streams.policy.written import Sensitivity
from streams.risk.comparison import ClusterName, Comparison, HashOrNone, HashValue, ObjectName
from topology.serve.directory import Wanted

Query = TypeVar("Query", bound=Struct)

MOST_SIGNALS = 20
"""In an answer that does not ask for all: what Argo keeps of each measurement stays small."""

_MOST_SHOWN = 60
_OBJECT_NAME = "a Kubernetes name: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit"
_HASH = "a pod-template hash: 1 to 63 of letters, digits, '-', '_' and '.', beginning and ending with a letter or digit"
_NEEDED = "leave out where the hashes alone tell"
ALLOWED = {
    "cluster": "empty, or 1 to 253 of letters, digits, '-', '_' and '.', beginning and ending with a letter or digit",
    "namespace": _OBJECT_NAME,
    "workload": _OBJECT_NAME,
    "baseline": f"empty where none serves (a first deployment), or {_HASH}",
    "canary": _HASH,
    "limit": "a number from 1 to 1000",
}
"""Of parameters that are no choice of words."""


class RiskQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which comparison `GET /v1/risk` is about, and how much of it is wanted."""

    namespace: Annotated[ObjectName, Meta(description=f"Namespace of the Rollout or Deployment; {_NEEDED}")] | None = (
        None
    )
    workload: Annotated[ObjectName, Meta(description=f"Name of the Rollout or Deployment; {_NEEDED}")] | None = None
    baseline: Annotated[
        HashOrNone,
        Meta(
            description="Pod-template hash of the revision that serves now. Left out, empty or the canary's own: there "
            "is none (a first deployment), and the workload's history judges the canary"
        ),
    ] = ""
    canary: Annotated[HashValue, Meta(description="Pod-template hash of the revision on trial")]
    cluster: Annotated[ClusterName, Meta(description="Name of the cluster; leave out where there is one")] = ""
    view: Annotated[
        Literal["full", "verdict"], Meta(description="`verdict`: a small answer, without parts, groups and signals")
    ] = "full"
    signals: Annotated[
        Literal["worst", "all"], Meta(description=f"`worst`: the {MOST_SIGNALS} worst; `all`: all that were judged")
    ] = "worst"
    sensitivity: (
        Annotated[
            Sensitivity,
            Meta(
                description="Read it at this sensitivity: risk, log classes and templates by its weights; the verdict "
                "stays that of the sensitivity it was judged at"
            ),
        ]
        | None
    ) = None


class ComparisonsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which comparisons `GET /v1/comparisons` lists."""

    cluster: Annotated[ClusterName, Meta(description="Only this cluster; empty: all")] = ""
    namespace: Annotated[ObjectName, Meta(description="Only this namespace")] | None = None
    workload: Annotated[ObjectName, Meta(description="Only this workload")] | None = None
    state: Annotated[Literal["running", "ended"], Meta(description="Only those in this state")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many")] = 100


class AlarmsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which alarms `GET /v1/alarms` lists."""

    cluster: Annotated[ClusterName, Meta(description="Only this cluster; empty: all")] = ""
    namespace: Annotated[ObjectName, Meta(description="Only this namespace")] | None = None
    workload: Annotated[ObjectName, Meta(description="Only this workload")] | None = None
    state: (
        Annotated[
            Literal["raised", "held", "cleared", "active"],
            Meta(description="Only those in this state; `active`: raised or held"),
        ]
        | None
    ) = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="At most so many")] = 100


class WorkloadQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which workload a question is about."""

    namespace: Annotated[ObjectName, Meta(description="Of the workload")]
    workload: Annotated[ObjectName, Meta(description="Its name")]
    cluster: Annotated[ClusterName, Meta(description="Empty where there is one cluster")] = ""


class BadQuery(Exception):
    """A query that cannot be answered.

    Attributes:
        complaints: a sentence for each parameter at fault, in the order of the query's fields.
        valid: the parameters that are as they should be.
    """

    def __init__(self, complaints: tuple[str, ...], valid: dict[str, Any]) -> None:
        self.complaints = complaints
        self.valid = valid
        super().__init__("; ".join(complaints))


def parse(raw: MultiMapping[str], kind: type[Query]) -> Query:
    """The query that a URL's parameters make.

    Raises:
        BadQuery: with every fault at once.
    """
    if len(set(raw)) == len(raw):  # none is given twice
        values = dict(raw)
        try:
            query = msgspec.convert(values, kind, strict=False)
        except msgspec.ValidationError:
            pass
        else:
            if all(map(str.isprintable, values.values())):  # a pattern's $ admits a newline at the end
                return query
    raise _faults(raw, kind)


def wanted(query: RiskQuery) -> Wanted:
    """The pair asked for; of one without a baseline the canary's hash stands for both."""
    return Wanted(query.baseline or query.canary, query.canary, query.cluster, query.namespace, query.workload)


def from_path(parts: Mapping[str, str]) -> Comparison | None:
    """The comparison that a page's path names, where `-` stands for the empty cluster; None for no comparison."""
    values = {**parts, "cluster": "" if parts["cluster"] == "-" else parts["cluster"]}
    try:
        pair = msgspec.convert(values, Comparison)
    except msgspec.ValidationError:
        return None
    return pair if pair.key.isprintable() else None


def shown(value: str) -> str:
    r"""A stranger's text in a sentence: quoted, printable ASCII, shortened.

    >>> shown("a\n<b>")
    "'a\\n<b>'"
    """
    return ascii(value) if len(value) <= _MOST_SHOWN else f"{value[:_MOST_SHOWN]!a}..."


def _faults(raw: MultiMapping[str], kind: type[Struct]) -> BadQuery:
    complaints = []
    valid = {}
    fields = msgspec.structs.fields(kind)
    for field in fields:
        values = raw.getall(field.name, [])
        allowed = _choices(field.type) or ALLOWED[field.name]
        if not values:
            if field.required:
                complaints.append(f"{field.name}: missing; give {allowed}")
        elif len(values) > 1:
            complaints.append(f"{field.name}: given {len(values)} times; give it once")
        elif _fits(values[0], field.type):
            valid[field.name] = msgspec.convert(values[0], field.type, strict=False)
        elif values[0].startswith("{{"):
            complaints.append(f"{field.name}: {shown(values[0])} was not substituted; is it an arg of the template?")
        else:
            complaints.append(f"{field.name}: {shown(values[0])} is not allowed; give {allowed}")
    names = [field.name for field in fields]
    unknown = [name for name in dict.fromkeys(raw) if name not in names]
    complaints += [f"{shown(name)}: no such parameter; there are {', '.join(names)}" for name in unknown[:3]]
    return BadQuery(tuple(complaints), valid)


def _choices(kind: Any) -> str:
    """The words of a Literal, wherever in the type it stands; empty without one.

    >>> _choices(Annotated[Literal["raised", "held", "cleared"], Meta(description="x")] | None)
    'raised, held or cleared'
    """
    if get_origin(kind) is Literal:
        *words, last = get_args(kind)
        return f"{', '.join(words)} or {last}"
    return next((found for each in get_args(kind) if (found := _choices(each))), "")


def _fits(value: str, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return value.isprintable()

"""Whose pods does a Kayenta scope mean?

A scope is free text that a metric store would have understood: `app=shop and rollouts-pod-template-hash=6f8d9c6b77`,
`namespace="prod",rollout="shop",baseline="5d5c7b9f4"`, or a ReplicaSet's name. What must be in it is the pod-template
hash; a namespace and the Rollout's name are taken where they stand, and looked up by the hashes where they do not.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from topology.serve.queries import shown

MOST_CHARACTERS = 2000
"""Of a scope that is read."""

_HASH = (
    "rollouts-pod-template-hash",
    "label-rollouts-pod-template-hash",
    "pod-template-hash",
    "label-pod-template-hash",
    "hash",
)
_FIELDS = {
    "cluster": ("cluster",),
    "namespace": ("namespace", "kubernetes-namespace", "kube-namespace", "ns"),
    "workload": ("workload", "rollout", "deployment"),
    "app": ("app", "application", "app.kubernetes.io/name", "service"),
}
_SEPARATORS = str.maketrans(dict.fromkeys(",;&{}()", " "))
_QUOTES = "\"'`"


class Scope(Struct, frozen=True):
    """What was understood of one."""

    pod_template_hash: str
    cluster: str = ""
    namespace: str = ""
    workload: str = ""
    app: str = ""
    """An application's name: the Rollout's often, not always, so it only tells apart what has the same hashes."""


class BadScope(Exception):
    """A scope without a pod-template hash; its text says so."""


def read(text: str, side: Literal["baseline", "canary"]) -> Scope:
    """What a scope of one side means; a scope that names both hashes can be that of either.

    >>> read('app=shop and rollouts-pod-template-hash = "6f8d9c6b77"', "canary")
    Scope(pod_template_hash='6f8d9c6b77', cluster='', namespace='', workload='', app='shop')
    >>> [read(text, "canary").pod_template_hash for text in ("shop-6f8d9c6b77", "baseline=5d5,canary=6f8")]
    ['6f8d9c6b77', '6f8']

    Raises:
        BadScope: it has no pod-template hash in it.
    """
    pairs, words = _terms(text[:MOST_CHARACTERS])
    found = next((pairs[key] for key in (*_HASH, side) if key in pairs), "")
    app = ""
    if not found and not pairs and len(words) == 1:
        app, _, found = words[0].rpartition("-")
    if not found:
        wanted = f"say {_HASH[0]}=<hash>, the value of that label"
        raise BadScope(f"scope {shown(text)} has no pod-template hash: {wanted}")
    values = {field: next((pairs[key] for key in keys if key in pairs), "") for field, keys in _FIELDS.items()}
    return Scope(found, **values | {"app": values["app"] or app})


def _terms(text: str) -> tuple[dict[str, str], list[str]]:
    """The terms `name=value`, and the other words."""
    pairs: dict[str, str] = {}
    words = []
    while " =" in text or "= " in text or "==" in text:
        text = text.replace(" =", "=").replace("= ", "=").replace("==", "=")
    for term in text.translate(_SEPARATORS).split():
        name, equals, value = term.partition("=")
        if equals:
            pairs.setdefault(name.strip(_QUOTES).lower().replace("_", "-"), value.strip(_QUOTES))
        elif term.lower() != "and":
            words.append(term.strip(_QUOTES))
    return pairs, words

"""Whose record is it: from whatever labels and attributes a shipper sends, to one pod of one revision.

Everything is looked up in *canonical* spelling: `.`, `-` and `/` become `_`. So the label
`rollouts-pod-template-hash` is found as Kubernetes writes it, de-dotted, as Prometheus spells it, or behind one of
`LABEL_PREFIXES` (formats: OpenTelemetry semantic conventions `k8s.pod.label.<key>`; kube-state-metrics `label_<key>`;
Prometheus `exported_<key>`; Vector `resource.<key>`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from streams.errors import BadPolicy, BadRecord, Reason
from streams.records.identity import Revision, Source, Workload
from streams.shippers.names import is_cluster_name, is_label_value, is_namespace, is_object_name

LABEL_PREFIX = "k8s_pod_label_"
"""Where a format with a map of pod labels puts them."""

_HASHES = ("rollouts_pod_template_hash", "pod_template_hash")
_LABEL_PREFIXES = (
    *(LABEL_PREFIX, "k8s_pod_labels_", ""),
    *("label_", "pod_label_", "pod_labels_", "kubernetes_labels_", "exported_"),
    *("resource_k8s_pod_label_", "resource_k8s_pod_labels_", "resource_"),
)
_POD = ("k8s_pod_name", "resource_k8s_pod_name", "pod", "pod_name", "kubernetes_pod_name")
_NAMESPACE = (
    "k8s_namespace_name",
    "resource_k8s_namespace_name",
    "namespace",
    "namespace_name",
    "kubernetes_namespace",
)
_OWNER = ("k8s_replicaset_name", "resource_k8s_replicaset_name", "replicaset", "owner_name", "created_by_name")
_OWN_LABELS = ("serinus_io_workload",)
_NAMING_LABELS = ("app_kubernetes_io_name", "app_kubernetes_io_instance", "k8s_app", "app")
_DEPLOYMENT = ("k8s_deployment_name", "resource_k8s_deployment_name")
_CLUSTER = ("k8s_cluster_name", "resource_k8s_cluster_name")
CANONICAL = str.maketrans("-./", "___")
"""Key -> its canonical spelling, for `str.translate`."""
_EXPERIMENT = re.compile(r"-[456789bcdf]{4,10}-[0-9]+-[0-9]+-")
"""`-<canaryHash>-<revision>-<step>-`; the alphabet is that of argo-rollouts utils/hash/hash.go."""
_GENERATED_BASE, _GENERATED_SUFFIX = 58, 5
"""Characters that Kubernetes keeps of `<workload>-<hash>-`, and those that it puts behind them."""

Attributes = Mapping[str, object]


def canonical(attributes: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """The attributes by canonical key; nested maps (labels that were not de-dotted) joined.

    >>> canonical({"app": {"value": "a", "kubernetes.io/name": "shop"}})
    {'app_value': 'a', 'app': 'a', 'app_kubernetes_io_name': 'shop'}
    """
    flat: dict[str, object] = {}
    for key, value in attributes.items():
        name = prefix + key.translate(CANONICAL)
        if isinstance(value, Mapping):
            if name.count("_") < 32:
                flat.update(canonical(value, name + "_"))
            continue
        flat[name] = value
        if name.endswith("_value"):
            flat.setdefault(name[:-6], value)
    return flat


class Identities:
    """Attributes -> `Source`, by the rules an operator has set."""

    def __init__(self, cluster: str = "") -> None:
        """Set the rules.

        Args:
            cluster: where the records come from, unless they say so themselves (`k8s.cluster.name`).

        Raises:
            BadPolicy: a cluster name with a slash or the like.
        """
        if not is_cluster_name(cluster):
            raise BadPolicy(
                "cluster", cluster, "letters, digits and -_. only, a letter or digit at both ends, at most 253"
            )
        self._cluster = cluster

    def source(self, *levels: Attributes) -> Source:
        """The pod and revision that canonical attributes speak of.

        Args:
            levels: the most general first (resource, then record). Pod and namespace are looked for first where the
                hash was found, so that a collector's own pod never stands in for the pod it observed.

        Raises:
            BadRecord: NO_HASH, BAD_HASH, NO_POD, NO_WORKLOAD or BAD_NAME.
        """
        for level in levels:
            prefix, found = next(_labels(level, _HASHES), ("", None))
            if found is not None:
                ordered = (level, *(other for other in levels if other is not level))
                return self._source(_as_hash(found), ordered, observed=prefix in {"exported_", "label_"})
        raise BadRecord(Reason.NO_HASH, "no label rollouts-pod-template-hash or pod-template-hash, in any spelling")

    def _source(self, pod_template_hash: str, levels: Sequence[Attributes], *, observed: bool) -> Source:
        pod = _first(levels, _subject("exported_pod", _POD, first=observed))
        if not pod:
            raise BadRecord(Reason.NO_POD, f"hash {pod_template_hash} without a pod name")
        if not is_object_name(pod):
            raise BadRecord(Reason.BAD_NAME, f"pod {pod[:80]!r} is no Kubernetes name")
        namespace = _first(levels, _subject("exported_namespace", _NAMESPACE, first=observed))
        if not is_namespace(namespace):
            raise BadRecord(Reason.BAD_NAME, f"namespace {namespace[:80]!r} of pod {pod[:80]}")
        cluster = _first(levels, _CLUSTER) or self._cluster
        if not is_cluster_name(cluster):
            raise BadRecord(Reason.BAD_NAME, f"cluster {cluster[:80]!r} of pod {pod[:80]}")
        for name in self._workload_names(pod_template_hash, pod, levels):
            if is_object_name(name):
                return Source(Revision(Workload(cluster, namespace, name), pod_template_hash), pod)
        raise BadRecord(Reason.NO_WORKLOAD, f"neither labels nor owner nor pod name {pod[:80]} name the workload")

    def _workload_names(self, pod_template_hash: str, pod: str, levels: Sequence[Attributes]) -> Iterator[str]:
        """Candidates for the workload's name, surest first; may be empty or malformed."""
        for level in levels:
            yield from (_text(value) for _, value in _labels(level, _OWN_LABELS))
        before, found, _ = pod.partition(f"-{pod_template_hash}-")
        if found:
            yield before
        owner = _first(levels, _OWNER).rpartition("/")[2]
        if owner.endswith(f"-{pod_template_hash}"):
            yield owner[: -len(pod_template_hash) - 1]
        experiment = _EXPERIMENT.search(pod)
        if experiment is not None and not found:
            yield pod[: experiment.start()]
        yield _before_cut_hash(pod, pod_template_hash)
        for level in levels:
            yield from (_text(value) for _, value in _labels(level, _NAMING_LABELS))
        yield _first(levels, _DEPLOYMENT)


def _before_cut_hash(pod: str, pod_template_hash: str) -> str:
    """The name before a hash of which Kubernetes has kept only the beginning; empty where that cannot be told.

    Where not even its first character is left (names of 57 characters and more) nothing is said: a dash is no sign.

    Source: k8s.io/apiserver, pkg/storage/names/generate.go.

    >>> _before_cut_hash("s" * 50 + "-6f87c5dx2k9p", "6f87c5d5d5") == "s" * 50
    True
    """
    if len(pod) != _GENERATED_BASE + _GENERATED_SUFFIX:
        return ""
    base = pod[:_GENERATED_BASE]
    for kept in range(len(pod_template_hash), 0, -1):
        cut = f"-{pod_template_hash[:kept]}"
        if base.endswith(cut):
            return base.removesuffix(cut)
    return ""


def _labels(level: Attributes, names: Sequence[str]) -> Iterator[tuple[str, object]]:
    """(prefix, value) of the labels that have a value, in order of names, then of prefixes."""
    for name in names:
        for prefix in _LABEL_PREFIXES:
            value = level.get(prefix + name)
            if value is not None and value != "":
                yield prefix, value


def _as_hash(value: object) -> str:
    """The hash as text, also where a shipper took its digits for a number (roughly 1 in 100 is digits only)."""
    text = _text(value)
    if is_label_value(text):
        return text
    shown = repr(value[:80]) if isinstance(value, str) else f"a {type(value).__name__}"
    raise BadRecord(Reason.BAD_HASH, f"pod-template hash {shown} is no Kubernetes label value")


def _subject(exported: str, names: Sequence[str], *, first: bool) -> Sequence[str]:
    """Where to look: Prometheus' `exported_x` is the pod observed, where `x` is the scraped exporter's own."""
    return (exported, *names) if first else (*names, exported)


def _first(levels: Sequence[Attributes], names: Sequence[str]) -> str:
    for level in levels:
        for name in names:
            text = _text(level.get(name))
            if text:
                return text
    return ""


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return str(value) if -(2**64) < value < 2**64 else ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return ""

"""The pod, its revision and its workload are found wherever a shipper keeps them, and never guessed wrongly."""

from __future__ import annotations

import msgspec
import pytest

from streams.errors import BadPolicy, BadRecord, Reason
from streams.risk.comparison import ClusterName
from streams.shippers.identity import Identities, canonical

HASH = "6f87c5d5d5"
POD = f"shop-{HASH}-x2k9p"


def source(*levels, **rules):
    """The source that attributes tell of."""
    return Identities(**rules).source(*(canonical(level) for level in levels))


def of(pod=POD, namespace="prod", **attributes):
    """Attributes of a pod, with `__` for a dot."""
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return {"k8s.pod.name": pod, "k8s.namespace.name": namespace} | named


@pytest.mark.parametrize(
    "key",
    [
        name.replace("HASH", label)
        for label in ("rollouts-pod-template-hash", "pod-template-hash")
        for name in (
            *("HASH", "k8s.pod.label.HASH", "k8s.pod.labels.HASH", "label_HASH", "pod_label_HASH", "exported_HASH"),
            *("resource.k8s.pod.label.HASH", "resource.k8s.pod.labels.HASH", "resource.HASH"),
        )
    ],
)
@pytest.mark.parametrize(
    "spelling", [str, lambda key: key.replace("-", "_"), lambda key: key.translate({45: 95, 46: 95})]
)
def test_every_spelling_of_the_hash(key, spelling):
    """Both labels are found in every place and spelling that formats.md, section 20, lists."""
    found = source({**of(), spelling(key): HASH})
    assert found.revision.pod_template_hash == HASH
    assert found.revision.workload.key == "/prod/shop"


@pytest.mark.parametrize(("value", "text"), [(5748449996, "5748449996"), (5748449996.0, "5748449996"), ("574", "574")])
def test_hash_that_looks_like_a_number(value, text):
    """A hash of digits is text, also where a shipper made a number of it."""
    assert source({**of(f"shop-{text}-x2k9p"), "pod-template-hash": value}).revision.pod_template_hash == text


@pytest.mark.parametrize(
    "value", [True, 1.5, float("nan"), float("inf"), [], "a b", "-a", "a" * 64, 10**30, "ä", "a\n"]
)
def test_hash_that_is_none(value):
    """What is no label value is no hash."""
    with pytest.raises(BadRecord) as refused:
        source({**of(), "pod-template-hash": value})
    assert refused.value.reason is Reason.BAD_HASH


def test_rollouts_hash_goes_first():
    """Where both labels are, Argo's counts; an empty one is none."""
    both = {"rollouts-pod-template-hash": HASH, "pod-template-hash": "7b9f44d8c6"}
    assert source({**of(), **both}).revision.pod_template_hash == HASH
    emptied = {**of("shop-7b9f44d8c6-x2k9p"), **both, "rollouts-pod-template-hash": ""}
    assert source(emptied).revision.pod_template_hash == "7b9f44d8c6"


@pytest.mark.parametrize(
    ("pod", "labels", "name"),
    [
        (POD, {}, "shop"),
        (f"shop-api-v2-{HASH}-x2k9p", {}, "shop-api-v2"),
        (POD, {"serinus.io/workload": "explicit", "app": "other"}, "explicit"),
        (POD, {"serinus_io_workload": "explicit"}, "explicit"),
        (POD, {"label_serinus_io_workload": "explicit"}, "explicit"),
        (POD, {"app.kubernetes.io/name": "other", "k8s.deployment.name": "shop-x"}, "shop"),
        ("x", {"k8s.replicaset.name": f"shop-{HASH}", "app": "other"}, "shop"),
        ("x", {"k8s.replicaset.name": f"ReplicaSet/shop-{HASH}"}, "shop"),
        ("shop-9d8c7b6f5-3-1-baseline-x2k9p", {"app": "other"}, "shop"),
        ("shop-9d8c7b6f5-12-0-canary-x2k9p", {"k8s.replicaset.name": "shop-9d8c7b6f5-12-0-canary"}, "shop"),
        (f"shop-{HASH}-3-1-canary-x2k9p", {}, "shop"),
        ("x", {"app.kubernetes.io/name": "a", "app.kubernetes.io/instance": "b", "k8s-app": "c", "app": "d"}, "a"),
        ("x", {"app_kubernetes_io/instance": "b", "k8s-app": "c", "app": "d"}, "b"),
        ("x", {"k8s.pod.label.k8s-app": "c", "app": "d"}, "c"),
        ("x", {"label_app": "d", "k8s.deployment.name": "e"}, "d"),
        ("x", {"app.kubernetes.io/name": "Not A Name", "app": "d"}, "d"),
        ("x", {"k8s.deployment.name": "e"}, "e"),
    ],
)
def test_workload_name(pod, labels, name):
    """The surest of the names at hand is the workload's, in the order of the module's rules."""
    assert source({**of(pod), **labels, "pod-template-hash": HASH}).revision.workload.name == name


@pytest.mark.parametrize("length", range(46, 57))
def test_a_long_name_ends_where_what_is_left_of_the_hash_begins(length):
    """Kubernetes keeps 58 characters of `<workload>-<hash>-` in a pod's name; no label stands in for the name then."""
    name = "name-of-a-workload-".ljust(length, "z")
    pod = f"{name}-{HASH}-"[:58] + "x2k9p"
    assert source({**of(pod), "pod-template-hash": HASH, "app": "other"}).revision.workload.name == name


@pytest.mark.parametrize("pod", ["n" * 57 + "-x2k9p", "n" * 58 + "x2k9p", "n" * 40 + "-6f8x2k9p"])
def test_a_name_is_not_guessed_from_a_pod_without_the_hash(pod):
    """Where nothing of the hash is left, or the name was not cut, a label names the workload, as in any other pod."""
    assert source({**of(pod), "pod-template-hash": HASH, "app": "other"}).revision.workload.name == "other"


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({}, Reason.NO_HASH),
        ({"pod-template-hash": ""}, Reason.NO_HASH),
        ({"pod-template-hash": None}, Reason.NO_HASH),
        ({"k8s.pod.name": None, "pod-template-hash": HASH}, Reason.NO_POD),
        ({"k8s.pod.name": "Shop", "pod-template-hash": HASH}, Reason.BAD_NAME),
        ({"k8s.pod.name": "s" * 254, "pod-template-hash": HASH}, Reason.BAD_NAME),
        ({"k8s.namespace.name": None, "pod-template-hash": HASH}, Reason.BAD_NAME),
        ({"k8s.namespace.name": "a/b", "pod-template-hash": HASH}, Reason.BAD_NAME),
        ({"k8s.namespace.name": "a" * 64, "pod-template-hash": HASH}, Reason.BAD_NAME),
        ({"k8s.cluster.name": "a/b", "pod-template-hash": HASH}, Reason.BAD_NAME),
        ({"k8s.pod.name": "x", "pod-template-hash": HASH}, Reason.NO_WORKLOAD),
    ],
)
def test_what_is_missing_or_malformed(attributes, reason):
    """Each missing or malformed part is refused with its own reason."""
    with pytest.raises(BadRecord) as refused:
        source({**of(), **attributes})
    assert refused.value.reason is reason


def test_pod_comes_from_where_the_hash_is():
    """A collector's own pod never stands in for the pod that it observed."""
    collector = {"k8s.pod.name": "collector-0", "k8s.namespace.name": "monitoring"}
    observed = {"pod": POD, "namespace": "prod", "pod_template_hash": HASH}
    assert (source(collector, observed).pod, source(collector, observed).revision.workload.namespace) == (POD, "prod")
    exporter = {
        "pod": "kube-state-metrics-1",
        "namespace": "monitoring",
        "exported_pod": POD,
        "exported_namespace": "prod",
    }
    assert source({**exporter, "label_pod_template_hash": HASH}).pod == POD
    assert source({**exporter, "pod": POD, "exported_pod": "x", "pod_template_hash": HASH}).pod == POD


def test_cluster():
    """A record's own cluster counts before the topic's."""
    attributes = {**of(), "pod-template-hash": HASH}
    assert source(attributes, cluster="eu").revision.workload.cluster == "eu"
    assert source({**attributes, "k8s.cluster.name": "us"}, cluster="eu").revision.workload.cluster == "us"


@pytest.mark.parametrize(
    "name", ["", "eu-1.prod_A", "a:b", "a@b", "a-", "arn:aws:eks:eu:1:cluster/x", "a" * 253, "a" * 254]
)
def test_a_cluster_that_no_query_can_name_is_refused(name):
    """Promise: whatever is judged can be asked for; what cannot is a dead letter that names the cluster."""
    try:
        msgspec.convert(name, ClusterName)
    except msgspec.ValidationError:
        with pytest.raises(BadRecord, match=f"cluster '{name[:80]}'"):
            source({**of(), "pod-template-hash": HASH, "k8s.cluster.name": name})
        with pytest.raises(BadPolicy):
            Identities(name)
    else:
        assert source({**of(), "pod-template-hash": HASH, "k8s.cluster.name": name}).revision.workload.cluster == name


def test_deep_labels_end():
    """Labels nested without end are flattened no deeper than names can be."""
    deep: dict[str, object] = {"x": 1}
    for _ in range(500):
        deep = {"a": deep}
    assert len(canonical(deep)) <= 1

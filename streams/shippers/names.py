"""What Kubernetes admits as a name or a label value.

Source: Kubernetes documentation, "Object Names and IDs" (RFC 1123) and "Labels and Selectors", section "Syntax".
"""

from __future__ import annotations

import re

LABEL_LIKE = r"[A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?"
"""Pattern of a label value, and of the names of clusters, which are ours to give; of any length."""
MAX_LABEL_VALUE = 63
MAX_NAME = 253

_LABEL_LIKE = re.compile(LABEL_LIKE)
_DNS_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_DNS_SUBDOMAIN = re.compile(r"[a-z0-9][-a-z0-9]*(?:\.[a-z0-9][-a-z0-9]*)*")


def is_label_value(text: str) -> bool:
    """Non-empty, at most 63 of letters, digits, `-_.`, a letter or digit at both ends."""
    return len(text) <= MAX_LABEL_VALUE and _LABEL_LIKE.fullmatch(text) is not None


def is_namespace(text: str) -> bool:
    """A DNS label: at most 63 of lower-case letters, digits and `-`."""
    return _DNS_LABEL.fullmatch(text) is not None


def is_object_name(text: str) -> bool:
    """A DNS subdomain: at most 253, parts as in a DNS label joined by dots (pods, Rollouts, Deployments).

    >>> is_object_name("shop-6f87c5d5d5-x2k9p"), is_object_name("Shop"), is_object_name("shop-")
    (True, False, False)
    """
    return len(text) <= MAX_NAME and _DNS_SUBDOMAIN.fullmatch(text) is not None and "-." not in text and text[-1] != "-"


def is_cluster_name(text: str) -> bool:
    """Ours, as Kubernetes names no clusters: empty, or like a label value of at most 253; `ClusterName` of queries."""
    return not text or (len(text) <= MAX_NAME and _LABEL_LIKE.fullmatch(text) is not None)

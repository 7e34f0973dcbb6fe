"""Whose rows are they: a resource's pod, worked out once per resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streams.errors import BadRecord, Reason
from streams.records.identity import Source
from streams.shippers.cache import BoundedCache
from streams.shippers.identity import Attributes, Identities, canonical
from streams.shippers.otlp import Group, Plain


class _Resource(NamedTuple):
    """What a resource tells by itself."""

    attributes: Attributes
    """By canonical key."""
    source: Source | None
    """None, if the resource alone does not say."""
    fault: tuple[Reason, str] | None


class OtlpIdentities:
    """Resource and record attributes -> `Source`."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self._resources: BoundedCache[bytes, _Resource] = BoundedCache()

    def source(self, group: Group, attributes: Mapping[str, Plain]) -> Source:
        """The pod of a row: by its resource, else by its resource and its own attributes.

        Raises:
            BadRecord: neither tells.
        """
        known = self._resources.recent.get(group.resource) or self._resource(group)
        if known.source is not None:
            return known.source
        if known.fault is not None and (not attributes or known.fault[0] is Reason.BAD_HASH):
            raise BadRecord(*known.fault)
        return self._identities.source(known.attributes, canonical(attributes))

    def container(self, group: Group) -> str | None:
        """The container's name, if the resource has it: two containers of a pod count apart."""
        known = self._resources.recent.get(group.resource) or self._resource(group)
        name = known.attributes.get("k8s_container_name")
        return name if isinstance(name, str) else None

    def _resource(self, group: Group) -> _Resource:
        size_bytes = 6 * len(group.resource) + 1000
        known = self._resources.get(group.resource, size_bytes)
        if known is None:
            known = self._decoded(group)
            self._resources.put(group.resource, known, size_bytes)
        return known

    def _decoded(self, group: Group) -> _Resource:
        attributes: Attributes = {}
        try:
            attributes = canonical(group.attributes(group.resource))
            return _Resource(attributes, self._identities.source(attributes), None)
        except BadRecord as bad:
            return _Resource(attributes, None, (bad.reason, bad.detail))

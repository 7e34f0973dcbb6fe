"""Watches Rollouts, Experiments and the ReplicaSets of Experiments, and tells serve what they say.

What has changed is told as it is by then, not each change by itself, and told again until serve has taken it; whatever
was missed while this was away, or while a watch was broken, is in the list with which each watch begins. So it holds no
state, and one replica will do: while it is away, questions begin comparisons as well, and silence ends them.

Python's official list of clients has two that are kept well; the one for asyncio brings least that we do not have.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import msgspec
import yaml
from kubernetes_asyncio import client, config, watch

from streams.errors import BadPolicy
from topology.authorization import authorization
from topology.errors import Unavailable
from topology.rollouts.observed import Object, experiment_of, experiment_status, owner, rollout_status
from topology.rollouts.status import ExperimentStatus, RolloutStatus
from topology.settings import RolloutsSettings

log = logging.getLogger(__name__)

_KINDS = {
    "rollouts": ("argoproj.io", "v1alpha1"),
    "experiments": ("argoproj.io", "v1alpha1"),
    "replicasets": ("apps", "v1"),
}
_WATCH_S = 300
"""The API server ends a watch after this, and another begins with a list."""
_PAUSE_S = 2.0
"""After something that went wrong, and between two watches."""
_SETTLE_S = 0.2
"""Changes that come together are told together."""
_ALIKE = frozenset({401, 429, 502, 503, 504})
"""Answers that have to do with no Rollout: of serve while Kafka is away, of a proxy before it, to a wrong token."""
_TELL_S = 5.0

_UNUSABLE = (config.ConfigException, OSError, yaml.YAMLError, TypeError, ValueError, LookupError, AttributeError)
"""What the client raises of a kubeconfig, whose shape it does not check."""

Key = tuple[str, str, str]
"""Kind, namespace, name."""


class RolloutWatcher:
    """From the API server to serve; `run` until it is cancelled."""

    def __init__(self, settings: RolloutsSettings) -> None:
        self._settings = settings
        self._objects: dict[Key, Object] = {}
        self._changed: set[Key] = set()
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Watch and tell.

        Raises:
            BadPolicy: there is no configuration that says where the API server is.
        """
        async with await self._client() as api, aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
            objects = client.CustomObjectsApi(api)
            for plural in _KINDS:
                tasks.create_task(self._follow(objects, plural))
            tasks.create_task(self._tell_all(session))

    async def _client(self) -> client.ApiClient:
        try:
            if self._settings.kubeconfig is None:
                config.load_incluster_config()
            else:
                await config.load_kube_config(self._settings.kubeconfig)
            return client.ApiClient()
        except _UNUSABLE as error:
            allowed = "run it in a pod with a service account, or name a kubeconfig"
            why = " ".join(str(error).split()) or type(error).__name__
            raise BadPolicy("kubeconfig", self._settings.kubeconfig, f"{allowed} ({why})") from error

    async def _follow(self, objects: Any, plural: str) -> None:
        """List, then watch from there, for ever."""
        while True:
            try:
                listed = await self._list(objects, plural)
                self._replace(plural, listed["items"])
                async for event in self._events(objects, plural, listed["metadata"]["resourceVersion"]):
                    self._take(plural, event)
            except (client.ApiException, aiohttp.ClientError, TimeoutError, ValueError, KeyError) as error:
                status = getattr(error, "status", "")
                log.warning("the watch of %s ended: %s %s", plural, type(error).__name__, status or error)
            await asyncio.sleep(_PAUSE_S)  # also where a proxy ends each watch at once, without an error

    async def _list(self, objects: Any, plural: str) -> dict[str, Any]:
        function, arguments = self._call(objects, plural)
        return dict(await function(*arguments, _request_timeout=60))

    async def _events(self, objects: Any, plural: str, version: str) -> AsyncIterator[dict[str, Any]]:
        function, arguments = self._call(objects, plural)
        stream = watch.Watch().stream(function, *arguments, resource_version=version, timeout_seconds=_WATCH_S)
        async with stream:
            async for event in stream:
                yield event

    def _call(self, objects: Any, plural: str) -> tuple[Any, tuple[str, ...]]:
        group, version = _KINDS[plural]
        if self._settings.namespace:
            return objects.list_namespaced_custom_object, (group, version, self._settings.namespace, plural)
        return objects.list_cluster_custom_object, (group, version, plural)

    def _replace(self, plural: str, items: list[Object]) -> None:
        """A list is all there is: what is not in it is gone."""
        for key in [key for key in self._objects if key[0] == plural]:
            del self._objects[key]
        for item in items:
            self._put(plural, item)

    def _take(self, plural: str, event: dict[str, Any]) -> None:
        if event["type"] == "DELETED":
            self._objects.pop(_key(plural, event["raw_object"]), None)
        elif event["type"] in {"ADDED", "MODIFIED"}:
            self._put(plural, event["raw_object"])

    def _put(self, plural: str, item: Object) -> None:
        key = _key(plural, item)
        if plural == "replicasets":
            if not (experiment := experiment_of(item)):
                return  # of no Experiment: a Rollout's own stand in its status
            self._changed.add(("experiments", key[1], experiment))
        else:
            self._changed.add(key)
        self._objects[key] = item
        self._wake.set()

    async def _tell_all(self, session: aiohttp.ClientSession) -> None:
        """Tell what has changed, and again what could not be told."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(_SETTLE_S)
            self._wake.clear()
            due, self._changed = sorted(self._changed), set()
            for place, key in enumerate(due):
                try:
                    if not await self._tell(session, key):
                        self._changed.add(key)
                except Unavailable as fault:
                    log.warning("%s; %d wait to be told", fault, len(due) - place)
                    self._changed.update(due[place:])  # the next would fare no better
                    break
            if self._changed:
                self._wake.set()
                await asyncio.sleep(_PAUSE_S)

    async def _tell(self, session: aiohttp.ClientSession, key: Key) -> bool:
        """Whether it need not be told again.

        Raises:
            Unavailable: serve does not answer, or not yet.
        """
        status = self._status(key)
        if status is None:
            return True
        url = f"{self._settings.url.rstrip('/')}/v1/argo/{key[0]}"
        try:
            async with session.post(
                url, data=msgspec.json.encode(status), headers=self._headers(), timeout=aiohttp.ClientTimeout(_TELL_S)
            ) as response:
                said = (await response.text())[:500]
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
            raise Unavailable(f"{key[0]} of {key[1]}/{key[2]} cannot be told: {why}") from error
        if response.status == 200:
            log.info("%s %s/%s: %s", *key, said)
            return True
        if response.status in _ALIKE:
            raise Unavailable(f"{key[0]} of {key[1]}/{key[2]} cannot be told: {response.status} {said}".rstrip())
        log.warning("%s %s/%s: %s answers %d %s", *key, url, response.status, said)
        return response.status == 400  # which no repetition mends

    def _status(self, key: Key) -> RolloutStatus | ExperimentStatus | None:
        found, now = self._objects.get(key), datetime.now(UTC)
        if found is None:
            return None
        if key[0] == "rollouts":
            return rollout_status(found, self._settings.cluster, now)
        if not owner(found, "Rollout"):
            return None
        sets = [each for (plural, _, _), each in self._objects.items() if plural == "replicasets"]
        return experiment_status(found, sets, self._settings.cluster, now)

    def _headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", **authorization(self._settings.token_file)}


def _key(plural: str, item: Object) -> Key:
    return (plural, str(item["metadata"].get("namespace", "")), str(item["metadata"]["name"]))

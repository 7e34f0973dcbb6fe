"""`serinus rollouts` against Kubernetes' own API server for custom resources, with the CRDs of Argo Rollouts."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.integration.role_process import RoleProcess

kubernetes_asyncio = pytest.importorskip("kubernetes_asyncio")

HERE = Path(__file__).parent
GROUPS = {"rollouts": "argoproj.io/v1alpha1", "experiments": "argoproj.io/v1alpha1", "replicasets": "apps/v1"}

pytestmark = [
    pytest.mark.argo,
    pytest.mark.timeout(300),
    pytest.mark.skipif(shutil.which("go") is None, reason="no Go: NOT held against an API server"),
]


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Of an API server that lets everybody in and knows Argo's types."""
    directory = tmp_path_factory.mktemp("apiserver")
    command = ["go", "mod", "download", "-json", "github.com/argoproj/argo-rollouts"]
    module = json.loads(subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=True).stdout)["Dir"]
    crds = [f"{module}/manifests/crds/{name}-crd.yaml" for name in ("rollout", "experiment")]
    server = directory / "apiserver"
    subprocess.run(["go", "build", "-o", server, "."], cwd=HERE / "apiserver", check=True)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [server, directory, *crds, HERE / "apiserver/replicasets.yaml"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        line = process.stdout.readline().decode().strip()
        assert line, (directory / "log").read_text()[-4000:]
        yield Path(line)
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(30)


class Cluster:
    """Writes objects as Argo's controller would."""

    def __init__(self, api: Any) -> None:
        self._objects = kubernetes_asyncio.client.CustomObjectsApi(api)

    async def put(self, plural: str, name: str, namespace: str = "prod", **content: Any) -> None:
        """Create it, or change what is given."""
        where = (*GROUPS[plural].split("/"), namespace, plural)
        content["metadata"] = {"name": name, "namespace": namespace, **content.pop("metadata", {})}
        kind = {"rollouts": "Rollout", "experiments": "Experiment", "replicasets": "ReplicaSet"}[plural]
        version = GROUPS[plural].replace("apps/", "apps.serinus.test/")  # as tests/argo/apiserver calls it
        try:
            found = await self._objects.get_namespaced_custom_object(*where, name)
        except kubernetes_asyncio.client.ApiException as error:
            if error.status != 404:
                raise
            body = {"apiVersion": version, "kind": kind, **content}
            found = await self._objects.create_namespaced_custom_object(*where, body)
        if "status" in content:
            changed = {**found, "status": content["status"]}
            if plural == "rollouts":  # the CRD has a subresource for it
                await self._objects.replace_namespaced_custom_object_status(*where, name, changed)
            else:
                await self._objects.replace_namespaced_custom_object(*where, name, changed)

    async def delete(self, plural: str, name: str) -> None:
        """Take it away."""
        group, version = GROUPS[plural].split("/")
        await self._objects.delete_namespaced_custom_object(group, version, "prod", plural, name)


@pytest.fixture
async def cluster(kubeconfig: Path) -> AsyncIterator[Cluster]:
    """The API server, empty of Argo's objects."""
    configuration = kubernetes_asyncio.client.Configuration()
    await kubernetes_asyncio.config.load_kube_config(str(kubeconfig), client_configuration=configuration)
    async with kubernetes_asyncio.client.ApiClient(configuration) as api:
        for plural, group in GROUPS.items():
            await kubernetes_asyncio.client.CustomObjectsApi(api).delete_collection_namespaced_custom_object(
                *group.split("/"), "prod", plural
            )
        yield Cluster(api)


class Serve:
    """Hears what is told, and refuses as often as a test wants."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.refuse = 0
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        """As the route of the real one, which tests/argo/test_argo.py and tests/topology/serve are about."""
        assert request.headers["Authorization"] == "Bearer s3cret"
        if self.refuse:
            self.refuse -= 1
            return web.Response(status=503)
        self.heard.append((request.match_info["plural"], await request.json()))
        return web.json_response({"sent": []})

    async def await_heard(self, wanted: Callable[[str, dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait for one that is as wanted."""
        async with asyncio.timeout(60):
            while True:
                for plural, status in self.heard:
                    if wanted(plural, status):
                        return status
                await asyncio.sleep(0.02)


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """An ear at an address."""
    made = Serve()
    app = web.Application()
    app.add_routes([web.post("/v1/argo/{plural}", made.hear)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def token(tmp_path: Path) -> Path:
    """Its file."""
    file = tmp_path / "token"
    file.write_text("s3cret\n")
    return file


def _rollouts(kubeconfig: Path, serve: Serve, token: Path, *more: object) -> RoleProcess:
    return RoleProcess("rollouts", "--kubeconfig", kubeconfig, "--url", serve.url, "--token-file", token, *more)


def _hashes(stable: str, latest: str, **more: Any) -> dict[str, Any]:
    return {"stableRS": stable, "currentPodHash": latest, **more}


async def test_life_of_a_rollout(kubeconfig, cluster, serve, token):
    """First deployment, canary, abort, retry and promotion are told as they come, also while serve is away."""
    spec = {"replicas": 1}
    await cluster.put("rollouts", "shop", spec=spec, status={"currentPodHash": "aa"})
    with _rollouts(kubeconfig, serve, token) as process:
        await serve.await_heard(lambda _, status: (status["stable"], status["latest"]) == (None, "aa"))
        await cluster.put("rollouts", "shop", status=_hashes("aa", "bb"))
        await serve.await_heard(lambda _, status: (status["stable"], status["latest"]) == ("aa", "bb"))
        serve.refuse = 2
        await cluster.put("rollouts", "shop", status=_hashes("aa", "bb", abort=True, abortedAt="2026-08-21T07:00:00Z"))
        told = await serve.await_heard(lambda _, status: status["aborted"])
        assert (told["abortedAt"], serve.refuse) == ("2026-08-21T07:00:00Z", 0)
        await cluster.put("rollouts", "shop", status=_hashes("bb", "bb"))
        await serve.await_heard(lambda _, status: (status["stable"], status["aborted"]) == ("bb", False))
        assert {plural for plural, _ in serve.heard} == {"rollouts"}
        assert process.end(signal.SIGTERM) == 0


async def test_experiment(kubeconfig, cluster, serve, token):
    """Its pair is told once both of its ReplicaSets are there, and what became of it; others' ReplicaSets are not."""
    owners = [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "shop", "uid": "1"}]
    labels = {"rollouts-pod-template-hash": "9d8"}
    with _rollouts(kubeconfig, serve, token):
        templates = {"templates": [{"name": name, "selector": {}, "template": {}} for name in ("baseline", "canary")]}
        await cluster.put(
            "experiments", "shop-1", metadata={"ownerReferences": owners}, spec=templates, status={"phase": "Running"}
        )
        await cluster.put("replicasets", "other", metadata={"labels": labels})
        for template, hash_ in (("baseline", "9d8"), ("canary", "7c9")):
            annotations = {"experiment.argoproj.io/name": "shop-1", "experiment.argoproj.io/template-name": template}
            labels = {"rollouts-pod-template-hash": hash_}
            await cluster.put(
                "replicasets", f"shop-1-{template}", metadata={"labels": labels, "annotations": annotations}
            )
        told = await serve.await_heard(lambda plural, status: (plural, status["phase"]) == ("experiments", "Running"))
        assert (told["rollout"], told["baseline"], told["canary"]) == ("shop", "9d8", "7c9")
        await cluster.put("experiments", "shop-1", status={"phase": "Failed"})
        await serve.await_heard(lambda plural, status: (plural, status["phase"]) == ("experiments", "Failed"))


async def test_what_was_missed_is_told_at_the_next_start(kubeconfig, cluster, serve, token):
    """A watch that was killed lists what is there; what is gone by then, or in another namespace, is not told."""
    for name in ("kept", "gone"):
        await cluster.put("rollouts", name, spec={}, status=_hashes("aa", "bb"))
    await cluster.put("rollouts", "elsewhere", namespace="staging", spec={}, status=_hashes("aa", "bb"))
    with _rollouts(kubeconfig, serve, token) as process:
        for name in ("kept", "gone", "elsewhere"):
            await serve.await_heard(lambda _, status, name=name: status["rollout"] == name)
        process.kill()
    serve.heard.clear()
    await cluster.put("rollouts", "kept", status=_hashes("bb", "bb"))
    await cluster.delete("rollouts", "gone")
    with _rollouts(kubeconfig, serve, token, "--namespace", "prod"):
        await serve.await_heard(lambda _, status: (status["rollout"], status["stable"]) == ("kept", "bb"))
        await cluster.put("rollouts", "new", spec={}, status=_hashes("aa", "bb"))
        await serve.await_heard(lambda _, status: status["rollout"] == "new")
    assert {status["rollout"] for _, status in serve.heard} == {"kept", "new"}


def test_without_a_configuration(tmp_path):
    """There is nothing to watch: the last line says so, and status 2."""
    for words in ([], ["--kubeconfig", str(tmp_path / "none")]):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
        done = subprocess.run(
            [sys.executable, "-m", "topology", "rollouts", *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2, done.stderr
        assert done.stderr.splitlines()[-1].startswith("serinus: kubeconfig: ")

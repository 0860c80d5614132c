"""What JupyterHub and KubeSpawner make of the configs of examples/jupyterhub: one object of JSON on stdout."""

import asyncio
import json
import os
import sys
import tempfile
from types import SimpleNamespace

EXAMPLES, NEWEST = sys.argv[1:]

# KubeSpawner wants to know a cluster before it makes a pod; it does not speak to it.
CLUSTER = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "none",
    "clusters": [{"name": "none", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "none", "user": {}}],
    "contexts": [{"name": "none", "context": {"cluster": "none", "user": "none"}}],
}
with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
    json.dump(CLUSTER, file)
os.environ["KUBECONFIG"] = file.name

import kubernetes_validate  # noqa: E402
from jupyterhub.objects import Hub, Server  # noqa: E402
from jupyterhub.spawner import LocalProcessSpawner  # noqa: E402
from kubernetes_asyncio.client import ApiClient  # noqa: E402
from kubespawner import KubeSpawner  # noqa: E402
from traitlets.config import PyFileConfigLoader  # noqa: E402


def load(name):
    return PyFileConfigLoader(name, path=EXAMPLES).load_config()


def user(name, *groups):
    return SimpleNamespace(
        id=1,
        name=name,
        escaped_name=name,
        settings={},
        url=f"/user/{name}",
        admin=False,
        server=Server(),
        groups=[SimpleNamespace(name=group) for group in groups],
    )


def spawner_of(kind, config, owner):
    spawner = kind(config=load(config), user=owner, hub=Hub(), _mock=True)
    spawner.server = Server()
    return spawner


async def pod_of(owner):
    spawner = spawner_of(KubeSpawner, "kubespawner_config.py", owner)
    spawner.api_token, spawner.port, spawner.cmd = "token", 8888, ["jupyterhub-singleuser"]
    spawner.run_pre_spawn_hook()
    async with ApiClient() as client:
        pod = client.sanitize_for_serialization(await spawner.get_pod_manifest())
    kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", **pod}, NEWEST, strict=True)
    return pod["spec"]


async def main():
    local = spawner_of(LocalProcessSpawner, "jupyterhub_config.py", user("daemon"))
    environment = {k: v for k, v in local.get_env().items() if k.startswith("EVO_")}
    member, other = await pod_of(user("ada", "evo")), await pod_of(user("bob", "others"))
    print(json.dumps({"environment": environment, "cmd": local.cmd, "member": member, "other": other}))


try:
    asyncio.run(main())
finally:
    os.unlink(file.name)

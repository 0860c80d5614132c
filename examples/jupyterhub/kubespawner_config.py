"""For a hub in Kubernetes (KubeSpawner): lines for jupyterhub_config.py, or for `hub.extraConfig` of its Helm chart.

The pod of each member of the hub's group "evo" gets a reader beside the notebook. The user's Secret, evo-reader-USER, has
config.json, db-password, reader-keys and db-ca.pem, and is mounted in the reader's container alone. The notebook sees one
file with an access key. Another user's pod has none of it.
"""

c = get_config()  # noqa: F821

IMAGE = "registry.example.org/evo-token:0.1.0"
GROUP = "evo"

# Until there is a key the reader is not ready, and the hub waits for it.
HAND_OVER = """
until evo-token status >/dev/null 2>&1; do sleep 0.2; done
test -s /run/evo-token-key/key && exit 0
rm -f /run/evo-token-key/key
evo-token caller remove notebook >/dev/null 2>&1
evo-token caller add notebook --app evo-{username} --out /run/evo-token-key/key
"""


def reader():
    return {
        "name": "evo-token",
        "image": IMAGE,
        "args": ["serve", "--json", "--config", "/run/credentials/config.json"],
        "env": [
            {"name": "EVO_TOKEN_STATE_DIR", "value": "/var/lib/evo-token/state"},
            {"name": "EVO_TOKEN_RUNTIME_DIR", "value": "/var/lib/evo-token/run"},
            {"name": "CREDENTIALS_DIRECTORY", "value": "/run/credentials"},
        ],
        # The notebook's user, who is to read the key; in another container, where the notebook's programs are not.
        "securityContext": {
            "runAsUser": 1000,
            "runAsGroup": 100,
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "10m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}},
        "lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", HAND_OVER]}}},
        "readinessProbe": {
            "exec": {"command": ["test", "-s", "/run/evo-token-key/key"]},
            "periodSeconds": 1,
        },
        "livenessProbe": {
            "exec": {"command": ["evo-token", "status"]},
            "periodSeconds": 30,
            "timeoutSeconds": 10,
        },
        "volumeMounts": [
            {"name": "evo-secret", "mountPath": "/run/credentials", "readOnly": True},
            {"name": "evo-state", "mountPath": "/var/lib/evo-token"},
            {"name": "evo-key", "mountPath": "/run/evo-token-key"},
        ],
    }


def add_reader(spawner):
    """Only for members of the group: the others have no Secret, and their pods would wait for it."""
    if not any(group.name == GROUP for group in spawner.user.groups):
        return
    spawner.extra_containers = [*spawner.extra_containers, reader()]
    spawner.volumes = [
        *spawner.volumes,
        {
            "name": "evo-secret",
            "secret": {"secretName": "evo-reader-{username}", "defaultMode": 0o440},
        },
        {"name": "evo-state", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}},
        {"name": "evo-key", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
    ]
    spawner.volume_mounts = [
        *spawner.volume_mounts,
        {"name": "evo-key", "mountPath": "/run/evo-token-key", "readOnly": True},
    ]
    spawner.environment = {
        **spawner.environment,
        "EVO_TOKEN_APP": "evo-{username}",
        "EVO_TOKEN_URL": "http://127.0.0.1:13860",
        "EVO_TOKEN_CALLER": "notebook",
        "EVO_TOKEN_KEY_FILE": "/run/evo-token-key/key",
    }


c.KubeSpawner.pre_spawn_hook = add_reader
# The group that may read the Secret's files.
c.KubeSpawner.fs_gid = 100

"""For a hub whose spawner starts each user's server as that user, on a node with a reader: lines for jupyterhub_config.py.

Each node runs one reader, as a service with a user of its own. A user's programs reach it on loopback, with an access key
that evo-token-user-key made on that node: for the app of that user, in a file that this user alone can read. No key and no
token passes through the hub, and none stands in an environment.
"""

c = get_config()  # noqa: F821

KEYS = "/run/evo-token-keys"


def app(spawner):
    return f"evo-{spawner.user.name}"


def caller(spawner):
    return f"user-{spawner.user.name}"


def key_file(spawner):
    return f"{KEYS}/{spawner.user.name}"


c.Spawner.environment.update(
    {
        "EVO_TOKEN_URL": "http://127.0.0.1:13860",
        "EVO_TOKEN_APP": app,
        "EVO_TOKEN_CALLER": caller,
        "EVO_TOKEN_KEY_FILE": key_file,
    }
)

# On the node, as the user: it asks for the key, then becomes the server.
c.Spawner.cmd = ["/usr/local/bin/evo-token-notebook", "jupyterhub-singleuser"]

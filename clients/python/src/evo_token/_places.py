"""Where the daemon is: the owner socket, or a URL and a key file."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

# The system truncates a longer path without an error, and it then names another socket.
_SOCKET_PATH_MAX_BYTES = 100

MACHINE_SOCKET = "/run/evo-token/owner.sock"

# Python cannot read the owner and mode of files there; their directory is private.
WINDOWS = os.name == "nt"


def home() -> Path:
    """As the daemon finds it: that of a user whom no user database names is `/`."""
    if WINDOWS:
        return Path.home()
    named = os.environ.get("HOME", "")
    if os.path.isabs(named):
        return Path(named)
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return Path("/")


def state_directory(env: Mapping[str, str]) -> Path:
    if WINDOWS:
        return _windows_state_directory(env)
    for named in (env.get("EVO_TOKEN_STATE_DIR"), env.get("STATE_DIRECTORY", "").split(":")[0]):
        if named:
            return Path(named)
    base = env.get("XDG_STATE_HOME", "")
    return (Path(base) if os.path.isabs(base) else home() / ".local/state") / "evo-token"


def _windows_state_directory(env: Mapping[str, str]) -> Path:
    named = env.get("EVO_TOKEN_STATE_DIR")
    if named:
        return Path(named)
    base = env.get("LOCALAPPDATA", "")
    return (Path(base) if os.path.isabs(base) else home() / "AppData/Local") / "evo-token"


def _runtime_directory(env: Mapping[str, str], state: Path) -> Path:
    for named in (env.get("EVO_TOKEN_RUNTIME_DIR"), env.get("RUNTIME_DIRECTORY", "").split(":")[0]):
        if named:
            return Path(named)
    base = env.get("XDG_RUNTIME_DIR", "")
    return Path(base) / "evo-token" if os.path.isabs(base) else state / "run"


def socket_candidates(env: Mapping[str, str]) -> list[str]:
    """The socket that `endpoint.json` names, the usual one, and that of the machine's daemon."""
    state = state_directory(env)
    known = read_endpoint(state / "endpoint.json").get("socket")
    usual = str(_runtime_directory(env, state) / "owner.sock")
    named = [known] if isinstance(known, str) else []
    return list(dict.fromkeys([*named, usual, MACHINE_SOCKET]))


def usable_socket(path: str) -> tuple[str, str | None]:
    """The real path, and why it must not be used, if so: its owner would see what is sent."""
    try:
        real = os.path.realpath(path, strict=True)
        for place in (real, os.path.dirname(real)):
            reason = _untrusted_because(place)
            if reason:
                return path, reason
    except FileNotFoundError:
        return path, f'there is no "{path}"'
    except OSError as error:
        return path, f'"{path}" gives {error.strerror}'
    except ValueError:
        return path, "its path holds a NUL byte"
    if len(os.fsencode(real)) > _SOCKET_PATH_MAX_BYTES:
        return path, f'the path "{real}" is over {_SOCKET_PATH_MAX_BYTES} bytes long'
    return real, None


def _untrusted_because(path: str) -> str | None:
    found = os.stat(path)
    if not is_trusted(found):
        return f'"{path}" belongs to another user (uid {found.st_uid})'
    # The mode of a socket says who may connect; that of a directory, who may replace its files.
    if not stat.S_ISSOCK(found.st_mode) and found.st_mode & 0o022:
        return f'others may write to "{path}"'
    return None


def is_trusted(found: os.stat_result) -> bool:
    """Whether it belongs to this user or to root."""
    return WINDOWS or found.st_uid in (0, os.getuid())


def read_endpoint(path: Path) -> Mapping[str, object]:
    """Reads `endpoint.json`; empty where there is none, where it is no JSON, or where others could have written it."""
    try:
        found = path.stat()
        if not is_trusted(found) or (not WINDOWS and found.st_mode & 0o022):
            return {}
        endpoint = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return endpoint if isinstance(endpoint, dict) else {}

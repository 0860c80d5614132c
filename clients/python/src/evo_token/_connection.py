"""One request to the daemon: over the owner socket, or over TCP once the daemon has proven itself."""

from __future__ import annotations

import http.client
import json
import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn
from urllib.parse import urlencode, urlsplit

from ._errors import DaemonNotRunning, EvoTokenError, Refused, error_for, not_running
from ._pipe import Pipe, is_pipe
from ._places import (
    MACHINE_SOCKET,
    WINDOWS,
    is_trusted,
    read_endpoint,
    socket_candidates,
    state_directory,
    usable_socket,
)

# The longest that the daemon takes: a refresh under way (30 s), then a request of its own (30 s).
_PATIENCE_S = 75.0
# A daemon that says nothing for so long is asked whether it is there.
_SILENCE_S = 3.0
_CONNECT_WITHIN_S = 10.0
# The status of 10,000 apps takes 5 to 10 MiB.
_MAX_ANSWER_BYTES = 32 * 1024 * 1024

Json = Mapping[str, object]


class Place(NamedTuple):
    """Where to look; what is not given comes from the environment."""

    socket: str | None = None
    url: str | None = None
    key_file: str | None = None
    caller: str | None = None


class _Connection(http.client.HTTPConnection):
    """Over TCP."""

    of_machine = False
    patience_s = _PATIENCE_S

    @property
    def place(self) -> str:
        return f"http://{self.host}:{self.port}"

    def address(self) -> str:
        """What it is connected to, as the daemon knows it too."""
        address, port = self.sock.getpeername()[:2]
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def another(self, timeout: float) -> _Connection:
        """A new connection to the same place."""
        return _Connection(self.host, self.port, timeout=timeout)

    def is_readable(self, within_s: float) -> bool:
        """Whether an answer, or the end of the connection, comes within this time."""
        self.sock.settimeout(within_s)
        try:
            self.sock.recv(1, socket.MSG_PEEK)
        except TimeoutError:
            return False
        finally:
            self.sock.settimeout(_PATIENCE_S)
        return True


class _OwnerConnection(_Connection):
    def __init__(self, path: str, timeout: float = _PATIENCE_S) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self.of_machine = path == os.path.realpath(MACHINE_SOCKET)

    @property
    def place(self) -> str:
        return f'"{self._path}"'

    def another(self, timeout: float) -> _Connection:
        return _OwnerConnection(self._path, timeout)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class _PipeConnection(_Connection):
    sock: Pipe

    def __init__(self, path: str, timeout: float = _CONNECT_WITHIN_S) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self._within_s = timeout

    @property
    def place(self) -> str:
        return f'"{self._path}"'

    def address(self) -> str:
        return self._path

    def another(self, timeout: float) -> _Connection:
        return _PipeConnection(self._path, timeout)

    def is_readable(self, within_s: float) -> bool:
        return self.sock.is_readable(within_s)

    def connect(self) -> None:
        self.sock = Pipe(self._path, self._within_s)


def ask(place: Place, method: str, path: str, body: Json | None = None) -> Json:
    """The daemon's JSON. Raises EvoTokenError."""
    connection, headers = _open(place)
    try:
        status, answer = _exchange(connection, method, path, headers, body)
    except (OSError, http.client.HTTPException) as error:
        # A daemon that ends with the connection open may have done what it was asked; reading can be repeated.
        raise not_running(f"the connection broke ({type(error).__name__})", unasked=method == "GET") from None
    finally:
        connection.close()
    if answer is None:
        raise not_running("what listens there is not evo-token")
    if 200 <= status < 300:
        return answer
    code, message, hint = (str(answer.get(name, "")) for name in ("error", "detail", "hint"))
    if not code:
        raise not_running(f"what listens there is not evo-token (it answers {status})")
    raise error_for(code, message or code, hint)


def _open(place: Place) -> tuple[_Connection, dict[str, str]]:
    env = os.environ
    url = place.url or (env.get("EVO_TOKEN_URL") if place.socket is None else None)
    if url:
        named = place.key_file or env.get("EVO_TOKEN_KEY_FILE")
        caller = place.caller or env.get("EVO_TOKEN_CALLER") or "local"
        return _open_tcp(url, Path(named) if named else state_directory(env) / "access-key", caller)
    if WINDOWS:
        return _open_pipe(place, env)
    failures: list[str] = []
    for candidate in [place.socket] if place.socket else socket_candidates(env):
        path, reason = usable_socket(candidate)
        if reason is None:
            connection = _OwnerConnection(path)
            try:
                connection.connect()
                return connection, {}
            except OSError as error:
                reason = f'"{path}" gives {error.strerror}'
        failures.append(reason)
    return (None if place.socket else _open_known_url(env)) or _no_daemon(failures, _running_pid(env))


def _open_pipe(place: Place, env: Mapping[str, str]) -> tuple[_Connection, dict[str, str]]:
    """The owner's pipe of Windows, which others may open or have taken: key and proof, as on TCP."""
    state = state_directory(env)
    path = place.socket or read_endpoint(state / "endpoint.json").get("socket")
    if not isinstance(path, str):
        raise not_running(f'"{state / "endpoint.json"}" names no daemon')
    if not is_pipe(path):
        raise not_running(f'"{path}" is no pipe of this machine')
    return _authenticated(_PipeConnection(path), "owner", _read_key(state / "owner-key"))


def _open_known_url(env: Mapping[str, str]) -> tuple[_Connection, dict[str, str]] | None:
    """Over TCP as the caller `local`, where the socket is gone: a logout may remove its directory."""
    state = state_directory(env)
    url = read_endpoint(state / "endpoint.json").get("url")
    if not isinstance(url, str):
        return None
    try:
        return _open_tcp(url, state / "access-key", "local")
    except EvoTokenError:
        return None


def _no_daemon(failures: list[str], pid: int | None) -> NoReturn:
    if pid is None:
        raise not_running("; ".join(failures))
    error = not_running("; ".join(failures))
    error.hint = f"Process {pid} wrote where it listens, and still runs: end it, then `evo-token serve`."
    raise error


def _running_pid(env: Mapping[str, str]) -> int | None:
    """The process that wrote `endpoint.json`, if there is still one of its number."""
    pid = read_endpoint(state_directory(env) / "endpoint.json").get("pid")
    # On Windows the number 0 is an event that would end it.
    if WINDOWS or not isinstance(pid, int) or pid <= 0:
        return None
    try:
        os.kill(pid, 0)
    except OSError:
        return None
    return pid


def _open_tcp(url: str, key_file: Path, caller: str) -> tuple[_Connection, dict[str, str]]:
    host, port = _loopback(url)
    key = _read_key(key_file)
    return _authenticated(_Connection(host, port, timeout=_CONNECT_WITHIN_S), caller, key)


def _authenticated(connection: _Connection, caller: str, key: str) -> tuple[_Connection, dict[str, str]]:
    try:
        connection.connect()
    except OSError as error:
        raise not_running(f"{connection.place} gives {error.strerror}") from None
    # Never again by itself: a new connection would have proven nothing.
    connection.auto_open = 0
    try:
        _require_proof(connection, caller, key)
    except (OSError, http.client.HTTPException):
        connection.close()
        raise not_running(f"{connection.place} breaks the connection") from None
    except EvoTokenError:
        connection.close()
        raise
    connection.sock.settimeout(_PATIENCE_S)
    return connection, {"Authorization": f"Bearer {key}"}


def _require_proof(connection: _Connection, caller: str, key: str) -> None:
    """Any program may have taken the port: it has to know the key before it is shown one."""
    # The owner socket needs none of these, and they take a tenth of a cold get_token.
    import hashlib
    import hmac
    import secrets

    peer = connection.address()
    nonce = f"{secrets.token_hex(24)}@{peer}"
    query = urlencode({"caller": caller, "nonce": nonce})
    _, answer = _exchange(connection, "GET", f"/healthz?{query}", {}, None)
    digest = hashlib.sha256(key.encode()).digest()
    expected = hmac.new(digest, nonce.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(str((answer or {}).get("proof", "")).encode(errors="replace"), expected.encode()):
        raise Refused(
            "invalid_key",
            f'What listens on {peer} does not prove that it knows the key of the caller "{caller}", '
            "so the key was not shown to it.",
            "See that the daemon runs there, and that the caller and the key file belong together.",
        )


def _exchange(
    connection: _Connection,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: Json | None,
) -> tuple[int, Json | None]:
    content = None if body is None else json.dumps(body)
    sent = dict(headers) if content is None else {**headers, "Content-Type": "application/json"}
    connection.request(method, path, content, sent)
    if not connection.is_readable(_SILENCE_S):
        from ._silence import outlast

        outlast(connection, _running_pid(os.environ))
    response = connection.getresponse()
    read = response.read(_MAX_ANSWER_BYTES + 1)
    if response.status == 204:
        return response.status, {}
    try:
        answer = json.loads(read)
    except (ValueError, RecursionError):
        return response.status, None
    return response.status, answer if isinstance(answer, dict) else None


def _loopback(url: str) -> tuple[str, int]:
    import ipaddress

    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 80
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if not local or parts.scheme != "http" or parts.username or parts.path not in ("", "/"):
        # It may hold a password or a key: the message does not repeat it.
        raise EvoTokenError(
            "config",
            "What `url` names is not the URL of a daemon on this machine.",
            "Give it (or EVO_TOKEN_URL) as http://127.0.0.1:PORT; another machine never gets the key.",
        )
    return host, port


def _read_key(path: Path) -> str:
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not WINDOWS and stat.S_IMODE(found.st_mode) & 0o077:
                raise _key_fault(f"others may read or write it: `chmod 600 {path}` keeps them out")
            if not is_trusted(found):
                raise _key_fault("it belongs to another user")
            key = _text(file.read(8194)).strip()
    except OSError as error:
        raise _key_fault(f"it cannot be read ({error.strerror})") from None
    except ValueError:
        raise _key_fault("its name holds a NUL byte") from None
    if not 8 <= len(key) <= 4096 or not all("!" <= letter <= "~" for letter in key):
        raise _key_fault("it does not hold an access key")
    return key


def _text(read: bytes) -> str:
    """PowerShell begins a file with a byte order mark, and version 5 writes UTF-16."""
    if read.startswith((b"\xff\xfe", b"\xfe\xff")):
        return read.decode("utf-16", errors="replace")
    return read.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _key_fault(reason: str) -> EvoTokenError:
    return EvoTokenError(
        "config",
        f"The key file is not used: {reason}.",
        "Name it with `key_file` (EVO_TOKEN_KEY_FILE); `evo-token caller add NAME` makes a key.",
    )


__all__ = ["DaemonNotRunning", "Json", "Place", "ask"]

"""Sends a request to the daemon: over the owner socket, or over TCP after the daemon has proven itself."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import stat
import sys
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
# After so long without a byte the client finds out whether the daemon is there.
_SILENCE_S = 3.0
_CONNECT_WITHIN_S = 10.0
# The status of 10,000 apps takes 5 to 10 MiB.
_MAX_ANSWER_BYTES = 32 * 1024 * 1024

Json = Mapping[str, object]


class Place(NamedTuple):
    """Where to find the daemon; what is not given comes from the environment."""

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
        """The address of the connection, which the daemon knows too."""
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
    """The daemon's answer. Raises EvoTokenError."""
    connection, headers = _open(place)
    try:
        return _ask_on(connection, headers, method, path, body)
    except DaemonNotRunning as error:
        # Another program may have taken the path of the socket.
        other = _open_known_url(os.environ) if error.unasked and _is_anywhere(place) else None
        if other is None:
            raise
    return _ask_on(*other, method, path, body)


def _ask_on(connection: _Connection, headers: Mapping[str, str], method: str, path: str, body: Json | None) -> Json:
    try:
        status, answer = _exchange(connection, method, path, headers, body)
    except (OSError, http.client.HTTPException) as error:
        # A daemon that closed the connection may have acted: only a GET can be repeated.
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


def _is_anywhere(place: Place) -> bool:
    """Whether TCP may be tried besides the socket."""
    return not (place.socket or place.url or os.environ.get("EVO_TOKEN_URL"))


def _open(place: Place) -> tuple[_Connection, dict[str, str]]:
    env = os.environ
    url = place.url or (env.get("EVO_TOKEN_URL") if place.socket is None else None)
    if url:
        named = place.key_file or env.get("EVO_TOKEN_KEY_FILE")
        caller = place.caller or env.get("EVO_TOKEN_CALLER") or "local"
        return _open_tcp(url, Path(named) if named else state_directory(env) / "access-key", caller)
    if WINDOWS:
        return _open_pipe_or_url(place, env)
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


def _open_pipe_or_url(place: Place, env: Mapping[str, str]) -> tuple[_Connection, dict[str, str]]:
    try:
        return _open_pipe(place, env)
    except EvoTokenError:
        # Another program may have taken the name of the pipe.
        other = None if place.socket else _open_known_url(env)
        if other is None:
            raise
    return other


def _open_pipe(place: Place, env: Mapping[str, str]) -> tuple[_Connection, dict[str, str]]:
    """The owner's pipe on Windows, with key and proof as on TCP: others may open it, or take its name."""
    state = state_directory(env)
    path = place.socket or read_endpoint(state / "endpoint.json").get("socket")
    if not isinstance(path, str):
        raise not_running(f'"{state / "endpoint.json"}" names no daemon')
    if not is_pipe(path):
        raise not_running(f'"{path}" is no pipe of this machine')
    return _authenticated(_PipeConnection(path), "owner", _read_key(state / "owner-key"))


def _open_known_url(env: Mapping[str, str]) -> tuple[_Connection, dict[str, str]] | None:
    """Connects over TCP as the caller `local`: the socket may be taken, or removed with its directory by a logout."""
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
    error.hint = f"The daemon's process {pid} still runs, and cannot be reached: end it, then run `evo-token serve`."
    raise error


def _running_pid(env: Mapping[str, str]) -> int | None:
    """The process that wrote `endpoint.json`, if it still is a daemon of this state directory."""
    state = state_directory(env)
    pid = read_endpoint(state / "endpoint.json").get("pid")
    # On Windows signal 0 is an event that would end the process.
    if WINDOWS or not isinstance(pid, int) or pid <= 0:
        return None
    try:
        os.kill(pid, 0)
        return pid if sys.platform != "linux" or _has_open(pid, state / "lock") else None
    except OSError:
        return None


def _has_open(pid: int, path: Path) -> bool:
    """Whether the process has the lock open, as a daemon does: another program may have the number of a killed one."""
    lock = path.stat()
    for opened in Path(f"/proc/{pid}/fd").iterdir():
        try:
            if os.path.samestat(opened.stat(), lock):
                return True
        except FileNotFoundError:
            # It was closed meanwhile.
            continue
    return False


def _silent_pid(env: Mapping[str, str], place: str) -> int | None:
    """The process of the daemon that listens at `place`, where it is known and still runs."""
    endpoint = read_endpoint(state_directory(env) / "endpoint.json")
    known = (endpoint.get("socket"), endpoint.get("url"))
    return _running_pid(env) if place.strip('"') in known else None


def _open_tcp(url: str, key_file: Path, caller: str) -> tuple[_Connection, dict[str, str]]:
    host, port = _loopback(url)
    key = _read_key(key_file)
    return _authenticated(_Connection(host, port, timeout=_CONNECT_WITHIN_S), caller, key)


def _authenticated(connection: _Connection, caller: str, key: str) -> tuple[_Connection, dict[str, str]]:
    try:
        connection.connect()
    except OSError as error:
        raise not_running(f"{connection.place} gives {error.strerror}") from None
    # No reconnecting: on a new connection nothing is proven.
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
    """Another program may have taken the port: it has to prove that it knows the key before it is shown."""
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
            "Check that the daemon runs there, and that the key file is that of the caller.",
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

        outlast(connection, _silent_pid(os.environ, connection.place))
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
            "Give it (or EVO_TOKEN_URL) as http://127.0.0.1:PORT. The key is never sent to another machine.",
        )
    return host, port


# A path that a shell makes of `<(...)`.
_PASSED = re.compile(r"/(dev|proc/self)/fd/[0-9]+")


def _read_key(path: Path) -> str:
    try:
        # Reading any other pipe or device may never end.
        if not path.is_file() and path.exists() and not _PASSED.fullmatch(str(path)):
            raise _key_fault("it is no file")
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            if not WINDOWS and stat.S_IMODE(found.st_mode) & 0o077:
                raise _key_fault(f"others may read or write it: `chmod 600 {path}` keeps them out")
            if not is_trusted(found):
                raise _key_fault("it belongs to another user")
            # Files of the kernel claim to be empty, and reading them may never end.
            empty = stat.S_ISREG(found.st_mode) and found.st_size == 0
            key = "" if empty else _text(file.read(8194)).strip()
    except OSError as error:
        raise _key_fault(f"it cannot be read ({error.strerror})") from None
    except ValueError:
        raise _key_fault("its name holds a NUL byte") from None
    if not 8 <= len(key) <= 4096 or not all("!" <= letter <= "~" for letter in key):
        raise _key_fault("it does not hold an access key")
    return key


def _text(read: bytes) -> str:
    """Decodes UTF-8 and UTF-16: PowerShell writes byte order marks, and its version 5 UTF-16."""
    if read.startswith((b"\xff\xfe", b"\xfe\xff")):
        return read.decode("utf-16", errors="replace")
    # ASCII in UTF-16 has a NUL in every second byte.
    for encoding, high in (("utf-16-le", read[1::2]), ("utf-16-be", read[::2])):
        if high and not high.strip(b"\0"):
            return read.decode(encoding, errors="replace")
    return read.removeprefix(b"\xef\xbb\xbf").decode("utf-8", errors="replace")


def _key_fault(reason: str) -> EvoTokenError:
    return EvoTokenError(
        "config",
        f"The key file is not used: {reason}.",
        "Name it with `key_file` (EVO_TOKEN_KEY_FILE); `evo-token caller add NAME` makes a key.",
    )


__all__ = ["DaemonNotRunning", "Json", "Place", "ask"]

"""`%evo_setup`: writes a config, starts the daemon and signs in; asks for what it needs."""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from getpass import getpass
from pathlib import Path

from ._client import default_client
from ._connection import Json
from ._errors import DaemonNotRunning, EvoTokenError
from ._places import home
from ._programs import environment, find

_TYPES = ("native", "spa", "web", "service")

# The redirect URI that a native app has where the config names none.
_PRESET = "http://localhost:3000/signin-callback"

# A cold start on a slow machine, and the time that a service manager takes.
_START_S = 60.0


def command() -> list[str]:
    """The command line of `evo-token`: of evo-token-daemon, or the one in PATH. Raises EvoTokenError."""
    try:
        daemon = importlib.import_module("evo_token_daemon")
    except ImportError:
        found = find("evo-token")
        if found:
            return [found]
        raise EvoTokenError(
            "failed",
            "The daemon is not installed here.",
            'Run %pip install "evo-token[daemon]", then restart the kernel.',
        ) from None
    return list(daemon.command())


def described(name: str | None) -> bool:
    """Whether the config has the app, or any where `name` is None. One that cannot be read counts: it is kept."""
    path = _config_path()
    apps = _apps(path) if path.exists() else {}
    return apps is None or (name in apps if name is not None else bool(apps))


def describe(name: str, issuer: str | None) -> None:
    """Asks about a new app and writes it into the config."""
    kind = _ask_type("native")
    client_id = _ask_for("Client id")
    redirect_uri = _ask_for("Redirect URI, as registered") if kind in ("spa", "web") else ""
    _write(name, kind, client_id, redirect_uri, issuer)


def correct(name: str, issuer: str | None) -> bool:
    """Asks whether what the config says of the app is right, and else for what is. Whether it was changed."""
    app = (_apps(_config_path()) or {}).get(name)
    if not isinstance(app, Mapping):
        return False
    kind, client_id = str(app.get("type", "")), str(app.get("clientId", ""))
    uris = app.get("redirectUris")
    uri = str(uris[0]) if isinstance(uris, list) and uris else _PRESET if kind == "native" else ""
    print(f"{name} is in {_config_path()}: {kind}, client id {client_id}{uri and f', redirect URI {uri}'}.")
    try:
        if _ask("Is that as registered? [yes]: ").lower() not in ("n", "no"):
            return False
    except EvoTokenError:
        # This kernel cannot ask: what is there is taken as it is.
        return False
    new = _ask_type(kind)
    client_id = _ask_for("Client id", client_id)
    uri = "" if new == "service" else _ask_for("Redirect URI, as registered", uri or _PRESET)
    scopes = app.get("scopes")
    kept = scopes if new == kind and isinstance(scopes, list) else []
    at = issuer or app.get("issuer")
    _write(name, new, client_id, uri, str(at) if at else None, [str(scope) for scope in kept], force=True)
    return True


def _write(
    name: str,
    kind: str,
    client_id: str,
    redirect_uri: str,
    issuer: str | None,
    scopes: Iterable[str] = (),
    force: bool = False,
) -> None:
    options = ["--redirect-uri", redirect_uri] if redirect_uri else []
    if issuer:
        options += ["--issuer", issuer]
    for scope in scopes:
        options += ["--scope", scope]
    if force:
        options.append("--force")
    try:
        _run("init", "--yes", "--name", name, "--type", kind, "--client-id", client_id, *options)
    except EvoTokenError as error:
        message, _, _ = str(error).partition("Correct the options")
        raise EvoTokenError("invalid_request", message.strip(), "Nothing was written: run %evo_setup again.") from None
    print(f"Wrote {_config_path()}.")
    if _answers():
        default_client().ask("POST", "/v1/reload", {})


def _apps(path: Path) -> Mapping[str, Json] | None:
    """The apps of the config; None where it cannot be read, about which the daemon has the words."""
    try:
        config = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return None
    apps = config.get("apps") if isinstance(config, Mapping) else None
    return apps if isinstance(apps, Mapping) else None


def start() -> None:
    """Has a service run the daemon; where that fails, runs it beside this kernel. Prints which."""
    if _answers():
        print("The daemon runs already.")
        return
    installed = _call("service", "install")
    if installed.returncode == 0:
        print("The daemon runs as a service of yours, from your next login on too.")
        _warn_of_environment()
        return
    reason, _ = _said(installed)
    _start_here()
    print(
        f"No service runs the daemon here: {reason} It runs beside this kernel instead, and ends with it: "
        "run %evo_setup again in the next one. You stay signed in."
    )


def store_secret(app: str, kind: str) -> None:
    """Asks for the client secret of an app that has one."""
    if kind not in ("web", "service"):
        return
    secret = getpass(f"Client secret of {app} (empty: it is stored already): ").strip()
    if secret:
        default_client().ask("PUT", f"/v1/apps/{app}/client-secret", {"client_secret": secret})


def _start_here() -> None:
    log = Path(tempfile.mkdtemp(prefix="evo-token-")) / "daemon.log"
    with log.open("w") as output:
        child = subprocess.Popen(
            [*command(), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(),
            # Ctrl-C in a terminal and "interrupt" in a notebook must not end it.
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
    atexit.register(_end, child)
    deadline = time.monotonic() + _START_S
    while not _answers():
        if child.poll() is not None or time.monotonic() > deadline:
            hint = f"{_said_in(log)}See its log: {log}"
            raise DaemonNotRunning("not_running", "The daemon does not start.", hint)
        time.sleep(0.1)


def _said_in(log: Path) -> str:
    """What the daemon says to people: the last lines of its log that are not JSON."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    said = [line for line in lines if line and not line.startswith("{")]
    return "".join(f"{line}\n" for line in said[-4:])


def _end(child: subprocess.Popen[bytes]) -> None:
    if os.name == "nt" and child.poll() is None:
        # There a signal ends it at once, even before a new refresh token is stored.
        _call("stop")
    child.terminate()


def _end_with_parent() -> Callable[[], None] | None:
    """Linux sends the signal when this process ends, however it does (prctl(2), PR_SET_PDEATHSIG)."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    prctl = ctypes.CDLL(None).prctl

    def ask_for_signal() -> None:
        prctl(1, signal.SIGTERM)

    return ask_for_signal


def _warn_of_environment() -> None:
    if sys.prefix == sys.base_prefix and "CONDA_PREFIX" not in os.environ:
        return
    print(
        f"Its program is in the environment {sys.prefix}: when you remove or rebuild that, the service ends. "
        "Then run %evo_setup in the new one."
    )


def _answers() -> bool:
    try:
        default_client().status()
    except DaemonNotRunning:
        return False
    return True


def _run(*arguments: str) -> None:
    done = _call(*arguments)
    if done.returncode != 0:
        raise EvoTokenError("failed", *_said(done))


def _said(ended: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """The message and the hint of a command that failed."""
    message, _, hint = ended.stderr.strip().removeprefix("evo-token: ").partition("\n")
    return message, hint


def _call(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [*command(), *arguments]
    # Node.js writes UTF-8, also where Windows has another encoding.
    return subprocess.run(
        line, capture_output=True, encoding="utf-8", errors="replace", check=False, env=environment()
    )


def _ask_type(present: str) -> str:
    question = "Type of the app in the Developer Portal, one of native, spa, web, service"
    while True:
        kind = _ask_for(question, present).lower()
        if kind in _TYPES:
            return kind
        print(f"There is no type {kind!r}.")


def _ask_for(what: str, present: str = "") -> str:
    """The answer, or what is there already; asks again until there is one."""
    while True:
        answer = _ask(f"{what} [{present}]: " if present else f"{what}: ") or present
        if answer:
            return answer


def _ask(question: str) -> str:
    try:
        return input(question).strip()
    except (EOFError, RuntimeError) as error:
        # A kernel that runs without a person (papermill, nbconvert) cannot ask.
        raise EvoTokenError(
            "failed", "This kernel cannot ask a person.", "Run `evo-token init` in a terminal."
        ) from error


def _config_path() -> Path:
    env = os.environ
    if env.get("EVO_TOKEN_CONFIG"):
        return Path(env["EVO_TOKEN_CONFIG"])
    if os.name == "nt":
        return Path(env.get("APPDATA") or home() / "AppData/Roaming") / "evo-token/config.json"
    base = env.get("XDG_CONFIG_HOME", "")
    return (Path(base) if os.path.isabs(base) else home() / ".config") / "evo-token/config.json"

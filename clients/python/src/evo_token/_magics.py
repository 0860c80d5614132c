"""`%evo_setup`, `%evo_status [APP]` and `%evo_login [APP]` for notebooks."""

from __future__ import annotations

import argparse
import html
import os
import shlex
import sys
import webbrowser
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NoReturn
from urllib.parse import parse_qs, quote, urlsplit

from IPython.core.magic import Magics, line_magic, magics_class

from . import _setup
from ._client import TokenClient, default_client
from ._connection import Json
from ._errors import EvoTokenError, Misconfigured, Unavailable

_COLUMNS = ("App", "Type", "Session", "Token", "Until", "What is wrong", "What to do")

# Variables that are set where the kernel runs on another machine than the browser.
_REMOTE = (
    "SSH_CONNECTION",
    "SSH_CLIENT",
    "JUPYTERHUB_API_URL",
    "JUPYTERHUB_USER",
    "CODESPACES",
    "COLAB_RELEASE_TAG",
    "GITPOD_WORKSPACE_ID",
    "REMOTE_CONTAINERS",
    "KUBERNETES_SERVICE_HOST",
)

# One of them is set where a browser can be shown: on a Linux desktop, or in Windows from WSL.
_DESKTOP = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "WSL_DISTRO_NAME")


class StatusTable:
    """The apps as a small table, in a notebook or in a terminal; times are local."""

    def __init__(self, statuses: list[Json]) -> None:
        rows = [_row(one) for one in statuses]
        # What is wrong has columns of its own only where something is.
        width = len(_COLUMNS) if any(any(row[5:]) for row in rows) else 5
        self._columns = list(_COLUMNS[:width])
        self._rows = [row[:width] for row in rows]

    def __repr__(self) -> str:
        rows = [self._columns, *self._rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        def row(cells: list[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self._rows)
        return f"<table>{row(self._columns, 'th')}{body}</table>"


def _row(status: Json) -> list[str]:
    problem = status.get("problem")
    told = problem if isinstance(problem, Mapping) else {}
    return [
        *(str(status.get(name) or "-") for name in ("app", "type", "session", "freshness")),
        _until(status),
        *(str(told.get(name) or "") for name in ("message", "hint")),
    ]


def _until(status: Json) -> str:
    expires_at = status.get("expires_at")
    if not isinstance(expires_at, str):
        # A token without an end has no date.
        return "-" if status.get("freshness") in (None, "none") else "no end"
    return _local(expires_at)


def _local(instant: str) -> str:
    """RFC 3339 in UTC, in the time zone of this machine."""
    try:
        # Python 3.10 reads no "Z".
        return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone().strftime("%Y-%m-%d %H:%M %Z")
    except ValueError:
        return instant


def _browser_is_elsewhere(env: Mapping[str, str], platform: str) -> bool:
    """Whether a browser that the kernel opens would not be in front of the person."""
    if any(env.get(name) for name in _REMOTE):
        return True
    return platform.startswith("linux") and not any(env.get(name) for name in _DESKTOP)


# The parameters of the authorization request that have to be as registered.
_SENT = {"client_id": "client id", "redirect_uri": "redirect URI", "scope": "scopes"}


class _SignIn:
    """One sign-in, from its start to its end."""

    def __init__(self, client: TokenClient, app: str, switch_user: bool = False) -> None:
        self._client = client
        self._app = app
        self._switch_user = switch_user
        self._login = f"/v1/apps/{quote(app, safe='')}/login"
        self.started: Json = {}

    def start(self, device: bool = False) -> None:
        body: dict[str, object] = {"switch_user": self._switch_user}
        self.started = self._client.ask("POST", self._login, {**body, "method": "device"} if device else body)

    def what_to_compare(self) -> str:
        """What the registration has to say too. Of an error page of the server the daemon learns nothing."""
        sent = parse_qs(urlsplit(str(self.started["authorization_url"])).query)
        said = ", ".join(f"{label} {sent[name][0]}" for name, label in _SENT.items() if name in sent)
        return (
            f"If the sign-in page shows an error, compare with the registration of {self._app}: {said}. If one of "
            f"them differs, interrupt this and run %evo_setup {self._app}: it asks for them again."
        )

    @property
    def _path(self) -> str:
        return f"{self._login}/{quote(str(self.started['id']), safe='')}"

    def wait(self) -> None:
        ended: Json = {"status": "pending"}
        while ended["status"] == "pending":
            # The daemon answers when it ends, and after 25 s in any case.
            ended = self._client.ask("GET", self._path)
        self._report(ended)

    def has_ended(self) -> bool:
        """Reports the end, if it is there."""
        state = self._client.ask("GET", f"{self._path}?wait=0")
        if state["status"] == "pending":
            return False
        self._report(state)
        return True

    def paste(self, url: str) -> None:
        """Raises EvoTokenError, `invalid_request` for an address that is not this sign-in's."""
        self._client.ask("POST", f"{self._path}/callback", {"url": url})

    def give_up(self) -> None:
        try:
            self._client.ask("DELETE", self._path)
        except EvoTokenError:
            # It ends by itself after ten minutes, or the daemon is gone.
            return

    def _report(self, ended: Json) -> None:
        if ended["status"] != "succeeded":
            switch = " --switch-user" if ended.get("error") == "other_subject" else ""
            raise EvoTokenError(
                str(ended.get("error") or "failed"),
                str(ended.get("message") or "The sign-in failed."),
                f"Start again with %evo_login {self._app}{switch}.",
            )
        subject = ended.get("subject")
        print(f"Signed in to {self._app}{f' as {subject}' if subject else ''}.")


class _Arguments(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise EvoTokenError("invalid_request", f"{message[:1].upper()}{message[1:]}.", self.format_usage().strip())


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise EvoTokenError(
            "invalid_request", "A quotation mark is not closed.", "The name of an app needs none."
        ) from None


def _parse_status(line: str) -> argparse.Namespace:
    parser = _Arguments(prog="%evo_status", add_help=False)
    parser.add_argument("app", nargs="?")
    return parser.parse_args(_words(line))


def _parse_setup(line: str) -> argparse.Namespace:
    parser = _Arguments(prog="%evo_setup", add_help=False)
    parser.add_argument("app", nargs="?")
    parser.add_argument("--issuer")
    return parser.parse_args(_words(line))


def _parse(line: str) -> argparse.Namespace:
    parser = _Arguments(prog="%evo_login", add_help=False)
    parser.add_argument("app", nargs="?")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--device", action="store_true")
    how.add_argument("--no-browser", action="store_true")
    parser.add_argument("--switch-user", action="store_true")
    return parser.parse_args(_words(line))


@magics_class
class EvoMagics(Magics):
    @line_magic
    def evo_status(self, line: str) -> StatusTable:
        """The status of all apps, or of one: %evo_status evo-me"""
        app = _parse_status(line).app
        client = default_client()
        if app:
            return StatusTable([client.ask("GET", f"/v1/apps/{quote(app, safe='')}")])
        return StatusTable(client.status())

    @line_magic
    def evo_login(self, line: str) -> None:
        """Signs in to an app, and waits for it: %evo_login [APP]

        In the browser of this machine. Where the browser is on another one, with a code to type in there, or
        with the address that it ends on. --device and --no-browser choose one of these. --switch-user is for
        another person than before.
        """
        asked = _parse(line)
        app = asked.app or default_client().default_app()
        _sign_in(app, asked.device, asked.no_browser, asked.switch_user)

    @line_magic
    def evo_setup(self, line: str) -> None:
        """Describes an app, has the daemon run, and signs in: %evo_setup [NAME]

        Asks for the type and the client id of the registration. --issuer is for another authorization
        server than Seequent's.
        """
        asked = _parse_setup(line)
        try:
            _set_up(asked.app, asked.issuer)
        except KeyboardInterrupt:
            raise EvoTokenError(
                "cancelled", "%evo_setup was interrupted.", "Run it again: it goes on where it was."
            ) from None


def _set_up(name: str | None, issuer: str | None) -> None:
    new = None
    if not _setup.described(name):
        new = name or os.environ.get("EVO_TOKEN_APP") or "evo-me"
        _setup.describe(new, issuer)
    _setup.start()
    for status in default_client().status():
        app = str(status["app"])
        if name not in (None, app):
            continue
        if status["session"] in ("signed-out", "misconfigured") and app != new and _setup.correct(app, issuer):
            status = default_client().ask("GET", f"/v1/apps/{quote(app, safe='')}")
        kind = str(status["type"])
        if status["session"] != "signed-out" and kind != "service":
            continue
        _setup.store_secret(app, kind)
        if kind != "service":
            _sign_in(app)
    print("Ready: get_token()")


def _sign_in(app: str, device: bool = False, no_browser: bool = False, switch_user: bool = False) -> None:
    sign_in = _SignIn(default_client(), app, switch_user)
    try:
        if device:
            sign_in.start(device=True)
            _by_device(sign_in)
        elif no_browser:
            sign_in.start()
            _by_paste(sign_in)
        elif _browser_is_elsewhere(os.environ, sys.platform):
            _elsewhere(sign_in)
        else:
            _here(sign_in)
    except KeyboardInterrupt:
        if sign_in.started:
            sign_in.give_up()
        raise EvoTokenError(
            "cancelled",
            f"The sign-in to {app} is left unfinished; nothing has changed.",
            f"Start again with %evo_login {app}.",
        ) from None


def _elsewhere(sign_in: _SignIn) -> None:
    try:
        sign_in.start(device=True)
    except (Misconfigured, Unavailable):
        # The server has no device flow, or not for this app. Any other fault the other way reports too.
        sign_in.start()
        _by_paste(sign_in)
    else:
        _by_device(sign_in)


def _by_device(sign_in: _SignIn) -> None:
    started = sign_in.started
    uri, code = started["verification_uri"], started["user_code"]
    whole = started.get("verification_uri_complete")
    where = f"{whole} and see that it shows the code {code}" if whole else f"{uri} and type the code {code}"
    print(f"To sign in, open {where}. Any device will do; this waits.", flush=True)
    sign_in.wait()


def _here(sign_in: _SignIn) -> None:
    sign_in.start()
    link = sign_in.started.get("open_url")
    if sign_in.started.get("listening") is False or not link:
        _by_paste(sign_in)
        return
    try:
        opened = webbrowser.open(str(link))
    except webbrowser.Error:
        opened = False
    if opened:
        print(
            "The browser opens. If it does not, or ends on a page that is not of evo-token, interrupt this and use "
            "%evo_login --no-browser.",
            flush=True,
        )
    else:
        print(f"Open this link in a browser of this machine: {link}", flush=True)
    print(sign_in.what_to_compare(), flush=True)
    sign_in.wait()


def _by_paste(sign_in: _SignIn) -> None:
    started = sign_in.started
    if started.get("busy_port_user") in ("other", "unknown"):
        print(
            f"Port {started.get('busy_port')}, where the browser ends, may be another user's: "
            "type nothing into that page, and only paste its address here."
        )
    print(f"To sign in, open this address in your browser: {started['authorization_url']}", flush=True)
    print(sign_in.what_to_compare(), flush=True)
    question = "The address that the browser ends on (or Enter, if it says that you are signed in): "
    earlier = ""
    while True:
        try:
            pasted = input(question).strip()
        except (EOFError, RuntimeError) as error:
            # A kernel that runs without a person (papermill, nbconvert) cannot ask.
            sign_in.give_up()
            raise EvoTokenError(
                "login_required",
                "This kernel cannot ask a person for the address.",
                "Sign in with `evo-token login` in a terminal.",
            ) from error
        # A terminal reads line by line an address that a mail broke over several lines.
        whole = pasted if "://" in pasted else earlier + pasted
        if pasted and not _takes(sign_in, dict.fromkeys([pasted, whole])):
            earlier = whole
        if sign_in.has_ended():
            return
        if not pasted:
            print("No browser has come back yet.", flush=True)


def _takes(sign_in: _SignIn, addresses: Iterable[str]) -> bool:
    """Whether one of these is the sign-in's; says what is wrong with the first where none is."""
    refusals: list[EvoTokenError] = []
    for address in addresses:
        try:
            sign_in.paste(address)
        except EvoTokenError as error:
            if error.code != "invalid_request":
                raise
            refusals.append(error)
        else:
            return True
    print(refusals[0], flush=True)
    return False

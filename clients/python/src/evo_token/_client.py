"""Gets tokens, and keeps them until shortly before their end; safe under threads and fork."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from urllib.parse import quote, urlencode

from ._connection import Json, Place, ask
from ._errors import DaemonNotRunning, EvoTokenError, Unavailable
from ._token import Token

# How long a daemon takes to restart.
_RETRY_AFTER_S = 1.0


class TokenClient:
    """Asks the daemon on this machine; without arguments, the one that the command line finds."""

    def __init__(
        self,
        *,
        socket: str | None = None,
        url: str | None = None,
        key_file: str | None = None,
        caller: str | None = None,
    ) -> None:
        self._place = Place(socket, url, key_file, caller)
        self._tokens: dict[str, Token] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._guard = threading.Lock()
        self._only: str | None = None
        _clients.add(self)

    def get_token(self, app: str | None = None, min_ttl: float | None = None) -> Token:
        """A good token: one that lives at least `min_ttl` seconds, where the server's tokens live so long.

        `app` defaults to $EVO_TOKEN_APP, or to the only app that the caller may use. Raises EvoTokenError.
        """
        app = _named(app) or self._only_app()
        with self._lock_of(app):
            return self.cached(app, min_ttl) or self._fetch(app, min_ttl)

    def cached(self, app: str | None = None, min_ttl: float | None = None) -> Token | None:
        """The token that is kept here, if it is good enough; asks no daemon, so that the app has to be named."""
        token = self._tokens.get(_named(app) or "")
        if token is None or not token.is_fresh or token.remaining_s < (min_ttl or 0):
            return None
        return token

    def report_rejected(self, token: Token) -> Token:
        """Reports that an API refused `token` before its end. Returns another one, or the same
        where the daemon can get no other now. Raises EvoTokenError."""
        with self._lock_of(token.app):
            held = self._tokens.get(token.app)
            if held is not None and held != token and held.is_fresh:
                return held
            body = {"rejected_sha256": token.sha256}
            return self._receive(token.app, "POST", f"{_path(token.app)}/refresh", body)

    def status(self) -> list[Json]:
        """The status of each app of this caller; never a token."""
        apps = self.ask("GET", "/v1/apps").get("apps")
        return [one for one in apps if isinstance(one, dict)] if isinstance(apps, list) else []

    def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        """The daemon's answer. Tries once more where the daemon is restarting. Raises EvoTokenError."""
        try:
            return ask(self._place, method, path, body)
        except EvoTokenError as error:
            if not (isinstance(error, DaemonNotRunning) and error.unasked) and error.code != "stopping":
                raise
        time.sleep(_RETRY_AFTER_S)
        return ask(self._place, method, path, body)

    def _fetch(self, app: str, min_ttl: float | None) -> Token:
        query = "" if min_ttl is None else f"?{urlencode({'min_ttl': math.ceil(min_ttl)})}"
        return self._receive(app, "GET", f"{_path(app)}/token{query}", None)

    def _receive(self, app: str, method: str, path: str, body: Json | None) -> Token:
        wall, mono = time.time(), time.monotonic()
        answer = self.ask(method, path, body)
        try:
            token = Token(answer, wall, mono)
        except (KeyError, ValueError):
            raise Unavailable("unavailable", "The daemon answered without a token.") from None
        self._tokens[app] = token
        return token

    def default_app(self) -> str:
        """$EVO_TOKEN_APP, or the only app that the caller may use. Raises EvoTokenError."""
        return _named(None) or self._only_app()

    def _only_app(self) -> str:
        """Asks the daemon each time: another app may have been configured since."""
        try:
            names = [str(one.get("app")) for one in self.status()]
        except (DaemonNotRunning, Unavailable):
            # Its token, which is kept here, may still be good.
            if self._only is None:
                raise
            return self._only
        self._only = names[0] if len(names) == 1 else None
        if self._only is not None:
            return self._only
        if not names:
            hint = "Describe one with `evo-token init`, or with %evo_setup in a notebook."
            raise EvoTokenError("invalid_request", "No app is configured.", hint)
        raise EvoTokenError(
            "invalid_request", "No app is named.", f"Name one of {', '.join(names)}, or set EVO_TOKEN_APP to it."
        )

    def _lock_of(self, app: str) -> threading.Lock:
        """Each app has one request at a time: other threads wait for its answer."""
        with self._guard:
            return self._locks.setdefault(app, threading.Lock())

    def _after_fork(self) -> None:
        """Replaces the locks: those that other threads held are never released in the child."""
        self._guard = threading.Lock()
        self._locks = {}


_clients: weakref.WeakSet[TokenClient] = weakref.WeakSet()


def _after_fork() -> None:
    for client in list(_clients):
        client._after_fork()


# Windows has no fork.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

_default = TokenClient()


def get_token(app: str | None = None, min_ttl: float | None = None) -> Token:
    """`TokenClient.get_token` of the process-wide client."""
    return _default.get_token(app, min_ttl)


def default_client() -> TokenClient:
    return _default


def _named(app: str | None) -> str | None:
    return app or os.environ.get("EVO_TOKEN_APP")


def _path(app: str) -> str:
    return f"/v1/apps/{quote(app, safe='')}"

"""An access token that does not show itself."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import NoReturn

_SPARE_S = 60.0

# A token's end is in whole seconds (RFC 7519 `exp`), and a request needs time to arrive.
_LEAST_SPARE_S = 2.0

# A token without an end may be revoked, or replaced by a new sign-in: the daemon is asked for it once an hour.
_ENDLESS_FRESH_S = 3600.0


class Token:
    """An access token. Printing, logging and formatting show its fingerprint; `value` is the token itself."""

    __slots__ = ("_life_s", "_received_mono", "_received_wall", "_value", "app", "scope", "token_type")

    def __init__(self, answer: Mapping[str, object], asked_wall: float, asked_mono: float) -> None:
        """`asked_…` is when the token was requested; its life counts from then. Raises KeyError or ValueError."""
        value = answer["access_token"]
        # RFC 6749 §A.12: a line break in it would end the header that it goes into.
        if not (isinstance(value, str) and value and value.isascii() and value.isprintable()):
            raise ValueError("no access token")
        self._value = value
        expires_in = answer["expires_in"]
        # None for a token that does not end.
        self._life_s = math.inf if expires_in is None else float(str(expires_in))
        self._received_wall = asked_wall
        self._received_mono = asked_mono
        self.app = str(answer["app"])
        self.token_type = str(answer.get("token_type", "Bearer"))
        scope = answer.get("scope")
        self.scope = scope if isinstance(scope, str) else None

    @property
    def value(self) -> str:
        return self._value

    @property
    def authorization(self) -> str:
        """The value of an Authorization header (RFC 6750 §2.1)."""
        return f"Bearer {self._value}"

    @property
    def expires_at(self) -> datetime | None:
        """None for a token that does not end."""
        if self._life_s == math.inf:
            return None
        return datetime.fromtimestamp(self._received_wall + self._life_s, timezone.utc)

    @property
    def remaining_s(self) -> float:
        """Seconds until its end, by the clock that has gone further since; infinite for a token that does not end."""
        return max(0.0, self._life_s - self._age_s())

    @property
    def is_fresh(self) -> bool:
        """Whether it may be used without asking the daemon: until a minute before its end, or for an hour without one."""
        if self._life_s == math.inf:
            return self._age_s() < _ENDLESS_FRESH_S
        return self.remaining_s > max(_LEAST_SPARE_S, min(_SPARE_S, self._life_s / 4))

    def _age_s(self) -> float:
        return max(time.time() - self._received_wall, time.monotonic() - self._received_mono)

    @property
    def sha256(self) -> str:
        # Most programs never look at it, and the module takes long to load.
        import hashlib

        return hashlib.sha256(self._value.encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """As the daemon's log and `evo-token status` show it."""
        return self.sha256[:8]

    def __repr__(self) -> str:
        end = f"good until {self.expires_at:%Y-%m-%dT%H:%M:%SZ}" if self.expires_at else "without an end"
        return f"<Token of {self.app} [{self.fingerprint}], {end}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not written to disk: ask for it again where it is needed")

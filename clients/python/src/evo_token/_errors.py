"""What can go wrong, as the daemon names it (RFC 9457 problems with `error` and `hint`)."""

from __future__ import annotations

import sys


class EvoTokenError(Exception):
    """`code` is stable; `hint` says what to do."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.hint = hint

    def __str__(self) -> str:
        return f"{super().__str__()} {self.hint}".rstrip()

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.code, super().__str__(), self.hint))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class LoginRequired(EvoTokenError):
    """A person has to sign in: `evo-token login APP`, or `%evo_login APP`."""


class Misconfigured(EvoTokenError):
    """The authorization server refuses the app itself."""


class Unavailable(EvoTokenError):
    """No good token can be had now; the daemon keeps trying."""


class VaultLocked(Unavailable):
    """The key of the daemon's vault cannot be had."""


class RecordNewer(Unavailable):
    """A newer evo-token wrote the app's record: that version has to be installed again."""


class Refused(EvoTokenError):
    """The daemon does not answer this caller: a wrong key, or an app that it may not use."""


class DaemonNotRunning(EvoTokenError):
    """No daemon answers at any place where it could be."""

    #: Whether the request cannot have reached the daemon, so that it can be repeated.
    unasked = True


_BY_CODE: dict[str, type[EvoTokenError]] = {
    "login_required": LoginRequired,
    "misconfigured": Misconfigured,
    "unavailable": Unavailable,
    "stopping": Unavailable,
    "vault_locked": VaultLocked,
    "record_newer": RecordNewer,
    "invalid_key": Refused,
    "forbidden": Refused,
    "wrong_host": Refused,
    "unknown_app": Refused,
    "not_home": Refused,
}


def error_for(code: str, message: str, hint: str) -> EvoTokenError:
    return _BY_CODE.get(code, EvoTokenError)(code, message, hint)


def not_running(reason: str, unasked: bool = True) -> DaemonNotRunning:
    error = DaemonNotRunning(
        "not_running",
        f"The daemon cannot be reached: {reason}.",
        "Start the daemon with `evo-token serve`"
        + ("; in a notebook, run %load_ext evo_token and %evo_setup." if "ipykernel" in sys.modules else "."),
    )
    error.unasked = unasked
    return error

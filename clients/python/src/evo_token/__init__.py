"""Fresh access tokens for notebooks and scripts, from the evo-token daemon on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._aio import AsyncTokenClient
from ._client import TokenClient, get_token
from ._errors import (
    DaemonNotRunning,
    EvoTokenError,
    LoginRequired,
    Misconfigured,
    RecordNewer,
    Refused,
    Unavailable,
    VaultLocked,
)
from ._token import Token

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = [
    "AsyncTokenClient",
    "DaemonNotRunning",
    "EvoTokenError",
    "LoginRequired",
    "Misconfigured",
    "RecordNewer",
    "Refused",
    "Token",
    "TokenClient",
    "Unavailable",
    "VaultLocked",
    "get_token",
]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by `%load_ext evo_token`: the magics, and `get_token` unless there is something of that name."""
    from ._activity import ActivityMagics
    from ._magics import EvoMagics

    shell.register_magics(EvoMagics, ActivityMagics)
    shell.user_ns.setdefault("get_token", get_token)

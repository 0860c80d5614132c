"""The authorizer for the Evo Python SDK (`evo-sdk-common`)."""

from __future__ import annotations

import logging
from contextvars import ContextVar

from evo.common import HTTPHeaderDict
from evo.oauth import AccessTokenAuthorizer

from ._aio import AsyncTokenClient
from ._client import TokenClient, default_client
from ._errors import EvoTokenError
from ._token import Token

_log = logging.getLogger("evo_token")

# The token of this task's request: other tasks may have got a newer one since.
_sent: ContextVar[Token | None] = ContextVar("evo_token_sent", default=None)


class SidecarAuthorizer(AccessTokenAuthorizer):
    """Takes a fresh token from the daemon for each request, for as long as the job runs.

    A subclass of AccessTokenAuthorizer, because the SDK's notebook widget asks for one.
    """

    def __init__(self, app: str | None = None, client: TokenClient | None = None) -> None:
        super().__init__("")
        self._app = app
        self._sidecar = AsyncTokenClient(client or default_client())

    async def get_default_headers(self) -> HTTPHeaderDict:
        token = await self._sidecar.get_token(self._app)
        _sent.set(token)
        return HTTPHeaderDict({"Authorization": token.authorization})

    async def refresh_token(self) -> bool:
        """Called after a 401. True where there is another token, so that it is worth another try."""
        refused = _sent.get()
        try:
            if refused is None:
                return False
            return await self._sidecar.report_rejected(refused) != refused
        except EvoTokenError as error:
            _log.warning("%s", error)
            return False
        except Exception as error:  # the SDK would raise it in place of the 401
            _log.warning("The rejected token could not be reported (%s).", type(error).__name__)
            return False

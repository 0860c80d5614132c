"""The client for asyncio: what has to be asked is asked in a thread, the loop goes on."""

from __future__ import annotations

import asyncio

from ._client import TokenClient
from ._connection import Json
from ._token import Token


class AsyncTokenClient:
    """As TokenClient, and with the same arguments; or around one that there is already."""

    def __init__(
        self,
        client: TokenClient | None = None,
        *,
        socket: str | None = None,
        url: str | None = None,
        key_file: str | None = None,
        caller: str | None = None,
    ) -> None:
        self._client = client or TokenClient(socket=socket, url=url, key_file=key_file, caller=caller)

    async def get_token(self, app: str | None = None, min_ttl: float | None = None) -> Token:
        held = self._client.cached(app, min_ttl)
        if held is not None:
            return held
        return await asyncio.to_thread(self._client.get_token, app, min_ttl)

    async def report_rejected(self, token: Token) -> Token:
        return await asyncio.to_thread(self._client.report_rejected, token)

    async def status(self) -> list[Json]:
        return await asyncio.to_thread(self._client.status)

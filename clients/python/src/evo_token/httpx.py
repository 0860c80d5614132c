"""`auth=SidecarAuth("evo-me")` for `httpx`: a fresh token, and one more try where it was refused."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator

import httpx

from ._aio import AsyncTokenClient
from ._client import TokenClient, default_client


class SidecarAuth(httpx.Auth):
    def __init__(self, app: str | None = None, client: TokenClient | None = None) -> None:
        self._app = app
        self._client = client or default_client()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._client.get_token(self._app)
        request.headers["Authorization"] = token.authorization
        response = yield request
        if response.status_code == 401:
            other = self._client.report_rejected(token)
            if other != token:
                request.headers["Authorization"] = other.authorization
                yield request

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        client = AsyncTokenClient(self._client)
        token = await client.get_token(self._app)
        request.headers["Authorization"] = token.authorization
        response = yield request
        if response.status_code == 401:
            other = await client.report_rejected(token)
            if other != token:
                request.headers["Authorization"] = other.authorization
                yield request

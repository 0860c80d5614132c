"""The client for asyncio: it asks the daemon in a thread, so that the loop goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ._client import TokenClient
from ._connection import Json
from ._token import Token

_P = ParamSpec("_P")
_R = TypeVar("_R")


async def _in_thread(call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    # Imported on demand: it takes as long as all the rest together.
    import asyncio

    return await asyncio.to_thread(call, *args, **kwargs)


class AsyncTokenClient:
    """TokenClient with async methods: takes the same arguments, or an existing TokenClient."""

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
        return await _in_thread(self._client.get_token, app, min_ttl)

    async def report_rejected(self, token: Token) -> Token:
        return await _in_thread(self._client.report_rejected, token)

    async def status(self) -> list[Json]:
        return await _in_thread(self._client.status)

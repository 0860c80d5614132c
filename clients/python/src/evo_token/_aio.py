"""The client for asyncio: what has to be asked is asked in a thread, the loop goes on."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ._client import TokenClient
from ._connection import Json
from ._token import Token

_P = ParamSpec("_P")
_R = TypeVar("_R")


async def _in_thread(call: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    # It takes as long to import as all the rest together, which only those pay for who await.
    import asyncio

    return await asyncio.to_thread(call, *args, **kwargs)


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
        return await _in_thread(self._client.get_token, app, min_ttl)

    async def report_rejected(self, token: Token) -> Token:
        return await _in_thread(self._client.report_rejected, token)

    async def status(self) -> list[Json]:
        return await _in_thread(self._client.status)

"""`auth=SidecarAuth("evo-me")` for `requests`: a fresh token, and one more try where it was refused."""

from __future__ import annotations

from typing import Any

from requests import PreparedRequest, Response
from requests.auth import AuthBase

from ._client import TokenClient, default_client
from ._token import Token


class SidecarAuth(AuthBase):
    def __init__(self, app: str | None = None, client: TokenClient | None = None) -> None:
        self._app = app
        self._client = client or default_client()

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        token = self._client.get_token(self._app)
        request.headers["Authorization"] = token.authorization
        body: Any = request.body
        body_at: int | None = body.tell() if hasattr(body, "tell") else None

        def on_response(response: Response, **options: Any) -> Response:
            return self._once_more(response, token, body_at, options)

        register: Any = request.register_hook
        register("response", on_response)
        return request

    def _once_more(self, response: Response, token: Token, body_at: int | None, options: dict[str, Any]) -> Response:
        # A redirect elsewhere has lost its header, and gets no other one.
        sent = response.request.headers.get("Authorization")
        if response.status_code != 401 or sent != token.authorization:
            return response
        other = self._client.report_rejected(token)
        if other == token:
            return response
        response.content  # noqa: B018 -- read to its end, so that the connection can be used again
        response.close()
        again = response.request.copy()
        if body_at is not None:
            body: Any = again.body
            body.seek(body_at)
        again.headers["Authorization"] = other.authorization
        answer = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        return answer

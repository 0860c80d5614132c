"""`%evo_status` and `%evo_login APP` for notebooks."""

from __future__ import annotations

import html
import os
import webbrowser
from urllib.parse import quote

from IPython.core.magic import Magics, line_magic, magics_class

from ._client import default_client
from ._connection import Json
from ._errors import EvoTokenError

_COLUMNS = {"app": "App", "type": "Type", "session": "Session", "freshness": "Token", "expires_at": "Until"}


class StatusTable:
    """The apps as a small table, in a notebook or in a terminal."""

    def __init__(self, statuses: list[Json]) -> None:
        self._rows = [[_cell(one, name) for name in _COLUMNS] for one in statuses]

    def __repr__(self) -> str:
        rows = [list(_COLUMNS.values()), *self._rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        def row(cells: list[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self._rows)
        return f"<table>{row(list(_COLUMNS.values()), 'th')}{body}</table>"


def _cell(status: Json, name: str) -> str:
    # A token without an end has no date.
    endless = name == "expires_at" and status.get("freshness") not in (None, "none")
    return str(status.get(name) or ("no end" if endless else "-"))


@magics_class
class EvoMagics(Magics):
    @line_magic
    def evo_status(self, line: str) -> StatusTable:
        """How the apps are."""
        return StatusTable(default_client().status())

    @line_magic
    def evo_login(self, line: str) -> None:
        """Signs in to an app in the browser, and waits for it: %evo_login evo-me"""
        app = line.strip() or os.environ.get("EVO_TOKEN_APP", "")
        if not app:
            raise EvoTokenError("invalid_request", "No app is named.", "Name one: %evo_login evo-me")
        client = default_client()
        path = f"/v1/apps/{quote(app, safe='')}/login"
        started = client.ask("POST", path, {})
        link = str(started["open_url"])
        try:
            opened = webbrowser.open(link)
        except webbrowser.Error:
            opened = False
        if not opened:
            print(f"Open this link in a browser of this machine: {link}", flush=True)
        ended: Json = {"status": "pending"}
        while ended["status"] == "pending":
            # The daemon answers when it ends, and after 25 s in any case.
            ended = client.ask("GET", f"{path}/{quote(str(started['id']), safe='')}")
        if ended["status"] != "succeeded":
            raise EvoTokenError(str(ended.get("error") or "failed"), str(ended.get("message") or "The sign-in failed."))
        print(f"Signed in to {app}.")

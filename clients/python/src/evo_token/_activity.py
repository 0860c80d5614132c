"""`%evo_activity [APP]` for notebooks."""

from __future__ import annotations

import html
from datetime import datetime
from urllib.parse import urlencode

from IPython.core.magic import Magics, line_magic, magics_class

from ._client import default_client
from ._connection import Json

_SHOWN = 20
_HEAD = ("When", "App", "What", "Caller")


class ActivityTable:
    """What happened, newest first, in a notebook or in a terminal."""

    def __init__(self, items: list[Json]) -> None:
        self._rows = [[_when(one), str(one.get("app") or "-"), _what(one), str(one.get("caller") or "-")] for one in items]

    def __repr__(self) -> str:
        rows = [list(_HEAD), *self._rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        def row(cells: list[str], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

        return f"<table>{row(list(_HEAD), 'th')}{''.join(row(cells, 'td') for cells in self._rows)}</table>"


def _when(item: Json) -> str:
    # Python 3.10 does not read the Z.
    at = datetime.fromisoformat(str(item["at"]).replace("Z", "+00:00"))
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _what(item: Json) -> str:
    details = [str(item[name]) for name in ("error", "cause") if item.get(name)]
    what = str(item["kind"]).replace("_", " ")
    return f"{what} ({', '.join(details)})" if details else what


@magics_class
class ActivityMagics(Magics):
    @line_magic
    def evo_activity(self, line: str) -> ActivityTable:
        """What happened lately, to all apps or to one: %evo_activity evo-me"""
        query = {"limit": str(_SHOWN), **({"app": line.strip()} if line.strip() else {})}
        answer = default_client().ask("GET", f"/v1/activity?{urlencode(query)}")
        items = answer["items"]
        return ActivityTable(items if isinstance(items, list) else [])

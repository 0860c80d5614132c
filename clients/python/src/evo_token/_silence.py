"""Finds out whether a daemon that does not answer is busy, starting, or not there."""

from __future__ import annotations

import http.client
import logging
import time
from typing import Protocol

from ._errors import DaemonNotRunning
from ._service import Seen, State, look

# Between two checks whether the daemon is still there.
_LOOK_EVERY_S = 3.0
# The same while the service starts or stops, which usually takes a second.
_LOOK_AGAIN_S = 1.0
_ALIVE_WITHIN_S = 3.0

_SAID: dict[State, str] = {
    "starting": "The evo-token daemon is being started; waiting for it.",
    "stopping": "The evo-token daemon is being stopped or restarted; waiting for it.",
    "running": "The evo-token daemon is very slow to answer; waiting for it.",
}


class Asked(Protocol):
    """A connection whose request has been sent."""

    @property
    def place(self) -> str: ...

    @property
    def of_machine(self) -> bool: ...

    @property
    def patience_s(self) -> float: ...

    def is_readable(self, within_s: float) -> bool: ...

    def another(self, timeout: float) -> http.client.HTTPConnection: ...


def outlast(asked: Asked, pid: int | None) -> None:
    """Blocks until the answer begins. Raises DaemonNotRunning where none can be expected any more."""
    deadline = time.monotonic() + asked.patience_s
    said: set[State] = set()
    before: Seen | None = None
    while time.monotonic() < deadline:
        pause_s = _LOOK_EVERY_S
        if not _is_alive(asked):
            seen = look(asked.of_machine)
            state = "failed" if _is_failing(before, seen) else seen.state
            before = seen
            if state != "running":
                pause_s = _LOOK_AGAIN_S
            if state not in _SAID:
                raise _not_there(asked.place, state, pid)
            if state not in said:
                said.add(state)
                logging.getLogger("evo_token").warning(_SAID[state])
        if asked.is_readable(pause_s):
            return
    raise _not_there(asked.place, "none", pid)


def _is_failing(before: Seen | None, seen: Seen) -> bool:
    """Whether the manager has started the service again since the last look, and it is not up: it fails each time."""
    return before is not None and seen.state == "starting" and seen.restarts > before.restarts


def _is_alive(asked: Asked) -> bool:
    probe = asked.another(_ALIVE_WITHIN_S)
    try:
        probe.request("GET", "/healthz")
        return probe.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        probe.close()


def _not_there(place: str, state: State, pid: int | None) -> DaemonNotRunning:
    if state == "failed":
        message = "The evo-token service is installed, but its daemon does not start."
        hint = "`evo-token service status` shows why."
    elif pid is not None:
        message = f"The evo-token daemon at {place} gives no sign of life."
        hint = f"End its process ({pid}), then start it again with `evo-token serve`."
    else:
        message = f"What listens on {place} gives no sign of life."
        hint = "No daemon is known to listen there. Find out which program does, then start the daemon with `evo-token serve`."
    error = DaemonNotRunning("not_running", message, hint)
    # The request is in its socket, and may still be read.
    error.unasked = False
    return error

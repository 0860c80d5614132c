"""Asks the service manager about a daemon that accepts connections and does not answer."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Literal, NamedTuple

# `none`: no service manager, or it does not know the service.
State = Literal["starting", "stopping", "running", "failed", "none"]

_ANSWER_WITHIN_S = 3.0
_LABEL = "evo-token"


class Seen(NamedTuple):
    """What the service manager says of the service."""

    state: State
    # How often the manager has started it again by itself.
    restarts: int


_NOTHING = Seen("none", 0)


def look(of_machine: bool = False) -> Seen:
    """The state of the service: with `of_machine` the machine's, else this user's."""
    # The Task Scheduler answers in the language of Windows, which cannot be parsed.
    if sys.platform == "win32":
        return _NOTHING
    if sys.platform == "darwin":
        return _NOTHING if of_machine else _from_launchd(_said("launchctl", "print", f"gui/{os.getuid()}/{_LABEL}"))
    scope = [] if of_machine else ["--user"]
    return _from_systemd(
        _said("systemctl", *scope, "show", "--property=LoadState,ActiveState,SubState,NRestarts,Job", "evo-token.service")
    )


def _from_systemd(said: str) -> Seen:
    properties = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    restarts = properties.get("NRestarts", "")
    return Seen(_state_in(properties), int(restarts) if restarts.isdigit() else 0)


def _state_in(properties: dict[str, str]) -> State:
    active = properties.get("ActiveState", "")
    if properties.get("LoadState") != "loaded":
        return "none"
    # Between two attempts: the service failed, and will most likely fail again.
    if active == "failed" or properties.get("SubState") == "auto-restart":
        return "failed"
    if active in ("activating", "reloading") or (active == "inactive" and properties.get("Job")):
        return "starting"
    if active == "deactivating":
        return "stopping"
    return "running" if active == "active" else "failed"


def _from_launchd(said: str) -> Seen:
    lines = [line.strip() for line in said.splitlines()]
    if not lines:
        return _NOTHING
    return Seen("running" if "state = running" in lines else "failed", 0)


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=_ANSWER_WITHIN_S, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return ""

"""Finds a program in PATH: on Windows `shutil.which` and `subprocess` look in the current directory first."""

from __future__ import annotations

import ntpath
import os
import re
import shutil
from collections.abc import Callable, Mapping

# `.cmd` is what npm installs.
_ENDINGS = (".exe", ".cmd")

# An absolute path, on a drive or another machine: `\tools` and `C:tools` depend on the current directory.
_WHOLE = re.compile(r"[A-Za-z]:[\\/]|[\\/]{2}[^\\/]")


def find(name: str) -> str | None:
    """The absolute path of the program; None where there is none."""
    return find_on_windows(name, os.environ) if os.name == "nt" else shutil.which(name)


def find_on_windows(
    name: str, env: Mapping[str, str], is_file: Callable[[str], bool] = os.path.isfile
) -> str | None:
    # A directory may be in quotes, with a semicolon in it.
    entries = [entry.replace('"', "") for entry in re.findall(r'(?:"[^"]*"|[^;"])+', env.get("PATH", ""))]
    directories = [entry for entry in entries if _WHOLE.match(entry)]
    paths = [ntpath.join(directory, name + ending) for directory in directories for ending in _ENDINGS]
    return next(filter(is_file, paths), None)


def environment() -> dict[str, str]:
    """The environment for programs: with it the script that npm installs does not take `node` from the current directory."""
    return {**os.environ, **({"NoDefaultCurrentDirectoryInExePath": "1"} if os.name == "nt" else {})}

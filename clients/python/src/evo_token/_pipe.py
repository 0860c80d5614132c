"""A named pipe of Windows with the methods of a socket that `http.client` needs."""

from __future__ import annotations

import errno
import io
import re
import sys
import time
from typing import Any

# Opening a pipe of another machine would send it this user's credentials.
_OF_THIS_MACHINE = re.compile(r"\\\\[.?]\\pipe\\[^\\]+")

# The error while all instances of the pipe are taken, until the daemon makes the next one.
_PIPE_BUSY = 231
_LOOK_EVERY_S = 0.01


def is_pipe(path: str) -> bool:
    return _OF_THIS_MACHINE.fullmatch(path) is not None


class Pipe:
    """Reading and writing have no time limit; `is_readable` is called before an answer is read."""

    def __init__(self, path: str, within_s: float) -> None:
        self._file = _open(path, time.monotonic() + within_s)

    def sendall(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = self._file.write(rest)
            rest = rest[written or 0 :]

    def makefile(self, *_mode: object) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._file))

    def settimeout(self, _seconds: float) -> None:
        return

    def is_readable(self, within_s: float) -> bool:
        """Whether an answer, or the end of the connection, comes within this time."""
        deadline = time.monotonic() + within_s
        while not _has_bytes(self._file):
            if time.monotonic() > deadline:
                return False
            time.sleep(_LOOK_EVERY_S)
        return True

    def close(self) -> None:
        self._file.close()


class _Reader(io.RawIOBase):
    """A reader that leaves the pipe open at the end of an answer, for the next one."""

    def __init__(self, file: io.RawIOBase) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        return self._file.readinto(buffer)


def _open(path: str, deadline: float) -> io.RawIOBase:
    while True:
        try:
            return open(path, "r+b", buffering=0)
        except OSError as error:
            busy = getattr(error, "winerror", None) == _PIPE_BUSY or error.errno == errno.EAGAIN
            if not busy or time.monotonic() > deadline:
                raise
        time.sleep(_LOOK_EVERY_S)


def _has_bytes(file: io.RawIOBase) -> bool:
    """Also true at the end of the connection, which reading finds at once."""
    if sys.platform != "win32":
        raise OSError("only Windows has named pipes of this kind")
    import ctypes
    import msvcrt

    available = ctypes.c_ulong(0)
    handle = ctypes.c_void_p(msvcrt.get_osfhandle(file.fileno()))
    answered = ctypes.windll.kernel32.PeekNamedPipe(handle, None, 0, None, ctypes.byref(available), None)
    return not answered or available.value > 0

"""Reads whole files that may be anything: pipes, devices, endless, or changing meanwhile."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

# A pipe without a writer would be waited for; with this it is opened at once, and then refused.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class TooLargeError(OSError):
    """A file has more bytes than allowed.

    Parameters
    ----------
    size_bytes : int
        How many it has.
    """

    def __init__(self, size_bytes: int) -> None:
        super().__init__(errno.EFBIG, f"it has {size_bytes / 1e6:.0f} MB, which is too much")
        self.size_bytes = size_bytes


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Read a file, never waiting for it and never taking more memory than allowed.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    max_bytes : int
        Larger files are refused unread.

    Returns
    -------
    bytes

    Raises
    ------
    OSError
        If it cannot be read, is no regular file, or changed while it was read; `strerror` says
        so without naming a path.
    TooLargeError
        If it is larger than allowed.
    ValueError
        If the path holds a NUL.
    """
    with open_regular(path, max_bytes) as (stream, before):
        data = stream.read(before.st_size + 1)
        after = os.fstat(stream.fileno())
    same = (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)
    if not same or len(data) != before.st_size:
        raise OSError(errno.EBUSY, "it changed while it was read")
    return data


@contextmanager
def open_regular(
    path: Path, max_bytes: int | None = None
) -> Iterator[tuple[BufferedReader, os.stat_result]]:
    """Open a file to read its bytes, never waiting for it.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    max_bytes : int, optional
        Larger files are refused unread.

    Yields
    ------
    stream : file
        Binary, at its begin.
    status : os.stat_result
        Of the file as it was opened.

    Raises
    ------
    OSError, TooLargeError, ValueError
        As `read_regular` does.
    """
    _check(os.stat(path), max_bytes)  # noqa: PTH116 - before opening, which a device may notice
    descriptor = os.open(path, _FLAGS)
    with open(descriptor, "rb") as stream:  # noqa: PTH123 - a descriptor has no path
        status = os.fstat(descriptor)
        _check(status, max_bytes)
        yield stream, status


def _check(status: os.stat_result, max_bytes: int | None) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a pipe or device, not a file")
    if max_bytes is not None and status.st_size > max_bytes:
        raise TooLargeError(status.st_size)

"""One run at a time in OUT: a lock that a dead process does not keep.

The operating system's lock on the file counts, which ends with its process however that ends. Where
a file system has no such locks, the process that the file names is looked for.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from scarmetrics.errors import UsageError
from scarmetrics.runner.disk import unwritable, writing
from scarmetrics.runner.output import RUN_LOCK

if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # no such locks on this system
    fcntl = None  # type: ignore[assignment]

_PROC = Path("/proc")


@contextmanager
def run_lock(out: Path) -> Iterator[None]:
    """Keep every other run out of a folder.

    Parameters
    ----------
    out : pathlib.Path
        OUT; made when it is missing.

    Raises
    ------
    UsageError
        If another run is going on in it, or it cannot be written.
    """
    path = out / RUN_LOCK
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = _acquire(path)
    except OSError as error:
        raise unwritable(out, error, begun=False) from error
    if handle is None:
        raise _busy(out, path)
    try:
        with writing(out):
            os.ftruncate(handle, 0)
            os.pwrite(handle, json.dumps(_who()).encode(), 0)
        yield
    finally:
        with suppress(OSError):
            path.unlink(missing_ok=True)  # while it is still ours
        os.close(handle)


def _acquire(path: Path) -> int | None:
    """The locked file's handle; None where another run has it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # the umask decides
        if not _take(handle, path):
            os.close(handle)
            return None
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        os.close(handle)  # the run that had it removed it a moment ago: once more


def _take(handle: int, path: Path) -> bool:
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # this file system has no locks
        else:
            return True
    holder = _read(path)
    if not holder:
        return True
    return holder.get("boot") == _boot() and holder.get("born") != _born(holder.get("pid"))


def _who() -> dict[str, Any]:
    """Which process this is, without a name of host or user."""
    since = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return {
        "pid": os.getpid(),
        "born": _born(os.getpid()),
        "boot": _boot(),
        "since": since,
        "run": uuid4().hex,  # no other run's file has these bytes
    }


def _born(pid: object) -> str | None:
    """When a process began, in the system's ticks; None if there is no such process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8")
    except OSError:
        return None
    return text.rpartition(")")[2].split()[19]


def _boot() -> str:
    """Tells this start of this machine from others, and nothing about it."""
    try:
        name = (_PROC / "sys/kernel/random/boot_id").read_bytes()
    except OSError:
        return ""
    return hashlib.sha256(name).hexdigest()[:16]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _busy(out: Path, path: Path) -> UsageError:
    holder = _read(path)
    since = f", since {holder['since']}" if holder.get("since") else ""
    if holder.get("boot") == _boot():
        who = f"process {holder.get('pid')} of this machine"
        remedy = "wait for its end, stop it, or name another --out"
    else:
        who = "a process of another machine"
        remedy = (
            "wait for its end or name another --out; if that machine is off, remove "
            f"{out.name}/{RUN_LOCK}"
        )
    return UsageError(f"another run is measuring into {out.name} ({who}{since})", remedy)

"""The history of OUT: ``audit.jsonl``, a line for each event, with the hash of the line before.

A line that is changed, removed, added or moved breaks the chain. The chain has no secret: who
writes the whole file anew writes one that holds. The hash of its last line, the *head*, kept
elsewhere, shows that too.
"""

from __future__ import annotations

import datetime as dt
import errno
import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # no such locks on this system
    fcntl = None  # type: ignore[assignment]

AUDIT_FILE = "audit.jsonl"
TORN = "line_torn"
START = "0" * 64
"""What the first line names as the one before."""

_SEAL = re.compile(rb'(\{.*),"sha256":"([0-9a-f]{64})"\}', re.DOTALL)
_CHUNK = 1 << 14
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # some network folders cannot


@dataclass(frozen=True)
class Chain:
    """What ``audit.jsonl`` holds.

    Attributes
    ----------
    hashes : tuple of str
        SHA-256 of each whole line's bytes, without the line's end.
    events : tuple of dict
        Content of the sound lines.
    problems : tuple of str
        What is wrong, by line; empty if the chain holds.
    torn : bool
        The last line has no end, as after a process that was killed while it wrote.
    """

    hashes: tuple[str, ...] = ()
    events: tuple[dict[str, Any], ...] = ()
    problems: tuple[str, ...] = ()
    torn: bool = False

    @property
    def head(self) -> str:
        """Hash of the last whole line: what to write down."""
        return self.hashes[-1] if self.hashes else ""


def append(out: Path, event: str, *, create: bool = True, **facts: Any) -> str:
    """Add an event; the disk has it afterwards.

    The work does not grow with the file: only its last line is read.

    Parameters
    ----------
    out : pathlib.Path
        OUT.
    event : str
        What happened.
    create : bool, optional
        Begin the file if it is missing.
    **facts
        What JSON can hold; no path or name of this machine.

    Returns
    -------
    str
        The new head.

    Raises
    ------
    OSError
        If it cannot be written. Nothing is added then.
    """
    path = out / AUDIT_FILE
    handle = os.open(path, os.O_RDWR | os.O_APPEND | (os.O_CREAT if create else 0), 0o666)
    try:
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(handle, fcntl.LOCK_EX)
        size = os.fstat(handle).st_size
        last, torn = _tail(handle, size)
        number = _number(last) if last else 0
        number = _count(path) if number is None else number
        head, data = _hash(last) if last else START, b""
        if torn:  # its bytes stay, and the next line says what they are
            number += 1
            told = {"bytes": len(torn), "before": head}
            line = _line(number, _hash(torn), TORN, told)
            head, data = _hash(line), b"\n" + line + b"\n"
        line = _line(number + 1, head, event, facts)
        _write(handle, data + line + b"\n", size)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        os.close(handle)
    return _hash(line)


def read_chain(out: Path) -> Chain:
    """Read and check the whole history; an empty one if there is no file.

    Parameters
    ----------
    out : pathlib.Path
        OUT.

    Returns
    -------
    Chain

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    try:
        data = (out / AUDIT_FILE).read_bytes()
    except FileNotFoundError:
        return Chain()
    *lines, rest = data.split(b"\n")
    check = _Check()
    for index, line in enumerate(lines):
        following = lines[index + 1] if index + 1 < len(lines) else None
        check.line(line, following)
    return Chain(
        tuple(_hash(line) for line in lines), tuple(check.events), tuple(check.problems), bool(rest)
    )


@dataclass
class _Check:
    """Goes along the chain."""

    events: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    count: int = 0
    number: int = 0
    head: str = START
    whole: str = START

    def line(self, line: bytes, following: bytes | None) -> None:
        """Check one line; what a process left half written is told by the line after it."""
        self.count += 1
        if following is not None and _tells_torn(following, line, self.whole):
            self.head = _hash(line)
            return
        content = _sound(line)
        if content is None:
            self.problems.append(f"line {self.count} was altered")
            self.number += 1
        else:
            if content["previous"] != self.head or content["seq"] != self.number + 1:
                self.problems.append(f"line {self.count} does not follow the line before it")
            self.number = content["seq"]
            self.events.append(content)
        self.head = self.whole = _hash(line)


def _tells_torn(line: bytes, torn: bytes, whole: str) -> bool:
    content = _sound(line)
    return (
        content is not None
        and content.get("event") == TORN
        and content.get("previous") == _hash(torn)
        and content.get("before") == whole
    )


def _sound(line: bytes) -> dict[str, Any] | None:
    """Content of a line that has its own hash; None if it has not."""
    sealed = _SEAL.fullmatch(line)
    if sealed is None or hashlib.sha256(sealed[1] + b"}").hexdigest().encode() != sealed[2]:
        return None
    try:
        content = json.loads(line)
    except ValueError:
        return None
    known = isinstance(content, dict) and isinstance(content.get("seq"), int)
    return content if known and "previous" in content else None


def _line(number: int, previous: str, event: str, facts: dict[str, Any]) -> bytes:
    time = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    content = {"seq": number, "time": time, "event": event, **facts, "previous": previous}
    body = json.dumps(content, separators=(",", ":")).encode("ascii")
    seal = hashlib.sha256(body).hexdigest()
    return body[:-1] + f',"sha256":"{seal}"}}'.encode("ascii")


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _tail(handle: int, size: int) -> tuple[bytes, bytes]:
    """The last whole line, and what follows it without a line's end."""
    want = _CHUNK
    while True:
        start = max(0, size - want)
        data = os.pread(handle, size - start, start)
        whole, ended, torn = data.rpartition(b"\n")
        _, found, last = whole.rpartition(b"\n")
        if start == 0 or found:
            return (last if ended else b""), torn
        want *= 4


def _number(line: bytes) -> int | None:
    content = _sound(line)
    return None if content is None else content["seq"]


def _count(path: Path) -> int:
    """Where to go on counting after a line that somebody altered."""
    return path.read_bytes().count(b"\n")


def _write(handle: int, data: bytes, size: int) -> None:
    """Add bytes in one write, or none."""
    try:
        rest = memoryview(data)
        while rest:  # once, unless the disk is full: then the second try says why
            rest = rest[os.write(handle, rest) :]
        try:
            os.fsync(handle)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise
    except OSError:
        with suppress(OSError):
            os.ftruncate(handle, size)
        raise

"""What a result was made from: hashes, versions, environment; and writing that never half-writes.

Nothing here names the host, the user or an absolute path.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
from contextlib import contextmanager, suppress
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from scarmetrics.safe_read import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LIBRARIES = ("numpy", "scipy", "opencv-python", "scikit-image", "pillow", "tifffile", "pandas")
# parts of the package that come before or after a measurement
_NOT_MEASURING = frozenset(
    {"allocation", "cli", "phantom", "report", "statistics", "teach", "trial_report"}
)
_PART = re.compile(r"\.[0-9a-f]{32}(\.[a-z0-9]{1,8})?")


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes."""
    with open_regular(path) as (file, _):
        return hashlib.file_digest(file, "sha256").hexdigest()


def hash_outputs(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Hash of each named file below a folder, by its relative name."""
    return {name: sha256_of(folder / name) for name in sorted(names)}


def environment() -> dict[str, str]:
    """Versions that results may depend on."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    found["system"] = platform.system()
    for name in _LIBRARIES:
        found[name] = metadata.version(name)
    return found


@cache
def code_sha256() -> str:
    """Hash of the code and data of this package that a measurement can depend on."""
    root = Path(__file__).parent
    total = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if inside.parts[0] in _NOT_MEASURING or "__pycache__" in inside.parts:
            continue
        if path.is_file():
            total.update(f"{inside.as_posix()} {sha256_of(path)}\n".encode())
    return total.hexdigest()


def sha256_of_json(data: Any) -> str:
    """Hash of what JSON can hold, whatever the order of its keys."""
    text = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def is_part(name: str) -> bool:
    """Whether a file's name is that of a temporary file, which a process that died may leave."""
    return _PART.fullmatch(name) is not None


@contextmanager
def atomic_path(path: Path, *, durable: bool = False, parents: bool = True) -> Iterator[Path]:
    """A temporary file that takes the place of `path` only when it is complete.

    Parameters
    ----------
    path : pathlib.Path
        The final file.
    durable : bool, optional
        Wait until the disk has it, so that not even a power cut leaves half of it.
    parents : bool, optional
        Make its folder when it is missing.

    Yields
    ------
    pathlib.Path
        Where to write.
    """
    if parents:
        path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        yield part
        if durable:
            _sync(part)
        part.replace(path)
        if durable:
            _sync(path.parent)
    finally:
        with suppress(OSError):  # the folder is gone; the first error says so
            part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have the disk hold a file's content, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network folders cannot
            os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, UTF-8, or none; the disk has it afterwards."""
    with atomic_path(path, durable=True) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, data: Any) -> str:
    """Write a JSON file with sorted keys, or none; the disk has it afterwards.

    Returns
    -------
    str
        SHA-256 of its bytes.
    """
    text = json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    write_text(path, text)
    return hashlib.sha256(text.encode()).hexdigest()

"""What a result was made from: hashes, versions, environment; and writing that never half-writes.

Nothing here names the host, the user or an absolute path.
"""

from __future__ import annotations

import hashlib
import json
import platform
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LIBRARIES = ("numpy", "scipy", "opencv-python", "scikit-image", "pillow", "tifffile", "pandas")


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes."""
    with path.open("rb") as file:
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


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """A temporary file that takes the place of `path` only when it is complete.

    Parameters
    ----------
    path : pathlib.Path
        The final file; its folder is made when it is missing.

    Yields
    ------
    pathlib.Path
        Where to write.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid4().hex}{path.suffix}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole text file, UTF-8, or none."""
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, data: Any) -> None:
    """Write a JSON file with sorted keys, or none."""
    write_text(path, json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n")

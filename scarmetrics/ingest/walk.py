"""Finds the photographs in a folder of exports, by name only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scarmetrics.errors import UsageError
from scarmetrics.ingest.listing import failed
from scarmetrics.ingest.words import natural_key

if TYPE_CHECKING:
    from scarmetrics.models import FailureRecord

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".tif", ".tiff"})
_SKIPPED_FOLDERS = frozenset({"__MACOSX", "$RECYCLE.BIN", "System Volume Information"})


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file with the extension of an image.

    Attributes
    ----------
    path : pathlib.Path
        Where it is.
    relative : str
        Its path below the exports folder, with ``/``.
    """

    path: Path
    relative: str


def require_folder(exports: Path) -> None:
    """Refuse what is not a readable folder.

    Raises
    ------
    UsageError
        If the folder does not exist, is a file, or cannot be read.
    """
    remedy = "give the folder that holds the exported photographs"
    if not exports.exists():
        raise UsageError(f"the exports folder {exports.name!r} does not exist", remedy)
    if not exports.is_dir():
        raise UsageError(f"{exports.name!r} is a file, not a folder", remedy)
    if not os.access(exports, os.R_OK | os.X_OK):
        raise UsageError(f"the exports folder {exports.name!r} cannot be read", "check permissions")


def find_photographs(exports: Path) -> tuple[list[FoundFile], list[FailureRecord]]:
    """List the image files below a folder, in natural order.

    Hidden files and folders, other file types and what operating systems leave behind are
    skipped. Links are followed only to files inside the folder.

    Parameters
    ----------
    exports : pathlib.Path
        The folder of exports.

    Returns
    -------
    list of FoundFile
        Photographs.
    list of FailureRecord
        Files and folders that cannot be used.
    """
    root = exports.resolve()
    files: list[FoundFile] = []
    failures: list[FailureRecord] = []
    pending = [""]
    while pending:
        prefix = pending.pop()
        try:
            with os.scandir(exports / prefix) as entries:
                found = [entry for entry in entries if not _is_skipped(entry.name)]
        except OSError:
            failures.append(
                failed("file_unreadable", "the folder cannot be read", path_relative=prefix)
            )
            continue
        for entry in found:
            relative = f"{prefix}/{entry.name}" if prefix else entry.name
            if entry.is_symlink():
                failure = _check_link(entry, relative, root)
                if failure is not None:
                    failures.append(failure)
                    continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(relative)
            elif _is_image(entry.name) and not entry.is_dir():
                if _is_utf8(relative):
                    files.append(FoundFile(Path(entry.path), relative))
                else:
                    failures.append(_badly_encoded(relative))
    files.sort(key=lambda file: natural_key(file.relative))
    failures.sort(key=lambda failure: natural_key(failure.path_relative))
    return files, failures


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED_FOLDERS


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - 10,000 names


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _badly_encoded(relative: str) -> FailureRecord:
    shown = os.fsencode(relative).decode(errors="replace")
    return failed(
        "pattern_unmatched", "the file's name is not UTF-8 text; rename it", path_relative=shown
    )


def _check_link(entry: os.DirEntry[str], relative: str, root: Path) -> FailureRecord | None:
    """A link that leads out or nowhere, if it could stand for a photograph."""
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        if not _is_image(entry.name):
            return None
        return failed("file_missing", "the link leads nowhere", path_relative=relative)
    if target.is_relative_to(root) or not (target.is_dir() or _is_image(entry.name)):
        return None
    return failed("path_outside", path_relative=relative)

"""Finds the photographs in a folder of exports, by name only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scarmetrics.errors import UsageError
from scarmetrics.ingest.listing import failed
from scarmetrics.ingest.words import hidden_character, natural_key, shown

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
    skipped. A name with characters that cannot be seen is a failure. Links are followed only to
    files inside the folder.

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
            failures.append(_failed("file_unreadable", "the folder cannot be read", prefix))
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
                if hidden_character(relative):
                    failures.append(_badly_named(relative))
                else:
                    files.append(FoundFile(Path(entry.path), relative))
    files.sort(key=lambda file: natural_key(file.relative))
    failures.sort(key=lambda failure: natural_key(failure.path_relative))
    return files, failures


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED_FOLDERS


def _is_image(name: str) -> bool:
    return os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES  # noqa: PTH122 - 10,000 names


def _badly_named(relative: str) -> FailureRecord:
    if _is_utf8(relative):
        named = f"the file's name holds {hidden_character(relative)!a}, which cannot be seen"
    else:
        named = "the file's name is not UTF-8 text"
    return _failed("pattern_unmatched", f"{named}; rename it", relative)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _failed(reason_code: str, detail: str, relative: str) -> FailureRecord:
    text = os.fsencode(relative).decode(errors="replace")
    return failed(reason_code, detail, path_relative=shown(text))


def _check_link(entry: os.DirEntry[str], relative: str, root: Path) -> FailureRecord | None:
    """A link that leads out or nowhere, if it could stand for a photograph."""
    try:
        target = Path(entry.path).resolve(strict=True)
    except (OSError, RuntimeError):
        if not _is_image(entry.name):
            return None
        return _failed("file_missing", "the link leads nowhere", relative)
    if target.is_relative_to(root) or not (target.is_dir() or _is_image(entry.name)):
        return None
    return _failed("path_outside", "", relative)

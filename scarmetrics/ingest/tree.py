"""Finds named files below the exports folder, never outside it."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

_DRIVE = re.compile(r"[A-Za-z]:")


class Found(Enum):
    """What stands at a path."""

    FILE = auto()
    FOLDER = auto()
    MISSING = auto()
    SPECIAL = auto()
    OUTSIDE = auto()


@dataclass(frozen=True, slots=True)
class Location:
    """Result of a look-up.

    Attributes
    ----------
    found : Found
        What is there.
    relative : str
        Path below the exports folder with ``/``, as spelt on disk as far as it exists.
    hint : str
        A name that differs in case only, where the file is missing.
    """

    found: Found
    relative: str
    hint: str = ""


class ExportsTree:
    """Looks up many paths with one listing of each folder.

    Parameters
    ----------
    exports : pathlib.Path
        The folder of exports.
    """

    def __init__(self, exports: Path) -> None:
        self._exports = exports
        self._root = exports.resolve()
        self._listings: dict[str, dict[str, os.DirEntry[str]]] = {}

    def locate(self, text: str) -> Location:
        r"""Look a path up.

        Parameters
        ----------
        text : str
            Relative path with ``/`` or ``\``; composed and decomposed letters are the same.

        Returns
        -------
        Location
        """
        slashed = text.replace("\\", "/")
        relative = posixpath.normpath(slashed)
        if slashed.startswith("/") or _DRIVE.match(slashed) or relative.split("/")[0] == "..":
            return Location(Found.OUTSIDE, slashed)
        if relative == ".":
            return Location(Found.FOLDER, relative)
        return self._descend(relative)

    def _descend(self, relative: str) -> Location:
        here = ""
        found = Found.FOLDER
        parts = relative.split("/")
        for index, part in enumerate(parts):
            listing = self._listing(here)
            entry = listing.get(unicodedata.normalize("NFC", part))
            if entry is None:
                rest = "/".join(parts[index:])
                missing = f"{here}/{rest}" if here else rest
                return Location(Found.MISSING, missing, _same_but_case(part, listing))
            here = f"{here}/{entry.name}" if here else entry.name
            if entry.is_symlink() and not self._is_inside(Path(entry.path)):
                return Location(Found.OUTSIDE, here)
            found = _kind(entry)
        return Location(found, here)

    def _is_inside(self, link: Path) -> bool:
        try:
            return link.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError):  # a link to itself leads nowhere, which is not outside
            return True

    def _listing(self, folder: str) -> dict[str, os.DirEntry[str]]:
        if folder not in self._listings:
            try:
                with os.scandir(self._exports / folder) as entries:
                    listing = {unicodedata.normalize("NFC", item.name): item for item in entries}
            except OSError:
                listing = {}
            self._listings[folder] = listing
        return self._listings[folder]


def _kind(entry: os.DirEntry[str]) -> Found:
    try:
        if entry.is_dir():
            return Found.FOLDER
        if entry.is_file():
            return Found.FILE
        # a link that leads nowhere, or a pipe or device
        return Found.SPECIAL if Path(entry.path).exists() else Found.MISSING
    except OSError:  # a link that leads back to itself
        return Found.MISSING


def _same_but_case(name: str, listing: dict[str, os.DirEntry[str]]) -> str:
    wanted = unicodedata.normalize("NFC", name).casefold()
    return next((entry.name for key, entry in listing.items() if key.casefold() == wanted), "")

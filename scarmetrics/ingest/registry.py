"""Chooses the reader that turns a folder of exports into records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scarmetrics.config import IngestConfig
from scarmetrics.errors import UsageError
from scarmetrics.ingest.manifest import find_manifest, read_manifest
from scarmetrics.ingest.visioface import read_visioface
from scarmetrics.ingest.walk import require_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scarmetrics.ingest.listing import Listing, Reader

_AUTO = "auto"
_READERS: dict[str, Reader] = {"manifest": read_manifest, "visioface": read_visioface}


def register_reader(name: str) -> Callable[[Reader], Reader]:
    """Make a reader for another device's exports known under a name.

    Parameters
    ----------
    name : str
        What ``ingest.reader`` in the config calls it.

    Returns
    -------
    callable
        Decorator for a function ``(exports, config) -> Listing``.

    Raises
    ------
    ValueError
        If the name is taken.

    Examples
    --------
    >>> from scarmetrics.ingest import Listing, register_reader
    >>> @register_reader("empty")
    ... def read_nothing(exports, config):
    ...     return Listing((), ())
    """
    if name == _AUTO or name in _READERS:
        raise ValueError(f"a reader named {name!r} exists already")

    def register(reader: Reader) -> Reader:
        _READERS[name] = reader
        return reader

    return register


def list_photographs(exports: Path, config: IngestConfig) -> Listing:
    """List the photographs of a study without decoding any.

    Parameters
    ----------
    exports : pathlib.Path
        Folder of exported photographs, with or without a manifest.
    config : IngestConfig
        Which reader, and its settings.

    Returns
    -------
    Listing

    Raises
    ------
    UsageError
        If the folder cannot be used or holds no photograph.
    ManifestError
        If there is a manifest and it is wrong.
    ConfigError
        If a path pattern is wrong, or the reader is not known.
    """
    require_folder(exports)
    reader = _READERS.get(_resolve_auto(exports, config))
    if reader is None:
        raise config.error_at(
            ("ingest", "reader"),
            f"{config.reader!r} is not known",
            f"use one of {', '.join((_AUTO, *_READERS))}",
        )
    listing = reader(exports, config)
    if not listing.records and not listing.failures:
        raise UsageError(
            f"the exports folder {exports.name!r} holds no photograph",
            "copy the exported JPEG, PNG, BMP or TIFF files into it",
        )
    return listing


def _resolve_auto(exports: Path, config: IngestConfig) -> str:
    if config.reader != _AUTO:
        return config.reader
    if find_manifest(exports, config):
        return "manifest"
    if config.manifest != IngestConfig().manifest:
        raise config.error_at(
            ("ingest", "manifest"),
            f"there is no {config.manifest!r} in the exports folder",
            "correct the name, or set ingest.reader to visioface to go by file names",
        )
    return "visioface"

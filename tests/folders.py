"""Folders of files that stand for photographs and are never decoded."""

from __future__ import annotations

from pathlib import Path


def put(exports: Path, *names: str) -> None:
    for name in names:
        path = exports / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"not decoded here")

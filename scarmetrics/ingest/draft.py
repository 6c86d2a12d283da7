"""Drafts a manifest from what folder and file names suggest; every guess has to be confirmed."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

from scarmetrics.cellguard import guard_cell
from scarmetrics.errors import UsageError
from scarmetrics.ingest.guess import Clues, DraftRow, find_clues, guess_rows
from scarmetrics.ingest.manifest import COLUMNS, CONFIRM_COLUMN
from scarmetrics.ingest.patterns import compile_patterns
from scarmetrics.ingest.visioface import read_path
from scarmetrics.ingest.walk import find_photographs, require_folder
from scarmetrics.ingest.words import Vocabulary
from scarmetrics.models import PhotoRecord

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scarmetrics.config import IngestConfig

_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")


def draft_manifest(exports: Path, config: IngestConfig) -> list[DraftRow]:
    """Draft a manifest for a technician to confirm.

    The declared patterns are tried first. Where none fits, visit and view are looked for among
    the known words and dates in the path, and the subject in the part of the path that tells the
    photographs apart; such a row says in `confirm` what was guessed.

    Parameters
    ----------
    exports : pathlib.Path
        Folder of exports.
    config : IngestConfig
        Patterns, and the words for visits and views.

    Returns
    -------
    list of DraftRow
        One row for each photograph, in natural order.

    Raises
    ------
    UsageError
        If the folder cannot be used, holds no photograph, or a photograph that no manifest can
        name.
    """
    require_folder(exports)
    files, failures = find_photographs(exports)
    if failures:
        problems = "; ".join(f"{f.path_relative!r}: {f.reason}" for f in failures)
        raise UsageError(f"some files cannot be listed: {problems}", "correct these first")
    if not files:
        raise UsageError(
            f"the exports folder {exports.name!r} holds no photograph",
            "copy the exported JPEG, PNG, BMP or TIFF files into it",
        )
    words = Vocabulary.from_config(config)
    patterns = compile_patterns(config)
    rows: dict[str, DraftRow] = {}
    clues: list[Clues] = []
    for file in files:
        record = read_path(file, patterns, words)
        if isinstance(record, PhotoRecord):
            rows[file.relative] = _row_from_record(record)
        else:
            clues.append(find_clues(file.relative, words))
    known = {row.subject_id for row in rows.values()}
    for row in guess_rows(clues, tuple(config.visits), known):
        rows[row.path] = row
    return [rows[file.relative] for file in files]


def write_draft(rows: Sequence[DraftRow], path: Path, *, overwrite: bool = False) -> None:
    """Write a drafted manifest as CSV that spreadsheet programs open with all letters right.

    Parameters
    ----------
    rows : sequence of DraftRow
        From `draft_manifest`.
    path : pathlib.Path
        The manifest, inside the exports folder.
    overwrite : bool, optional
        Replace a manifest that is there.

    Raises
    ------
    UsageError
        If it is there and must not be replaced, or cannot be written.
    """
    names = (*COLUMNS, CONFIRM_COLUMN)
    try:
        with path.open("w" if overwrite else "x", encoding="utf-8-sig", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(names)
            for row in rows:
                safe = replace(row, path=_not_a_formula(row.path))
                writer.writerow([guard_cell(getattr(safe, name)) for name in names])
    except FileExistsError:
        raise UsageError(
            f"{path.name} exists already", "remove or rename it, or allow it to be overwritten"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{path.name} cannot be written ({error.strerror})", "check the folder"
        ) from None


def _not_a_formula(path: str) -> str:
    """Keep spreadsheet programs from running a file name as a formula."""
    return f"./{path}" if path.startswith(_FORMULA_START) else path


def _row_from_record(record: PhotoRecord) -> DraftRow:
    return DraftRow(
        path=record.path_relative,
        subject_id=record.subject_id,
        visit=record.visit,
        view=record.view,
        captured_on=record.captured_on.isoformat() if record.captured_on else "",
        light=record.light or "",
        side=record.side or "",
    )

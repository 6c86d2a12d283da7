"""scarmetrics init."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scarmetrics.cli.console import make_console
from scarmetrics.config import StudyConfig, load_config
from scarmetrics.errors import ExitCode, UsageError
from scarmetrics.ingest import draft_manifest, write_draft

if TYPE_CHECKING:
    from pathlib import Path


def init_manifest(exports: Path, config: Path | None, *, force: bool) -> int:
    """Write the draft and say what to do with it."""
    settings = (StudyConfig() if config is None else load_config(config)).ingest
    path = exports / settings.manifest
    if path.exists() and not force:
        raise UsageError(f"{path.name} exists already", "rename it, or replace it with --force")
    rows = draft_manifest(exports, settings)
    write_draft(rows, path, overwrite=force)
    guessed = sum(bool(row.confirm) for row in rows)
    lines = [f"{path.name}: {len(rows)} photographs, {guessed} with guesses to confirm."]
    if guessed:
        lines += [
            "Open it in a spreadsheet. In each row with a note in the cell 'confirm', read the",
            "row, correct it, then clear that cell. Nothing is measured before all are empty.",
        ]
    lines += ["Then run", f"    scarmetrics check {exports}"]
    make_console().print("\n".join(lines), markup=False)
    return int(ExitCode.OK)

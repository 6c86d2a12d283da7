"""Reader of studies whose photographs are listed in a manifest."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scarmetrics.errors import ManifestError, ManifestProblem, UsageError
from scarmetrics.ingest.cells import CellError, CellParser
from scarmetrics.ingest.listing import Listing, failed
from scarmetrics.ingest.tables import Row, read_rows
from scarmetrics.ingest.tree import ExportsTree, Found
from scarmetrics.ingest.walk import find_photographs
from scarmetrics.ingest.words import Vocabulary, shown
from scarmetrics.models import FailureRecord, PhotoRecord
from scarmetrics.units import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scarmetrics.config import IngestConfig

REQUIRED_COLUMNS = ("subject_id", "visit", "view", "path")
OPTIONAL_COLUMNS = ("captured_on", "light", "mm_per_px", "mm_per_px_rel_sd", "side")
COLUMNS = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)
CONFIRM_COLUMN = "confirm"
_MEASURED_BY = ("captured_on", "light", "mm_per_px", "mm_per_px_rel_sd")
_NEAR_MISS = 0.8


def find_manifest(exports: Path, config: IngestConfig) -> Path | None:
    """Find the manifest of a folder of exports.

    Parameters
    ----------
    exports : pathlib.Path
        Folder of exports.
    config : IngestConfig
        `manifest` names the file; the same name ending in .csv or .xlsx does too. Case does not
        matter.

    Returns
    -------
    pathlib.Path or None

    Raises
    ------
    UsageError
        If there are two and the config does not say which one counts.
    """
    wanted = config.manifest.casefold()
    stem = wanted.rpartition(".")[0]
    paths = sorted(exports.iterdir())
    named = [path for path in paths if path.name.casefold() == wanted]
    if named and "manifest" in config.model_fields_set:
        found = [path for path in named if path.name == config.manifest] or named
    else:
        found = [path for path in paths if path.name.casefold() in {f"{stem}.csv", f"{stem}.xlsx"}]
    if len(found) > 1:
        raise UsageError(
            f"there is more than one manifest: {', '.join(path.name for path in found)}",
            "keep one, or name it as ingest.manifest in the config",
        )
    return found[0] if found else None


def read_manifest(exports: Path, config: IngestConfig) -> Listing:
    """List the photographs that a manifest names.

    Parameters
    ----------
    exports : pathlib.Path
        Folder of exports, which holds the manifest.
    config : IngestConfig
        Name of the manifest, and the words for visits and views.

    Returns
    -------
    Listing
        A row whose file does not exist is a failure; the others go on. Photographs that no row
        names are `unlisted`.

    Raises
    ------
    UsageError
        If there is no manifest, or more than one.
    ManifestError
        If anything in it is wrong or not yet confirmed; carries all problems at once.
    """
    path = find_manifest(exports, config)
    if path is None:
        raise UsageError(
            f"there is no {config.manifest} in the exports folder {exports.name!r}",
            "write one (scarmetrics init drafts it), or set ingest.reader in the config",
        )
    if ExportsTree(exports).locate(path.name).found is Found.OUTSIDE:
        message = "the manifest is a link that leads out of the exports folder"
        problem = ManifestProblem(0, "", "path_outside", message, path=path.name)
        raise ManifestError(path.name, [problem])
    rows = read_rows(path)
    if not rows:
        problem = ManifestProblem(0, "", "bad_value", "the manifest is empty", path=path.name)
        raise ManifestError(path.name, [problem])
    columns = _read_header(rows[0], path.name)
    reader = _RowReader(
        columns, path.name, ExportsTree(exports), CellParser(Vocabulary.from_config(config))
    )
    results = [reader.read(row, exports) for row in rows[1:]]
    if len(rows) == 1:
        reader.problems.append(
            ManifestProblem(0, "", "bad_value", "the manifest has a header but no rows")
        )
    if reader.problems:
        raise ManifestError(path.name, reader.problems)
    records = tuple(result for result in results if isinstance(result, PhotoRecord))
    listed = {record.path_relative for record in records}
    files, _ = find_photographs(exports)
    return Listing(
        records,
        tuple(result for result in results if isinstance(result, FailureRecord)),
        tuple(file.relative for file in files if file.relative not in listed),
    )


def _read_header(header: Row, name: str) -> tuple[str, ...]:
    """Names of the columns, spelt the way this module spells them."""
    columns = tuple(re.sub(r"[\s-]+", "_", cell.casefold()) for cell in header.cells)
    problems = [
        ManifestProblem(header.line, shown(column), "bad_value", "the column stands twice")
        for column, count in Counter(columns).items()
        if column and count > 1
    ]
    unknown = [c for c in columns if c and c not in {*COLUMNS, CONFIRM_COLUMN}]
    for column in REQUIRED_COLUMNS:
        if column not in columns:
            near = difflib.get_close_matches(column, unknown, n=1)
            hint = f"; is it {near[0]!r}?" if near else ""
            problems.append(
                ManifestProblem(header.line, column, "bad_value", f"the column is missing{hint}")
            )
    absent = [column for column in OPTIONAL_COLUMNS if column not in columns]
    for column in unknown:
        near = difflib.get_close_matches(column, absent, n=1, cutoff=_NEAR_MISS)
        if near:
            message = f"the column is not known; did you mean {near[0]!r}?"
            problems.append(ManifestProblem(header.line, shown(column), "bad_value", message))
    if problems:
        raise ManifestError(name, problems)
    return columns


@dataclass
class _RowReader:
    """Reads rows one by one and keeps every problem."""

    columns: tuple[str, ...]
    manifest_name: str
    tree: ExportsTree
    parser: CellParser
    problems: list[ManifestProblem] = field(default_factory=list)
    _first_use: dict[str, list[tuple[int, PhotoRecord]]] = field(default_factory=dict)

    def read(self, row: Row, exports: Path) -> PhotoRecord | FailureRecord | None:
        """Read one row; None when it is wrong."""
        texts = dict(zip(self.columns, row.cells, strict=False))
        values: dict[str, Any] = {}
        errors = list(self._parse(texts, values))
        errors.extend(_contradictions(texts, values))
        if note := texts.get(CONFIRM_COLUMN):
            message = f"{quoted(note)}: read the row, correct it, then clear the cell confirm"
            errors.append((CONFIRM_COLUMN, CellError("bad_value", message)))
        if any(row.cells[len(self.columns) :]):
            errors.append(
                (
                    "",
                    CellError(
                        "bad_value",
                        "the row has more cells than the header; put text "
                        "that holds the delimiter in quotes",
                    ),
                )
            )
        location = self.tree.locate(values["path"]) if "path" in values else None
        if location and location.found is Found.OUTSIDE:
            message = f"the path {quoted(texts['path'])} leads out of the exports folder"
            errors.append(("path", CellError("path_outside", message)))
        if location and location.found is Found.FOLDER:
            message = f"{quoted(texts['path'])} is a folder, not a photograph"
            errors.append(("path", CellError("bad_value", message)))
        if errors or location is None:
            self._keep(row.line, errors, values)
            return None
        if location.found is Found.MISSING:
            return _missing(values, location.relative, location.hint)
        if location.found is Found.SPECIAL:
            detail = "it is a pipe or device, not a file"
            return _lost(values, location.relative, "file_unreadable", detail)
        record = PhotoRecord(
            **{**values, "path": exports / location.relative},
            path_relative=location.relative,
            source=f"{self.manifest_name} line {row.line}",
        )
        self._check_reuse(row.line, record, values)
        return record

    def _parse(self, texts: dict[str, str], values: dict[str, Any]) -> list[tuple[str, CellError]]:
        errors: list[tuple[str, CellError]] = []
        for column, parse in self.parser.by_column.items():
            text = texts.get(column, "")
            if text:
                try:
                    values[column] = parse(text)
                except CellError as error:
                    errors.append((column, error))
            elif column in REQUIRED_COLUMNS:
                errors.append((column, CellError("bad_value", "the cell is empty")))
        return errors

    def _keep(
        self, line: int, errors: Sequence[tuple[str, CellError]], values: dict[str, Any]
    ) -> None:
        view = values.get("view", "")
        for column, error in errors:
            self.problems.append(
                ManifestProblem(
                    line,
                    column,
                    error.reason_code,
                    str(error) if column else f"line {line}: {error}",
                    subject_id=values.get("subject_id", ""),
                    visit=values.get("visit", ""),
                    side=values.get("side") or _side_of(view),
                    path=values.get("path", ""),
                )
            )

    def _check_reuse(self, line: int, record: PhotoRecord, values: dict[str, Any]) -> None:
        """One file at two visits would measure as no change, with two scales as the first row's."""
        earlier = self._first_use.setdefault(record.path_relative, [])
        for first_line, first in earlier:
            same_photograph = (first.subject_id, first.visit, first.view) == (
                record.subject_id,
                record.visit,
                record.view,
            )
            if same_photograph and {first.side, record.side} == {"left", "right"}:
                errors = _differences(first_line, first, record)
            else:
                message = f"the same file stands in line {first_line} already"
                errors = [("path", CellError("bad_value", message))]
            if errors:
                self._keep(line, errors, values)
                break
        earlier.append((line, record))


def _differences(
    first_line: int, first: PhotoRecord, second: PhotoRecord
) -> list[tuple[str, CellError]]:
    """What two rows say differently of one photograph, which is measured once for both sides."""
    errors = []
    for column in _MEASURED_BY:
        there, here = getattr(first, column), getattr(second, column)
        if there != here:
            message = (
                f"the same file has {_shown(there)} in line {first_line} and {_shown(here)} here"
            )
            errors.append((column, CellError("bad_value", message)))
    return errors


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)


def _contradictions(texts: dict[str, str], values: dict[str, Any]) -> list[tuple[str, CellError]]:
    """Cells that are right alone but not together."""
    errors = []
    view, side = values.get("view", ""), values.get("side")
    if side and _side_of(view) not in {"", side}:
        message = f"side {side} contradicts the {view} view"
        errors.append(("side", CellError("bad_value", message)))
    if "mm_per_px_rel_sd" in values and not texts.get("mm_per_px"):
        message = "there is an uncertainty but no mm_per_px"
        errors.append(("mm_per_px_rel_sd", CellError("bad_value", message)))
    return errors


def _side_of(view: str) -> str:
    return view if view in {"left", "right"} else ""


def _missing(values: dict[str, Any], relative: str, hint: str) -> FailureRecord:
    message = "the file that the manifest names does not exist"
    message = f"{message}; did you mean {hint!r}?" if hint else message
    return _lost(values, relative, "file_missing", message)


def _lost(values: dict[str, Any], relative: str, reason_code: str, detail: str) -> FailureRecord:
    return failed(
        reason_code,
        detail,
        path_relative=relative,
        subject_id=values["subject_id"],
        visit=values["visit"],
        side=values.get("side") or _side_of(values["view"]),
    )

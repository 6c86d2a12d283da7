"""Rows of text from a CSV file or an Excel workbook, with the lines they stand on."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.cellguard import unguard_cell
from scarmetrics.errors import ManifestError, ManifestProblem
from scarmetrics.ingest.workbook import WorkbookError, is_workbook, workbook_cells
from scarmetrics.safe_read import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_DELIMITERS = (",", ";", "\t")
MAX_FILE_BYTES = 64_000_000
MAX_ROWS = 200_000
MAX_COLUMNS = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    line : int
        Where it starts in the file, from 1.
    cells : tuple of str
        Text without surrounding space.
    """

    line: int
    cells: tuple[str, ...]


def read_rows(path: Path) -> list[Row]:
    """Read a table whose kind is told by its content.

    Parameters
    ----------
    path : pathlib.Path
        CSV (comma, semicolon or tab; UTF-8, or UTF-16 with a mark) or Excel workbook, of which
        the first visible sheet is read.

    Returns
    -------
    list of Row
        Rows that are not wholly empty.

    Raises
    ------
    ManifestError
        If it cannot be read, or is far too large.
    """
    try:
        data = read_regular(path, MAX_FILE_BYTES)
    except OSError as error:
        raise _unreadable(path, f"the file cannot be opened ({error.strerror})") from None
    kept: list[Row] = []
    for row in _workbook_rows(data, path) if is_workbook(data) else _csv_rows(data, path):
        if len(row.cells) > MAX_COLUMNS:
            raise _unreadable(path, f"line {row.line}: more than {MAX_COLUMNS} cells", row.line)
        if any(row.cells):
            kept.append(row)
        if len(kept) > MAX_ROWS:
            raise _unreadable(path, f"the table has more than {MAX_ROWS} rows")
    return kept


def _unreadable(path: Path, message: str, line: int = 0) -> ManifestError:
    problem = ManifestProblem(line, "", "bad_value", message, path=path.name)
    return ManifestError(path.name, [problem])


def _decode(data: bytes, path: Path) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _unreadable(
            path, f"line {line}: the text is not UTF-8; save it as 'CSV UTF-8'", line
        ) from None


def _csv_rows(data: bytes, path: Path) -> Iterator[Row]:
    text = _decode(data, path)
    lines = io.StringIO(text, newline="")
    delimiter = _sniff_delimiter(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            # Excel's own hint to itself about the delimiter may stand before the header.
            if not (line == 1 and "".join(cells).lower().startswith("sep=")):
                yield Row(line, _texts(cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(path, f"line {line}: the row is not valid CSV ({error})", line) from None


def _sniff_delimiter(text: str) -> str:
    """The delimiter that the first line with content holds most of."""
    lines = (line for line in text.splitlines() if line.strip())
    header = next((line for line in lines if not line.lower().startswith("sep=")), "")
    return max(_DELIMITERS, key=header.count)


def _workbook_rows(data: bytes, path: Path) -> Iterator[Row]:
    try:
        values = workbook_cells(data)
    except WorkbookError as error:
        raise _unreadable(path, str(error)) from None
    for line, cells in enumerate(values, start=1):
        yield Row(line, _texts(cells))


def _texts(cells: Sequence[object]) -> tuple[str, ...]:
    """Cells as text; those of our own tables lose the mark that kept them from being formulas."""
    return tuple(unguard_cell(_text(cell)) for cell in cells)


def _text(cell: object) -> str:
    """A typed cell as a person would write it; Excel keeps all numbers as floats."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat()
    return str(cell).strip()

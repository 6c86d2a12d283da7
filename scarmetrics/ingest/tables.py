"""Rows of text from a CSV file or an Excel workbook, with the lines they stand on."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.errors import ManifestError, ManifestProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_ZIP_SIGNATURE = b"PK\x03\x04"
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"  # Excel 97, and any workbook with a password
_DELIMITERS = (",", ";", "\t")


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
        If it cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, f"the file cannot be opened ({error.strerror})") from None
    if data.startswith((_ZIP_SIGNATURE, _OLE_SIGNATURE)):
        rows = _workbook_rows(data, path)
    else:
        rows = list(_csv_rows(_decode(data, path), path))
    return [row for row in rows if any(row.cells)]


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


def _csv_rows(text: str, path: Path) -> Iterator[Row]:
    lines = io.StringIO(text, newline="")
    delimiter = _sniff_delimiter(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            # Excel's own hint to itself about the delimiter may stand before the header.
            if not (line == 1 and "".join(cells).lower().startswith("sep=")):
                yield Row(line, tuple(cell.strip() for cell in cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise _unreadable(path, f"line {line}: the row is not valid CSV ({error})", line) from None


def _sniff_delimiter(text: str) -> str:
    """The delimiter that the first line with content holds most of."""
    lines = (line for line in text.splitlines() if line.strip())
    header = next((line for line in lines if not line.lower().startswith("sep=")), "")
    return max(_DELIMITERS, key=header.count)


def _workbook_rows(data: bytes, path: Path) -> list[Row]:
    import python_calamine as calamine

    try:
        with calamine.load_workbook(io.BytesIO(data)) as workbook:
            visible = [
                sheet.name
                for sheet in workbook.sheets_metadata
                if sheet.visible == calamine.SheetVisibleEnum.Visible
                and sheet.typ == calamine.SheetTypeEnum.WorkSheet
            ]
            if not visible:
                raise _unreadable(path, "the workbook has no visible sheet")
            values = workbook.get_sheet_by_name(visible[0]).to_python(skip_empty_area=False)
    except calamine.PasswordError:
        raise _unreadable(path, "the workbook is protected by a password") from None
    except (calamine.CalamineError, OSError) as error:
        raise _unreadable(path, f"the workbook cannot be read ({error})") from None
    return [Row(line, _texts(cells)) for line, cells in enumerate(values, start=1)]


def _texts(cells: Sequence[object]) -> tuple[str, ...]:
    return tuple(_text(cell) for cell in cells)


def _text(cell: object) -> str:
    """A typed cell as a person would write it; Excel keeps all numbers as floats."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat()
    return str(cell).strip()

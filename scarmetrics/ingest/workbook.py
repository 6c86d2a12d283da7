"""Excel workbooks -> cells, refusing those that would unpack to more than any list needs."""

from __future__ import annotations

import io
import re
import zipfile
from typing import IO, TYPE_CHECKING, Any
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_UNPACKED_BYTES = 64_000_000
MAX_CELLS = 4_000_000
"""From the first cell to the last one in the far corner, the empty ones between included."""

_ZIP_SIGNATURE = b"PK\x03\x04"
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0"  # Excel 97, and any workbook with a password
_WORKBOOK = "xl/workbook.xml"
_SHEET = b"sheetData"
_REFERENCE = re.compile(r"([A-Za-z]{1,3})?(\d{1,9})?", re.ASCII)
_CHUNK = 1 << 20


class WorkbookError(ValueError):
    """A workbook that cannot be read; the text says why."""


def is_workbook(data: bytes) -> bool:
    """Tell by its first bytes whether a file is a workbook."""
    return data.startswith((_ZIP_SIGNATURE, _OLE_SIGNATURE))


def workbook_cells(data: bytes) -> Sequence[Sequence[object]]:
    """Cells of the first visible sheet, from its first row and column on.

    Parameters
    ----------
    data : bytes
        An .xlsx file.

    Raises
    ------
    WorkbookError
        If it is none, is damaged, needs a password, or is far too large.
    """
    import python_calamine as calamine

    if data.startswith(_OLE_SIGNATURE):
        raise WorkbookError(
            "the workbook is protected by a password, or of the kind before 2007; save it as "
            ".xlsx without a password"
        )
    _check_size(data)
    try:
        with calamine.load_workbook(io.BytesIO(data)) as workbook:
            visible = [
                sheet.name
                for sheet in workbook.sheets_metadata
                if sheet.visible == calamine.SheetVisibleEnum.Visible
                and sheet.typ == calamine.SheetTypeEnum.WorkSheet
            ]
            if not visible:
                raise WorkbookError("the workbook has no visible sheet")
            return workbook.get_sheet_by_name(visible[0]).to_python(skip_empty_area=False)
    except calamine.PasswordError:
        raise WorkbookError("the workbook is protected by a password") from None
    except (calamine.CalamineError, OSError) as error:
        raise WorkbookError(f"the workbook cannot be read ({error})") from None


def _check_size(data: bytes) -> None:
    """Unpack everything once without keeping it; sizes that a zip file states may be lies."""
    left = MAX_UNPACKED_BYTES
    is_excel = False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as stream:
                    left -= _check_part(stream, entry.filename, left)
                is_excel |= entry.filename.removeprefix("/") == _WORKBOOK
    except WorkbookError:
        raise
    except Exception as error:  # zip, zlib, expat and their kin have no common base
        raise WorkbookError(f"the workbook is damaged ({error})") from error
    if not is_excel:
        raise WorkbookError("the file is not an .xlsx workbook")


def _check_part(stream: IO[bytes], name: str, max_bytes: int) -> int:
    """Unpacked size of one part of the archive, once its cells were found to be few enough."""
    corner = _FarCorner() if name.lower().endswith(".xml") else None
    size = 0
    before = b""
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            unpacked = MAX_UNPACKED_BYTES // 1_000_000
            raise WorkbookError(f"the workbook unpacks to more than {unpacked} MB")
        if corner is not None:
            corner.feed(chunk)
        elif _SHEET in before + chunk:  # the reader would take it, whatever its name
            raise WorkbookError("a sheet of the workbook has the name of something else")
        before = chunk[-len(_SHEET) :]
    return size


class _FarCorner:
    """Follows the cells of a sheet: one in the last row makes the reader fill all rows before."""

    def __init__(self) -> None:
        self._row = self._column = 0
        self._rows = self._columns = 0
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler = self._start
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, chunk: bytes) -> None:
        self._parser.Parse(chunk, False)

    def _refuse(self, *_: Any) -> None:
        raise WorkbookError("a sheet of the workbook defines entities of its own")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        name = tag.rpartition(" ")[2]
        if name not in {"row", "c"}:
            return
        letters, digits = _parts(attributes.get("r", ""))
        if name == "row":
            self._row = digits or self._row + 1
            self._column = 0
        else:
            self._column = letters or self._column + 1
            self._row = digits or self._row
        self._rows = max(self._rows, self._row)
        self._columns = max(self._columns, self._column)
        if self._rows * self._columns > MAX_CELLS:
            raise WorkbookError(
                "a sheet of the workbook has a cell far from the others, in row "
                f"{self._row}, column {self._column}; delete it"
            )


def _parts(reference: str) -> tuple[int, int]:
    """Column and row of a reference such as ``AB12``, 0 for what is not there."""
    match = _REFERENCE.match(reference)
    letters, digits = match.groups(default="") if match else ("", "")
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column, int(digits or 0)

"""A table that people fill in -> rows by column, and what is wrong with its header."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from scarmetrics.allocation.problems import Problem
from scarmetrics.errors import ManifestError
from scarmetrics.ingest.cells import CellError
from scarmetrics.ingest.tables import read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from scarmetrics.ingest.tables import Row

Value = TypeVar("Value")

_NEAR_MISS = 0.8


@dataclass
class Sheet:
    """A table as it was read.

    Attributes
    ----------
    name : str
        The file's name.
    columns : frozenset of str
        Columns that the header has, of those that are known.
    rows : list of SheetRow
        All rows below the header; none if the header is wrong.
    problems : list of Problem
        What was wrong so far.
    header_line : int
        Where the header stands.
    """

    name: str
    columns: frozenset[str] = frozenset()
    rows: list[SheetRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    header_line: int = 1

    def problem(self, line: int, column: str, message: str) -> None:
        """Keep a problem."""
        self.problems.append(Problem(self.name, line, column, message))


@dataclass
class SheetRow:
    """One row, which knows where its problems go.

    Attributes
    ----------
    sheet : Sheet
        The table.
    line : int
        Where it stands.
    texts : mapping of str to str
        Text of each known column; empty where the cell is, or the column is missing.
    """

    sheet: Sheet
    line: int
    texts: Mapping[str, str]
    good: bool = True

    def text(self, column: str) -> str:
        """Text of a column."""
        return self.texts.get(column, "")

    def wrong(self, column: str, message: str) -> None:
        """Keep a problem of this row."""
        self.good = False
        self.sheet.problem(self.line, column, message)

    def value(
        self, column: str, parse: Callable[[str], Value], *, required: bool = False
    ) -> Value | None:
        """What a cell says; None, with a problem kept, if that is not understood."""
        text = self.text(column)
        if not text:
            if required:
                self.wrong(column, "the cell is empty")
            return None
        try:
            return parse(text)
        except CellError as error:
            self.wrong(column, str(error))
            return None


def read_sheet(
    path: Path,
    *,
    required: tuple[str, ...],
    optional: tuple[str, ...],
    renamed: Mapping[str, str] | None = None,
) -> Sheet:
    """Read a table and check its header.

    Parameters
    ----------
    path : pathlib.Path
        CSV or Excel workbook, as `scarmetrics.ingest.tables.read_rows` takes.
    required, optional : tuple of str
        Names of the columns. Case, spaces and hyphens do not matter. Other columns are ignored,
        but for those that look like a slip of the pen.
    renamed : mapping of str to str, optional
        Other names of columns.

    Returns
    -------
    Sheet
        With problems and no rows if it cannot be used.
    """
    sheet = Sheet(path.name)
    try:
        rows = read_rows(path)
    except ManifestError as error:
        for problem in error.problems:  # the message names the line already, where there is one
            sheet.problem(0, "", problem.message)
        return sheet
    if not rows:
        sheet.problem(0, "", "the file is empty")
        return sheet
    names = tuple(re.sub(r"[\s-]+", "_", cell.casefold()) for cell in rows[0].cells)
    names = tuple((renamed or {}).get(name, name) for name in names)
    sheet.header_line = rows[0].line
    _check_header(sheet, names, required, optional)
    if len(rows) == 1:
        sheet.problem(0, "", "the file has a header but no rows")
    if sheet.problems:
        return sheet
    sheet.columns = frozenset(names) & {*required, *optional}
    sheet.rows = [_row(sheet, row, names) for row in rows[1:]]
    return sheet


def _check_header(
    sheet: Sheet, names: tuple[str, ...], required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    line, known = sheet.header_line, {*required, *optional}
    unknown = [name for name in names if name and name not in known]
    for name in dict.fromkeys(names):
        if name in known and names.count(name) > 1:
            sheet.problem(line, name, "the column stands twice")
    for name in required:
        if name not in names:
            near = difflib.get_close_matches(name, unknown, n=1)
            hint = f"; is it {near[0]!r}?" if near else ""
            sheet.problem(line, name, f"the column is missing{hint}")
    absent = [name for name in optional if name not in names]
    for name in unknown:
        near = difflib.get_close_matches(name, absent, n=1, cutoff=_NEAR_MISS)
        if near:
            sheet.problem(line, name, f"the column is not known; did you mean {near[0]!r}?")


def _row(sheet: Sheet, row: Row, names: tuple[str, ...]) -> SheetRow:
    texts: dict[str, Any] = dict(zip(names, row.cells, strict=False))
    read = SheetRow(sheet, row.line, texts)
    if any(row.cells[len(names) :]):
        read.wrong(
            "",
            "the row has more cells than the header; put text that holds the delimiter in quotes",
        )
    return read

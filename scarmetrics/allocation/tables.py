"""Rows, tables and CSV files that know which cells are missing."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from scarmetrics.cellguard import guarded_frame, unguard_cell

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Record = dict[str, Any]

TEXT, NUMBER, COUNT = "string", "Float64", "Int64"  # pandas types that know "missing"
_PARSERS: dict[str, Callable[[str], Any]] = {TEXT: str, NUMBER: float, COUNT: int}


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> pd.DataFrame:
    """Rows as a table; None and empty text are missing.

    Parameters
    ----------
    rows : sequence of mapping
        By column.
    columns : mapping of str to str
        Column name to pandas type.
    """
    return pd.DataFrame(
        {
            column: pd.Series(
                [None if row.get(column) == "" else row.get(column) for row in rows],
                dtype=cast("Any", kind),
            )
            for column, kind in columns.items()
        }
    )


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table with full precision, missing cells empty, no text cell a formula."""
    guarded_frame(frame).to_csv(path, index=False, lineterminator="\n", encoding="utf-8")


def parse_csv(text: str, columns: Mapping[str, str]) -> list[Record]:
    """Rows of a CSV file that scarmetrics wrote, to the last digit.

    Parameters
    ----------
    text : str
        The file's text.
    columns : mapping of str to str
        Column name to pandas type; other columns are text.

    Returns
    -------
    list of dict
        Empty cells are None. A text such as ``NA`` or ``001`` stays what it is, and loses the
        ``'`` that kept it from being a formula.
    """
    return [
        {
            name: _PARSERS[columns.get(name, TEXT)](unguard_cell(cell)) if cell else None
            for name, cell in row.items()
        }
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True)
    ]

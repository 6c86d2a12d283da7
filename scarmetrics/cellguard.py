"""Text cells that spreadsheet programs must not run as formulas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_MARK = "'"
_STARTS = "=+-@\t\r\n＝＋－＠"
_FORMULA = re.compile(rf"{_MARK}*[{re.escape(_STARTS)}]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)


def _is_risky(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None


def guard_cell(text: str) -> str:
    r"""Write text so that no spreadsheet program takes it for a formula.

    Parameters
    ----------
    text : str
        A cell of a text column.

    Returns
    -------
    str
        The text with ``'`` in front where it begins with ``=``, ``+``, ``-``, ``@``, a tab or a
        line break, also behind apostrophes of its own. A plain number stays as it is. All line
        breaks are ``\n``: the others end a row of a CSV file even within a cell.

    Examples
    --------
    >>> guard_cell("=1+1"), guard_cell("-0.5"), guard_cell("P01")
    ("'=1+1", '-0.5', 'P01')
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _MARK + text if _is_risky(text) else text


def unguard_cell(text: str) -> str:
    """Undo `guard_cell`, but for the kind of line breaks.

    Parameters
    ----------
    text : str
        A cell as `guard_cell` wrote it; any other text stays as it is.

    Examples
    --------
    >>> unguard_cell("'=1+1"), unguard_cell("'quoted'")
    ('=1+1', "'quoted'")
    """
    return text[1:] if text.startswith(_MARK) and _is_risky(text[1:]) else text


def guarded_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with `guard_cell` done to every text; numbers and missing cells as they are.

    Parameters
    ----------
    frame : pandas.DataFrame
        Left as it is.
    """
    guarded = frame.copy()
    for name in frame.columns:
        if frame[name].dtype == "string" or frame[name].dtype == object:
            guarded[name] = frame[name].map(
                lambda cell: guard_cell(cell) if isinstance(cell, str) else cell
            )
    return guarded

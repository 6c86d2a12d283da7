"""Cells of a manifest -> values, or what is wrong with them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scarmetrics.ingest.dates import parse_date
from scarmetrics.ingest.words import fold, hidden_character
from scarmetrics.models import Side, View, valid_subject_id
from scarmetrics.units import ascii_digits, parse_number, quoted

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from scarmetrics.ingest.words import Vocabulary

_DECIMAL_COMMA = re.compile(r"(?P<whole>[+-]?\d+),(?P<decimals>\d+)", re.ASCII)


class CellError(ValueError):
    """A cell that cannot be used.

    Parameters
    ----------
    reason_code : str
        A key of `scarmetrics.errors.REASONS`.
    message : str
        What is wrong.
    """

    def __init__(self, reason_code: str, message: str) -> None:
        super().__init__(message)
        self.reason_code = reason_code


class CellParser:
    """Parses the text of each column.

    Parameters
    ----------
    words : Vocabulary
        The known visits and views.

    Attributes
    ----------
    by_column : mapping of str to callable
        What turns the text of a column into its value, or raises `CellError`.
    """

    def __init__(self, words: Vocabulary) -> None:
        self._words = words
        self.by_column: Mapping[str, Callable[[str], object]] = {
            "subject_id": self.subject_id,
            "visit": self.visit,
            "view": self.view,
            "path": self.path,
            "captured_on": self.captured_on,
            "light": self.light,
            "mm_per_px": self.mm_per_px,
            "mm_per_px_rel_sd": self.mm_per_px_rel_sd,
            "side": self.side,
        }

    def subject_id(self, text: str) -> str:
        """Subject id, digits as 0-9."""
        try:
            return valid_subject_id(fold(text))
        except ValueError as error:
            raise CellError("invalid_subject_id", str(error)) from None

    def visit(self, text: str) -> str:
        """Canonical visit."""
        visit = self._words.visits.lookup(text)
        if visit is None:
            raise CellError("unknown_alias", self._words.visits.unknown("the visit", text))
        return visit

    def view(self, text: str) -> View:
        """Canonical view."""
        view = self._words.views.lookup(text)
        if view is None:
            raise CellError("unknown_alias", self._words.views.unknown("the view", text))
        return view

    def side(self, text: str) -> Side:
        """Side of the patient."""
        side = self._words.side(text)
        if side is None:
            raise CellError("bad_value", f"the side {quoted(text)} is neither left nor right")
        return side

    def path(self, text: str) -> str:
        """Path as written; control characters refused."""
        return _visible("the path", text)

    def light(self, text: str) -> str:
        """Kind of light as written; control characters refused."""
        return _visible("the light", text)

    def captured_on(self, text: str) -> dt.date:
        """Day of the photograph."""
        try:
            return parse_date(text)
        except ValueError as error:
            raise CellError("bad_value", str(error)) from None

    def mm_per_px(self, text: str) -> float:
        """Scale; positive."""
        scale = _number(text)
        if scale <= 0:
            raise CellError("bad_value", f"{quoted(text)} must be larger than zero")
        return scale

    def mm_per_px_rel_sd(self, text: str) -> float:
        """Relative standard deviation of the scale; not negative."""
        rel_sd = _number(text)
        if rel_sd < 0:
            raise CellError("bad_value", f"{quoted(text)} must not be negative")
        return rel_sd


def _visible(kind: str, text: str) -> str:
    if hidden_character(text):
        raise CellError("bad_value", f"{kind} {quoted(text)} holds characters that cannot be seen")
    return text


def _number(text: str) -> float:
    plain = ascii_digits(text)
    comma = _DECIMAL_COMMA.fullmatch(plain)
    if comma:
        if len(comma["decimals"]) == 3 and comma["whole"].lstrip("+-").strip("0"):
            raise CellError(
                "bad_value",
                f"{quoted(text)} may mean a decimal or a thousand; write a decimal point",
            )
        plain = plain.replace(",", ".")
    try:
        return parse_number(plain)
    except ValueError:
        raise CellError("bad_value", f"{quoted(text)} is not a number") from None

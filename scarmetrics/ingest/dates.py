"""Dates as people write them in exports: ISO or Jalali, in any script's digits."""

from __future__ import annotations

import datetime as dt
import re

from scarmetrics.units import ascii_digits, quoted

_FIRST_GREGORIAN_YEAR = 1700
"""Smaller years are Jalali: photographs are younger than 1700, Jalali years are still in 14xx."""

_DATE = re.compile(
    r"(?P<year>\d{4})(?P<sep>[-/._ ]?)(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})"
    r"(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?",
    re.ASCII,
)


def parse_date(text: str) -> dt.date:
    """Read a date: year first, ISO or Jalali, a time of day after it being ignored.

    Parameters
    ----------
    text : str
        Such as ``2021-06-01``, ``1400/03/11``, ``۱۴۰۰/۰۳/۱۱`` or ``14000311``. A year below 1700
        is Jalali.

    Returns
    -------
    datetime.date
        Gregorian.

    Raises
    ------
    ValueError
        If it is not such a date, or the day does not exist.
    """
    plain = ascii_digits(text).strip()
    match = _DATE.fullmatch(plain)
    if match is None or (not match["sep"] and len(match["month"] + match["day"]) != 4):
        raise ValueError(
            f"{quoted(text.strip())} is not a date such as 2021-06-01 or 1400/03/11 (year first)"
        )
    year, month, day = (int(match[part]) for part in ("year", "month", "day"))
    try:
        if year >= _FIRST_GREGORIAN_YEAR:
            return dt.date(year, month, day)
        return _from_jalali(year, month, day)
    except ValueError:
        raise ValueError(f"{quoted(text.strip())} is a day that does not exist") from None


def _from_jalali(year: int, month: int, day: int) -> dt.date:
    from persiantools.jdatetime import JalaliDate

    gregorian: dt.date = JalaliDate(year, month, day).to_gregorian()
    return gregorian

"""Numbers as a reader sees them."""

from __future__ import annotations

MINUS = "\N{MINUS SIGN}"
DASH = "\N{EN DASH}"
_DECIMALS = {"mm²": 1, "percentage points": 1, "fraction of skin": 4, "count": 1}
_SMALLEST_P = 0.001


def decimals_of(unit: str) -> int:
    """Decimals that values of a unit are shown with."""
    return _DECIMALS.get(unit, 1)


def fixed(value: float, decimals: int, *, sign: bool = False) -> str:
    """A number with a true minus sign; never minus nought.

    Parameters
    ----------
    value : float
        Finite.
    decimals : int
        How many to show.
    sign : bool, optional
        Show a plus sign too.

    Returns
    -------
    str
    """
    text = f"{value:.{decimals}f}"
    if float(text) == 0:
        return f"{0:.{decimals}f}"
    if text.startswith("-"):
        return MINUS + text[1:]
    return f"+{text}" if sign else text


def p_text(p: float) -> str:
    """A p value: three decimals, and less than 0.001 below that."""
    if p < _SMALLEST_P:
        return f"< {_SMALLEST_P}"
    return f"= {p:.3f}"


def interval_text(estimate: float, low: float, high: float, decimals: int) -> str:
    """Estimate (low to high)."""
    parts = (fixed(value, decimals) for value in (estimate, low, high))
    return "{} ({} to {})".format(*parts)

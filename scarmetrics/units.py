"""Scales and numbers: what a pixel is worth in mm, and digits in any script."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import Literal

ScaleSource = Literal[
    "manifest", "device", "api", "marker", "colorchecker", "dpi", "follow_up", "iris"
]

NOMINAL_INTERPUPILLARY_MM = 63.0
"""Adult mean interpupillary distance [1]_, to choose filter sizes when no scale is known.

References
----------
.. [1] N. A. Dodgson, "Variation and extrema of human interpupillary distance",
   Proc. SPIE 5291, 36-46 (2004).
"""


_QUOTED_LENGTH = 100


@dataclass(frozen=True, slots=True)
class PixelScale:
    """Size of a pixel on the skin, with its uncertainty and origin.

    Attributes
    ----------
    mm_per_px : float
        Millimetres per pixel in the photograph's own upright pixels; finite and positive.
    rel_sd : float
        Relative standard deviation of `mm_per_px`; not negative.
    source : str
        Where the number came from: stated in the manifest, for the device or by a caller
        (``api``); measured on a ``marker``, a ``colorchecker`` or the ``iris``; the file's
        resolution (``dpi``); or the baseline's scale carried over (``follow_up``).
    """

    mm_per_px: float
    rel_sd: float
    source: ScaleSource

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mm_per_px) and self.mm_per_px > 0):
            raise ValueError(f"mm_per_px is {self.mm_per_px}, must be a positive number")
        if not (math.isfinite(self.rel_sd) and self.rel_sd >= 0):
            raise ValueError(f"rel_sd is {self.rel_sd}, must be zero or a positive number")


def quoted(text: str) -> str:
    """Text in quotes for a message, cut where it is very long."""
    return repr(text if len(text) <= _QUOTED_LENGTH else f"{text[:_QUOTED_LENGTH]}...")


def ascii_digits(text: str) -> str:
    """Write digits of any script (Persian, Arabic, ...) as 0-9; ``٫`` becomes a point."""
    plain = []
    for char in text:
        digit = unicodedata.digit(char, None) if unicodedata.category(char) == "Nd" else None
        plain.append(str(digit) if digit is not None else char)
    return "".join(plain).replace("٫", ".").replace("٬", "")


def parse_number(text: str) -> float:
    """Read a finite decimal number, in any script's digits.

    Parameters
    ----------
    text : str
        The number; surrounding space is ignored.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If it is not a number, or not finite.
    """
    plain = ascii_digits(text).strip()
    if "_" in plain:  # Python reads 0_31 as 31
        raise ValueError(f"{quoted(text.strip())} is not a number")
    value = float(plain)
    if not math.isfinite(value):
        raise ValueError(f"{quoted(text.strip())} is not a finite number")
    return value

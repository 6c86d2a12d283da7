"""Text as pixels: wrapped to a width, never cut off."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.opencv import cv2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Colour = tuple[int, int, int]

BACKGROUND: Colour = (26, 26, 26)
FOREGROUND: Colour = (236, 236, 236)
FAINT: Colour = (168, 168, 168)

_PITCH = 1.4  # line height in em
_ASCENT = 1.05  # from a line's top to its base, in em
_REGULAR, _BOLD = 400, 700


@dataclass(frozen=True)
class Paragraph:
    """A piece of text in one style.

    Attributes
    ----------
    text : str
        What to write.
    size_px : int
        Font size (em).
    bold : bool
        Whether in bold.
    colour : tuple of int
        RGB.
    """

    text: str
    size_px: int
    bold: bool = False
    colour: Colour = FOREGROUND

    @property
    def pitch_px(self) -> int:
        """Height of a line."""
        return round(_PITCH * self.size_px)

    def width_px(self, text: str) -> int:
        """Width of a text in this style."""
        weight = _BOLD if self.bold else _REGULAR
        rect = cv2.getTextSize((0, 0), text, (0, 0), _font(), self.size_px, weight)
        return int(rect[0] + rect[2])

    def lines(self, width_px: int) -> list[str]:
        """The text in lines that fit, broken at spaces, inside a word only if it alone is wider."""
        done: list[str] = []
        line = ""
        for word in self.text.split():
            joined = f"{line} {word}" if line else word
            if self.width_px(joined) <= width_px:
                line = joined
                continue
            done += [line] if line else []
            *full, line = self._pieces(word, width_px)
            done += full
        return [*done, line] if line else done

    def _pieces(self, word: str, width_px: int) -> list[str]:
        pieces = [""]
        for char in word:
            if pieces[-1] and self.width_px(pieces[-1] + char) > width_px:
                pieces.append("")
            pieces[-1] += char
        return pieces


def blank(height_px: int, width_px: int) -> NDArray[np.uint8]:
    """An empty part of the page, shape (height, width, 3)."""
    return np.full((height_px, width_px, 3), BACKGROUND, np.uint8)


def write(canvas: NDArray[np.uint8], text: str, at: tuple[int, int], style: Paragraph) -> None:
    """Write one line with its top left corner at (x, y)."""
    base = (at[0], at[1] + round(_ASCENT * style.size_px))
    weight = _BOLD if style.bold else _REGULAR
    cv2.putText(canvas, _visual_order(text), base, style.colour, _font(), style.size_px, weight)


def text_block(paragraphs: Sequence[Paragraph], width_px: int) -> NDArray[np.uint8]:
    """Paragraphs below each other, shape (height, `width_px`, 3)."""
    parts = [blank(0, width_px)]
    for paragraph in paragraphs:
        for line in paragraph.lines(width_px):
            part = blank(paragraph.pitch_px, width_px)
            write(part, line, (0, 0), paragraph)
            parts.append(part)
    return np.concatenate(parts)


def _font() -> object:
    """OpenCV's embedded sans serif; unlike Pillow's it knows ², Persian and most scripts."""
    return cv2.FontFace("sans")


def _visual_order(text: str) -> str:
    """Letters of right-to-left scripts in the order in which they stand on the page.

    OpenCV sets every letter from left to right, without joining forms.
    """
    runs = groupby(text, lambda char: unicodedata.bidirectional(char) in {"R", "AL", "NSM"})
    return "".join("".join(reversed([*run])) if is_rtl else "".join(run) for is_rtl, run in runs)

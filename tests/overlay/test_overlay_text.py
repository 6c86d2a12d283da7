from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.overlay.text import BACKGROUND, Paragraph, blank, text_block, write


def ink(text: str, size_px: int = 40) -> np.ndarray:
    canvas = blank(2 * size_px, 20 * size_px)
    write(canvas, text, (size_px, 0), Paragraph("", size_px))
    return np.abs(canvas.astype(int) - np.array(BACKGROUND)).max(axis=2) > 40


@given(
    text=st.text(st.characters(categories=("L", "Nd", "P", "Zs")), max_size=80),
    width=st.integers(60, 500),
    bold=st.booleans(),
)
def test_wrapped_lines_fit_and_lose_nothing(text: str, width: int, bold: bool) -> None:
    paragraph = Paragraph(text, 20, bold)
    lines = paragraph.lines(width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(paragraph.width_px(line) <= width for line in lines)


@pytest.mark.parametrize("size_px", [10, 20, 61])
def test_ink_stays_inside_its_line_and_its_measured_width(size_px: int) -> None:
    text = "Äg±²|(pq)Wy"
    shown = ink(text, size_px)
    rows, cols = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    paragraph = Paragraph(text, size_px)
    assert rows[-1] < paragraph.pitch_px
    assert cols[0] >= size_px - 2
    assert cols[-1] <= size_px + paragraph.width_px(text)


@pytest.mark.parametrize("char", "±²·−●▲■ب۳Ж患")
def test_the_font_has_the_signs_that_captions_use(char: str) -> None:
    assert ink(char).any()
    assert not np.array_equal(ink(char), ink("?"))  # what the font draws for want of a glyph


def test_letters_of_right_to_left_scripts_run_from_right_to_left() -> None:
    def height(columns: np.ndarray) -> int:
        return int(np.ptp(np.flatnonzero(columns.any(axis=1))))

    shown = ink("اب")  # a tall letter, then a flat one
    across = np.flatnonzero(shown.any(axis=0))
    tall = height(ink("ا"))
    assert height(shown[:, across[-3:]]) == tall
    assert height(shown[:, across[:3]]) < tall


def test_any_script_is_drawn_without_an_error() -> None:
    block = text_block([Paragraph("بیمار-۱۲ हिन्दी ᚠ \U0001f642 עברית", 20)], 200)
    assert block.shape[1] == 200
    assert block.any()


def test_a_word_longer_than_the_line_is_broken_not_cut() -> None:
    block = text_block([Paragraph("W" * 64, 20)], 250)
    assert block.shape[0] >= 5 * Paragraph("", 20).pitch_px


def test_no_text_takes_no_room() -> None:
    assert text_block([Paragraph("", 20)], 100).shape == (0, 100, 3)

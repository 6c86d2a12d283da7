"""Blocks of a page: panel with side letters, scale bar, legend."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.overlay.outlines import Outline
from scarmetrics.overlay.panels import hatch_pitch_px
from scarmetrics.overlay.strokes import REGION_STROKE, draw_hatching, draw_outlines
from scarmetrics.overlay.text import FOREGROUND, Paragraph, blank, text_block, write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from scarmetrics.face import Face
    from scarmetrics.models import Fate

    Block = NDArray[np.uint8]
    """Part of a page, RGB, shape (height, width, 3)."""

_LETTER_EM = 2.0
_GUTTER_EM = 2.4
_LEGEND_PITCH_EM = 1.7
_LONGEST_BAR = 0.25  # of the panel's width
_SKIN = (150, 112, 92)  # behind the legend's samples, so that they look as they do in the panel
_NOT_MEASURED = (60, 60, 60)


def gutter_px(em_px: int) -> int:
    """Width of the strip that holds a side letter."""
    return round(_GUTTER_EM * em_px)


def edge_letters(face: Face) -> tuple[str, str]:
    """Anatomical sides at the viewer's left and right, as letters.

    They follow from the face's midline, as the measured region does.
    """
    _, down = face.midline[-1] - face.midline[0]
    return ("R", "L") if down > 0 else ("L", "R")


def panel_block(panel: Block, letters: tuple[str, str], width_px: int, em_px: int) -> Block:
    """The panel between two big letters that say which side of the patient is where."""
    style = Paragraph("", round(_LETTER_EM * em_px), bold=True)
    gutters = []
    for letter in letters:
        gutter = blank(panel.shape[0], gutter_px(em_px))
        x = (gutter.shape[1] - style.width_px(letter)) // 2
        write(gutter, letter, (x, (panel.shape[0] - style.pitch_px) // 2), style)
        gutters.append(gutter)
    return _centred(np.concatenate([gutters[0], panel, gutters[1]], axis=1), width_px)


def scale_bar_mm(panel_width_mm: float) -> float:
    """The longest of 1, 2, 5, 10, 20, ... mm that spans at most a quarter of the panel."""
    longest = _LONGEST_BAR * panel_width_mm
    decade = 10.0 ** math.floor(math.log10(longest))
    return decade * max(step for step in (1, 2, 5) if step * decade <= longest)


def scale_bar_block(
    mm_per_panel_px: float | None, panel_width_px: int, width_px: int, em_px: int
) -> Block:
    """A scale bar under the panel, or the words that there is no scale."""
    label = Paragraph("", em_px)
    strip = blank(round(1.8 * em_px), panel_width_px)
    if mm_per_panel_px is None:
        write(strip, "no scale", (0, em_px // 5), label)
        return _centred(strip, width_px)
    length_mm = scale_bar_mm(panel_width_px * mm_per_panel_px)
    length_px = round(length_mm / mm_per_panel_px)
    middle, half = strip.shape[0] // 2, max(1, em_px // 10)
    strip[middle - half : middle + half, :length_px] = FOREGROUND
    for x in (0, max(0, length_px - 2 * half)):
        strip[middle - 4 * half : middle + 4 * half, x : x + 2 * half] = FOREGROUND
    write(strip, f"{length_mm:g} mm", (length_px + em_px // 2, em_px // 5), label)
    return _centred(strip, width_px)


def legend_block(
    fates: Mapping[Fate, str], left_out: Mapping[str, str], width_px: int, em_px: int
) -> Block:
    """What each line, shade and hatching means, in words; as many entries to a row as fit."""
    samples = [
        *((_fate_sample(em_px, fate), words) for fate, words in fates.items()),
        (_region_sample(em_px), "white line: edge of the measured skin; gray: not measured"),
        *((_hatch_sample(em_px, reason), words) for reason, words in left_out.items()),
    ]
    rows: list[list[Block]] = [[]]
    for sample, words in samples:
        entry = _entry(sample, Paragraph(words, em_px), width_px)
        if rows[-1] and sum(part.shape[1] for part in rows[-1]) + entry.shape[1] > width_px:
            rows.append([])
        rows[-1].append(entry)
    lines = [beside(row) for row in rows]
    return np.concatenate([_widened(line, width_px) for line in lines])


def beside(blocks: Sequence[Block], gap_px: int = 0) -> Block:
    """Blocks next to each other, tops aligned."""
    height = max(block.shape[0] for block in blocks)
    parts = [_heightened(blocks[0], height)]
    for block in blocks[1:]:
        parts += [blank(height, gap_px), _heightened(block, height)]
    return np.concatenate(parts, axis=1)


def framed(blocks: Sequence[Block], pad_px: int) -> Block:
    """Blocks of one width below each other, with space around and between them."""
    width = blocks[0].shape[1]
    parts = [blank(pad_px, width)]
    for block in blocks:
        parts += [block, blank(pad_px, width)]
    return _centred(np.concatenate(parts), width + 2 * pad_px)


def _centred(block: Block, width_px: int) -> Block:
    spare = width_px - block.shape[1]
    left = blank(block.shape[0], spare // 2)
    return np.concatenate([left, block, blank(block.shape[0], spare - spare // 2)], axis=1)


def _widened(block: Block, width_px: int) -> Block:
    return np.concatenate([block, blank(block.shape[0], width_px - block.shape[1])], axis=1)


def _heightened(block: Block, height_px: int) -> Block:
    return np.concatenate([block, blank(height_px - block.shape[0], block.shape[1])])


def _entry(sample: Block, words: Paragraph, width_px: int) -> Block:
    """One line of the legend; its words are wrapped if they alone exceed the width."""
    gap = words.size_px // 2
    room = width_px - sample.shape[1] - 3 * gap
    taken = max(words.width_px(line) for line in words.lines(room))
    spacer = blank(round(_LEGEND_PITCH_EM * words.size_px), gap)
    return beside([sample, text_block([words], taken), spacer], gap_px=gap)


def _fate_sample(em_px: int, fate: Fate) -> Block:
    """An ellipse in a fate's stroke."""
    sample = np.full(_sample_shape(em_px), _SKIN, np.uint8)
    angle = np.linspace(0, 2 * np.pi, 49)
    centre = (np.array(sample.shape[1::-1]) - 1) / 2
    ellipse = centre + 0.75 * centre * np.column_stack([np.cos(angle), np.sin(angle)])
    draw_outlines(sample, [Outline(ellipse, fate)])
    return sample


def _hatch_sample(em_px: int, reason: str) -> Block:
    """A piece of gray skin in a reason's hatching."""
    sample = np.full(_sample_shape(em_px), _NOT_MEASURED, np.uint8)
    height, width = sample.shape[:2]
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    draw_hatching(sample, {reason: (corners,)}, hatch_pitch_px(em_px))
    return sample


def _region_sample(em_px: int) -> Block:
    """The edge between measured and other skin."""
    sample = np.full(_sample_shape(em_px), _SKIN, np.uint8)
    middle = sample.shape[1] // 2
    sample[:, middle:] = _NOT_MEASURED
    sample[:, middle - 1 : middle + 1] = REGION_STROKE.colour
    return sample


def _sample_shape(em_px: int) -> tuple[int, int, int]:
    return (round(1.4 * em_px), round(2.6 * em_px), 3)

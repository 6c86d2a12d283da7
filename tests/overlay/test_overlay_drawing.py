from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage as ndi

from scarmetrics.face.regions import LEFT_BROW, LEFT_EYE, RIGHT_BROW, RIGHT_EYE, side_mask
from scarmetrics.overlay.eyes import cover, eye_covers
from scarmetrics.overlay.left_out import REASONS
from scarmetrics.overlay.outlines import Outline
from scarmetrics.overlay.page import edge_letters, legend_block, panel_block, scale_bar_mm
from scarmetrics.overlay.strokes import (
    FATE_STROKES,
    draw_hatching,
    draw_outlines,
    draw_region,
    gray_outside,
)
from scarmetrics.overlay.text import BACKGROUND

SKIN = (170, 130, 110)


def panel(size: int = 120) -> np.ndarray:
    return np.full((size, size, 3), SKIN, np.uint8)


def circle(radius: float, centre: float = 60) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 181)
    return centre + radius * np.column_stack([np.cos(angle), np.sin(angle)])


def coloured(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return np.abs(image.astype(int) - np.array(colour)).max(axis=2) < 30


@pytest.mark.parametrize("fate", FATE_STROKES)
def test_a_contour_is_drawn_on_its_line_and_nowhere_else(fate: str) -> None:
    drawn = panel()
    draw_outlines(drawn, [Outline(circle(40), fate)])
    y, x = np.nonzero((drawn != panel()).any(axis=2))
    distance = np.abs(np.hypot(x - 60, y - 60) - 40)
    assert distance.max() < 5
    assert coloured(drawn, FATE_STROKES[fate].colour).any()


def test_fates_can_be_told_without_colour() -> None:
    pieces = {}
    for fate, stroke in FATE_STROKES.items():
        drawn = panel()
        draw_outlines(drawn, [Outline(circle(40), fate)])
        labels, _ = ndi.label(coloured(drawn, stroke.colour), np.ones((3, 3)))
        pieces[fate] = np.bincount(labels.ravel())[1:]
    assert len({stroke.dashes for stroke in FATE_STROKES.values()}) == len(FATE_STROKES)
    count = {fate: len(sizes) for fate, sizes in pieces.items()}
    assert count["persisted"] == 1
    assert 8 < 1.5 * count["grown"] < count["healed"] < count["new"] / 1.5
    long, short = np.sort(pieces["shrunk"])[::-1].reshape(2, -1)  # a dash and a dot in turn
    assert long.min() > 2 * short.max()


def test_fates_differ_in_colour() -> None:
    for a, b in itertools.combinations(FATE_STROKES.values(), 2):
        assert np.abs(np.subtract(a.colour, b.colour)).max() > 50


@pytest.mark.parametrize("fate", FATE_STROKES)
def test_a_contour_of_one_pixel_is_still_seen(fate: str) -> None:
    drawn = panel()
    draw_outlines(drawn, [Outline(circle(1.5), fate)])
    assert coloured(drawn, FATE_STROKES[fate].colour).sum() >= 2


def test_skin_outside_the_region_turns_gray_and_darker_and_inside_stays() -> None:
    drawn = panel()
    gray_outside(drawn, [circle(50), circle(10)])
    draw_region(drawn, [circle(50), circle(10)])
    for place in ((60, 60), (2, 2)):  # a hole, and outside
        assert np.ptp(drawn[place]) == 0
        assert drawn[place].max() < min(SKIN)
    assert tuple(drawn[60, 90]) == SKIN
    assert (drawn.min(axis=2) > 180).sum() > 200


def test_without_a_region_everything_is_gray() -> None:
    drawn = panel()
    gray_outside(drawn, [])
    assert np.ptp(drawn, axis=2).max() == 0


@pytest.mark.parametrize("size", [120, 600, 3000])
@pytest.mark.parametrize("fate", FATE_STROKES)
def test_a_contour_is_one_pixel_wide_whatever_the_size(fate: str, size: int) -> None:
    drawn = panel(size)
    upright = size // 2 + 0.0
    line = np.column_stack([np.full(2, upright), [4, size - 5]])
    draw_outlines(drawn, [Outline(np.concatenate([line, line[::-1]]), fate)])
    strength = np.abs(drawn.astype(int) - np.array(SKIN)).sum(axis=2)
    rows = coloured(drawn, FATE_STROKES[fate].colour)
    assert rows.any()
    assert set(np.nonzero(rows)[1]) == {size // 2}
    assert set(np.nonzero(strength)[1]) <= set(range(size // 2 - 3, size // 2 + 4))


def square(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]], float)


@pytest.mark.parametrize("reason", REASONS)
def test_a_hatching_lies_on_its_skin_and_nowhere_else(reason: str) -> None:
    drawn = panel()
    draw_hatching(drawn, {reason: (square(20, 30, 90, 80), square(40, 40, 60, 60))}, 8)
    changed = (drawn != panel()).any(axis=2)
    inside = np.zeros((120, 120), bool)
    inside[30:81, 20:91] = True
    inside[41:60, 41:60] = False  # a hole
    assert not changed[~inside].any()
    pieces = [changed[y : y + 17, x : x + 17].any() for x, y in ((20, 30), (62, 62), (73, 35))]
    assert all(pieces)
    assert 0.01 < changed[inside].mean() < 0.4


def test_hatchings_can_be_told_apart() -> None:
    patterns = []
    for reason in REASONS:
        drawn = panel()
        draw_hatching(drawn, {reason: (square(0, 0, 119, 119),)}, 8)
        patterns.append((drawn != panel()).any(axis=2))
    for a, b in itertools.combinations(patterns, 2):
        assert (a != b).mean() > 0.02


def test_what_is_covered_leaves_no_trace() -> None:
    rng = np.random.default_rng(5)
    drawn = rng.integers(0, 256, (120, 120, 3)).astype(np.uint8)
    cover(drawn, [circle(20)])
    y, x = np.mgrid[:120, :120]
    assert np.ptp(drawn[np.hypot(x - 60, y - 60) < 19.5].reshape(-1, 3), axis=0).max() == 0


@pytest.mark.parametrize("roll_deg", [0, 30, 90, 155, 240])
def test_eyes_are_covered_at_any_roll(make_half, roll_deg: float) -> None:
    face = make_half()[0].faces[0]
    c, s = np.cos(np.radians(roll_deg)), np.sin(np.radians(roll_deg))
    turned = face.landmarks.copy()
    turned[:, :2] = (turned[:, :2] - (100, 120)) @ np.array([[c, s], [-s, c]]) + (100, 120)
    drawn = panel(260)
    shift = np.array([30, 10])
    cover(drawn, [xy + shift for xy in eye_covers(replace(face, landmarks=turned))])
    for x, y in turned[list(RIGHT_EYE + LEFT_EYE + RIGHT_BROW + LEFT_BROW), :2] + shift:
        assert tuple(drawn[round(y), round(x)]) == BACKGROUND
    assert 0.01 < (drawn == BACKGROUND).all(axis=2).mean() < 0.2


@given(width_mm=st.floats(2, 400))
def test_the_scale_bar_is_round_and_spans_a_tenth_to_a_quarter(width_mm: float) -> None:
    length = scale_bar_mm(width_mm)
    assert 0.1 * width_mm * (1 - 1e-9) <= length <= 0.25 * width_mm
    assert f"{length:e}"[0] in "125"
    assert float(f"{length:.1g}") == pytest.approx(length)


def test_letters_name_the_anatomical_sides(make_half) -> None:
    pair, _ = make_half()
    face = pair.faces[0]
    assert edge_letters(face) == ("R", "L")
    upside_down = replace(face, landmarks=face.landmarks * np.array([-1, -1, 1]))
    assert edge_letters(upside_down) == ("L", "R")


@pytest.mark.parametrize("turn", [1, -1])
def test_letters_agree_with_the_side_that_is_measured(make_half, turn: int) -> None:
    face = make_half()[0].faces[0]
    centre = np.array([100, 120, 0])
    turned = replace(face, landmarks=centre + turn * (face.landmarks - centre))
    columns = np.flatnonzero(side_mask(turned.landmarks, turned.shape, "right")[120])
    on_viewers_left = columns.mean() < centre[0]
    assert edge_letters(turned)[0 if on_viewers_left else 1] == "R"


def test_letters_stand_beside_the_panel_not_on_it() -> None:
    block = panel_block(panel(), ("R", "L"), 400, 20)
    inside = (block == SKIN).all(axis=2)
    assert inside.sum() == 120 * 120
    written = block.max(axis=2) > 200
    assert written[:, :200].any()
    assert written[:, 200:].any()
    assert not np.array_equal(written[:, :200], written[:, 200:])


@given(width=st.integers(330, 1500))
def test_the_legend_fits_any_width(width: int) -> None:
    words = dict.fromkeys(FATE_STROKES, "12 persisted: not found at a-visit-with-a-long-name")
    skipped = dict.fromkeys(REASONS, "12 % and below 1 % of the half's skin: not shown")
    assert legend_block(words, skipped, width, 12).shape[1] == width

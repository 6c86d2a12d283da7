from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.face.regions import side_mask
from scarmetrics.overlay.outlines import Outline
from scarmetrics.overlay.page import edge_letters, legend_block, panel_block, scale_bar_mm
from scarmetrics.overlay.strokes import FATE_STROKES, draw_outlines, draw_region, hide

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
    draw_outlines(drawn, [Outline(circle(40), fate)], 1)
    y, x = np.nonzero((drawn != panel()).any(axis=2))
    distance = np.abs(np.hypot(x - 60, y - 60) - 40)
    assert distance.max() < 5
    assert coloured(drawn, FATE_STROKES[fate].colour).any()


def test_fates_can_be_told_without_colour() -> None:
    shares = {}
    for fate, stroke in FATE_STROKES.items():
        drawn = panel()
        draw_outlines(drawn, [Outline(circle(40), fate)], 1)
        shares[fate] = int(coloured(drawn, stroke.colour).sum())
    styles = [(stroke.dashes, stroke.widths) for stroke in FATE_STROKES.values()]
    assert len(set(styles)) == len(styles)
    assert shares["grown"] > shares["shrunk"] > shares["healed"] > shares["new"]


def test_fates_differ_in_colour() -> None:
    for a, b in itertools.combinations(FATE_STROKES.values(), 2):
        assert np.abs(np.subtract(a.colour, b.colour)).max() > 50


@pytest.mark.parametrize("fate", FATE_STROKES)
def test_a_contour_of_one_pixel_is_still_seen(fate: str) -> None:
    drawn = panel()
    draw_outlines(drawn, [Outline(circle(1.5), fate)], 1)
    assert coloured(drawn, FATE_STROKES[fate].colour).sum() >= 2


def test_skin_outside_the_region_turns_gray_and_darker_and_inside_stays() -> None:
    drawn = panel()
    draw_region(drawn, [circle(50), circle(10)])
    for place in ((60, 60), (2, 2)):  # a hole, and outside
        assert np.ptp(drawn[place]) == 0
        assert drawn[place].max() < min(SKIN)
    assert tuple(drawn[60, 90]) == SKIN
    assert (drawn.min(axis=2) > 180).sum() > 200


def test_without_a_region_everything_is_gray() -> None:
    drawn = panel()
    draw_region(drawn, [])
    assert np.ptp(drawn, axis=2).max() == 0


def test_what_is_hidden_leaves_no_trace() -> None:
    rng = np.random.default_rng(5)
    drawn = rng.integers(0, 256, (120, 120, 3)).astype(np.uint8)
    hide(drawn, [circle(20)], margin_px=5)
    y, x = np.mgrid[:120, :120]
    assert np.ptp(drawn[np.hypot(x - 60, y - 60) < 24].reshape(-1, 3), axis=0).max() == 0


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
    assert legend_block(words, width, 12, 1).shape[1] == width

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.measure import points_in_poly

from scarmetrics.overlay.frame import Frame, fitted, surroundings
from scarmetrics.overlay.outlines import mask_outlines, move_all, scar_outlines, simplified


def enclosed_area(xy: np.ndarray) -> float:
    x, y = xy.T
    return float(abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2)


def disc(shape: tuple[int, int], centre: tuple[float, float], radius: float) -> np.ndarray:
    y, x = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(x - centre[0], y - centre[1]) <= radius


# --- outlines


def test_an_outline_encloses_its_label_and_lies_where_the_label_is() -> None:
    labels = disc((60, 80), (50, 20), 12).astype(np.int32)
    (outline,) = scar_outlines(labels, {1: "new"})
    assert outline.fate == "new"
    assert enclosed_area(outline.xy) == pytest.approx(labels.sum(), rel=0.02)
    assert outline.xy[:-1].mean(axis=0) == pytest.approx([50, 20], abs=0.05)
    assert np.ptp(outline.xy[:, 0]) == pytest.approx(25, abs=1)  # outer pixel borders


@pytest.mark.parametrize("radius", [2.2, 4.0, 7.3, 15.0, 60.0, 200.0])
def test_an_outline_is_smooth_and_still_that_of_its_mask(radius: float) -> None:
    mask = disc((420, 420), (210.3, 209.8), radius)
    (ring,) = mask_outlines(mask)
    polygon = simplified(ring, 0.1)
    assert len(polygon) < 0.6 * len(ring)
    y, x = np.mgrid[:420, :420]
    inside = points_in_poly(np.column_stack([x.ravel(), y.ravel()]), polygon).reshape(mask.shape)
    assert (inside & mask).sum() / (inside | mask).sum() > 0.98
    distance = np.hypot(*(ring - (210.3, 209.8)).T)
    assert np.abs(distance - radius).max() < 0.75


def test_touching_scars_and_scars_at_the_edge_have_closed_outlines_of_their_own() -> None:
    labels = np.zeros((20, 20), np.int32)
    labels[0:6, 0:5] = 1
    labels[0:6, 5:9] = 2
    outlines = scar_outlines(labels, {1: "persisted", 2: "healed"})
    assert [line.fate for line in outlines] == ["persisted", "healed"]
    for line in outlines:
        assert line.xy[0] == pytest.approx(line.xy[-1])


def test_a_label_number_that_is_not_used_has_no_outline() -> None:
    labels = np.zeros((9, 9), np.int32)
    labels[3:6, 3:6] = 2
    assert len(scar_outlines(labels, {2: "new"})) == 1


def test_a_region_with_a_hole_has_two_outlines_and_an_empty_one_none() -> None:
    mask = disc((60, 60), (30, 30), 20) & ~disc((60, 60), (30, 30), 5)
    assert len(mask_outlines(mask)) == 2
    assert mask_outlines(np.zeros((5, 5), bool)) == ()


def test_lines_moved_together_keep_their_lengths() -> None:
    lines = (np.zeros((3, 2)), np.ones((5, 2)))
    moved = move_all(lines, lambda xy: xy + 1)
    assert [len(line) for line in moved] == [3, 5]
    assert np.all(moved[1] == 2)
    assert move_all((), lambda xy: xy) == ()


# --- frames


@given(
    x=st.integers(0, 300),
    y=st.integers(0, 200),
    width=st.integers(1, 300),
    height=st.integers(1, 200),
    mm_per_px=st.floats(0.02, 2.0),
    max_side_px=st.integers(200, 2000),
)
def test_a_frame_holds_its_region_at_the_size_asked_for(
    *, x: int, y: int, width: int, height: int, mm_per_px: float, max_side_px: int
) -> None:
    roi = np.zeros((201, 301), bool)
    roi[y : y + height, x : x + width] = True
    frame = fitted(surroundings(roi, mm_per_px), max_side_px)
    x0, y0, x1, y1 = frame.box
    assert 0 <= x0 <= x < min(x + width, 301) <= x1 <= 301
    assert 0 <= y0 <= y < min(y + height, 201) <= y1 <= 201
    assert max(frame.size) == max_side_px


def test_a_region_of_one_pixel_is_shown_with_its_surroundings() -> None:
    roi = np.zeros((500, 400), bool)
    roi[250, 200] = True
    x0, y0, x1, y1 = surroundings(roi, 0.2)
    assert x1 - x0 == pytest.approx(100, abs=1)  # 20 mm
    assert y1 - y0 == pytest.approx(100, abs=1)


def test_a_strip_is_not_shown_as_a_strip() -> None:
    roi = np.zeros((900, 900), bool)
    roi[100:800, 450] = True
    frame = fitted(surroundings(roi, 0.2), 1000)
    assert frame.size[1] == 1000
    assert frame.size[0] >= 390


@pytest.mark.parametrize("zoom", [0.5, 3])
def test_points_land_where_their_pixels_are_shown(zoom: float) -> None:
    image = np.zeros((60, 80, 3), np.uint8)
    image[30:34, 40:44] = 255
    frame = Frame((20, 10, 60, 50), (round(40 * zoom), round(40 * zoom)))
    shown = frame.resized(image[10:50, 20:60])[..., 0].astype(float)
    y, x = np.mgrid[: shown.shape[0], : shown.shape[1]]
    centre = [(shown * x).sum() / shown.sum(), (shown * y).sum() / shown.sum()]
    assert frame.to_panel(np.array([[41.5, 31.5]]))[0] == pytest.approx(centre, abs=0.05)

"""Photographs without a face: keypoints of the skin are the start."""

from __future__ import annotations

import numpy as np
import pytest

from scarmetrics.phantom import astronaut_face, recapture, render, scar_field
from scarmetrics.photometry import skin_coloured
from scarmetrics.registration import FailedRegistration, Registration, register

CHEEK_MM = 60.0


def cheek(image, face, mm_per_px, landmark=280):
    """A square of the anatomical left cheek, and its corner."""
    half = CHEEK_MM / 2 / mm_per_px
    x, y = face.landmarks[landmark, :2]
    x0, y0 = int(x - half), int(y - half)
    side = int(2 * half)
    return np.ascontiguousarray(image[y0 : y0 + side, x0 : x0 + side]), np.array([x0, y0])


@pytest.fixture(scope="module")
def scarred():
    """A cheek with scars, photographed twice; real close-ups show marks to hold on to."""
    made = astronaut_face(5, 0.2)
    scars = scar_field(
        made.face.skin_mask("left"), mm_per_px=made.mm_per_px, seed=2, area_fraction=0.06
    )
    first = render(made.image, scars, mm_per_px=made.mm_per_px).image
    second = recapture(made.image, seed=6, mm_per_px=made.mm_per_px, scars=scars, max_roll_deg=8)
    return made, first, second


def test_a_close_up_is_aligned_by_its_skin(scarred):
    made, first, second = scarred
    fixed, corner = cheek(first, made.face, made.mm_per_px)
    moving, moved_corner = cheek(second.image, made.face, made.mm_per_px)
    found = register(fixed, moving, mm_per_px=made.mm_per_px)
    assert isinstance(found, Registration), found
    y, x = np.nonzero(found.registered_mask)
    points = np.column_stack([x, y])[::97].astype(float)
    truth = second.transform_points(points + corner) - moved_corner
    off_mm = np.hypot(*(found.transform_points(points) - truth).T) * made.mm_per_px
    assert np.median(off_mm) < 0.05
    assert np.percentile(off_mm, 99) < 0.5
    back = found.inverse_points(found.transform_points(points))
    np.testing.assert_allclose(back, points, atol=0.1)


def test_cloth_is_not_registered_and_the_residual_is_known_where_skin_is(scarred):
    made, first, second = scarred
    fixed, _ = cheek(first, made.face, made.mm_per_px)
    moving, _ = cheek(second.image, made.face, made.mm_per_px)
    cloth = int(8 / made.mm_per_px)
    fixed = fixed.copy()
    fixed[:cloth, :cloth] = (40, 90, 50)
    found = register(fixed, moving, mm_per_px=made.mm_per_px)
    assert found
    mask = found.registered_mask
    assert not mask[: cloth - 4, : cloth - 4].any()  # but for the colour's coarse cells
    assert mask.mean() > 0.5
    assert np.isfinite(found.residual_mm[mask]).all()


@pytest.mark.parametrize("mm_per_px", [0.001, 5.0])
def test_a_close_up_of_no_possible_size_is_refused(scarred, mm_per_px):
    made, first, _ = scarred
    fixed, _ = cheek(first, made.face, made.mm_per_px)
    found = register(fixed, fixed, mm_per_px=mm_per_px)
    assert isinstance(found, FailedRegistration)
    assert found.reason_code == "scale_implausible"


def test_a_mirrored_close_up_is_refused(scarred):
    made, first, second = scarred
    fixed, _ = cheek(first, made.face, made.mm_per_px)
    moving, _ = cheek(second.image[:, ::-1], made.face, made.mm_per_px, landmark=50)
    found = register(fixed, moving, mm_per_px=made.mm_per_px)
    assert isinstance(found, FailedRegistration)
    assert found.reason_code in ("registration_disagrees", "registration_no_overlap")


def test_the_other_cheek_is_refused(scarred):
    made, first, second = scarred
    fixed, _ = cheek(first, made.face, made.mm_per_px)
    moving, _ = cheek(second.image, made.face, made.mm_per_px, landmark=50)
    found = register(fixed, moving, mm_per_px=made.mm_per_px)
    assert isinstance(found, FailedRegistration)
    assert found.reason_code in ("registration_disagrees", "registration_no_overlap")


def test_a_close_up_without_a_scale_says_what_is_missing(scarred):
    made, first, _ = scarred
    fixed, _ = cheek(first, made.face, made.mm_per_px)
    found = register(fixed, fixed)
    assert isinstance(found, FailedRegistration)
    assert found.reason_code == "face_not_found"
    assert "mm_per_px" in found.reason


@pytest.mark.parametrize("level", [0, 128, 255])
def test_nothing_but_one_colour_is_refused(level):
    blank = np.full((300, 300, 3), level, np.uint8)
    found = register(blank, blank, mm_per_px=0.2)
    assert isinstance(found, FailedRegistration)
    assert found.reason_code in ("registration_no_texture", "registration_disagrees")


def test_skin_is_what_has_the_colour_of_most_of_a_close_up():
    image = np.full((200, 300, 3), (200, 150, 130), np.uint8)
    image[:40] = (60, 110, 60)  # cloth
    image[-30:] = 255  # glare
    image[:, :20] = 3  # shadow
    mask = skin_coloured(image)
    assert mask[60:150, 40:].all()
    assert not mask[:30].any()
    assert not mask[-20:].any()
    assert not mask[60:150, :10].any()


@pytest.mark.parametrize("skin", [(230, 195, 175), (141, 85, 60), (75, 50, 40)])
def test_no_complexion_is_preferred(skin):
    image = np.full((100, 100, 3), skin, np.uint8)
    assert skin_coloured(image).all()

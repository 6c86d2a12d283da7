from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scarmetrics.config import RegistrationConfig
from scarmetrics.face import detect_face
from scarmetrics.opencv import cv2
from scarmetrics.phantom import Exposure, recapture, render, scar_field
from scarmetrics.photometry import log_luminance
from scarmetrics.registration import FailedRegistration, Registration, register
from scarmetrics.registration.confidence import refuse_mirrored

ROLL_AND_ZOOM = {"max_roll_deg": 6.0, "max_zoom": 0.08, "max_shift_mm": 8.0}


@pytest.fixture(scope="module")
def second(phantom):
    """The same face photographed again."""
    return recapture(phantom.image, seed=3, mm_per_px=phantom.mm_per_px, **ROLL_AND_ZOOM)


@pytest.fixture(scope="module")
def aligned(phantom, second):
    found = register(phantom.image, second.image)
    assert isinstance(found, Registration)
    return found


@pytest.fixture(scope="module")
def skin_points(aligned):
    y, x = np.nonzero(aligned.registered_mask)
    return np.column_stack([x, y]).astype(float)


def test_a_photograph_lies_on_itself(phantom):
    found = register(phantom.image, phantom.image)
    assert found
    y, x = np.nonzero(found.registered_mask)
    points = np.column_stack([x, y]).astype(float)
    np.testing.assert_allclose(found.transform_points(points), points, atol=0.2)
    np.testing.assert_allclose(found.inverse_points(points), points, atol=0.2)
    assert found.texture_agreement > 0.99
    assert np.nanmax(found.residual_px[found.registered_mask]) < 0.2


def test_a_known_move_is_found(phantom, second, aligned, skin_points):
    off = aligned.transform_points(skin_points) - second.transform_points(skin_points)
    off_mm = np.hypot(*off.T) * second.mm_per_px
    assert np.median(off_mm) < 0.1
    assert np.percentile(off_mm, 99) < 0.5
    assert aligned.texture_agreement > 0.8


def test_the_residual_tells_how_far_off_the_map_is(phantom, second, aligned, skin_points):
    off = aligned.transform_points(skin_points) - second.transform_points(skin_points)
    off_mm = np.hypot(*off.T) * second.mm_per_px
    x, y = skin_points.astype(int).T
    expected = aligned.residual_mm[y, x]
    assert np.isfinite(expected).all()
    assert expected.mean() < 0.05
    assert (off_mm <= aligned.residual_bound_mm[y, x]).mean() > 0.93
    # it is a standard deviation along each axis, neither far too large nor far too small
    assert 0.5 < np.sqrt((off_mm**2).mean() / 2) / np.sqrt((expected**2).mean()) < 1.3
    np.testing.assert_allclose(aligned.residual_px[y, x] * aligned.mm_per_px, expected, rtol=1e-5)


def test_where_nothing_was_aligned_the_residual_is_unknown(aligned):
    assert np.isnan(aligned.residual_mm[0, 0])
    assert not aligned.registered_mask[0, 0]


def test_threads_do_not_change_a_byte(phantom, second, aligned):
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        alone = register(phantom.image, second.image)
    finally:
        cv2.setNumThreads(threads)
    np.testing.assert_array_equal(alone.flow, aligned.flow)
    np.testing.assert_array_equal(alone.error_mm, aligned.error_mm)


SHRINKS_TO = 0.6  # of the area


def test_a_scar_that_shrinks_is_not_pulled_back_to_its_old_outline(phantom, phantom_face):
    scars = scar_field(
        phantom_face.skin_mask("left"), mm_per_px=phantom.mm_per_px, seed=4,
        diameter_mm=(2.5, 5.0), confluent_fraction=0.0,
    )  # fmt: skip
    smaller = [
        replace(s, rx_mm=s.rx_mm * SHRINKS_TO**0.5, ry_mm=s.ry_mm * SHRINKS_TO**0.5) for s in scars
    ]
    baseline = render(phantom.image, scars, mm_per_px=phantom.mm_per_px).image
    options = {"seed": 8, "mm_per_px": phantom.mm_per_px, "exposure": Exposure(noise=0.004)}
    photographs = [recapture(phantom.image, scars=shown, **options) for shown in (scars, smaller)]
    maps = [
        register(baseline, photograph.image, fixed_face=phantom_face) for photograph in photographs
    ]
    assert all(maps)
    rim, move_mm = [], []
    for scar in scars:
        angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        turn = np.radians(scar.angle_deg)
        along, across = np.cos(angle) * scar.rx_mm, np.sin(angle) * scar.ry_mm
        x = scar.x_px + (along * np.cos(turn) - across * np.sin(turn)) / phantom.mm_per_px
        y = scar.y_px + (along * np.sin(turn) + across * np.cos(turn)) / phantom.mm_per_px
        rim.append(np.column_stack([x, y]))
        radius_mm = np.sqrt(scar.rx_mm * scar.ry_mm)
        move_mm.append(np.full(len(x), radius_mm * (1 - SHRINKS_TO**0.5)))
    unchanged, shrunk = (found.transform_points(np.concatenate(rim)) for found in maps)
    pulled_mm = np.hypot(*(shrunk - unchanged).T) * phantom.mm_per_px
    assert np.median(pulled_mm) < 0.054  # 0.3 px of 0.18 mm
    assert np.median(pulled_mm / np.concatenate(move_mm)) < 0.2  # of the outline's own move


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31 - 1))
def test_there_and_back_is_where_one_was(aligned, skin_points, seed):
    rng = np.random.default_rng(seed)
    points = rng.choice(skin_points, 50) + rng.uniform(-0.5, 0.5, (50, 2))
    back = aligned.inverse_points(aligned.transform_points(points))
    np.testing.assert_allclose(back, points, atol=1e-3)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31 - 1))
def test_the_jacobian_is_the_transforms_own(aligned, skin_points, seed):
    points = np.random.default_rng(seed).choice(skin_points, 50)
    # the flow is bilinear between working pixels: differences over a few of them
    step = 3.0
    right, down = np.array([step, 0.0]), np.array([0.0, step])
    move = aligned.transform_points
    along_x = move(points + right) - move(points - right)
    along_y = move(points + down) - move(points - down)
    numeric = (along_x[:, 0] * along_y[:, 1] - along_x[:, 1] * along_y[:, 0]) / (2 * step) ** 2
    x, y = points.astype(int).T
    np.testing.assert_allclose(aligned.jacobian()[y, x], numeric, rtol=0.01)


def test_the_jacobian_is_the_known_magnification(second, aligned):
    typical = np.median(aligned.jacobian()[aligned.registered_mask])
    assert typical == pytest.approx(second.zoom**2, rel=0.02)
    assert aligned.affine_area_ratio == pytest.approx(second.zoom**2, rel=0.05)


def test_warping_brings_the_follow_up_onto_the_baseline(phantom, second, aligned):
    mask = aligned.registered_mask
    warped = aligned.warp(second.image)
    assert warped.shape == phantom.image.shape
    assert warped.dtype == second.image.dtype

    def likeness(image):
        logs = [log_luminance(picture) for picture in (phantom.image, image)]
        fine = [log - cv2.GaussianBlur(log, (0, 0), 5) for log in logs]
        return np.corrcoef(fine[0][mask], fine[1][mask])[0, 1]

    assert likeness(second.image) < 0.3
    assert likeness(warped) > 0.8


def test_a_box_is_a_part_of_the_whole(second, aligned):
    whole = aligned.warp(second.image)
    np.testing.assert_array_equal(
        aligned.warp(second.image, (200, 300, 260, 390)), whole[300:390, 200:260]
    )


def test_only_skin_is_believed(aligned, phantom_face):
    skin = phantom_face.skin_mask("left") | phantom_face.skin_mask("right")
    mask = aligned.registered_mask
    outside = mask & ~cv2.dilate(skin.astype(np.uint8), np.ones((3, 3))).astype(bool)
    assert mask.shape == skin.shape
    assert not outside.any()  # but for a pixel of resampling
    assert mask.sum() > 0.9 * skin.sum()


def test_masks_travel_as_points_do(aligned, skin_points):
    rng = np.random.default_rng(5)
    for centre in rng.choice(skin_points, 5):
        x, y = np.meshgrid(np.arange(aligned.fixed_shape[1]), np.arange(aligned.fixed_shape[0]))
        disc = np.hypot(x - centre[0], y - centre[1]) < 18
        there = aligned.to_moving(disc)
        assert there.shape == aligned.moving_shape
        rows, cols = np.nonzero(there)
        landed = aligned.transform_points(np.argwhere(disc)[:, ::-1].astype(float))
        np.testing.assert_allclose([cols.mean(), rows.mean()], landed.mean(axis=0), atol=0.15)
        jacobian = aligned.jacobian()[disc].mean()
        assert there.sum() == pytest.approx(disc.sum() * jacobian, rel=0.04)
        back = aligned.to_fixed(there)
        assert (back ^ disc).sum() < 0.12 * disc.sum()  # a rim of half pixels, twice
        rows, cols = np.nonzero(back)
        np.testing.assert_allclose([cols.mean(), rows.mean()], centre, atol=0.15)


def test_pictures_of_other_sizes_and_depths_align(phantom, second):
    half = cv2.resize(second.image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    found = register(phantom.image, half.astype(np.uint16) * 257)
    assert found
    assert found.moving_shape == half.shape[:2]
    y, x = np.nonzero(found.registered_mask)
    points = np.column_stack([x, y]).astype(float)
    truth = (second.transform_points(points) + 0.5) * 0.6 - 0.5
    off_mm = np.hypot(*(found.transform_points(points) - truth).T) * second.mm_per_px / 0.6
    assert np.median(off_mm) < 0.15


def test_given_faces_are_used(phantom, second):
    faces = [detect_face(image) for image in (phantom.image, second.image)]
    given_faces = register(phantom.image, second.image, fixed_face=faces[0], moving_face=faces[1])
    found = register(phantom.image, second.image)
    np.testing.assert_array_equal(given_faces.flow, found.flow)


def test_a_mirrored_follow_up_is_refused(phantom, second):
    found = register(phantom.image, np.ascontiguousarray(second.image[:, ::-1]))
    assert isinstance(found, FailedRegistration)
    assert not found
    assert found.reason_code in ("laterality_conflict", "registration_disagrees")
    assert found.remedy


def test_skin_without_texture_is_refused(phantom, second):
    burnt = np.clip(phantom.image.astype(np.uint16) * 3, 0, 255).astype(np.uint8)
    assert detect_face(burnt)
    found = register(burnt, burnt)
    assert not found
    assert found.reason_code == "registration_no_texture"
    assert not register(phantom.image, burnt)


def test_a_missing_face_is_the_reason(phantom):
    blank = np.zeros((300, 300, 3), np.uint8)
    for pair in ((phantom.image, blank), (blank, phantom.image)):
        found = register(*pair)
        assert isinstance(found, FailedRegistration)
        assert found.reason_code == "face_not_found"


def test_limits_are_the_configs(phantom, second):
    strict = RegistrationConfig(min_likeness=1.25)
    found = register(phantom.image, second.image, config=strict)
    assert not found
    assert found.reason_code == "registration_disagrees"
    assert "1.25 needed" in found.reason


def test_gray_pictures_are_an_error(phantom):
    with pytest.raises(ValueError, match="RGB"):
        register(phantom.image, phantom.image[..., 0])


REFUSED = {"registration_disagrees", "registration_no_overlap", "laterality_conflict"}


@pytest.mark.shared
def test_real_pairs_are_told_from_strangers_and_mirror_images(shared_faces, read_photograph):
    folder = shared_faces / "london"
    people = sorted(path.name[:3] for path in folder.glob("*_08.jpg"))[::4][:8]
    neutral = [read_photograph(folder / f"{person}_03.jpg") for person in people]
    smiling = [read_photograph(folder / f"{person}_08.jpg") for person in people]
    assert len(people) == 8
    for i, person in enumerate(people):
        assert register(neutral[i], smiling[i]), person
        stranger = register(neutral[i], smiling[i - 1])
        assert not stranger, person
        assert stranger.reason_code in REFUSED
        mirrored = register(neutral[i], np.ascontiguousarray(smiling[i][:, ::-1]))
        assert not mirrored, person
        assert mirrored.reason_code in REFUSED


@pytest.mark.shared
def test_one_person_in_other_light_and_size_is_accepted(shared_faces, read_photograph):
    photographs = [read_photograph(shared_faces / f"lisa/lisa{n}.jpg") for n in (1, 2, 3, 4)]
    stranger = read_photograph(shared_faces / "london/001_03.jpg")
    for i, fixed in enumerate(photographs):
        assert register(fixed, photographs[i - 1]), i
        assert not register(fixed, stranger), i
        assert not register(fixed, np.ascontiguousarray(photographs[i - 1][:, ::-1])), i


@pytest.mark.parametrize(
    ("likeness", "mirrored", "reason"),
    [
        (0.6, 0.3, None),
        (0.6, 0.58, "registration_disagrees"),
        (0.55, 0.58, "registration_disagrees"),
        (0.4, 0.6, "laterality_conflict"),
    ],
)
def test_what_fits_no_better_than_its_mirror_image_is_refused(likeness, mirrored, reason):
    refused = refuse_mirrored(likeness, mirrored)
    assert (refused is None) == (reason is None)
    assert refused is None or refused.reason_code == reason


@pytest.mark.parametrize("factor", [0.55, 1.8])
def test_a_wrong_scale_makes_no_other_skin_acceptable(phantom, second, factor):
    wrong = phantom.mm_per_px * factor
    right = register(phantom.image, second.image, mm_per_px=wrong)
    assert right.likeness == register(phantom.image, second.image).likeness
    assert right.mm_per_px == wrong
    mirrored = np.ascontiguousarray(second.image[:, ::-1])
    assert not register(phantom.image, mirrored, mm_per_px=wrong)


def test_lengths_are_told_in_the_given_scale(phantom, second, aligned, skin_points):
    longer = register(phantom.image, second.image, mm_per_px=1.5 * aligned.mm_per_px)
    x, y = skin_points.astype(int).T
    np.testing.assert_allclose(longer.residual_mm[y, x], 1.5 * aligned.residual_mm[y, x], rtol=1e-4)
    np.testing.assert_allclose(longer.residual_px[y, x], aligned.residual_px[y, x], rtol=1e-4)


def test_points_that_are_none_stay_none(aligned):
    for move in (aligned.transform_points, aligned.inverse_points):
        moved = move(np.array([[300.0, 400.0], [np.nan, 3.0], [1.0, np.inf]]))
        assert np.isfinite(moved[0]).all()
        assert np.isnan(moved[1:]).any(axis=1).all()
        assert move(np.zeros((0, 2))).shape == (0, 2)
        with pytest.raises(ValueError, match=r"\(K, 2\)"):
            move(np.zeros((2, 3)))


def test_a_face_of_another_photograph_is_an_error(phantom, second, phantom_face):
    with pytest.raises(ValueError, match="is given for"):
        register(phantom.image, second.image[:-5], moving_face=phantom_face)


def test_an_empty_picture_is_an_error(phantom):
    with pytest.raises(ValueError, match="not empty"):
        register(phantom.image, np.zeros((0, 0, 3), np.uint8))

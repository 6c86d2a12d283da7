import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scarmetrics.phantom import Exposure, Scar, Waves, draw_exposure, expose, recapture
from scarmetrics.phantom.warps import draw_waves

MM_PER_PX = 0.25
STILL = {"max_roll_deg": 0.0, "max_zoom": 0.0, "max_shift_mm": 0.0, "deformation_mm": 1e-9}
NO_CAMERA = Exposure(noise=0.0, jpeg_quality=None)


def skin(dtype=np.uint8):
    return np.full((300, 240, 3), np.iinfo(dtype).max * 6 // 10, dtype)


def dot(x_px=120.0, y_px=150.0, radius_mm=2.0):
    return Scar(x_px, y_px, radius_mm, radius_mm, 0.0, 0.6, "boxcar")


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**31 - 1), x=st.floats(0, 239), y=st.floats(0, 299))
def test_points_go_there_and_back(seed, x, y):
    second = recapture(skin(), seed=seed, mm_per_px=MM_PER_PX, exposure=NO_CAMERA)
    point = np.array([[x, y]])
    there = second.transform_points(point)
    np.testing.assert_allclose(second.warp.inverse_points(there), point, atol=1e-6)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31 - 1))
def test_the_picture_follows_the_point_map(seed):
    image = skin()
    y, x = np.mgrid[:300, :240]
    spot = np.exp(-((x - 130) ** 2 + (y - 140) ** 2) / (2 * 5.0**2))
    image = (image * (1 - 0.6 * spot[..., None])).astype(np.uint8)
    second = recapture(image, seed=seed, mm_per_px=MM_PER_PX, exposure=NO_CAMERA)
    dark = np.maximum(0.0, 152 - second.image[..., 1].astype(float))
    found = np.array([(dark * x).sum(), (dark * y).sum()]) / dark.sum()
    np.testing.assert_allclose(
        found, second.transform_points(np.array([[130.0, 140.0]]))[0], atol=0.1
    )


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**31 - 1))
def test_the_truth_lies_in_the_second_photographs_pixels(seed):
    second = recapture(skin(), seed=seed, mm_per_px=MM_PER_PX, scars=[dot()], exposure=NO_CAMERA)
    rows, cols = np.nonzero(second.truth.labels)
    centre = second.transform_points(np.array([[120.0, 150.0]]))[0]
    np.testing.assert_allclose([cols.mean(), rows.mean()], centre, atol=0.3)
    # the outline's own points, moved one by one, enclose the same area
    turn = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    ring = second.transform_points(
        np.array([120.0, 150.0]) + 8.0 * np.column_stack([np.cos(turn), np.sin(turn)])
    )
    x, y = ring.T
    moved_px = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    assert second.truth.area_mm2 == pytest.approx(moved_px * second.mm_per_px**2, rel=0.02)


def test_a_plain_move_keeps_the_area_in_mm2():
    second = recapture(
        skin(),
        seed=3,
        mm_per_px=MM_PER_PX,
        scars=[dot()],
        exposure=NO_CAMERA,
        deformation_mm=1e-9,
    )
    assert second.zoom != 1
    assert second.mm_per_px == pytest.approx(MM_PER_PX / second.zoom)
    assert second.truth.area_mm2 == pytest.approx(dot().area_mm2, rel=0.01)


def test_bounds_are_kept():
    for seed in range(20):
        second = recapture(skin(), seed=seed, mm_per_px=MM_PER_PX, exposure=NO_CAMERA)
        assert abs(second.roll_deg) <= 3
        assert abs(second.zoom - 1) <= 0.03
        assert max(map(abs, second.shift_px)) <= 4.0 / MM_PER_PX


def test_positive_roll_is_clockwise():
    turned = recapture(
        skin(),
        seed=1,
        mm_per_px=MM_PER_PX,
        exposure=NO_CAMERA,
        **{**STILL, "max_roll_deg": 3.0},
    )
    centre, right = turned.transform_points(np.array([[119.5, 149.5], [219.5, 149.5]]))
    across = right - centre
    assert np.degrees(np.arctan2(across[1], across[0])) == pytest.approx(turned.roll_deg, abs=1e-3)


def test_standing_still_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (80, 70, 3), np.uint8)
    second = recapture(image, seed=1, mm_per_px=MM_PER_PX, exposure=NO_CAMERA, **STILL)
    np.testing.assert_array_equal(second.image, image)


def test_the_seed_decides():
    shots = [recapture(skin(), seed=seed, mm_per_px=MM_PER_PX, scars=[dot()]) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(shots[0].image, shots[1].image)
    assert not np.array_equal(shots[0].image, shots[2].image)


def test_waves_on_a_grid_are_those_at_points():
    waves = draw_waves(np.random.default_rng(1), 1.5, (200.0, 600.0))
    y, x = np.mgrid[:50, :40]
    at_points = waves.displacement(np.stack([x, y], axis=-1).astype(float))
    np.testing.assert_allclose(waves.on_grid((50, 40)), at_points, atol=1e-5)
    assert 0.2 < np.sqrt(np.mean(waves.on_grid((2000, 2000)) ** 2)) < 3.0


def test_waves_that_would_fold_the_picture_are_refused():
    with pytest.raises(ValueError, match="strain"):
        Waves(np.array([[0.1, 0.0]]), np.array([[8.0, 0.0]]), np.zeros(1))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_the_camera_moves_no_pixel(dtype):
    rng = np.random.default_rng(1)
    coarse = rng.uniform(0.2, 0.8, (20, 20, 1)).repeat(8, axis=0).repeat(8, axis=1)
    image = (coarse.repeat(3, axis=2) * np.iinfo(dtype).max).astype(dtype)
    shot = expose(image, draw_exposure(5), seed=6)
    assert shot.dtype == dtype
    assert shot.shape == image.shape
    edges = [np.diff(picture[..., 1].astype(float), axis=1) for picture in (image, shot)]
    scores = [
        np.corrcoef(edges[0][:, 5:-5].ravel(), np.roll(edges[1], step, axis=1)[:, 5:-5].ravel())[
            0, 1
        ]
        for step in (-1, 0, 1)
    ]
    assert scores[1] > 0.9 > max(scores[0], scores[2])


def test_exposure_and_white_balance_act_on_linear_light():
    image = np.full((40, 40, 3), 100, np.uint8)
    camera = Exposure(gain=2.0, white_balance=(1.0, 1.0, 0.5), noise=0.0, jpeg_quality=None)
    shot = expose(image, camera, seed=0)[0, 0]
    # 100 is 0.1274 in linear light; twice that is 0.2549, code 138
    assert shot.tolist() == [138, 138, 100]


def test_noise_grows_with_light():
    halves = np.full((200, 200, 3), 60, np.uint16) * 257
    halves[:, 100:] = 200 * 257
    shot = expose(halves, Exposure(noise=0.01, jpeg_quality=None), seed=2)
    linear = (shot / 65535.0) ** 2.2
    assert 1.5 * linear[:, :100].std() < linear[:, 100:].std()

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import srgb_code

from scarmetrics.photometry import (
    blur,
    lit_skin,
    log_luminance,
    luminance,
    masked_blur,
    masked_plane,
    to_uint8,
    warp_affine_reduced,
)

SOURCE = (420, 360)  # rows, cols of the picture that is warped


def test_16_bit_becomes_the_nearest_8_bit_value():
    codes = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1).repeat(3, axis=2)
    small = to_uint8(codes)
    assert small.dtype == np.uint8
    assert np.abs(small * 257.0 - codes).max() <= 128.5


def test_8_bit_is_left_alone():
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    assert to_uint8(image) is image
    np.testing.assert_array_equal(to_uint8(image.astype(np.uint16) * 257), image)


@given(gain=st.floats(0.5, 1.8))
def test_a_gain_in_linear_light_is_an_offset_of_log_luminance(gain):
    light = np.linspace(0.02, 0.5, 400).reshape(20, 20)
    offset = log_luminance(srgb_code(gain * light)) - log_luminance(srgb_code(light))
    np.testing.assert_allclose(offset, np.log(gain), atol=2e-3)


def test_luminance_is_linear_and_weighs_green_most():
    np.testing.assert_allclose(luminance(srgb_code(np.full((2, 2), 0.25))), 0.25, atol=1e-4)
    channels = luminance(np.eye(3, dtype=np.uint8)[None] * 255)[0]
    np.testing.assert_allclose(channels, [0.2126, 0.7152, 0.0722], atol=1e-6)


def test_black_has_a_finite_logarithm():
    assert np.isfinite(log_luminance(np.zeros((2, 2, 3), np.uint8))).all()


@given(
    value=st.floats(-3, 3, width=32),
    sigma_px=st.floats(0.6, 40),
    seed=st.integers(0, 1000),
    noise=st.floats(0, 100),
)
def test_what_lies_off_the_mask_has_no_influence(value, sigma_px, seed, noise):
    rng = np.random.default_rng(seed)
    mask = np.zeros((50, 60), bool)
    top, left = rng.integers(0, 30, 2)
    mask[top : top + 20, left : left + 20] = True
    image = np.where(mask, value, rng.normal(0, noise, mask.shape)).astype(np.float32)
    mean = masked_blur(image, mask, sigma_px)
    np.testing.assert_allclose(mean[mask], value, atol=1e-4)
    assert np.isfinite(mean).all()


@pytest.mark.parametrize("sigma_px", [3.0, 9.0, 30.0])
def test_a_large_blur_on_a_reduced_image_stays_where_it_is(sigma_px):
    y, x = np.mgrid[:401, :307]
    spot = np.exp(-((x - 160.0) ** 2 + (y - 190.0) ** 2) / (2 * 10.0**2)).astype(np.float32)
    soft = blur(spot, sigma_px)
    centre = [(soft * axis).sum() / soft.sum() for axis in (x, y)]
    np.testing.assert_allclose(centre, [160, 190], atol=0.1)
    spread = np.sqrt((soft * (x - 160.0) ** 2).sum() / soft.sum())
    assert spread == pytest.approx(np.hypot(10, sigma_px), rel=0.03)


@given(
    slope=st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)),
    sigma_px=st.floats(3, 25),
    seed=st.integers(0, 1000),
)
def test_a_gradient_of_light_is_followed_up_to_the_masks_border(slope, sigma_px, seed):
    y, x = np.mgrid[:90, :110].astype(np.float32)
    light = (0.4 + slope[0] * x + slope[1] * y).astype(np.float32)
    mask = np.zeros(light.shape, bool)
    top, left = np.random.default_rng(seed).integers(5, 30, 2)
    mask[top : top + 45, left : left + 60] = True
    plane = masked_plane(np.where(mask, light, 99).astype(np.float32), mask, sigma_px)
    # a mean over the mask would be off by 0.8 sigma times the slope at the border
    assert np.abs(plane - light)[mask].max() <= 0.2 * sigma_px * np.hypot(*slope) + 1e-3


def test_hair_is_left_out_and_scars_are_not():
    light = np.full((120, 150), 0.3)
    light[:40] = 0.04  # a fringe
    light[80:84, 60:64] = 0.05  # a dark pit
    skin = np.zeros(light.shape, bool)
    skin[5:115, 5:145] = True
    lit = lit_skin(srgb_code(light, np.uint8), skin, 10.0, 0.4)
    assert not lit[:30].any()
    assert lit[55:115, 5:145].all()
    assert not (lit & ~skin).any()
    empty = np.zeros_like(skin)
    assert not lit_skin(srgb_code(light), empty, 10.0, 0.4).any()


def waves(x, y, length_px):
    """A smooth pattern without symmetries, 0 to 1, and its gradient along x and y."""
    k = 2 * np.pi / length_px
    phase_a, phase_b = k * (x + 0.4 * y) + 0.3, k * (0.7 * y - 0.5 * x) + 1.1
    value = 0.5 + 0.25 * np.sin(phase_a) + 0.25 * np.cos(phase_b)
    along_x = 0.25 * k * (np.cos(phase_a) + 0.5 * np.sin(phase_b))
    along_y = 0.25 * k * (0.4 * np.cos(phase_a) - 0.7 * np.sin(phase_b))
    return value, along_x, along_y


@given(
    zoom=st.floats(0.1, 2.0),
    turn_deg=st.floats(-180, 180),
    centre=st.tuples(st.floats(120, 240), st.floats(140, 280)),
)
def test_warped_pixels_show_the_points_that_they_say(zoom, turn_deg, centre):
    # waves of at least 24 px at either end, so that bilinear sampling can follow them
    length_px = 24 / min(zoom, 1.0)
    rows, cols = SOURCE
    y, x = np.mgrid[:rows, :cols].astype(float)
    source = np.round(waves(x, y, length_px)[0] * 65535).astype(np.uint16)
    turn = np.radians(turn_deg)
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    width, height = 41, 37
    offset = np.array([(width - 1) / 2, (height - 1) / 2]) - linear @ np.array(centre)
    crop = warp_affine_reduced(
        source[..., None].repeat(3, axis=2), np.column_stack([linear, offset]), (width, height)
    )
    assert crop.dtype == source.dtype
    assert crop.shape == (height, width, 3)
    v, u = np.mgrid[:height, :width].astype(float)
    back = np.linalg.inv(linear)
    at = (np.stack([u, v], axis=-1) - offset) @ back.T
    margin = 2 + 2 / zoom
    inside = (
        (at > margin).all(axis=-1)
        & (at[..., 0] < cols - 1 - margin)
        & (at[..., 1] < rows - 1 - margin)
    )
    truth, along_x, along_y = waves(at[..., 0], at[..., 1], length_px)
    error = (crop[..., 0] / 65535 - truth)[inside]
    assert np.abs(error).max() < 0.02
    # a systematic shift would show as error along the gradient; in source px
    slopes = np.column_stack([along_x[inside], along_y[inside]])
    shift_px, *_ = np.linalg.lstsq(slopes, error, rcond=None)
    assert np.abs(shift_px).max() < 0.05 / min(zoom, 1.0)


def test_there_is_nothing_beyond_the_source():
    image = np.full((20, 20, 3), 200, np.uint8)
    far = np.array([[1.0, 0, 100], [0, 1, 100]])
    assert warp_affine_reduced(image, far, (30, 30)).max() == 0

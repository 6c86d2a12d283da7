import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.phantom.light import decode, encode
from scarmetrics.segmentation.grid import lay_grid, resample
from scarmetrics.segmentation.normalise import CELL_MM, skin_planes


def skin(shape=(200, 240), seed=0, dtype=np.uint8):
    rng = np.random.default_rng(seed)
    levels = np.iinfo(dtype).max
    grain = rng.normal(0, 0.02, (*shape, 1))
    return np.clip((np.array([0.75, 0.6, 0.5]) + grain) * levels, 0, levels).astype(dtype)


def everywhere(image):
    return np.ones(image.shape[:2], bool)


def test_no_skin_no_planes():
    image = skin()
    assert skin_planes(image, np.zeros(image.shape[:2], bool), 0.2) is None


@pytest.mark.parametrize("mm_per_px", [0.08, 0.2, 0.31])
def test_cells_have_one_size_whatever_the_photograph(mm_per_px):
    seen = skin_planes(skin(), everywhere(skin()), mm_per_px)
    assert seen.mm_per_cell == pytest.approx(CELL_MM, rel=0.02)
    assert seen.planes.shape == (3, *seen.roi.shape)
    assert seen.planes.dtype == np.float32


def test_exposure_falls_out():
    image = skin(dtype=np.uint16)
    other = encode(decode(image) * np.float32(0.6), np.uint16)
    first, second = (skin_planes(i, everywhere(i), 0.2).planes for i in (image, other))
    np.testing.assert_allclose(first, second, atol=0.005)


def test_white_balance_falls_out():
    linear = decode(skin(dtype=np.uint16))
    shade = linear[..., :1] / linear[..., :1].mean()  # the same in all channels
    images = [
        encode(shade * np.array(white, np.float32), np.uint16)
        for white in ((0.5, 0.4, 0.3), (0.4, 0.4, 0.4))
    ]
    first, second = (skin_planes(i, everywhere(i), 0.2).planes for i in images)
    np.testing.assert_allclose(first, second, atol=0.005)


def test_a_gradient_of_light_falls_out():
    image = skin(dtype=np.uint16)
    slope = np.exp(np.linspace(-0.4, 0.4, image.shape[1], dtype=np.float32))[None, :, None]
    other = encode(decode(image) * slope * 0.6, np.uint16)
    first, second = (skin_planes(i, everywhere(i), 0.2).planes[0] for i in (image, other))
    inner = np.s_[25:-25, 25:-25]
    np.testing.assert_allclose(first[inner], second[inner], atol=0.02)
    np.testing.assert_allclose(first, second, atol=0.15)  # a plane at the border leans a little


def test_outside_the_skin_planes_are_zero_and_do_not_depend_on_what_is_there():
    image, roi = skin(), np.zeros((200, 240), bool)
    roi[40:160, 60:200] = True
    other = image.copy()
    other[~roi] = (0, 255, 0)
    first, second = (skin_planes(i, roi, 0.2) for i in (image, other))
    inside = first.roi
    assert (first.planes[:, ~inside] == 0).all()
    np.testing.assert_allclose(first.planes[:, inside], second.planes[:, inside], atol=1e-5)


def test_one_photograph_alone_sets_no_scale():
    """The same spot is as dark on rough skin as on smooth skin."""
    depths = []
    for spread in (0.0, 0.06):
        rng = np.random.default_rng(1)
        linear = np.full((200, 200, 3), 0.4, np.float32)
        linear *= np.exp(rng.normal(0, spread, (200, 200, 1))).astype(np.float32)
        linear[95:105, 95:105] *= 0.7
        image = encode(linear, np.uint16)
        depths.append(skin_planes(image, everywhere(image), 0.2).planes[0][97:103, 97:103].mean())
    assert depths[0] == pytest.approx(depths[1], abs=0.15)
    assert depths[0] == pytest.approx(np.log(0.7) / 0.15, abs=0.2)


def test_a_finer_photograph_loses_what_the_coarser_of_the_pair_lacks():
    image = skin((400, 400), seed=3)
    alone = skin_planes(image, everywhere(image), 0.1).planes[0]
    paired = skin_planes(image, everywhere(image), 0.1, 0.4).planes[0]
    assert paired.std() < 0.7 * alone.std()


def test_a_scale_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="coarser"):
        skin_planes(skin(), everywhere(skin()), 2.0)


@given(
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
    st.tuples(st.integers(0, 30), st.integers(0, 30)),
    st.floats(0.2, 3),
    st.integers(0, 9),
)
def test_grids_cover_the_skin(size, corner, zoom, margin):
    (height, width), (top, left) = size, corner
    roi = np.zeros((80, 90), bool)
    roi[top : top + height, left : left + width] = True
    grid = lay_grid(roi, zoom, margin)
    assert roi[grid.window].sum() == roi.sum()
    x0, y0 = grid.origin
    assert x0 == max(0, left - margin)
    assert y0 == max(0, top - margin)
    for cells, px, length in zip(
        grid.size, grid.px_per_cell, roi[grid.window].shape[::-1], strict=True
    ):
        assert cells * px == pytest.approx(length)


def test_resampling_keeps_the_mean():
    image = np.random.default_rng(0).random((60, 80)).astype(np.float32)
    assert resample(image, (40, 30)).mean() == pytest.approx(image.mean(), abs=1e-4)
    assert resample(image, (80, 60)) is image

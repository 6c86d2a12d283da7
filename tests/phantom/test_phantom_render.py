import numpy as np
import pytest

from scarmetrics.phantom import Light, Scar, render
from scarmetrics.phantom.light import decode, encode
from scarmetrics.photometry import luminance

MM_PER_PX = 0.1


def skin(dtype=np.uint8, seed=0):
    levels = np.iinfo(dtype).max
    grain = np.random.default_rng(seed).normal(0, 0.01, (120, 160, 1))
    return ((np.array([0.8, 0.6, 0.5]) + grain) * levels).astype(dtype)


def pit(x_px=80.0, **changes):
    settings = {
        "y_px": 60.0,
        "rx_mm": 1.0,
        "ry_mm": 1.0,
        "angle_deg": 0.0,
        "depth_mm": 0.25,
        "profile": "rolling",
    }
    return Scar(x_px=x_px, **{**settings, **changes})


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_code_value_survives_linear_light(dtype):
    codes = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(1, -1, 1)
    np.testing.assert_array_equal(encode(decode(codes), dtype), codes)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_only_skin_in_reach_of_the_scar_changes(dtype):
    image = skin(dtype)
    before = image.copy()
    phantom = render(image, [pit()], mm_per_px=MM_PER_PX)
    np.testing.assert_array_equal(image, before)
    assert phantom.image.dtype == dtype
    y, x = np.mgrid[:120, :160]
    away = np.hypot(x - 80, y - 60) * MM_PER_PX > pit().reach_mm + 0.6
    np.testing.assert_array_equal(phantom.image[away], image[away])
    changed = luminance(phantom.image) != luminance(image)
    assert changed[phantom.labels > 0].mean() > 0.9


def test_no_scars_no_change():
    phantom = render(skin(), [], mm_per_px=MM_PER_PX)
    np.testing.assert_array_equal(phantom.image, skin())
    assert phantom.area_mm2 == 0
    assert not phantom.labels.any()


@pytest.mark.parametrize(
    ("light_deg", "lit", "dark"),
    [
        (0.0, (70, 60), (90, 60)),
        (180.0, (90, 60), (70, 60)),
        (90.0, (80, 50), (80, 70)),
        (270.0, (80, 70), (80, 50)),
    ],
)
def test_the_wall_that_faces_the_light_is_lit(light_deg, lit, dark):
    flat = np.full((120, 160, 3), 150, np.uint8)
    phantom = render(flat, [pit()], mm_per_px=MM_PER_PX, light=Light(light_deg=light_deg))
    shown, skin_light = luminance(phantom.image), luminance(flat)[0, 0]
    assert shown[lit[1], lit[0]] > skin_light > shown[dark[1], dark[0]]
    assert shown[60, 80] < 0.95 * skin_light  # the floor sees less of the sky


def test_deeper_scars_show_more():
    flat = np.full((120, 160, 3), 150, np.uint8)
    floors = [
        luminance(render(flat, [pit(depth_mm=depth)], mm_per_px=MM_PER_PX).image)[60, 80]
        for depth in (0.0, 0.1, 0.2, 0.4)
    ]
    assert floors == sorted(floors, reverse=True)
    assert len(set(floors)) == 4


def test_texture_stays():
    image, flat = skin(np.uint16), np.full((120, 160, 3), 40_000, np.uint16)
    before, after, shade = (
        np.log(luminance(shown))
        for shown in (
            image,
            render(image, [pit()], mm_per_px=MM_PER_PX).image,
            render(flat, [pit()], mm_per_px=MM_PER_PX).image,
        )
    )
    floor = np.s_[50:71, 70:91]
    assert np.corrcoef(before[floor].ravel(), (after - shade)[floor].ravel())[0, 1] > 0.95


def test_labels_are_the_inside_of_the_outline_at_half_depth():
    scar = pit(rx_mm=1.6, ry_mm=0.9, angle_deg=35.0, irregularity=0.4, shape_seed=9)
    phantom = render(skin(), [scar], mm_per_px=MM_PER_PX)
    at = np.arange(160, dtype=np.float32)[None, :], np.arange(120, dtype=np.float32)[:, None]
    depth = scar.depth_at(*at, MM_PER_PX)
    np.testing.assert_array_equal(phantom.labels == 1, depth >= scar.depth_mm / 2)
    assert phantom.labels.dtype == np.int32
    assert phantom.area_mm2 == pytest.approx(scar.area_mm2, rel=0.01)


def test_a_pixel_belongs_to_the_scar_that_is_deeper_there():
    shallow, deep = pit(x_px=74.0, depth_mm=0.1), pit(x_px=86.0, depth_mm=0.3)
    phantom = render(skin(), [shallow, deep], mm_per_px=MM_PER_PX)
    assert phantom.labels[60, 68] == 1
    assert phantom.labels[60, 80] == 2
    assert phantom.scars == (shallow, deep)


def test_a_scar_inside_a_deeper_one_is_swallowed():
    phantom = render(skin(), [pit(rx_mm=0.3, ry_mm=0.3, depth_mm=0.05), pit()], mm_per_px=MM_PER_PX)
    assert set(np.unique(phantom.labels)) == {0, 2}
    assert phantom.area_mm2 == pytest.approx(pit().area_mm2, rel=0.01)


def test_area_within_a_mask():
    phantom = render(skin(), [pit(x_px=79.5)], mm_per_px=MM_PER_PX)
    left = np.zeros((120, 160), np.bool_)
    left[:, :80] = True
    assert phantom.area_within_mm2(left) == pytest.approx(phantom.area_mm2 / 2, rel=1e-3)


def test_scars_beyond_the_edge_are_cut():
    phantom = render(skin(), [pit(x_px=-0.5), pit(x_px=500.0)], mm_per_px=MM_PER_PX)
    assert phantom.area_mm2 == pytest.approx(pit().area_mm2 / 2, rel=0.01)
    assert set(np.unique(phantom.labels)) == {0, 1}


@pytest.mark.parametrize("mm_per_px", [0.0, -0.1, float("nan")])
def test_impossible_scale(mm_per_px):
    with pytest.raises(ValueError, match="mm_per_px"):
        render(skin(), [], mm_per_px=mm_per_px)


@pytest.mark.parametrize("wrong", [{"elevation_deg": 0.0}, {"light_softness": 1.2}])
def test_impossible_light(wrong):
    with pytest.raises(ValueError):
        Light(**wrong)

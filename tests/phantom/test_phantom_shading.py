import numpy as np
import pytest

from scarmetrics.phantom import Light, Scar, astronaut_face, light_of, render
from scarmetrics.phantom.light import decode
from scarmetrics.photometry import luminance

MM_PER_PX = 0.1
SKIN = np.full((160, 200, 3), (205, 160, 135), np.uint8)


def boxcar(**light):
    scar = Scar(100.0, 80.0, 3.0, 3.0, 0.0, 1.0, "boxcar")
    settings = {"light_deg": 0.0, "elevation_deg": 20.0, "light_softness": 0.2, "occlusion": 0.0}
    return render(SKIN, [scar], mm_per_px=MM_PER_PX, light=Light(**{**settings, **light}))


def test_the_wall_towards_the_light_throws_its_shadow_on_the_floor():
    with_shadow, without = (
        luminance(boxcar(shadow=share, elevation_deg=12.0).image) for share in (1.0, 0.0)
    )
    floor_by_the_wall = np.s_[78:83, 112:118]
    assert with_shadow[floor_by_the_wall].mean() < 0.9 * without[floor_by_the_wall].mean()
    np.testing.assert_allclose(with_shadow[80, 20:60], without[80, 20:60])


def test_gloss_brightens_the_slope_that_mirrors_the_light_and_leaves_flat_skin():
    dull, glossy = (luminance(boxcar(gloss=g).image) for g in (0.0, 0.8))
    gain = glossy - dull
    assert gain.max() > 0.05
    assert np.unravel_index(gain.argmax(), gain.shape)[1] < 100  # faces right, lies left
    np.testing.assert_array_equal(glossy[:10], dull[:10])


def test_tint_takes_more_blue_than_red_and_none_is_grey():
    def lost(tint):
        image = decode(boxcar(tint=tint, occlusion=3.0).image)
        return np.log(decode(SKIN)[0, 0] / image[80, 100])

    grey = lost(0.0)
    assert grey[0] == pytest.approx(grey[2], abs=0.03)
    assert lost(1.5)[0] < 0.6 * lost(1.5)[2]


def test_pigment_darkens_the_floor_and_negative_pigment_pales_it():
    floor = [luminance(boxcar(pigment=p).image)[80, 100] for p in (-0.1, 0.0, 0.1)]
    assert floor[0] > floor[1] > floor[2]


@pytest.mark.parametrize(
    "wrong", [{"elevation_deg": 0}, {"light_softness": 2}, {"shadow": 2}, {"gloss": -1}]
)
def test_impossible_lights_are_refused(wrong):
    with pytest.raises(ValueError, match="must be in"):
        Light(**wrong)


def test_relative_depth_is_half_on_the_outline():
    phantom = boxcar()
    inside = phantom.relative_depth >= 0.5
    np.testing.assert_array_equal(inside, phantom.labels > 0)
    assert phantom.relative_depth.max() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("light_deg", [0.0, 90.0, 180.0, 270.0])
def test_the_light_of_a_face_is_found_from_its_shading(light_deg):
    face = astronaut_face(2, 0.4)
    middle, toward = face.pupils_px.mean(axis=0), np.radians(light_deg)
    y, x = np.mgrid[: face.image.shape[0], : face.image.shape[1]]
    across = (x - middle[0]) * np.cos(toward) + (y - middle[1]) * np.sin(toward)
    lit = face.image * np.exp(0.9 * across / face.face.interpupillary_px)[..., None]
    image = np.clip(lit / lit.max() * 255, 0, 255).astype(np.uint8)
    off = (light_of(image, face.face).light_deg - light_deg + 180) % 360 - 180
    assert abs(off) < 45

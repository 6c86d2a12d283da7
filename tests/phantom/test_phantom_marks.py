from dataclasses import replace

import numpy as np
import pytest

from scarmetrics.phantom import MARK_KINDS, Light, Mark, Roughness, mark_field, render
from scarmetrics.phantom.light import decode
from scarmetrics.photometry import luminance

MM_PER_PX = 0.2
SHAPE = (160, 200)


def skin(dtype=np.uint8):
    return np.full((*SHAPE, 3), (205, 160, 135), dtype) * (257 if dtype == np.uint16 else 1)


def mark(kind, **changes):
    return replace(Mark(kind, 100.0, 80.0, 2.0, 2.0, 0.0, 0.3, 1), **changes)


def drawn(*marks, **options):
    return render(skin(), [], mm_per_px=MM_PER_PX, marks=marks, **options)


def test_the_same_seed_gives_the_same_marks():
    mask = np.ones(SHAPE, bool)
    first, second = (mark_field(mask, mm_per_px=MM_PER_PX, seed=4, density=5) for _ in range(2))
    assert first == second
    assert first != mark_field(mask, mm_per_px=MM_PER_PX, seed=5, density=5)


def test_marks_lie_in_the_mask_and_are_of_the_kinds_asked_for():
    mask = np.zeros(SHAPE, bool)
    mask[40:120, 50:150] = True
    marks = mark_field(mask, mm_per_px=MM_PER_PX, seed=1, kinds=("mole", "papule"), density=50)
    assert {m.kind for m in marks} == {"mole", "papule"}
    assert all(mask[round(m.y_px), round(m.x_px)] for m in marks)


def test_no_marks_on_no_skin():
    assert mark_field(np.zeros(SHAPE, bool), mm_per_px=MM_PER_PX, seed=1) == []


@pytest.mark.parametrize("kind", MARK_KINDS)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_kind_changes_the_picture_and_none_is_a_scar(kind, dtype):
    image = skin(dtype)
    long = {"rx_mm": 8.0, "ry_mm": 0.2} if kind in ("crease", "hair") else {}
    phantom = render(image, [], mm_per_px=MM_PER_PX, marks=[mark(kind, **long)])
    assert phantom.image.dtype == dtype
    assert (phantom.image != image).any()
    assert not phantom.labels.any()
    assert phantom.area_mm2 == 0
    assert phantom.marks == (mark(kind, **long),)


@pytest.mark.parametrize("kind", ["mole", "freckle", "erythema"])
def test_colour_marks_darken_green_by_their_strength(kind):
    phantom = drawn(mark(kind))
    lost = np.log(decode(skin())[80, 100] / decode(phantom.image).min(axis=(0, 1)))
    assert lost[1] == pytest.approx(0.3, abs=0.03)
    assert lost[0] < lost[1]


def test_erythema_is_redder_than_a_freckle():
    def ratio(kind):
        lost = np.log(decode(skin())[80, 100] / decode(drawn(mark(kind)).image).min(axis=(0, 1)))
        return lost[0] / lost[1]

    assert ratio("erythema") < 0.6 * ratio("freckle")


def test_a_papule_is_lit_on_the_side_of_the_light_and_a_scar_on_the_other():
    light = Light(light_deg=0.0, light_softness=0.1, occlusion=0.0)  # from the right
    papule = luminance(drawn(mark("papule"), light=light).image)
    assert papule[80, 108] > papule[80, 92]


def test_what_lies_outside_the_picture_is_cut():
    phantom = drawn(mark("mole", x_px=-3.0, y_px=SHAPE[0] + 2.0), mark("hair", x_px=500.0))
    assert phantom.image.shape == skin().shape


def test_roughness_is_seeded_and_stays_on_the_skin():
    mask = np.zeros(SHAPE, bool)
    mask[30:130, 40:160] = True
    rough = Roughness(depth_mm=0.03, seed=3)
    first, second = (drawn(roughness=rough, skin=mask).image for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert (first != skin())[60:100, 70:130].any(axis=2).mean() > 0.5
    np.testing.assert_array_equal(first[:20], skin()[:20])


def test_more_depth_is_rougher():
    spread = [
        np.log(luminance(drawn(roughness=Roughness(depth_mm=depth, seed=3)).image)).std()
        for depth in (0.01, 0.02, 0.04)
    ]
    assert spread[0] < spread[1] < spread[2]

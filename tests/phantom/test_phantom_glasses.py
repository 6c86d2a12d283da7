from dataclasses import replace

import numpy as np
import pytest

from scarmetrics.phantom import FRAME_KINDS, astronaut_face, draw_spectacles, wear


@pytest.fixture(scope="module")
def bare():
    return astronaut_face(3, 0.3)


@pytest.mark.parametrize("kind", FRAME_KINDS)
def test_the_same_seed_draws_the_same_spectacles(bare, kind):
    glasses = draw_spectacles(kind, 2)
    assert glasses == draw_spectacles(kind, 2) != draw_spectacles(kind, 3)
    first, second = (wear(bare.image, bare.face, glasses) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    assert first[0].dtype == bare.image.dtype


def test_lenses_have_their_size_on_the_face(bare):
    glasses = draw_spectacles("wire", 5)
    _, covered = wear(bare.image, bare.face, glasses, blur_px=0.0)
    x, y = np.rint(bare.face.landmarks[473, :2]).astype(int)
    down = covered[:, x] > 0.5
    middle = y + round(glasses.drop_mm / bare.mm_per_px)
    top = middle - np.argmin(down[: middle + 1][::-1])
    bottom = middle + np.argmin(down[middle:])
    height_mm = (bottom - top) * bare.mm_per_px
    # people's faces are longer or shorter than the model's by some per cent
    assert height_mm == pytest.approx(glasses.lens_mm[1] + glasses.thickness_mm, rel=0.12)


def test_what_is_far_from_the_eyes_stays_as_it_was(bare):
    dressed, covered = wear(bare.image, bare.face, draw_spectacles("thick", 1))
    changed = (dressed != bare.image).any(axis=-1)
    assert changed[covered > 0.5].mean() > 0.9
    mouth = int(bare.face.landmarks[0, 1])
    assert not changed[mouth:].any()


def test_a_dark_rim_is_dark_and_the_skin_below_is_shaded(bare):
    glasses = draw_spectacles("thick", 1)
    dressed, covered = wear(bare.image, bare.face, glasses)
    skin = bare.face.skin_mask("left")
    beside = skin & (covered == 0) & (dressed != bare.image).any(axis=-1)
    assert beside.any()
    assert dressed[beside].mean() < bare.image[beside].mean()
    assert dressed[covered > 0.5].min() < 60


def test_the_bar_of_the_far_side_is_hidden_on_a_turned_head(bare):
    glasses = draw_spectacles("dark", 1)
    turned = replace(bare.face, yaw_deg=30.0)
    _, both = wear(bare.image, bare.face, glasses)
    _, one = wear(bare.image, turned, glasses)
    right = np.arange(bare.image.shape[1]) < bare.face.landmarks[127, 0]
    assert (both[:, right] > 0.5).sum() > 2 * (one[:, right] > 0.5).sum()

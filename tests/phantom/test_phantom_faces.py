import numpy as np
import pytest

from scarmetrics.face import detect_face
from scarmetrics.phantom import astronaut_face
from scarmetrics.phantom.texture import SkinStyle, skin_texture
from scarmetrics.photometry import blur, log_luminance


@pytest.fixture(scope="module")
def faces():
    return [astronaut_face(seed, 0.3) for seed in (1, 2)]


def test_size_and_scale(faces):
    for face in faces:
        assert face.image.shape == (900, 720, 3)
        assert face.image.dtype == np.uint8
        apart = np.hypot(*(face.pupils_px[1] - face.pupils_px[0]))
        assert apart * face.mm_per_px == pytest.approx(63.0)
        assert face.mm_per_px == pytest.approx(0.3, rel=0.1)


def test_the_landmarks_agree_with_the_known_pupils(faces):
    for face in faces:
        found = detect_face(face.image)
        assert found
        assert found.interpupillary_px * face.mm_per_px == pytest.approx(63.0, rel=0.03)
        np.testing.assert_allclose(found.landmarks[[468, 473], :2], face.pupils_px, atol=6)
        assert found.side_visible == "both"
        off_mm = np.hypot(*(found.landmarks - face.face.landmarks)[:, :2].T) * face.mm_per_px
        assert np.median(off_mm) < 1.5


def test_one_seed_one_face():
    again = [astronaut_face(3, 0.5) for _ in range(2)]
    np.testing.assert_array_equal(again[0].image, again[1].image)


def test_subjects_do_not_share_their_skin(faces):
    patches = []
    for face in faces:
        fine = log_luminance(face.image)
        fine = fine - blur(fine, 1.0 / face.mm_per_px)
        x, y = (face.pupils_px.mean(axis=0) + np.array([-25, 35]) / face.mm_per_px).astype(int)
        patches.append(fine[y - 20 : y + 20, x - 20 : x + 20].ravel())
    assert abs(np.corrcoef(patches[0], patches[1])[0, 1]) < 0.2
    assert min(patch.std() for patch in patches) > 0.01


def test_texture_is_as_strong_as_that_of_photographed_skin():
    log_light = skin_texture((300, 300), mm_per_px=0.18, seed=1)[..., 1]
    for low_mm, high_mm, low, high in ((0.18, 0.36, 0.009, 0.03), (0.36, 0.72, 0.007, 0.025)):
        band = blur(log_light, low_mm / 0.18) - blur(log_light, high_mm / 0.18)
        assert low < band.std() < high


def test_style_scales_texture():
    def spread(style):
        return skin_texture((200, 200), mm_per_px=0.2, seed=2, style=style)[..., 0].std()

    assert spread(SkinStyle(coarseness=2.0)) > 1.5 * spread(SkinStyle())

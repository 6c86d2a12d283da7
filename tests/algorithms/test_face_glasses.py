"""Spectacles: found on faces that wear them, not on bare ones, and what they hide is left out."""

import numpy as np
import pytest
from skimage.io import imread

from scarmetrics.config import FaceConfig, StudyConfig
from scarmetrics.face import REGIONS, detect_face
from scarmetrics.face.glasses import find_glasses, head_camera
from scarmetrics.opencv import cv2
from scarmetrics.phantom import FRAME_KINDS, astronaut_face, draw_spectacles, recapture, wear
from scarmetrics.pipeline import align_pair, measure_side
from scarmetrics.units import PixelScale

LIMIT = FaceConfig().min_glasses_score
FULL_RIMS = ("thick", "dark", "tortoise", "red", "metal")


@pytest.fixture(scope="module")
def faces():
    return [astronaut_face(seed, 0.3) for seed in range(4)]


@pytest.fixture(scope="module")
def worn(phantom):
    """A bare face, then with spectacles in another photograph of it."""
    second = recapture(phantom.image, seed=5, mm_per_px=phantom.mm_per_px)
    face = detect_face(second.image)
    dressed, behind = wear(second.image, face, draw_spectacles("dark", 4))
    scales = tuple(PixelScale(shot.mm_per_px, 0.01, "api") for shot in (phantom, second))
    pair = align_pair(phantom.image, dressed, scales=scales, config=StudyConfig())
    assert pair
    return pair, behind > 0.5


def test_full_rims_are_found_and_bare_faces_are_not(faces):
    for bare in faces:
        assert find_glasses(bare.image, bare.face).score < LIMIT
        for kind in FULL_RIMS:
            dressed, _ = wear(bare.image, bare.face, draw_spectacles(kind, bare.seed))
            face = detect_face(dressed)
            assert find_glasses(dressed, face).score > LIMIT, (kind, bare.seed)


@pytest.mark.parametrize("roll_deg", [-25, 25])
def test_a_tilted_head_changes_nothing(faces, roll_deg):
    bare = faces[0]
    dressed, _ = wear(bare.image, bare.face, draw_spectacles("dark", 7))
    x, y = bare.face.landmarks[:, :2].mean(axis=0)
    turn = cv2.getRotationMatrix2D((float(x), float(y)), roll_deg, 1)
    for image, is_worn in ((bare.image, False), (dressed, True)):
        rolled = cv2.warpAffine(image, turn, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
        score = find_glasses(rolled, detect_face(rolled)).score
        assert (score > LIMIT) == is_worn


def test_exposure_and_bit_depth_do_not_decide(faces):
    bare = faces[1]
    dressed, _ = wear(bare.image, bare.face, draw_spectacles("metal", 3))
    score = find_glasses(dressed, bare.face).score
    deep = dressed.astype(np.uint16) * 257
    assert find_glasses(deep, bare.face).score == pytest.approx(score, abs=0.01)
    dim = np.round(dressed * 0.6).astype(np.uint8)
    assert find_glasses(dim, bare.face).score == pytest.approx(score, abs=0.06)


@pytest.mark.parametrize("kind", FRAME_KINDS)
def test_what_spectacles_hide_is_covered_and_the_lower_face_is_not(faces, kind):
    for bare in faces[:2]:
        dressed, behind = wear(bare.image, bare.face, draw_spectacles(kind, 20 + bare.seed))
        covered = find_glasses(dressed, bare.face).covered
        skin = bare.face.skin_mask("left") | bare.face.skin_mask("right")
        hidden = skin & (behind > 0.5)
        assert (covered & hidden).sum() > 0.97 * hidden.sum()
        labels = bare.face.regions("left") + bare.face.regions("right")
        lower = np.isin(labels, [REGIONS.index(name) + 1 for name in ("chin", "jaw")])
        assert not (covered & lower).any()
        assert covered[labels == REGIONS.index("perioral") + 1].mean() < 0.1
        assert covered[skin].mean() < 0.5


def test_a_larger_rim_covers_more(faces):
    bare, areas = faces[2], []
    for size_mm in ((44.0, 30.0), (56.0, 50.0)):
        glasses = draw_spectacles("dark", 1)
        glasses = type(glasses)(**{**vars(glasses), "lens_mm": size_mm, "drop_mm": 3.0})
        dressed, _ = wear(bare.image, bare.face, glasses)
        areas.append(find_glasses(dressed, bare.face).covered.sum())
    assert areas[1] > 1.15 * areas[0]


def test_the_camera_shows_the_face_where_it_is(faces):
    face = faces[0].face
    pupils_mm = np.array([(-31.5, 26.0, 40.0), (31.5, 26.0, 40.0)])
    seen = head_camera(face.landmarks)(pupils_mm)
    off_mm = np.linalg.norm(seen - face.landmarks[[468, 473], :2], axis=1) * faces[0].mm_per_px
    assert (off_mm < 5).all()


def test_spectacles_at_one_visit_are_flagged_and_left_out_at_both(worn):
    pair, behind = worn
    half = measure_side(pair, "left", StudyConfig())
    assert half
    assert "glasses" in half.follow_up.flags
    assert "glasses" in half.flags
    assert "glasses" not in half.baseline.flags
    assert half.baseline.quality.excluded["glasses"] == 0
    assert half.follow_up.quality.excluded["glasses"] > 0.1
    assert not (half.follow_up.roi & pair.glasses[1].covered).any()
    assert not (half.follow_up.roi & behind).any()
    moved = pair.registration.to_fixed(pair.glasses[1].covered, pair.faces[0].box)
    x0, y0, x1, y1 = pair.faces[0].box
    left = half.baseline.roi[y0:y1, x0:x1]
    assert (left & moved).sum() < 0.002 * left.sum()


def test_by_the_config_they_are_flagged_and_measured(worn):
    pair, _ = worn
    config = StudyConfig(face=FaceConfig(exclude_glasses=False))
    kept, usual = (measure_side(pair, "left", c) for c in (config, StudyConfig()))
    assert "glasses" in kept.follow_up.flags
    assert kept.follow_up.quality.excluded["glasses"] == 0
    assert kept.follow_up.roi.sum() > 1.1 * usual.follow_up.roi.sum()
    blind = StudyConfig(face=FaceConfig(min_glasses_score=1.0))
    assert "glasses" not in measure_side(pair, "left", blind).flags


def test_real_bare_faces_are_not_taken_for_faces_with_spectacles(shared_faces):
    paths = sorted(shared_faces.glob("london/*_03.jpg"))[::6]
    paths += sorted(shared_faces.glob("london/*_08.jpg"))[3::6]
    paths += sorted(shared_faces.glob("canada/*.jpg"))[::5]
    for path in paths:
        image = imread(path)
        assert find_glasses(image, detect_face(image)).score < LIMIT, path.name


def test_spectacles_on_real_faces_are_found(shared_faces):
    for seed, path in enumerate(sorted(shared_faces.glob("london/*_08.jpg"))[::6]):
        image = imread(path)
        dressed, _ = wear(image, detect_face(image), draw_spectacles(FULL_RIMS[seed % 5], seed))
        assert find_glasses(dressed, detect_face(dressed)).score > LIMIT, path.name

"""Numbers of how well photographs show a half: blur, exposure, clipping, pose, expression."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scarmetrics import StudyConfig, measure_half
from scarmetrics.config import QualityConfig
from scarmetrics.face import detect_face
from scarmetrics.face.expression import (
    expression_difference,
    face_expression,
    pose_difference_deg,
)
from scarmetrics.face.measurable import skin_exposure
from scarmetrics.face.sharpness import edge_blur_px
from scarmetrics.flags import FLAGS
from scarmetrics.opencv import cv2
from scarmetrics.phantom import Exposure, expose, recapture
from scarmetrics.phantom.light import decode, encode
from scarmetrics.runner.rows import CHANGES, MEASUREMENTS


def blurred(image, sigma_px):
    return encode(cv2.GaussianBlur(decode(image), (0, 0), sigma_px), image.dtype)


def discs(sigma_px, shape=(500, 500)):
    """Sharp discs of all kinds of brightness on gray, blurred in linear light by a known width."""
    rng = np.random.default_rng(0)
    fine = np.full((4 * shape[0], 4 * shape[1]), 0.3, np.float32)
    for _ in range(40):
        x, y = rng.uniform(0, 4 * shape[0], 2).astype(int).tolist()
        cv2.circle(fine, (x, y), int(rng.uniform(60, 200)), float(rng.uniform(0.1, 0.6)), -1)
    light = cv2.GaussianBlur(fine, (0, 0), 4 * sigma_px)
    light = cv2.resize(light, shape, interpolation=cv2.INTER_AREA)
    return encode(np.repeat(light[..., None], 3, axis=2), np.uint8)


@pytest.mark.parametrize("sigma_px", [1.0, 1.5, 2.5, 4.0])
def test_blur_of_step_edges_is_the_width_they_were_blurred_by(sigma_px):
    image = discs(sigma_px)
    found = edge_blur_px(image, np.ones(image.shape[:2], bool), mm_per_px=0.2)
    assert found == pytest.approx(sigma_px, rel=0.1)
    as16 = image.astype(np.uint16) * 257
    again = edge_blur_px(as16, np.ones(image.shape[:2], bool), mm_per_px=0.2)
    assert again == pytest.approx(found, rel=1e-3)


@pytest.mark.parametrize("noise", [0.0, 0.006, 0.02])
@pytest.mark.parametrize("added_mm", [0.5, 0.7, 0.9])
def test_blur_that_was_added_to_a_face_is_found(phantom, phantom_face, added_mm, noise):
    mm_per_px = phantom.mm_per_px
    exposure = Exposure(noise=noise)

    def blur_mm(image):
        taken = expose(image, exposure, seed=1)
        return mm_per_px * edge_blur_px(taken, phantom_face.face_mask, mm_per_px)

    own = blur_mm(phantom.image)
    found = blur_mm(blurred(phantom.image, added_mm / mm_per_px))
    tolerance = 0.3 if noise > 0.01 else 0.2  # noise makes wide edges look sharper
    assert found == pytest.approx(np.hypot(own, added_mm), rel=tolerance)
    assert (found > StudyConfig().quality.max_blur_mm) or added_mm == 0.5


def test_blur_in_mm_does_not_depend_on_the_photographs_size(phantom, phantom_face):
    image = blurred(phantom.image, 0.8 / phantom.mm_per_px)
    found = phantom.mm_per_px * edge_blur_px(image, phantom_face.face_mask, phantom.mm_per_px)
    size = (3 * image.shape[1], 3 * image.shape[0])
    large = cv2.resize(image, size, interpolation=cv2.INTER_CUBIC)
    mask = cv2.resize(phantom_face.face_mask.astype(np.uint8), size) > 0
    mm_per_px = phantom.mm_per_px / 3
    assert mm_per_px * edge_blur_px(large, mask, mm_per_px) == pytest.approx(found, rel=0.1)


def test_where_nothing_is_to_be_seen_blur_is_not_known():
    flat = np.full((200, 200, 3), 120, np.uint8)
    assert edge_blur_px(flat, np.ones((200, 200), bool), 0.2) is None
    assert edge_blur_px(flat, np.zeros((200, 200), bool), 0.2) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_exposure_is_the_median_light_and_clipping_its_share(dtype):
    light = np.full((100, 100, 3), 0.2, np.float32)
    light[:10, :, 0] = 1.5  # red alone is enough
    light[10:15] = 0.0
    exposure, clipped = skin_exposure(encode(light, dtype), np.ones((100, 100), bool))
    assert exposure == pytest.approx(0.2, rel=0.02)
    assert clipped == pytest.approx(0.15)


def turned(face, **pose):
    return dataclasses.replace(face, **pose)


def test_pose_difference_is_the_angle_between_the_heads_directions(phantom_face):
    base = turned(phantom_face, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0)
    for pose, angle in [
        ({"yaw_deg": 10.0}, 10),
        ({"pitch_deg": -7.0}, 7),
        ({"roll_deg": 20.0}, 0),
        ({"yaw_deg": 3.0, "pitch_deg": 4.0}, 5),
    ]:
        assert pose_difference_deg(base, turned(base, **pose)) == pytest.approx(angle, abs=0.01)
    left, right = turned(base, yaw_deg=45.0), turned(base, yaw_deg=50.0, pitch_deg=0.0)
    assert pose_difference_deg(left, right) == pytest.approx(5)


def test_expression_does_not_depend_on_size_place_or_roll(phantom_face):
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]])
    turn = np.vstack([turn, [0, 0, 1]])
    moved = turned(phantom_face, landmarks=2.5 * phantom_face.landmarks @ turn.T + [40, 9, 0])
    assert expression_difference(phantom_face, moved) < 1e-6


def test_an_opened_mouth_and_raised_cheeks_are_differences(phantom_face):
    unit = phantom_face.interpupillary_px
    landmarks = phantom_face.landmarks.copy()
    landmarks[14, 1] += 0.2 * unit
    opened = turned(phantom_face, landmarks=landmarks)
    before, after = face_expression(phantom_face), face_expression(opened)
    assert after.mouth_opening - before.mouth_opening == pytest.approx(0.2, abs=0.03)
    assert expression_difference(phantom_face, opened) == pytest.approx(0.2, abs=0.03)
    landmarks = phantom_face.landmarks.copy()
    landmarks[[50, 280], 1] -= 0.1 * unit
    raised = face_expression(turned(phantom_face, landmarks=landmarks))
    assert raised.cheek_height - before.cheek_height == pytest.approx(0.1, abs=0.02)


def test_smiles_of_real_people_differ_more_than_the_same_face_again(shared_faces, read_photograph):
    neutral, smiling, again = [], [], []
    for path in sorted((shared_faces / "london").glob("*_08.jpg"))[:6]:
        image = read_photograph(path.with_name(path.name.replace("_08", "_03")))
        second = recapture(image, seed=1, mm_per_px=0.31, max_roll_deg=10)
        neutral.append(detect_face(image))
        smiling.append(detect_face(read_photograph(path)))
        again.append(detect_face(second.image))
    limit = QualityConfig().max_expression_difference
    smiles = [expression_difference(*pair) for pair in zip(neutral, smiling, strict=True)]
    repeats = [expression_difference(*pair) for pair in zip(neutral, again, strict=True)]
    assert max(repeats) < limit / 2
    assert np.median(smiles) > limit


def measured(first, second, **quality):
    return measure_half(
        first,
        second,
        side="left",
        baseline_scale=0.3,
        follow_up_scale=0.3,
        config=StudyConfig.model_validate({"quality": quality}),
    )


def test_each_flag_is_raised_by_its_own_number(phantom):
    sharp = phantom.image
    soft = expose(blurred(sharp, 0.7 / 0.3), Exposure(gain=0.9), seed=2)
    half = measured(sharp, soft)
    assert half
    visits = (half.baseline, half.follow_up)
    assert "blurred" in half.follow_up.flags
    assert "blurred" not in half.baseline.flags
    assert "sharpness_difference" in half.flags
    assert half.quality.blur_difference_mm == pytest.approx(0.7, rel=0.25)
    assert visits[1].quality.blur_mm > visits[0].quality.blur_mm
    quiet = {"underexposed", "overexposed", "clipped", "pose_difference", "expression_difference"}
    assert quiet.isdisjoint(half.flags)
    exposures = [visit.quality.exposure for visit in visits]
    assert exposures[1] / exposures[0] == pytest.approx(0.9, abs=0.03)
    limits = {
        "exposure": [exposures[0] * 1.01, 0.75],
        "max_blur_mm": 5.0,
        "max_pose_difference_deg": 1e-6,
        "max_expression_difference": 1e-6,
    }
    strict = measured(sharp, soft, **limits)
    assert {"underexposed", "pose_difference", "expression_difference"} <= set(strict.flags)
    assert "blurred" not in strict.flags
    bright = measured(sharp, soft, exposure=[0.0, exposures[1] * 0.99])
    assert "overexposed" in bright.baseline.flags
    washed = expose(sharp, Exposure(gain=6.0), seed=3)
    assert skin_exposure(washed, phantom.face.skin_mask("left"))[1] > 0.05
    assert "clipped" in measured(washed, washed).flags


def test_numbers_and_limits_of_all_flags_exist():
    config = StudyConfig().model_dump()
    for flag in FLAGS.values():
        if flag.column:
            assert flag.column in MEASUREMENTS | CHANGES, flag
            section, key = flag.limit.split(".")
            assert key in config[section], flag
    with_number = {flag.name for flag in FLAGS.values() if flag.column}
    named = {flag.limit for flag in FLAGS.values() if flag.limit}
    assert named == {f"quality.{key}" for key in config["quality"]} | {"face.min_glasses_score"}
    assert {"blurred", "clipped", "expression_difference", "pose_difference"} <= with_number


def test_a_range_of_exposure_that_is_no_range_is_refused():
    with pytest.raises(ValueError, match="lowest, highest"):
        QualityConfig(exposure=(0.5, 0.2))

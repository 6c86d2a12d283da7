"""Photographs of the other side, mirrored ones, other people's: what stops the half, and why."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from scarmetrics import StudyConfig, detect_face, measure_half
from scarmetrics.errors import REASONS
from scarmetrics.models import FailedHalf
from scarmetrics.opencv import cv2
from scarmetrics.phantom import recapture
from scarmetrics.phantom.light import decode, encode
from scarmetrics.pipeline import align_pair, half
from scarmetrics.pipeline.quality import refuse_pair, refuse_side, refuse_view
from scarmetrics.registration import FailedRegistration
from scarmetrics.registration.confidence import refuse_as_mirrored


def mirrored(image):
    return np.ascontiguousarray(image[:, ::-1])


@pytest.fixture(scope="module")
def again(phantom):
    return recapture(phantom.image, seed=5, mm_per_px=phantom.mm_per_px)


@pytest.mark.parametrize("which", [0, 1])
def test_a_mirrored_photograph_is_called_that_whichever_visits(phantom, again, which):
    images = [phantom.image, again.image]
    images[which] = mirrored(images[which])
    result = measure_half(*images, side="left")
    assert isinstance(result, FailedHalf)
    assert result.reason_code == "laterality_conflict"
    assert result.visit == ""  # which of the two is mirrored cannot be seen
    assert result.remedy == REASONS["laterality_conflict"].remedy


def test_two_mirrored_photographs_are_a_pair_like_any_other(phantom, again):
    assert measure_half(mirrored(phantom.image), mirrored(again.image), side="left")


@pytest.mark.parametrize(
    ("mirror", "likeness", "refused"),
    [(0.9, 0.4, True), (0.9, 0.0, True), (0.39, 0.0, False), (0.5, 0.47, False), (0.3, 0.2, False)],
)
def test_a_refused_pair_is_mirrored_where_its_mirror_image_would_be_accepted(
    mirror, likeness, refused
):
    found = refuse_as_mirrored(mirror, likeness, 0.38)
    assert (found is not None) == refused
    assert found is None or found.reason_code == "laterality_conflict"


@pytest.mark.parametrize(
    ("view", "yaw_deg", "code"),
    [
        ("left", -40.0, "laterality_conflict"),
        ("right", 40.0, "laterality_conflict"),
        ("left", 40.0, None),
        ("right", -40.0, None),
        ("left", -5.0, None),  # not turned enough to say
        ("frontal", 40.0, None),  # a flag, and no failure of the side that shows
        (None, -40.0, None),
    ],
)
def test_an_oblique_view_must_show_the_side_that_was_declared(phantom_face, view, yaw_deg, code):
    face = dataclasses.replace(phantom_face, yaw_deg=yaw_deg)
    refused = refuse_view(face, view, "month3")
    assert (refused is not None) == (code is not None)
    if refused is not None:
        assert (refused.reason_code, refused.visit) == (code, "month3")
        assert f"declared as {view}" in refused.reason
        assert refuse_side(face, view, view, "month3").reason_code == code


def test_a_side_that_does_not_show_is_another_failure(phantom_face):
    face = dataclasses.replace(phantom_face, yaw_deg=40.0)
    refused = refuse_side(face, "right", "frontal", "baseline")
    assert (refused.reason_code, refused.visit) == ("side_not_visible", "baseline")


def test_a_photograph_of_the_other_side_stops_before_anything_is_aligned(
    phantom, again, phantom_face, monkeypatch
):
    turns = iter([30.0, -30.0])
    monkeypatch.setattr(
        half,
        "detect_face",
        lambda image, config: dataclasses.replace(phantom_face, yaw_deg=next(turns)),
    )
    monkeypatch.setattr(half, "register", None)  # would raise
    refused = align_pair(
        phantom.image,
        again.image,
        scales=(None, None),
        config=StudyConfig(),
        views=("left", "left"),
    )
    assert (refused.reason_code, refused.visit) == ("laterality_conflict", "month3")


def refused(failed, images, mm_per_px=0.3, **quality):
    faces = tuple(detect_face(image) for image in images)
    config = StudyConfig.model_validate({"quality": quality})
    return refuse_pair(failed, images, faces, (mm_per_px, mm_per_px), config)


def test_skin_that_differs_in_good_photographs_is_another_subjects(phantom, again):
    differs = FailedRegistration("registration_disagrees", "likeness 0.2", skin_differs=True)
    found = refused(differs, (phantom.image, again.image))
    assert found.reason_code == "subject_mismatch"
    assert "likeness 0.2" in found.reason
    assert "belong to this subject" in found.remedy
    other = refused(FailedRegistration("registration_no_overlap"), (phantom.image, again.image))
    assert other.reason_code == "registration_no_overlap"


def test_skin_that_is_not_shown_is_nobodys(phantom, again):
    differs = FailedRegistration("registration_disagrees", "likeness 0.2", skin_differs=True)
    light = cv2.GaussianBlur(decode(again.image), (0, 0), 1.4 / 0.3)
    soft = encode(light, np.uint8)
    found = refused(differs, (phantom.image, soft))
    assert found.reason_code == "registration_disagrees"
    assert "likeness 0.2" in found.reason
    assert "blurred" in found.reason
    turned = refused(differs, (phantom.image, again.image), max_pose_difference_deg=1e-6)
    assert turned.reason_code == "registration_disagrees"
    assert "pose_difference" in turned.reason


@pytest.mark.shared
def test_real_people_are_told_apart_and_mirror_images_called_that(shared_faces, read_photograph):
    folder = shared_faces / "london"
    people = sorted(path.name[:3] for path in folder.glob("*_08.jpg"))[3::9]
    neutral = [read_photograph(folder / f"{person}_03.jpg") for person in people]
    smiling = [read_photograph(folder / f"{person}_08.jpg") for person in people]

    def verdict(first, second):
        pair = align_pair(first, second, scales=(None, None), config=StudyConfig())
        return pair.reason_code if isinstance(pair, FailedHalf) else "same"

    assert [verdict(*pair) for pair in zip(neutral, smiling, strict=True)] == ["same"] * 4
    flipped = [verdict(one, mirrored(two)) for one, two in zip(neutral, smiling, strict=True)]
    assert flipped == ["laterality_conflict"] * 4
    strangers = [verdict(neutral[i], smiling[i - 1]) for i in range(4)]
    assert set(strangers) <= {"subject_mismatch", "registration_disagrees"}
    assert strangers.count("subject_mismatch") >= 3

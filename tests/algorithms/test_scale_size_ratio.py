"""How large the follow-up shows the skin of the baseline, and what scale that carries over."""

from __future__ import annotations

import math

import numpy as np
import pytest

from scarmetrics import StudyConfig, detect_face, register
from scarmetrics.config import FaceConfig
from scarmetrics.phantom import recapture
from scarmetrics.pipeline.scales import SizeRatio, carries_scale, carry_scale, size_ratio
from scarmetrics.scale import ScaleChoice, choose_scale
from scarmetrics.units import PixelScale

PREFER = ("manifest", "device", "follow_up", "iris")


def ratio_of(phantom, again, surface):
    faces = tuple(
        detect_face(image, config=FaceConfig(surface=surface))
        for image in (phantom.image, again.image)
    )
    found = register(
        phantom.image,
        again.image,
        fixed_face=faces[0],
        moving_face=faces[1],
        mm_per_px=phantom.mm_per_px,
    )
    return size_ratio(found, faces, (phantom.mm_per_px, again.mm_per_px))


@pytest.mark.parametrize("surface", ["curved", "flat"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_known_zoom_is_found_within_its_own_uncertainty(phantom, seed, surface):
    again = recapture(
        phantom.image, seed=seed, mm_per_px=phantom.mm_per_px, max_zoom=0.2, max_roll_deg=8
    )
    ratio = ratio_of(phantom, again, surface)
    assert abs(again.zoom - 1) > 0.02
    error = math.sqrt(ratio.area) / again.zoom - 1
    assert abs(error) < 0.005
    assert abs(error) < 3 * ratio.rel_sd
    assert ratio.rel_sd < 0.01


def test_skin_that_is_stretched_unevenly_makes_it_less_certain(phantom):
    still, stretched = (
        ratio_of(
            phantom,
            recapture(phantom.image, seed=4, mm_per_px=phantom.mm_per_px, deformation_mm=mm),
            "curved",
        )
        for mm in (0.0, 1.5)
    )
    assert stretched.rel_sd > 2 * still.rel_sd


def choice(*scales):
    return choose_scale(scales, prefer=PREFER)


@pytest.mark.parametrize(
    ("baseline", "follow_up", "carried"),
    [
        (["device"], [], True),
        (["device"], ["iris"], True),
        (["device"], ["manifest"], False),
        ([], [], False),
        (["iris"], ["iris"], True),
    ],
)
def test_the_baselines_scale_is_carried_where_the_order_says_so(baseline, follow_up, carried):
    config = StudyConfig.model_validate({"scale": {"prefer": PREFER}})
    choices = tuple(
        choice(*(PixelScale(0.2, 0.02, source) for source in sources))
        for sources in (baseline, follow_up)
    )
    assert carries_scale(choices, config) is carried
    forbidden = StudyConfig.model_validate({"scale": {"prefer": ["manifest", "device", "iris"]}})
    assert not carries_scale(choices, forbidden)


def test_what_is_carried_is_the_scale_over_the_ratio_and_errs_with_both():
    config = StudyConfig.model_validate({"scale": {"prefer": PREFER}})
    choices = (choice(PixelScale(0.2, 0.03, "device")), ScaleChoice())
    used = carry_scale(choices, SizeRatio(1.21, 0.04), config).used
    assert used.source == "follow_up"
    assert used.mm_per_px == pytest.approx(0.2 / 1.1)
    assert used.rel_sd == pytest.approx(np.hypot(0.03, 0.04))

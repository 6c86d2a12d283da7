"""The other sources of scale, and which one is used."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scarmetrics.config import ScaleConfig
from scarmetrics.errors import REASONS
from scarmetrics.flags import FLAGS
from scarmetrics.measure.change import scale_sd_mm2
from scarmetrics.phantom import Exposure, expose
from scarmetrics.phantom.prints import View, chart_print, place_print
from scarmetrics.scale import (
    ScaleNotFound,
    choose_scale,
    dpi_scale,
    find_colorchecker,
    follow_up_scale,
    image_scales,
    iris_scale,
    with_depth,
)
from scarmetrics.units import PixelScale

PITCH_MM = 9.0
AXIS = (359.5, 449.5)
DEFAULT = ScaleConfig().prefer


def refused(found, code):
    assert isinstance(found, ScaleNotFound)
    assert found.reason_code == code
    assert found.remedy == REASONS[code].remedy
    return found


# --- colour chart


def with_chart(image, **view):
    view = {"centre_px": (300.0, 600.0), "mm_per_px": 0.3, "axis_px": AXIS, **view}
    return expose(place_print(image, chart_print(PITCH_MM), View(**view)), Exposure(), seed=0)


@pytest.mark.parametrize("tilt_deg", [0, 20, 40])
def test_a_colour_chart_gives_the_scale(phantom, tilt_deg):
    image = with_chart(phantom.image, tilt_deg=tilt_deg, azimuth_deg=30, turn_deg=5)
    found = find_colorchecker(image, pitch_mm=PITCH_MM)
    assert found
    assert found.mm_per_px == pytest.approx(0.3, rel=0.005)
    assert found.tilt_deg == pytest.approx(tilt_deg, abs=4)


def test_no_colour_chart(phantom):
    refused(find_colorchecker(phantom.image, pitch_mm=PITCH_MM), "colorchecker_not_found")


def test_two_colour_charts(phantom):
    image = np.full((1400, 900, 3), 120, np.uint8)
    image[:900, :720] = phantom.image
    for y in (250.0, 1150.0):
        image = with_chart(image, centre_px=(350.0, y))
    refused(find_colorchecker(image, pitch_mm=PITCH_MM), "colorchecker_several")


def test_a_tilted_colour_chart(phantom):
    image = with_chart(phantom.image, tilt_deg=35)
    found = find_colorchecker(image, pitch_mm=PITCH_MM, max_tilt_deg=20)
    refused(found, "colorchecker_tilted")


def test_a_pitch_that_is_none_is_refused(phantom):
    with pytest.raises(ValueError, match="pitch_mm"):
        find_colorchecker(phantom.image, pitch_mm=0)


# --- iris


def with_lids(landmarks, opening):
    """The same face with its lids at this distance, in widths of the iris."""
    moved = landmarks.copy()
    for (upper, lower), (a, b) in (((159, 145), (469, 471)), ((386, 374), (474, 476))):
        middle = (moved[upper] + moved[lower]) / 2
        width = np.linalg.norm(moved[a, :2] - moved[b, :2])
        for lid, sign in ((upper, -0.5), (lower, 0.5)):
            moved[lid] = middle + np.array([0, sign * opening * width, 0])
    return moved


def test_open_eyes_give_a_rough_scale(phantom, phantom_face):
    found = iris_scale(phantom_face.landmarks, phantom_face.yaw_deg)
    assert isinstance(found, PixelScale)
    assert found.source == "iris"
    assert abs(math.log(found.mm_per_px / phantom.mm_per_px)) < 2 * found.rel_sd
    assert found.rel_sd > 0.5 / 11.7


@given(st.floats(8, 14))
def test_the_scale_follows_the_width_that_is_stated(phantom_face, iris_mm):
    usual = iris_scale(phantom_face.landmarks, 0.0)
    other = iris_scale(phantom_face.landmarks, 0.0, iris_mm=iris_mm)
    assert other.mm_per_px == pytest.approx(usual.mm_per_px * iris_mm / 11.7)


@given(st.floats(-30, 30))
def test_turning_the_head_is_not_distance(phantom_face, yaw_deg):
    """A face squeezed by the cosine of its turn has the scale that it had."""
    squeezed = phantom_face.landmarks * [np.cos(np.radians(yaw_deg)), 1, 1]
    for a, b in ((469, 471), (474, 476)):
        squeezed[[a, b], 1] = squeezed[[a, b], 1].mean()
    straight = squeezed / [np.cos(np.radians(yaw_deg)), 1, 1]
    before, after = iris_scale(straight, 0.0), iris_scale(squeezed, yaw_deg)
    assert after.mm_per_px == pytest.approx(before.mm_per_px)
    assert after.rel_sd >= before.rel_sd


@pytest.mark.parametrize("opening", [0.0, 0.2, 0.35])
def test_closed_eyes_give_none(phantom_face, opening):
    closed = with_lids(phantom_face.landmarks, opening)
    refused(iris_scale(closed, 0.0), "iris_eyes_closed")
    assert iris_scale(with_lids(phantom_face.landmarks, 0.6), 0.0)


def test_one_closed_eye_is_enough(phantom_face):
    wink = phantom_face.landmarks.copy()
    wink[159] = wink[145]
    refused(iris_scale(wink, 0.0), "iris_eyes_closed")


def test_a_turned_head_gives_none(phantom_face):
    refused(iris_scale(phantom_face.landmarks, -40.0), "iris_turned")


def test_irises_of_few_pixels_give_none(phantom_face):
    refused(iris_scale(phantom_face.landmarks / 8, 0.0), "iris_too_small")


# --- carried over, DPI, depth


@given(st.floats(0.02, 1), st.floats(0.3, 3), st.floats(0, 0.1), st.floats(0, 0.1))
def test_the_baselines_scale_is_carried_over_by_the_ratio(mm_per_px, ratio, own_sd, ratio_sd):
    carried = follow_up_scale(PixelScale(mm_per_px, own_sd, "marker"), ratio, ratio_sd)
    assert carried.source == "follow_up"
    assert carried.mm_per_px * ratio == pytest.approx(mm_per_px)
    assert carried.rel_sd == pytest.approx(math.hypot(own_sd, ratio_sd))


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan"), float("inf")])
def test_a_ratio_that_is_none_is_refused(ratio):
    with pytest.raises(ValueError, match="linear_ratio"):
        follow_up_scale(PixelScale(0.2, 0.01, "marker"), ratio, 0.01)


def test_a_carried_scale_errs_along_with_the_baselines():
    first = PixelScale(0.2, 0.05, "marker")
    carried = follow_up_scale(first, 1.0, 0.01)
    same = scale_sd_mm2(100, 100, first, carried)
    assert same == pytest.approx(2 * 0.01 * 100)
    apart = scale_sd_mm2(100, 100, first, PixelScale(0.2, carried.rel_sd, "marker"))
    assert apart > 5 * same


def test_a_resolution_as_scale():
    found = dpi_scale(254.0, 0.02)
    assert (found.rel_sd, found.source) == (0.02, "dpi")
    assert found.mm_per_px == pytest.approx(0.1)
    with pytest.raises(ValueError, match="dpi"):
        dpi_scale(0.0, 0.02)


def test_depth_is_part_of_the_uncertainty():
    found = PixelScale(0.2, 0.003, "marker")
    known = with_depth(found, ScaleConfig(depth_sd_mm=10), camera_distance_mm=500)
    assert known.rel_sd == pytest.approx(math.hypot(0.003, 0.02))
    unknown = with_depth(found, ScaleConfig(depth_rel_sd=0.04, depth_sd_mm=1))
    assert unknown.rel_sd == pytest.approx(math.hypot(0.003, 0.04))
    assert known.mm_per_px == unknown.mm_per_px == 0.2


# --- one of them


scales = st.lists(
    st.builds(
        PixelScale,
        st.floats(0.05, 1),
        st.floats(0.001, 0.1),
        st.sampled_from(["manifest", "device", "marker", "colorchecker", "dpi", "iris", "api"]),
    ),
    max_size=5,
    unique_by=lambda scale: scale.source,
)


@given(scales, st.randoms(use_true_random=False))
def test_the_first_of_the_order_is_used_whatever_order_they_come_in(found, rng):
    choice = choose_scale(found, prefer=DEFAULT)
    shuffled = found.copy()
    rng.shuffle(shuffled)
    assert choose_scale(shuffled, prefer=DEFAULT) == choice
    order = ("api", *DEFAULT)
    allowed = [scale.source for scale in found if scale.source in order]
    assert (choice.used.source if choice.used else None) == min(
        allowed, key=order.index, default=None
    )
    assert {scale.source for scale in choice.found} == set(allowed)


def test_the_order_is_the_configs():
    found = [PixelScale(0.2, 0.02, "manifest"), PixelScale(0.21, 0.02, "marker")]
    assert choose_scale(found, prefer=("marker", "manifest")).used.source == "marker"
    assert choose_scale(found, prefer=("device",)).used is None


@pytest.mark.parametrize(("other", "conflict"), [(0.2 * 1.085, True), (0.2 * 1.08, False)])
def test_more_than_three_standard_deviations_apart_is_a_conflict(other, conflict):
    found = [PixelScale(0.2, 0.0212, "manifest"), PixelScale(other, 0.0162, "marker")]
    choice = choose_scale(found, prefer=DEFAULT)
    assert choice.used.mm_per_px == 0.2
    assert ("scales_conflict" in choice.flags) is conflict
    assert str(choice).split("; ") == [
        "manifest 0.2 rel_sd 0.0212",
        f"marker {other!r} rel_sd 0.0162",
    ]


def test_a_failed_source_is_kept_and_flagged():
    choice = choose_scale(
        [PixelScale(0.2, 0.02, "device")], [ScaleNotFound("marker_cut")], prefer=DEFAULT
    )
    assert choice.flags == ("scale_source_failed",)
    assert str(choice) == "device 0.2 rel_sd 0.02; marker_cut"


def test_the_iris_is_always_flagged():
    choice = choose_scale([PixelScale(0.2, 0.1, "iris")], prefer=("iris",))
    assert choice.flags == ("iris_scale",)
    assert FLAGS["iris_scale"].severity == "review"


def test_nothing_is_looked_for_that_the_config_does_not_ask_for(phantom, phantom_face):
    assert image_scales(phantom.image, phantom_face, ScaleConfig()) == choose_scale([], prefer=())


def test_what_is_promised_and_not_there_is_a_failure_each(phantom, phantom_face):
    config = ScaleConfig(marker_size_mm=20, colorchecker_pitch_mm=12)
    shown = image_scales(phantom.image, phantom_face, config)
    assert shown.used is None
    codes = [failure.reason_code for failure in shown.failures]
    assert codes == ["marker_not_found", "colorchecker_not_found"]


def test_iris_is_used_only_where_it_is_named(phantom, phantom_face):
    named = ScaleConfig(prefer=("manifest", "iris"))
    assert image_scales(phantom.image, phantom_face, named).used.source == "iris"

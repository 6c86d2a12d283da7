import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import disc

from scarmetrics.measure import ScarMatch, match_scars, measure_labels, unmatched
from scarmetrics.registration import Registration
from scarmetrics.segmentation import ScarLabels
from scarmetrics.units import PixelScale

SHAPE = (120, 160)
STILL = np.eye(2, 3)


def moved_by(matrix, moving_shape=SHAPE):
    """An affine registration of drawn labels, without flow."""
    rows, cols = SHAPE
    nothing = np.zeros((rows, cols, 2), np.float32)
    return Registration(
        fixed_shape=SHAPE,
        moving_shape=moving_shape,
        fixed_to_work=STILL,
        work_to_moving=np.asarray(matrix, float),
        flow=nothing,
        inverse_flow=nothing,
        error_mm=nothing[..., 0],
        believed=np.ones(SHAPE, bool),
        texture_agreement=1.0,
        likeness=2.0,
        mm_per_px=0.3,
    )


def labels_of(discs, shape=SHAPE):
    labels = np.zeros(shape, np.int32)
    for number, (x, y, radius) in enumerate(discs, start=1):
        labels[disc(shape, x, y, radius)] = number
    return labels


def match(
    before, after, matrix=STILL, *, area_ratio=1.0, shape=SHAPE, boundary_sd_px=0.3, scales=None
):
    measured = []
    scales = scales or (None, None)
    drawn = [labels_of(before), labels_of(after, shape)]
    for labels, discs, scale in zip(drawn, (before, after), scales, strict=True):
        sd = np.full(len(discs), boundary_sd_px)
        found = ScarLabels(labels, np.ones(len(discs)), sd, 0.01)
        flat = np.ones(labels.shape, np.float32)
        measured.append(measure_labels(found, labels >= 0, flat, scale).scars)
    registration = moved_by(matrix, shape)
    return match_scars(
        *drawn, *measured, registration=registration, area_ratio=area_ratio, scales=scales
    )


@pytest.mark.parametrize(
    ("before", "after", "fate"),
    [
        ([(50, 50, 10)], [(50, 50, 10)], "persisted"),
        ([(50, 50, 10)], [(51, 50, 10.2)], "persisted"),
        ([(50, 50, 10)], [(50, 50, 5)], "shrunk"),
        ([(50, 50, 5)], [(50, 50, 10)], "grown"),
    ],
)
def test_a_scar_at_both_visits(before, after, fate):
    assert match(before, after) == (ScarMatch(1, 1, fate),)


def test_healed_and_new_scars():
    assert match([(50, 50, 8)], []) == (ScarMatch(1, None, "healed"),)
    assert match([], [(50, 50, 8)]) == (ScarMatch(None, 1, "new"),)
    assert match([], []) == ()
    assert match([(40, 50, 8)], [(100, 50, 8)]) == (
        ScarMatch(1, None, "healed"),
        ScarMatch(None, 1, "new"),
    )


def test_baseline_order_first_then_new_ones():
    before = [(30, 30, 8), (80, 30, 8), (130, 30, 8)]
    after = [(30, 80, 6), (130, 30, 8), (30, 30, 8)]
    assert match(before, after) == (
        ScarMatch(1, 3, "persisted"),
        ScarMatch(2, None, "healed"),
        ScarMatch(3, 2, "persisted"),
        ScarMatch(None, 1, "new"),
    )


def test_a_scar_that_broke_in_two_has_no_new_scar():
    broken = match([(50, 50, 14)], [(44, 50, 7), (58, 50, 4)])
    assert broken == (ScarMatch(1, 1, "shrunk"), ScarMatch(1, 2, "shrunk"))


def test_a_scar_that_only_fell_into_pieces_persists():
    whole = match([(50, 50, 10)], [(45, 50, 7), (57, 50, 7)], boundary_sd_px=0.6)
    assert {found.fate for found in whole} == {"persisted"}
    assert [(found.baseline_id, found.follow_up_id) for found in whole] == [(1, 1), (1, 2)]


def test_scars_that_grew_together_are_not_healed():
    together = match([(44, 50, 7), (58, 50, 6)], [(50, 50, 15)])
    assert together == (ScarMatch(1, 1, "grown"), ScarMatch(2, 1, "grown"))


def test_a_touch_is_no_match():
    fates = {found.fate for found in match([(50, 50, 10)], [(69.2, 50, 10)])}
    assert fates == {"healed", "new"}


def test_a_difference_within_the_uncertainty_is_none():
    pair = [(50, 50, 10)], [(50, 50, 11)]
    assert match(*pair, boundary_sd_px=0.05)[0].fate == "grown"
    assert match(*pair, boundary_sd_px=2.0)[0].fate == "persisted"


@settings(max_examples=25)
@given(
    turn_deg=st.floats(-20, 20),
    zoom=st.floats(0.7, 1.6),
    shift=st.tuples(st.floats(-15, 15), st.floats(-15, 15)),
)
def test_fates_are_judged_in_the_skins_own_size(turn_deg, zoom, shift):
    turn = np.radians(turn_deg)
    linear = zoom * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    offset = np.array([150.0, 130.0]) + shift - linear @ [80, 60]
    before = [(50, 40, 9), (110, 40, 9), (80, 80, 9)]
    sizes = (9.0, 5.0, 13.0)
    after = [
        (*(linear @ [x, y] + offset), zoom * size)
        for (x, y, _), size in zip(before, sizes, strict=True)
    ]
    found = match(
        before,
        after,
        np.column_stack([linear, offset]),
        area_ratio=zoom**2,
        shape=(260, 300),
    )
    assert [(one.baseline_id, one.follow_up_id) for one in found] == [(1, 1), (2, 2), (3, 3)]
    assert [one.fate for one in found] == ["persisted", "shrunk", "grown"]


def test_scars_that_leave_the_photograph_are_not_an_error():
    away = np.array([[1.0, 0, 500], [0, 1, 0]])
    assert match([(50, 50, 8)], [(60, 60, 8)], away) == (
        ScarMatch(1, None, "healed"),
        ScarMatch(None, 1, "new"),
    )


def test_a_scar_followed_by_one_scar_has_a_change_of_area():
    exact = PixelScale(0.2, 0.0, "manifest")
    (found,) = match([(50, 50, 10)], [(50, 50, 7)], scales=(exact, exact))
    areas = [disc(SHAPE, 50, 50, radius).sum() * 0.2**2 for radius in (10, 7)]
    assert found.fate == "shrunk"
    assert found.area_change_mm2 == pytest.approx(areas[1] - areas[0])
    rims = [2 * np.pi * radius * 0.2 * 0.3 * 0.2 for radius in (10, 7)]
    assert 0.5 * np.hypot(*rims) < found.area_change_sd_mm2 < np.hypot(*rims)


def test_scales_err_in_a_scars_change_as_in_the_halfs():
    before, after = [(50, 50, 10)], [(50, 50, 7)]
    own, device = (PixelScale(0.2, 0.1, source) for source in ("manifest", "device"))
    (apart,) = match(before, after, scales=(own, own), boundary_sd_px=0)
    (once,) = match(before, after, scales=(device, device), boundary_sd_px=0)
    areas = [disc(SHAPE, 50, 50, radius).sum() * 0.2**2 for radius in (10, 7)]
    assert apart.area_change_sd_mm2 == pytest.approx(0.2 * np.hypot(*areas))
    assert once.area_change_sd_mm2 == pytest.approx(0.2 * (areas[0] - areas[1]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([(50, 50, 14)], [(44, 50, 7), (58, 50, 4)]),
        ([(44, 50, 7), (58, 50, 6)], [(50, 50, 15)]),
        ([(50, 50, 8)], []),
        ([], [(50, 50, 8)]),
    ],
)
def test_only_one_to_one_is_a_change_of_one_scar(before, after):
    exact = PixelScale(0.2, 0.0, "manifest")
    for found in match(before, after, scales=(exact, exact)):
        assert found.area_change_mm2 is None
        assert found.area_change_sd_mm2 is None


def test_unmatched_scars_are_those_that_would_be_healed_or_new():
    before = labels_of([(30, 30, 8), (80, 30, 8), (130, 30, 8)])
    after = labels_of([(30, 80, 6), (130, 30, 8), (30, 30, 3)])
    healed, new = unmatched(before, after, registration=moved_by(STILL), area_ratio=1.0)
    np.testing.assert_array_equal(healed, before == 2)
    np.testing.assert_array_equal(new, after == 1)
    all_gone, none_new = unmatched(before, 0 * after, registration=moved_by(STILL), area_ratio=1.0)
    np.testing.assert_array_equal(all_gone, before > 0)
    assert not none_new.any()

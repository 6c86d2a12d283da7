import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import disc

from scarmetrics.measure import AreaMeasurement, compare, measure_labels
from scarmetrics.segmentation import ScarLabels
from scarmetrics.units import PixelScale

SHAPE = (120, 160)
FLAT = np.ones(SHAPE, np.float32)
ROI = np.ones(SHAPE, bool)


def scars(*masks, boundary_sd_px=0.3, peak=0.5, **errors):
    labels = np.zeros(SHAPE, np.int32)
    for number, mask in enumerate(masks, start=1):
        labels[mask] = number
    many = len(masks)
    return ScarLabels(labels, np.full(many, peak), np.full(many, boundary_sd_px), 0.01, **errors)


def scale(mm_per_px=0.2, rel_sd=0.0, source="manifest"):
    return PixelScale(mm_per_px, rel_sd, source)


def measurement(area_mm2, boundary_sd_mm2=0.0, roi_mm2=1000.0, **errors):
    return AreaMeasurement(
        (), area_mm2, area_mm2, roi_mm2, boundary_sd_mm2, 0.0, area_mm2 / roi_mm2, **errors
    )


@given(
    x=st.floats(40, 110),
    y=st.floats(40, 80),
    radius_px=st.floats(6, 30),
    mm_per_px=st.floats(0.05, 1),
)
def test_a_disc_has_a_discs_area(x, y, radius_px, mm_per_px):
    found = scars(disc(SHAPE, x, y, radius_px))
    measured = measure_labels(found, ROI, FLAT, scale(mm_per_px))
    truth = np.pi * (radius_px * mm_per_px) ** 2
    # pixels counted by their centres: the error of a circle's area grows slower than its rim
    assert measured.area_mm2 == pytest.approx(truth, abs=2.5 * radius_px**0.7 * mm_per_px**2)
    scar = measured.scars[0]
    assert (scar.x_px, scar.y_px) == pytest.approx((x, y), abs=0.35)
    assert scar.equivalent_diameter_mm == pytest.approx(2 * radius_px * mm_per_px, rel=0.04)
    assert measured.area_fraction == pytest.approx(scar.area_px / ROI.sum())


@given(mm_per_px=st.floats(0.01, 10), factor=st.floats(0.1, 10))
def test_area_goes_with_the_square_of_the_scale(mm_per_px, factor):
    found = scars(disc(SHAPE, 40, 50, 12), disc(SHAPE, 100, 60, 8))
    one, other = (
        measure_labels(found, ROI, FLAT, scale(value)) for value in (mm_per_px, factor * mm_per_px)
    )
    for name in ("area_mm2", "projected_area_mm2", "roi_area_mm2", "boundary_sd_mm2"):
        assert getattr(other, name) == pytest.approx(getattr(one, name) * factor**2, rel=1e-9)
    assert other.area_fraction == one.area_fraction
    assert sum(scar.area_mm2 for scar in one.scars) == pytest.approx(one.area_mm2)


@given(rel_sd=st.floats(0, 0.2), boundary_sd_px=st.floats(0.01, 2))
def test_uncertainty_is_that_of_boundary_and_scale(rel_sd, boundary_sd_px):
    found = scars(disc(SHAPE, 40, 50, 12), boundary_sd_px=boundary_sd_px)
    measured = measure_labels(found, ROI, FLAT, scale(0.2, rel_sd))
    expected = np.hypot(measured.boundary_sd_mm2, 2 * rel_sd * measured.area_mm2)
    assert measured.area_sd_mm2 == pytest.approx(expected)
    rim_mm2 = boundary_sd_px * 2 * np.pi * 12 * 0.2**2
    # a boundary that moves as a whole is the worst case; some of it averages out
    assert 0.5 * rim_mm2 * 0.95 <= measured.boundary_sd_mm2 <= rim_mm2


def test_scars_err_independently():
    one = measure_labels(scars(disc(SHAPE, 40, 50, 12)), ROI, FLAT, scale())
    two = measure_labels(
        scars(disc(SHAPE, 40, 50, 12), disc(SHAPE, 100, 50, 12)), ROI, FLAT, scale()
    )
    assert two.boundary_sd_mm2 == pytest.approx(np.sqrt(2) * one.boundary_sd_mm2)


def test_a_scar_that_may_be_missed_is_uncertain_by_its_area():
    chance = np.array([1.0, 0.5])
    large, small = disc(SHAPE, 40, 50, 12), disc(SHAPE, 100, 50, 6)
    certain = scars(large, small, boundary_sd_px=0)
    doubtful = scars(large, small, boundary_sd_px=0, detection_probability=chance)
    for found, sd_mm2 in ((certain, 0), (doubtful, 0.5 * small.sum() * 0.2**2)):
        measured = measure_labels(found, ROI, FLAT, scale())
        assert measured.detection_sd_mm2 == pytest.approx(sd_mm2)
        assert measured.area_sd_mm2 == pytest.approx(sd_mm2)
    assert [scar.detection_probability for scar in measured.scars] == [1.0, 0.5]


@given(simulated=st.integers(0, 2**31), chance=st.floats(0.05, 0.95))
@settings(max_examples=10)
def test_the_detection_error_is_that_of_scars_seen_by_chance(simulated, chance):
    radii = np.array([4.0, 7, 10, 5])
    masks = [disc(SHAPE, 20 + 35 * i, 60, radius) for i, radius in enumerate(radii)]
    found = scars(*masks, boundary_sd_px=0, detection_probability=np.full(4, chance))
    measured = measure_labels(found, ROI, FLAT, scale())
    areas = np.array([scar.area_mm2 for scar in measured.scars])
    seen = np.random.default_rng(simulated).random((20_000, 4)) < chance
    assert measured.detection_sd_mm2 == pytest.approx((seen @ areas).std(), rel=0.05)


def test_the_methods_error_is_relative_to_the_area():
    masks = (disc(SHAPE, 40, 50, 12), disc(SHAPE, 100, 50, 12))
    errors = {"area_rel_sd": 0.3, "repeat_rel_sd": 0.04, "scar_rel_sd": 0.1}
    measured = measure_labels(
        scars(*masks, boundary_sd_px=0, **errors), ROI, FLAT, scale(rel_sd=0.06)
    )
    assert measured.area_sd_mm2 == pytest.approx(
        measured.area_mm2 * np.sqrt(0.3**2 + 0.04**2 + 0.12**2)
    )
    assert measured.repeat_sd_mm2 == pytest.approx(0.04 * measured.area_mm2)
    for scar in measured.scars:
        assert scar.area_sd_px == pytest.approx(0.1 * scar.area_px)


def test_no_scar_found_is_not_known_to_the_last_digit():
    smallest_px = 20.0
    none = measure_labels(scars(smallest_area_px=smallest_px), ROI, FLAT, scale())
    assert none.area_mm2 == 0
    assert none.area_sd_mm2 == pytest.approx(smallest_px * 0.2**2)
    change = compare(none, none, scale(), scale())
    assert change.change_sd_mm2 == pytest.approx(np.sqrt(2) * none.area_sd_mm2)


def test_tilted_skin_has_more_surface_than_it_shows():
    tilt = FLAT.copy()
    tilt[:, 80:] = 2.0
    found = scars(disc(SHAPE, 40, 50, 10), disc(SHAPE, 120, 50, 10))
    measured = measure_labels(found, ROI, tilt, scale())
    near, far = measured.scars
    assert far.area_mm2 == pytest.approx(2 * near.area_mm2)
    assert far.area_px == near.area_px
    assert measured.area_mm2 == pytest.approx(1.5 * measured.projected_area_mm2)
    assert measured.roi_area_mm2 == pytest.approx(1.5 * ROI.sum() * 0.2**2)


def test_without_a_scale_there_are_no_millimetres():
    found = scars(disc(SHAPE, 40, 50, 12))
    bare, scaled = (measure_labels(found, ROI, FLAT, given) for given in (None, scale()))
    for name in (
        "area_mm2",
        "projected_area_mm2",
        "roi_area_mm2",
        "boundary_sd_mm2",
        "area_sd_mm2",
    ):
        assert getattr(bare, name) is None
    assert bare.scars[0].area_mm2 is None
    assert bare.scars[0].equivalent_diameter_mm is None
    assert bare.area_fraction == scaled.area_fraction > 0
    assert bare.scars[0].area_px == scaled.scars[0].area_px


def test_no_scar_is_an_area_of_zero_and_no_skin_an_error():
    none = measure_labels(scars(), ROI, FLAT, scale(rel_sd=0.02))
    assert (none.area_mm2, none.area_sd_mm2, none.area_fraction, none.scar_count) == (0, 0, 0, 0)
    assert none.roi_area_mm2 > 0
    with pytest.raises(ValueError, match="ROI"):
        measure_labels(scars(), np.zeros(SHAPE, bool), FLAT, scale())


def test_contrast_is_the_relative_darkening():
    measured = measure_labels(scars(disc(SHAPE, 40, 50, 9), peak=np.log(2)), ROI, FLAT, None)
    assert measured.scars[0].contrast == pytest.approx(0.5)


@given(
    before=st.floats(1, 500), after=st.floats(0, 500), rel_sd=st.floats(0, 0.1), sd=st.floats(0, 5)
)
def test_one_calibration_errs_once_and_two_err_independently(before, after, rel_sd, sd):
    pair = (measurement(before, sd), measurement(after, sd))
    device, manifest = scale(rel_sd=rel_sd, source="device"), scale(rel_sd=rel_sd)
    shared = compare(*pair, device, device)
    separate = compare(*pair, manifest, manifest)
    assert shared.change_mm2 == separate.change_mm2 == after - before
    assert shared.change_pct == pytest.approx(100 * (after - before) / before)
    boundaries = np.sqrt(2) * sd
    assert shared.change_sd_mm2 == pytest.approx(
        np.hypot(boundaries, 2 * rel_sd * (after - before))
    )
    assert separate.change_sd_mm2 == pytest.approx(
        np.sqrt(boundaries**2 + (2 * rel_sd * before) ** 2 + (2 * rel_sd * after) ** 2)
    )


@given(before=st.floats(1, 500), after=st.floats(0, 500))
def test_an_error_common_to_both_visits_scales_the_change_only(before, after):
    flat = scale()
    common = [measurement(area, area_rel_sd=0.3) for area in (before, after)]
    assert compare(*common, flat, flat).change_sd_mm2 == pytest.approx(0.3 * abs(after - before))
    other = [measurement(area, area_rel_sd=0.3, change_rel_sd=0.5) for area in (before, after)]
    assert compare(*other, flat, flat).change_sd_mm2 == pytest.approx(0.5 * abs(after - before))
    anew = [measurement(area, repeat_rel_sd=0.04) for area in (before, after)]
    assert compare(*anew, flat, flat).change_sd_mm2 == pytest.approx(0.04 * np.hypot(before, after))


def test_scars_that_may_be_missed_make_a_change_uncertain():
    pair = measurement(20.0, detection_sd_mm2=3.0), measurement(15.0, detection_sd_mm2=4.0)
    assert compare(*pair, scale(), scale()).change_sd_mm2 == pytest.approx(5.0)


def test_change_without_scales_is_in_fractions():
    change = compare(measurement(20.0), measurement(15.0), None, None)
    assert change.change_mm2 is None
    assert change.change_sd_mm2 is None
    assert change.change_fraction == pytest.approx(-0.005)
    assert change.change_pct == pytest.approx(-25)
    one_scale = compare(measurement(20.0), measurement(15.0), scale(), None)
    assert one_scale.change_mm2 is None
    assert one_scale.change_pct == pytest.approx(-25)


def test_there_is_no_percentage_of_nothing():
    for scales in ((scale(), scale()), (None, None)):
        change = compare(measurement(0.0), measurement(5.0), *scales)
        assert change.change_pct is None
        assert change.change_fraction == pytest.approx(0.005)

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from synthetic import dips, skin

from scarmetrics.config import SegmentationConfig
from scarmetrics.segmentation import FailedSegmentation, ScarLabels
from scarmetrics.segmentation import segment as segment_by

SHAPE = (180, 200)
MM = 0.2
CENTRE = (100.3, 89.8)  # off the grid: no ring of pixels lies on a contour at once


def classical(**settings):
    return SegmentationConfig(method="classical", **settings)


def segment(image, *, config=None, **options):
    return segment_by(image, config=config or classical(), **options)


def one_dip(fwhm_mm, depth=0.5, mm_per_px=MM, shape=SHAPE, centre=CENTRE, **how):
    return skin(dips(shape, [(*centre, fwhm_mm / mm_per_px, depth)]), **how)


def area_mm2(found, mm_per_px=MM):
    return float((found.labels > 0).sum()) * mm_per_px**2


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
@pytest.mark.parametrize("seed", [0, 1])
def test_nothing_is_found_on_clean_skin(noise, seed):
    found = segment(skin(np.zeros(SHAPE), noise=noise, seed=seed), mm_per_px=MM)
    assert isinstance(found, ScarLabels)
    assert found.count == 0
    assert not found.labels.any()


@pytest.mark.parametrize("fwhm_mm", [1.0, 1.5, 2.0, 2.5, 3.0])
def test_a_dip_has_the_area_at_half_of_its_depth(fwhm_mm):
    found = segment(one_dip(fwhm_mm), mm_per_px=MM)
    assert found.count == 1
    truth = np.pi / 4 * fwhm_mm**2
    # The blur under the outline (FWHM 0.59 mm) adds its square to a Gaussian dip's own; the dip's
    # tail, which reaches into the skin that carries the surface, takes a little from wide ones.
    # Two pixels are the discretisation of the smallest.
    blurred = np.pi / 4 * (fwhm_mm**2 + 0.59**2)
    assert 0.9 * truth < area_mm2(found) < 1.03 * blurred + 2 * MM**2


@pytest.mark.parametrize("fwhm_mm", [3.5, 4.0, 5.0])
def test_a_wide_dip_is_found(fwhm_mm):
    found = segment(one_dip(fwhm_mm), mm_per_px=MM)
    assert found.count == 1
    # its tail carries the surface it is measured against, so it reads low, but never as nothing
    assert 0.6 < area_mm2(found) / (np.pi / 4 * fwhm_mm**2) < 1.0


def test_a_wide_scar_with_walls_has_its_area():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    for width_mm in (2.0, 3.0, 4.0, 5.0, 6.0):
        radius = np.hypot(x - 100, y - 90) * MM
        depth = 0.5 / (1 + np.exp((radius - width_mm / 2) / 0.1))
        area = area_mm2(segment(skin(depth), mm_per_px=MM))
        assert area == pytest.approx(np.pi / 4 * width_mm**2, rel=0.15), width_mm


def test_area_does_not_depend_on_depth():
    areas = [area_mm2(segment(one_dip(1.8, depth), mm_per_px=MM)) for depth in (0.3, 0.6, 1.2)]
    np.testing.assert_allclose(areas, areas[0], rtol=0.05)


@settings(max_examples=12)
@given(gain=st.floats(0.25, 3.0))
def test_area_does_not_depend_on_exposure(gain):
    depth = dips(SHAPE, [(60, 90, 9, 0.4), (140, 60, 12, 0.8), (140, 120, 7, 0.6)])
    before, after = (segment(skin(depth, light=light), mm_per_px=MM) for light in (0.3, 0.3 * gain))
    assert before.count == after.count == 3
    assert area_mm2(after) == pytest.approx(area_mm2(before), rel=0.02)
    np.testing.assert_allclose(after.peak, before.peak, rtol=0.02)


@pytest.mark.parametrize("mm_per_px", [0.07, 0.09, 0.12, 0.18, 0.3])
def test_place_and_area_do_not_depend_on_resolution(mm_per_px):
    shape = (round(30 / mm_per_px), round(36 / mm_per_px))
    centre = (21.3 / mm_per_px, 12.7 / mm_per_px)
    found = segment(
        one_dip(2.0, mm_per_px=mm_per_px, shape=shape, centre=centre), mm_per_px=mm_per_px
    )
    assert found.count == 1
    y, x = np.nonzero(found.labels)
    off_mm = (np.array([x.mean(), y.mean()]) - centre) * mm_per_px
    assert np.abs(off_mm).max() < 0.06
    coarse = area_mm2(segment(one_dip(2.0), mm_per_px=MM))
    # the closing disc is a whole number of cells
    assert area_mm2(found, mm_per_px) == pytest.approx(coarse, rel=0.2)


def test_8_and_16_bit_agree():
    fine, coarse = (
        segment(one_dip(1.8, dtype=dtype), mm_per_px=MM) for dtype in (np.uint16, np.uint8)
    )
    assert area_mm2(coarse) == pytest.approx(area_mm2(fine), rel=0.05)


def test_a_step_in_light_is_no_scar():
    step = np.zeros(SHAPE)
    step[:, 100:] = 0.5
    assert segment(skin(step), mm_per_px=MM).count == 0


@pytest.mark.parametrize("touching", ["split", "merge"])
@pytest.mark.parametrize("turn_deg", [0, 30, 90])
@pytest.mark.parametrize("width_mm", [0.6, 1.5])
def test_a_long_crease_is_no_scar(touching, turn_deg, width_mm):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    turn = np.radians(turn_deg)
    across = (x - CENTRE[0]) * np.sin(turn) + (y - CENTRE[1]) * np.cos(turn)
    crease = 0.5 * 0.5 ** ((across * MM / (width_mm / 2)) ** 2)
    config = classical(touching=touching)
    assert segment(skin(crease), mm_per_px=MM, config=config).count == 0


def test_a_crease_does_not_hide_the_scar_beside_it():
    y, _ = np.mgrid[: SHAPE[0], : SHAPE[1]]
    crease = 0.5 * 0.5 ** ((np.abs(y - 40) / 3.0) ** 2)
    found = segment(skin(crease + dips(SHAPE, [(100, 110, 9, 0.5)])), mm_per_px=MM)
    assert found.count == 1
    assert found.labels[110, 100] == 1


def test_what_is_smaller_or_shallower_than_asked_for_is_left_out():
    image = one_dip(1.2, 0.5)
    assert segment(image, mm_per_px=MM).count == 1
    larger = classical(min_diameter_mm=2.5)
    assert segment(image, mm_per_px=MM, config=larger).count == 0
    deeper = classical(min_contrast=0.6)
    assert segment(image, mm_per_px=MM, config=deeper).count == 0
    assert segment(image, mm_per_px=MM, noise=1.0).count == 0


def test_touching_scars_are_counted_as_the_config_says():
    image = skin(dips(SHAPE, [(95, 90, 9, 0.4), (106, 90, 9, 0.5)]))
    split, merged = (
        segment(image, mm_per_px=MM, config=classical(touching=touching))
        for touching in ("split", "merge")
    )
    assert (split.count, merged.count) == (2, 1)
    np.testing.assert_array_equal(split.labels > 0, merged.labels > 0)
    assert merged.peak[0] == pytest.approx(split.peak.max())


def test_the_rule_for_touching_scars_never_changes_the_area():
    rng = np.random.default_rng(4)
    spots = [
        (*rng.uniform(20, 160, 2), rng.uniform(3, 10), rng.uniform(0.2, 0.7)) for _ in "x" * 60
    ]
    image = skin(dips(SHAPE, spots))
    split, merged = (
        segment(image, mm_per_px=MM, config=classical(touching=touching))
        for touching in ("split", "merge")
    )
    assert split.count > merged.count > 3
    np.testing.assert_array_equal(split.labels > 0, merged.labels > 0)


def test_only_the_roi_is_looked_at():
    image = skin(dips(SHAPE, [(50, 90, 9, 0.5), (150, 90, 9, 0.5)]))
    roi = np.zeros(SHAPE, bool)
    roi[:, 20:100] = True
    found = segment(image, mm_per_px=MM, roi=roi)
    assert found.count == 1
    assert not found.labels[~roi].any()
    roi[:, 50:] = False
    cut = segment(image, mm_per_px=MM, roi=roi).labels
    assert cut[:, :50].any()
    assert not cut[:, 50:].any()


def test_what_lies_off_the_roi_has_no_influence():
    image = one_dip(1.8)
    roi = np.zeros(SHAPE, bool)
    roi[30:150, 30:170] = True
    dark_around = image.copy()
    dark_around[:20] = 0
    dark_around[:, :15] = 65535
    near, far = (segment(picture, mm_per_px=MM, roi=roi) for picture in (image, dark_around))
    np.testing.assert_array_equal(near.labels, far.labels)


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_labels_are_numbered_in_reading_order_without_gaps(seed):
    rng = np.random.default_rng(seed)
    spots = [
        (*rng.uniform(10, 170, 2), rng.uniform(5, 12), rng.uniform(0.2, 0.8)) for _ in "x" * 12
    ]
    found = segment(skin(dips(SHAPE, spots)), mm_per_px=MM)
    present, first = np.unique(found.labels, return_index=True)
    assert present.tolist() == list(range(found.count + 1))
    assert (np.diff(first[1:]) > 0).all()
    assert found.labels.dtype == np.int32
    assert len(found.peak) == len(found.boundary_sd_px) == found.count
    assert (found.peak > 0).all()
    assert np.isfinite(found.boundary_sd_px).all()


def test_more_noise_makes_the_boundary_less_certain():
    quiet, noisy = (segment(one_dip(1.8), mm_per_px=MM, noise=noise) for noise in (0.01, 0.04))
    assert noisy.boundary_sd_px[0] == pytest.approx(4 * quiet.boundary_sd_px[0], rel=1e-6)
    shallow = segment(one_dip(1.8, 0.25), mm_per_px=MM, noise=0.01)
    assert shallow.boundary_sd_px[0] > 1.5 * quiet.boundary_sd_px[0]


def test_no_skin_is_a_reason():
    found = segment(one_dip(1.8), mm_per_px=MM, roi=np.zeros(SHAPE, bool))
    assert isinstance(found, FailedSegmentation)
    assert not found
    assert found.reason_code == "no_skin"


@pytest.mark.parametrize("mm_per_px", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_an_error(mm_per_px):
    with pytest.raises(ValueError, match="mm_per_px"):
        segment(one_dip(1.8), mm_per_px=mm_per_px)


def test_wrong_arrays_are_an_error():
    with pytest.raises(ValueError, match="roi"):
        segment(one_dip(1.8), mm_per_px=MM, roi=np.ones((3, 3), bool))
    with pytest.raises(ValueError, match="RGB"):
        segment(one_dip(1.8)[..., 0], mm_per_px=MM)


def ellipse(shape, outline):
    cx, cy, rx, ry, angle_deg = outline
    y, x = np.mgrid[: shape[0], : shape[1]]
    turn = np.radians(angle_deg)
    along = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    across = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
    return (along / rx) ** 2 + (across / ry) ** 2 <= 1


def matched(labels, count, outlines):
    """How many scars match an outline one to one, at an overlap over union above 0.15."""
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    overlap = np.zeros((count, len(outlines)))
    for column, outline in enumerate(outlines):
        common = np.bincount(labels[outline], minlength=count + 1)[1:]
        overlap[:, column] = common / (sizes + outline.sum() - common)
    rows, columns = linear_sum_assignment(overlap > 0.15, maximize=True)
    return int((overlap[rows, columns] > 0.15).sum())


@pytest.mark.shared
@pytest.mark.parametrize("reader", ["A", "B"])
def test_agreement_with_readers_of_real_scars(shared_scars, read_photograph, reader):
    outlines = json.loads((shared_scars / f"reader_{reader}.json").read_text())
    hits = scars = common = marked = 0
    for name, ellipses in outlines.items():
        image = read_photograph(shared_scars / f"{name}.jpg")
        found = segment(image, mm_per_px=0.2)
        masks = [ellipse(image.shape[:2], values) for values in ellipses]
        union = np.any(masks, axis=0)
        hits += matched(found.labels, found.count, masks)
        scars += found.count + len(masks)
        common += int((union & (found.labels > 0)).sum())
        marked += int(union.sum() + (found.labels > 0).sum())
    assert len(outlines) == 8
    assert 2 * hits / scars >= 0.70
    assert 2 * common / marked >= 0.58

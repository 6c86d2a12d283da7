import dataclasses

import numpy as np
import pytest

from scarmetrics.config import FaceConfig, QualityConfig, SegmentationConfig, StudyConfig
from scarmetrics.models import FailedHalf
from scarmetrics.opencv import cv2
from scarmetrics.phantom import recapture, render, scar_field, shrink
from scarmetrics.pipeline import HalfResult, Pair, align_pair, measure_half, measure_side
from scarmetrics.segmentation import ClassicalSegmenter, Response, ScarLabels, register_segmenter
from scarmetrics.units import PixelScale


@pytest.fixture(scope="module")
def scars(phantom):
    skin = phantom.face.skin_mask("left")
    return scar_field(skin, mm_per_px=phantom.mm_per_px, seed=2, area_fraction=0.03)


@pytest.fixture(scope="module")
def baseline(phantom, scars):
    return render(phantom.image, scars, mm_per_px=phantom.mm_per_px)


@pytest.fixture(scope="module")
def follow_up(phantom, scars):
    return recapture(
        phantom.image, seed=3, mm_per_px=phantom.mm_per_px, scars=shrink(scars, 0.5, 0.8)
    )


@pytest.fixture(scope="module")
def scales(baseline, follow_up):
    return PixelScale(baseline.mm_per_px, 0.01, "api"), PixelScale(follow_up.mm_per_px, 0.01, "api")


@pytest.fixture(scope="module")
def pair(baseline, follow_up, scales):
    aligned = align_pair(baseline.image, follow_up.image, scales=scales, config=StudyConfig())
    assert isinstance(aligned, Pair)
    return aligned


@pytest.fixture(scope="module")
def half(pair):
    result = measure_side(pair, "left", StudyConfig())
    assert isinstance(result, HalfResult)
    return result


def test_one_call_does_all(baseline, follow_up, scales, half):
    result = measure_half(
        baseline.image,
        follow_up.image,
        side="left",
        baseline_scale=scales[0],
        follow_up_scale=scales[1],
    )
    assert result
    assert result.change == half.change
    assert result.flags == half.flags
    np.testing.assert_array_equal(result.follow_up.labels, half.follow_up.labels)


def test_both_visits_cover_the_same_skin(half, phantom, follow_up):
    before, after = half.baseline, half.follow_up
    assert after.measurement.roi_area_mm2 == pytest.approx(
        before.measurement.roi_area_mm2, rel=0.05
    )
    assert half.registered_fraction > 0.9
    rows, cols = np.nonzero(before.roi)
    landed = np.rint(follow_up.transform_points(np.column_stack([cols, rows]).astype(float)))
    x, y = landed.astype(int).T
    assert after.roi[y, x].mean() > 0.98
    left = phantom.face.skin_mask("left")
    assert (before.roi & left).sum() > 0.95 * before.roi.sum()


def test_scars_lie_on_the_measured_skin(half):
    for visit in (half.baseline, half.follow_up):
        assert visit.labels.shape == visit.roi.shape
        assert not visit.labels[~visit.roi].any()
        assert visit.labels.max() == visit.measurement.scar_count > 10


def test_areas_and_change_are_near_the_truth(pair, baseline, follow_up):
    before, after = baseline.area_mm2, follow_up.truth.area_mm2
    # phantom scars are drawn in the picture, and so is their truth
    half = measure_side(pair, "left", StudyConfig(face=FaceConfig(surface="flat")))
    assert half
    assert half.baseline.measurement.area_mm2 == pytest.approx(before, rel=0.35)
    assert half.follow_up.measurement.area_mm2 == pytest.approx(after, rel=0.35)
    truth_pct = 100 * (after - before) / before
    assert truth_pct < -40
    # the method's blur keeps small scars from shrinking in full: the change is attenuated
    assert truth_pct - 10 < half.change.change_pct < 0.4 * truth_pct
    assert half.change.change_mm2 < 0
    assert abs(half.change.change_mm2 - (after - before)) < 1.96 * half.change.change_sd_mm2
    for visit, truth in ((half.baseline, before), (half.follow_up, after)):
        measured = visit.measurement
        assert abs(measured.area_mm2 - truth) < 1.96 * measured.area_sd_mm2


def test_the_change_is_that_of_the_visits(half):
    before, after = half.baseline.measurement, half.follow_up.measurement
    assert half.change.change_mm2 == pytest.approx(after.area_mm2 - before.area_mm2)
    assert half.change.change_fraction == pytest.approx(after.area_fraction - before.area_fraction)
    baseline_ids = {found.baseline_id for found in half.matches} - {None}
    follow_up_ids = {found.follow_up_id for found in half.matches} - {None}
    assert baseline_ids == set(range(1, before.scar_count + 1))
    assert follow_up_ids == set(range(1, after.scar_count + 1))


def test_most_scars_are_recognised(half):
    kept = [found for found in half.matches if found.baseline_id and found.follow_up_id]
    assert len(kept) > 0.6 * half.baseline.measurement.scar_count


def test_the_other_half_has_less(pair, half):
    other = measure_side(pair, "right", StudyConfig())
    assert other
    assert other.side == "right"
    assert not (other.baseline.roi & half.baseline.roi).any()
    assert other.baseline.measurement.area_fraction < 0.2 * half.baseline.measurement.area_fraction


def test_good_photographs_need_no_review(pair, half):
    assert set(half.flags) == {"coarse_pixels"}  # 0.8 mm at 0.3 mm/px
    assert half.residual_mm == pytest.approx(half.residual_px * half.baseline.scale.mm_per_px)
    assert half.residual_mm < 0.2
    config = StudyConfig(quality=QualityConfig(min_scar_diameter_px=2.0))
    relaxed = measure_side(pair, "left", config)
    assert "coarse_pixels" not in relaxed.flags
    assert relaxed.qc_status == "pass"


def test_nothing_changes_in_the_same_photograph(baseline):
    result = measure_half(baseline.image, baseline.image, side="left")
    assert result
    assert result.change.change_fraction == 0
    assert result.change.change_pct == 0
    np.testing.assert_array_equal(result.baseline.labels, result.follow_up.labels)
    assert {found.fate for found in result.matches} == {"persisted"}
    assert all(found.baseline_id == found.follow_up_id for found in result.matches)


def test_the_same_input_gives_the_same_output(pair, half):
    again = measure_side(pair, "left", StudyConfig())
    np.testing.assert_array_equal(again.baseline.labels, half.baseline.labels)
    np.testing.assert_array_equal(again.follow_up.roi, half.follow_up.roi)
    assert again.change == half.change
    assert again.matches == half.matches


def test_without_a_scale_there_are_fractions(baseline, follow_up, half):
    result = measure_half(baseline.image, follow_up.image, side="left")
    assert result
    for visit in (result.baseline, result.follow_up):
        assert visit.scale is None
        assert visit.measurement.area_mm2 is None
        assert {"no_scale", "nominal_detection_scale"} <= set(visit.flags)
    assert result.change.change_mm2 is None
    assert result.residual_mm is None
    assert result.residual_px > 0
    assert result.qc_status == "review"
    # the phantom's pupils are 63 mm apart, as the nominal scale takes them to be
    assert result.baseline.measurement.area_fraction == pytest.approx(
        half.baseline.measurement.area_fraction, rel=0.1
    )


def test_a_scale_at_one_visit_only_gives_no_change_in_mm2(baseline, follow_up, scales):
    result = measure_half(
        baseline.image,
        follow_up.image,
        side="left",
        baseline_scale=scales[0],
        config=StudyConfig.model_validate({"scale": {"prefer": ["manifest"]}}),
    )
    assert result.baseline.measurement.area_mm2 > 0
    assert result.follow_up.measurement.area_mm2 is None
    assert "no_scale" not in result.baseline.flags
    assert "no_scale" in result.flags
    assert result.change.change_mm2 is None
    assert result.change.change_pct < 0


def with_scales(pair, first, second):
    """The same aligned pair under other scales."""
    scales = tuple(PixelScale(value, 0.01, "api") for value in (first, second))
    return dataclasses.replace(pair, scales=scales, detection_mm_per_px=(first, second))


def test_a_scale_that_makes_giants_is_flagged(pair, scales):
    giant = with_scales(pair, *(1.5 * scale.mm_per_px for scale in scales))
    result = measure_side(giant, "left", StudyConfig())
    assert "scale_implausible" in result.flags
    assert "scales_disagree" not in result.flags
    assert result.qc_status == "review"


def test_scales_that_contradict_each_other_are_flagged(pair, scales):
    first, second = (scale.mm_per_px for scale in scales)
    result = measure_side(with_scales(pair, first, 1.12 * second), "left", StudyConfig())
    assert "scales_disagree" in result.flags
    assert "scale_implausible" not in result.flags


def test_a_bare_number_is_a_scale_with_the_configs_uncertainty(baseline):
    config = StudyConfig.model_validate({"scale": {"manifest_rel_sd": 0.05}})
    result = measure_half(
        baseline.image,
        baseline.image,
        side="left",
        baseline_scale=baseline.mm_per_px,
        follow_up_scale=baseline.mm_per_px,
        config=config,
    )
    assert result.baseline.scale == PixelScale(baseline.mm_per_px, 0.05, "api")
    with pytest.raises(ValueError, match="mm_per_px"):
        measure_half(baseline.image, baseline.image, side="left", baseline_scale=-1.0)


def test_an_upside_down_follow_up_changes_nothing(baseline, follow_up, scales, half):
    turned = np.ascontiguousarray(follow_up.image[::-1, ::-1])
    result = measure_half(
        baseline.image,
        turned,
        side="left",
        baseline_scale=scales[0],
        follow_up_scale=scales[1],
    )
    assert result
    assert result.follow_up.measurement.area_mm2 == pytest.approx(
        half.follow_up.measurement.area_mm2, rel=0.1
    )
    same = result.follow_up.roi[::-1, ::-1] & half.follow_up.roi
    assert same.sum() > 0.9 * half.follow_up.roi.sum()


def test_photographs_of_other_sizes_are_measured_in_their_own_pixels(
    baseline, follow_up, scales, half
):
    small = cv2.resize(follow_up.image, None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA)
    result = measure_half(
        baseline.image,
        small,
        side="left",
        baseline_scale=scales[0],
        follow_up_scale=scales[1].mm_per_px / 0.8,
    )
    assert result
    assert result.follow_up.labels.shape == small.shape[:2]
    assert "scales_disagree" not in result.flags
    assert result.follow_up.measurement.roi_area_mm2 == pytest.approx(
        half.follow_up.measurement.roi_area_mm2, rel=0.03
    )
    assert result.follow_up.measurement.area_mm2 == pytest.approx(
        half.follow_up.measurement.area_mm2, rel=0.25
    )


def test_16_bit_measures_the_same(baseline, follow_up, scales, half):
    deep = [image.astype(np.uint16) * 257 for image in (baseline.image, follow_up.image)]
    result = measure_half(*deep, side="left", baseline_scale=scales[0], follow_up_scale=scales[1])
    assert result.baseline.measurement.area_mm2 == pytest.approx(
        half.baseline.measurement.area_mm2, rel=1e-3
    )


@pytest.mark.parametrize("which", [0, 1])
def test_a_photograph_without_a_face_names_its_visit(baseline, which):
    images = [baseline.image, baseline.image]
    images[which] = np.zeros((300, 300, 3), np.uint8)
    result = measure_half(*images, side="left")
    assert isinstance(result, FailedHalf)
    assert not result
    assert result.reason_code == "face_not_found"
    assert result.visit == ("baseline", "month3")[which]


def test_a_mirrored_follow_up_fails_the_pair_not_a_visit(baseline, follow_up):
    mirrored = np.ascontiguousarray(follow_up.image[:, ::-1])
    result = measure_half(baseline.image, mirrored, side="left")
    assert not result
    assert isinstance(result, FailedHalf)
    assert result.reason_code in ("laterality_conflict", "registration_disagrees")
    assert result.visit == ""


def test_a_side_turned_away_names_the_visit(pair):
    faces = (pair.faces[0], dataclasses.replace(pair.faces[1], yaw_deg=40.0))
    turned = dataclasses.replace(pair, faces=faces)
    result = measure_side(turned, "right", StudyConfig())
    assert not result
    assert (result.reason_code, result.visit) == ("side_not_visible", "month3")
    visible = measure_side(turned, "left", StudyConfig())
    assert visible
    assert "pose_difference" in visible.flags


def test_wrong_arguments_are_errors(baseline):
    image = baseline.image
    with pytest.raises(ValueError, match="side"):
        measure_half(image, image, side="both")
    with pytest.raises(ValueError, match="RGB"):
        measure_half(image, image[..., 0], side="left")
    blank = np.zeros((200, 200, 3), np.uint8)
    with pytest.raises(ValueError, match="RGB"):
        measure_half(blank, image.astype(np.float32), side="left")


class _Spy:
    """Records the noise under which each visit is judged."""

    judged: list

    def __init__(self, config: SegmentationConfig) -> None:
        self._inner = ClassicalSegmenter(config)

    def respond(self, image, roi, *scales):
        return self._inner.respond(image, roi, *scales)

    def label(self, response, roi, noise, known=None):
        self.judged.append((response.noise, noise))
        return self._inner.label(response, roi, noise, known)


@pytest.fixture
def registry(monkeypatch):
    """A registry that forgets what a test adds."""
    from scarmetrics.segmentation import protocol

    monkeypatch.setattr(protocol, "_REGISTRY", dict(protocol._REGISTRY))


def test_both_visits_are_judged_under_the_same_noise(pair, registry):
    register_segmenter("spy", _Spy)
    config = StudyConfig(segmentation=SegmentationConfig(method="spy"))
    rng = np.random.default_rng(0)
    noisy = [
        np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
        for image in pair.images
    ]
    used = []
    for images in ((noisy[0], pair.images[1]), (pair.images[0], noisy[1])):
        _Spy.judged = []
        assert measure_side(dataclasses.replace(pair, images=images), "left", config)
        (first, common), (second, _) = _Spy.judged[:2]
        assert {noise for _, noise in _Spy.judged} == {common}
        assert min(first, second) < common < max(first, second)
        used.append(common)
    assert used[0] == pytest.approx(used[1], rel=0.1)


class _Square:
    """Finds the same square in the middle of any skin."""

    def __init__(self, config: SegmentationConfig) -> None:
        self._side_mm = config.max_diameter_mm

    def respond(self, image, roi, mm_per_px, coarsest_mm_per_px):
        depth = np.ones(roi.shape, np.float32)
        return Response(depth, roi, (0, 0), (1.0, 1.0), mm_per_px, 0.01)

    def label(self, response, roi, noise, known=None):
        rows, cols = np.nonzero(roi)
        y, x = int(np.median(rows)), int(np.median(cols))
        reach = round(self._side_mm / response.mm_per_px / 2)
        labels = np.zeros(roi.shape, np.int32)
        labels[y - reach : y + reach, x - reach : x + reach] = 1
        labels[~roi] = 0
        return ScarLabels(labels, np.ones(1), np.full(1, 0.5), noise)


def test_a_registered_segmenter_is_used_by_its_name(baseline, follow_up, scales, registry):
    register_segmenter("square", _Square)
    config = StudyConfig(
        segmentation=SegmentationConfig(method="square", max_diameter_mm=6.0),
    )
    result = measure_half(
        baseline.image,
        follow_up.image,
        side="left",
        baseline_scale=scales[0],
        follow_up_scale=scales[1],
        config=config,
    )
    assert result
    assert result.baseline.measurement.area_mm2 == pytest.approx(36, rel=0.1)
    assert [found.fate for found in result.matches] == ["persisted"]


def test_a_finer_photograph_is_not_looked_at_more_closely(baseline):
    image, scale = baseline.image, baseline.mm_per_px
    rows, cols = image.shape[:2]
    finer = cv2.resize(image, (2 * cols, 2 * rows), interpolation=cv2.INTER_CUBIC)
    half = measure_half(image, finer, side="left", baseline_scale=scale, follow_up_scale=scale / 2)
    assert abs(half.change.change_mm2) < half.change.change_sd_mm2

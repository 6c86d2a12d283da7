"""Area on the skin, its regions, and what could not be measured, through the whole pipeline."""

import numpy as np
import pytest

from scarmetrics.config import FaceConfig, QualityConfig, StudyConfig
from scarmetrics.face import REGIONS
from scarmetrics.phantom import recapture, render, scar_field
from scarmetrics.pipeline import align_pair, measure_side
from scarmetrics.units import PixelScale


@pytest.fixture(scope="module")
def pair(phantom):
    """A face with scars, photographed twice."""
    skin = phantom.face.skin_mask("left")
    scars = scar_field(skin, mm_per_px=phantom.mm_per_px, seed=2, area_fraction=0.03)
    first = render(phantom.image, scars, mm_per_px=phantom.mm_per_px)
    second = recapture(phantom.image, seed=3, mm_per_px=phantom.mm_per_px, scars=scars)
    scales = tuple(PixelScale(shot.mm_per_px, 0.01, "api") for shot in (first, second))
    aligned = align_pair(first.image, second.image, scales=scales, config=StudyConfig())
    assert aligned
    return aligned


@pytest.fixture(scope="module")
def half(pair):
    result = measure_side(pair, "left", StudyConfig())
    assert result
    return result


def test_area_is_on_the_skin_and_beside_it_that_in_the_picture(pair, half):
    flat = measure_side(pair, "left", StudyConfig(face=FaceConfig(surface="flat")))
    for visit, in_picture, face in zip(
        (half.baseline, half.follow_up), (flat.baseline, flat.follow_up), pair.faces, strict=True
    ):
        np.testing.assert_array_equal(visit.labels, in_picture.labels)
        measured, plain = visit.measurement, in_picture.measurement
        factor = face.surface_factor()[visit.labels > 0].mean()
        assert 1.02 < factor < 2  # a cheek from the front
        assert measured.projected_area_mm2 == pytest.approx(plain.area_mm2)
        assert plain.projected_area_mm2 == plain.area_mm2
        assert measured.area_mm2 == pytest.approx(factor * plain.area_mm2, rel=1e-4)
        both = np.hypot(plain.area_rel_sd, FaceConfig().surface_rel_sd)
        assert measured.area_rel_sd == pytest.approx(both)
        assert "flat_surface" in in_picture.flags
        assert "flat_surface" not in visit.flags


def test_regions_add_up_to_the_half(half):
    for visit in (half.baseline, half.follow_up):
        whole, parts = visit.measurement, visit.regions
        assert tuple(part.region for part in parts) == REGIONS
        assert sum(part.area_mm2 for part in parts) == pytest.approx(whole.area_mm2)
        assert sum(part.roi_area_mm2 for part in parts) == pytest.approx(whole.roi_area_mm2)
        assert sum(part.scar_count for part in parts) == whole.scar_count


def test_tilted_skin_is_left_out_and_its_share_told(pair, half):
    steep = measure_side(pair, "left", StudyConfig(face=FaceConfig(max_tilt_deg=30)))
    for visit, wide, face in zip(
        (steep.baseline, steep.follow_up), (half.baseline, half.follow_up), pair.faces, strict=True
    ):
        assert face.surface().within(30.5)[visit.roi].all()
        assert face.surface().within(60.5)[wide.roi].all()
        assert visit.quality.excluded["tilt"] > wide.quality.excluded["tilt"] + 0.1
        skin = face.skin_mask("left").sum()
        assert visit.roi.sum() <= (1 - sum(visit.quality.excluded.values())) * skin + 1
    config = StudyConfig(
        face=FaceConfig(max_tilt_deg=30), quality=QualityConfig(max_not_measurable=0.2)
    )
    assert "much_not_measurable" in measure_side(pair, "left", config).flags
    assert "much_not_measurable" not in half.flags


def test_stubble_is_suspected_above_the_configs_limit(pair, half):
    texture = half.baseline.quality.beard_texture
    assert 0.3 < texture < 1.5
    config = StudyConfig(quality=QualityConfig(max_beard_texture=0.9 * texture))
    assert "beard_suspected" in measure_side(pair, "left", config).baseline.flags
    assert "beard_suspected" not in half.flags

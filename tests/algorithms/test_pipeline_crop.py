"""A half is measured on a part of its photographs, and that changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from skimage.measure import perimeter_crofton

import scarmetrics as sm
from scarmetrics.config import FaceConfig
from scarmetrics.models import Side
from scarmetrics.opencv import cv2
from scarmetrics.pipeline import align_pair, crop, measure_side
from scarmetrics.pipeline.results import Pair

CONFIG = sm.StudyConfig()


@pytest.fixture(scope="module")
def pair(repository: Path) -> Pair:
    """The fixture's photographs, with surroundings, so that there is something to cut away."""
    folder = repository / "fixtures/images/exports/P01"
    shown = [
        np.pad(sm.decode_photograph(folder / f"{visit}_frontal.jpg").pixels,
               ((90, 60), (130, 40), (0, 0)), mode="reflect")
        for visit in ("baseline", "month3")
    ]  # fmt: skip
    scale = sm.PixelScale(0.18, 0.01, "manifest")
    pair = align_pair(shown[0], shown[1], scales=(scale, scale), config=CONFIG)
    assert isinstance(pair, Pair)
    return pair


def whole_box(
    face: sm.Face, side: Side, mm_per_px: float, binning: int
) -> tuple[int, int, int, int]:
    del side, mm_per_px, binning
    return (0, 0, face.shape[1], face.shape[0])


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_part_gives_what_the_whole_gives(
    pair: Pair, side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = crop.crop_to_side(pair, side)
    assert all(part.size < 0.8 * image.size
               for part, image in zip(cut.part.images, pair.images, strict=True))  # fmt: skip
    quick = measure_side(pair, side, CONFIG)
    monkeypatch.setattr(crop, "_box_around", whole_box)
    slow = measure_side(pair, side, CONFIG)
    assert isinstance(quick, sm.HalfResult)
    assert isinstance(slow, sm.HalfResult)
    for one, other in ((quick.baseline, slow.baseline), (quick.follow_up, slow.follow_up)):
        assert one.labels.shape == other.labels.shape
        assert np.mean(one.roi != other.roi) < 1e-4
        assert np.mean((one.labels > 0) != (other.labels > 0)) < 1e-4
        assert one.measurement.scar_count == other.measurement.scar_count
        assert one.measurement.area_mm2 == pytest.approx(other.measurement.area_mm2, rel=2e-3)
        assert one.measurement.roi_area_mm2 == pytest.approx(
            other.measurement.roi_area_mm2, rel=1e-3
        )
        for a, b in zip(one.measurement.scars, other.measurement.scars, strict=True):
            assert (a.x_px, a.y_px) == pytest.approx((b.x_px, b.y_px), abs=0.5)
        assert one.flags == other.flags
    assert [m.fate for m in quick.matches] == [m.fate for m in slow.matches]
    assert quick.registered_fraction == pytest.approx(slow.registered_fraction, abs=1e-3)
    assert quick.residual_px == pytest.approx(slow.residual_px, rel=1e-3)


def test_a_cropped_map_is_the_same_map(pair: Pair) -> None:
    first, second = (40, 50, 300, 400), (35, 45, 310, 420)
    part = pair.registration.cropped(first, second)
    points = np.array([[60.0, 70.0], [120.5, 200.25], [250.0, 333.0]])
    there = pair.registration.transform_points(points + first[:2]) - second[:2]
    np.testing.assert_allclose(part.transform_points(points), there, atol=1e-9)
    np.testing.assert_allclose(part.inverse_points(there), points, atol=0.05)
    window = np.s_[first[1] : first[3], first[0] : first[2]]
    np.testing.assert_allclose(part.residual_mm, pair.registration.residual_mm[window], atol=1e-4)


@pytest.mark.parametrize("distance_mm", [None, 400.0])
def test_a_cropped_face_keeps_its_surface_and_skin(pair: Pair, distance_mm: float | None) -> None:
    face = replace(pair.faces[0], config=FaceConfig(camera_distance_mm=distance_mm))
    box = (150, 120, 420, 500)
    part = face.cropped(box)
    window = np.s_[box[1] : box[3], box[0] : box[2]]
    np.testing.assert_allclose(part.surface_factor(), face.surface_factor()[window], atol=2e-3)
    assert np.array_equal(part.skin_mask("left"), face.skin_mask("left")[window])
    assert np.array_equal(part.regions("right"), face.regions("right")[window])
    points = np.array([[10.0, 20.0], [200.0, 300.0]])
    at = face.surface().factor_at(points + box[:2])
    np.testing.assert_allclose(part.surface().factor_at(points), at, rtol=1e-6)
    whole = face.surface_factor()
    nearest = whole[(points[:, 1] + box[1]).astype(int), (points[:, 0] + box[0]).astype(int)]
    np.testing.assert_allclose(at, nearest, rtol=5e-3)


def test_pixels_finer_than_scars_need_are_taken_together(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoom = 4
    folder = repository / "fixtures/images/exports/P01"
    shown = [
        cv2.resize(sm.decode_photograph(folder / f"{v}_frontal.jpg").pixels, None,
                   fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC)
        for v in ("baseline", "month3")
    ]  # fmt: skip
    scale = sm.PixelScale(0.18 / zoom, 0.01, "manifest")
    pair = align_pair(shown[0], shown[1], scales=(scale, scale), config=CONFIG)
    assert isinstance(pair, Pair)
    together = crop.crop_to_side(pair, "left")
    assert together.binnings == (2, 2)
    binned = measure_side(pair, "left", CONFIG)
    monkeypatch.setattr(crop, "_FINE_MM", 0.0)
    whole = measure_side(pair, "left", CONFIG)
    assert isinstance(binned, sm.HalfResult)
    assert isinstance(whole, sm.HalfResult)
    for one, other in ((binned.baseline, whole.baseline), (binned.follow_up, whole.follow_up)):
        assert one.labels.shape == other.labels.shape == shown[0].shape[:2]
        assert one.scale == other.scale == scale
        a, b = one.measurement, other.measurement
        assert a.scar_count == pytest.approx(b.scar_count, abs=2)
        assert a.area_mm2 == pytest.approx(b.area_mm2, rel=0.02)
        assert a.projected_area_mm2 == pytest.approx(b.projected_area_mm2, rel=0.02)
        assert a.roi_area_mm2 == pytest.approx(b.roi_area_mm2, rel=0.01)
        differ = (one.labels > 0) != (other.labels > 0)
        # on average the contour moves by no more than half of a pixel taken together
        assert differ.sum() <= together.binnings[0] / 2 * perimeter_crofton(other.labels > 0)
        # what the mask shows is what the table says
        assert (one.labels > 0).sum() == pytest.approx(sum(s.area_px for s in a.scars))
        assert (one.labels > 0).sum() * scale.mm_per_px**2 == pytest.approx(a.projected_area_mm2)
        for scar in a.scars:
            y, x = np.nonzero(one.labels == scar.scar_id)
            assert (scar.x_px, scar.y_px) == pytest.approx((x.mean(), y.mean()), abs=0.51)
    assert binned.residual_px == pytest.approx(whole.residual_px, rel=0.05)
    assert binned.registered_fraction == pytest.approx(whole.registered_fraction, abs=0.01)

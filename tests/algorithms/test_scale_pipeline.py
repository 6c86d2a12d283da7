"""Scales that photographs show, from one call and through a whole run."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest

import scarmetrics as sm
from scarmetrics.errors import REASONS
from scarmetrics.opencv import cv2
from scarmetrics.phantom import recapture, render, scar_field
from scarmetrics.phantom.prints import View, marker_print, place_print
from scarmetrics.scale.marker import predefined

SIZE_MM = 15.0
ON_CHEEK, BESIDE = (505.0, 520.0), (100.0, 200.0)


def config(**scale):
    scale = {"marker_size_mm": SIZE_MM, **scale}
    return sm.StudyConfig.model_validate(
        {"scale": scale, "segmentation": {"min_diameter_mm": 1.2}, "study_id": "test"}
    )


def with_marker(image, mm_per_px, *, place=BESIDE, number=3, size_mm=SIZE_MM, **view):
    rows, cols = image.shape[:2]
    axis = ((cols - 1) / 2, (rows - 1) / 2)
    thing = marker_print(size_mm, dictionary=predefined("aruco_4x4_50"), marker_id=number)
    return place_print(image, thing, View(place, mm_per_px, axis_px=axis, **view))


@pytest.fixture(scope="module")
def visits(phantom):
    """The same face at both visits, with scars on the left half."""
    skin = phantom.face.skin_mask("left")
    scars = scar_field(skin, mm_per_px=phantom.mm_per_px, seed=2, area_fraction=0.03)
    first = render(phantom.image, scars, mm_per_px=phantom.mm_per_px)
    second = recapture(phantom.image, seed=3, mm_per_px=phantom.mm_per_px, scars=scars)
    return first, second


@pytest.fixture(scope="module")
def marked(visits):
    """Both photographs with a tilted marker beside the face."""
    first, second = visits
    return (
        with_marker(first.image, first.mm_per_px, tilt_deg=30, azimuth_deg=20),
        with_marker(second.image, second.mm_per_px, tilt_deg=20, azimuth_deg=80),
    )


def measured(images, config, **scales):
    return sm.measure_half(*images, side="left", config=config, **scales)


def test_markers_give_each_visit_its_scale(visits, marked):
    half = measured(marked, config())
    assert half
    for visit, truth in zip((half.baseline, half.follow_up), visits, strict=True):
        assert visit.scale.source == "marker"
        assert visit.scale.mm_per_px == pytest.approx(truth.mm_per_px, rel=0.01)
        assert visit.scale.rel_sd > 0.03  # the skin's depth
        assert visit.measurement.area_mm2 > 0
    assert {"no_scale", "scales_conflict", "scale_source_failed"}.isdisjoint(half.flags)


def test_a_marker_nearer_than_stated_makes_a_face_that_people_do_not_have(marked):
    for stated_mm in (SIZE_MM / 4, SIZE_MM * 4):  # a face of 5 cm, one of 50 cm
        half = measured(marked, config(marker_size_mm=stated_mm))
        assert not half
        assert half.reason_code == "scale_implausible"
        assert "(marker)" in half.reason
        assert "marker" in half.remedy


def test_no_marker_at_the_follow_up_is_the_baselines_scale_carried_over(visits, marked):
    half = measured((marked[0], visits[1].image), config())
    assert half
    assert half.follow_up.scale.source == "follow_up"
    truth = visits[1].mm_per_px
    assert half.follow_up.scale.mm_per_px == pytest.approx(truth, rel=0.015)
    assert "scale_source_failed" in half.follow_up.flags
    assert "marker_not_found" in str(half.follow_up.scale_choice)


@pytest.mark.parametrize("missing", ["baseline", "month3"])
def test_no_marker_and_no_other_scale_stops_the_half(visits, marked, missing):
    images = [marked[0], marked[1]]
    index = 0 if missing == "baseline" else 1
    images[index] = visits[index].image
    half = measured(images, config(prefer=["marker"]))
    assert not half
    assert (half.reason_code, half.visit) == ("marker_not_found", missing)
    assert half.remedy == REASONS["marker_not_found"].remedy


def test_a_stated_scale_that_the_marker_contradicts_is_flagged_with_both(visits, marked):
    wrong = sm.PixelScale(1.2 * visits[0].mm_per_px, 0.02, "manifest")
    half = measured(marked, config(), baseline_scale=wrong)
    assert half.baseline.scale == wrong
    assert "scales_conflict" in half.baseline.flags
    assert "scales_conflict" not in half.follow_up.flags
    assert half.qc_status == "review"
    assert [one.source for one in half.baseline.scale_choice.found] == ["manifest", "marker"]


def test_a_callers_own_number_goes_first(visits, marked):
    half = measured(marked, config(prefer=["marker"]), baseline_scale=visits[0].mm_per_px)
    assert half.baseline.scale.source == "api"
    assert half.follow_up.scale.source == "marker"


def test_the_marker_itself_is_no_skin(visits):
    images = [with_marker(one.image, one.mm_per_px, place=ON_CHEEK, turn_deg=10) for one in visits]
    half = measured(images, config())
    assert half
    x, y = ON_CHEEK
    reach = int(0.5 * SIZE_MM / visits[0].mm_per_px)
    covered = np.s_[int(y) - reach : int(y) + reach, int(x) - reach : int(x) + reach]
    for visit in (half.baseline, half.follow_up):
        assert not visit.roi[covered].any()
        assert visit.quality.excluded["print"] > 0.005
    plain = measured([one.image for one in visits], config(marker_size_mm=None))
    assert plain.baseline.roi[covered].mean() > 0.5
    assert plain.baseline.quality.excluded["print"] == 0


def test_without_a_carried_scale_follow_up_stays_empty(visits):
    half = measured(
        [one.image for one in visits],
        config(marker_size_mm=None, prefer=["manifest"]),
        baseline_scale=visits[0].mm_per_px,
    )
    assert half.follow_up.measurement.area_mm2 is None
    assert "no_scale" in half.follow_up.flags


def test_irises_are_a_flagged_last_resort(visits):
    images = [one.image for one in visits]
    half = measured(images, config(marker_size_mm=None, prefer=["manifest", "iris"]))
    assert half.baseline.scale.source == "iris"
    assert half.baseline.scale.rel_sd > 0.08
    assert "iris_scale" in half.flags
    assert half.qc_status == "review"
    silent = measured(images, config(marker_size_mm=None))
    assert silent.baseline.scale is None
    assert "no_scale" in silent.flags


# --- a whole run


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def exports(repository, tmp_path):
    """The committed example without its scales, markers beside the face at both visits."""
    folder = tmp_path / "exports"
    shutil.copytree(repository / "fixtures/images/exports", folder)
    manifest = folder / "manifest.csv"
    lines = rows(manifest)
    for line in lines:
        path = folder / line["path"]
        image = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
        marked = with_marker(image, float(line["mm_per_px"]), place=(90.0, 160.0), tilt_deg=25)
        assert cv2.imwrite(str(path), marked[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
    kept = [name for name in lines[0] if not name.startswith("mm_per_px")]
    with manifest.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, kept, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    return folder


def test_a_run_measures_by_markers_and_says_so(repository, exports, tmp_path):
    summary = sm.Study(config()).run(exports, out=tmp_path / "out")
    stated = {row["visit"]: float(row["mm_per_px"])
              for row in rows(repository / "fixtures/images/exports/manifest.csv")}  # fmt: skip
    table = rows(tmp_path / "out" / "measurements.csv")
    assert len(table) == 4
    for row in table:
        assert row["mm_per_px_source"] == "marker"
        assert float(row["mm_per_px"]) == pytest.approx(stated[row["visit"]], rel=0.01)
        assert row["scales_found"].startswith(f"marker {row['mm_per_px']} rel_sd ")
        assert float(row["area_mm2"]) > 0
    assert not summary.failures


def test_a_run_names_the_photograph_whose_marker_is_missing(repository, exports, tmp_path):
    plain = repository / "fixtures/images/exports/P01/month3_frontal.jpg"
    shutil.copy(plain, exports / "P01/month3_frontal.jpg")
    study = sm.Study(config(prefer=["manifest", "marker"]))
    summary = study.run(exports, out=tmp_path / "out")
    failures = rows(tmp_path / "out" / "failures.csv")
    assert [row["side"] for row in failures] == ["left", "right"]
    for row in failures:
        assert row["reason_code"] == "marker_not_found"
        assert row["visit"] == "month3"
        assert row["path_relative"] == "P01/month3_frontal.jpg"
        assert row["remedy"] == REASONS["marker_not_found"].remedy
    assert not summary.measurements

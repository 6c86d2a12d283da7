import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage
from scipy.ndimage import distance_transform_edt

from scarmetrics.errors import UsageError
from scarmetrics.face import detect_face
from scarmetrics.phantom import (
    astronaut_face,
    make_demo_study,
    recapture,
    render,
    scar_field,
)
from scarmetrics.phantom.fixtures import write_fixtures

COMMITTED = Path(__file__).parents[2] / "fixtures" / "images"
SMALL = {"n_subjects": 2, "mm_per_px": 0.36}


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def hashes(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def pixels_of(path):
    with PillowImage.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_demo_study(tmp_path_factory.mktemp("study"), seed=5, **SMALL)


def test_exports_hold_only_what_a_device_exports(study):
    files = {path.relative_to(study.exports).as_posix() for path in study.exports.rglob("*.*")}
    photographs = {
        f"{subject}/{visit}_frontal.jpg"
        for subject in study.subjects
        for visit in ("baseline", "month3")
    }
    assert files == photographs | {"manifest.csv"}
    assert study.exports not in study.truth.parents


def test_manifest(study):
    rows = rows_of(study.exports / "manifest.csv")
    assert list(rows[0]) == [
        "subject_id",
        "visit",
        "view",
        "path",
        "captured_on",
        "mm_per_px",
        "mm_per_px_rel_sd",
    ]
    assert len(rows) == 4
    for row in rows:
        found = detect_face(pixels_of(study.exports / row["path"]))
        assert found.interpupillary_px * float(row["mm_per_px"]) == pytest.approx(63, rel=0.04)


def test_truth_balances_sides_and_treats_one_half(study):
    rows = rows_of(study.truth)
    assert len(rows) == 8
    treated = {(row["subject_id"], row["side"]) for row in rows if row["treatment"] == "adsc_cm"}
    assert {subject for subject, _ in treated} == set(study.subjects)
    assert sorted(side for _, side in treated) == ["left", "right"]
    assert len({(row["subject_id"], row["procedure"]) for row in rows}) == len(study.subjects)


def test_treated_halves_shrink_more(study):
    area = {
        (row["subject_id"], row["treatment"], row["visit"]): float(row["true_area_mm2"])
        for row in rows_of(study.truth)
    }
    for subject in study.subjects:
        left = {
            treatment: area[subject, treatment, "month3"] / area[subject, treatment, "baseline"]
            for treatment in ("adsc_cm", "saline")
        }
        assert 0.3 < left["adsc_cm"] < left["saline"] < 1


def test_scars_lie_well_inside_the_skin_that_is_found_at_both_visits():
    face = astronaut_face(11, 0.36)
    left = face.face.skin_mask("left")
    scars = scar_field(left, mm_per_px=face.mm_per_px, seed=1, area_fraction=0.04)
    visits = [
        render(face.image, scars, mm_per_px=face.mm_per_px),
        recapture(face.image, seed=2, mm_per_px=face.mm_per_px, scars=scars).truth,
    ]
    for visit in visits:
        found = detect_face(visit.image).skin_mask("left")
        room_mm = distance_transform_edt(found) * visit.mm_per_px
        assert room_mm[visit.labels > 0].min() > 2.0


def test_the_same_arguments_write_the_same_bytes(study, tmp_path):
    done = []
    again = make_demo_study(
        tmp_path, seed=5, progress=lambda now, of: done.append((now, of)), **SMALL
    )
    assert hashes(tmp_path) == hashes(study.truth.parent)
    assert done == [(1, 2), (2, 2)]
    assert again.subjects == study.subjects == ("P01", "P02")


def test_both_procedures_occur_in_the_usual_size(tmp_path):
    study = make_demo_study(tmp_path, n_subjects=3, mm_per_px=0.7)
    procedures = {row["procedure"] for row in rows_of(study.truth)}
    assert procedures == {"co2_laser", "microneedling"}


@pytest.mark.parametrize("n_subjects", [0, 100])
def test_impossible_number_of_subjects(tmp_path, n_subjects):
    with pytest.raises(UsageError, match="n_subjects"):
        make_demo_study(tmp_path, n_subjects=n_subjects)


def test_committed_fixtures_can_be_made_again(tmp_path):
    made = write_fixtures(tmp_path)
    for name in ("baseline", "month3"):
        path = f"exports/P01/{name}_frontal.jpg"
        old, new = pixels_of(COMMITTED / path), pixels_of(tmp_path / path)
        assert old.shape == new.shape
        # other versions of the libraries may round differently here and there
        off = np.abs(old.astype(int) - new.astype(int))
        assert np.mean(off > 2) < 0.005
    assert (COMMITTED / "exports/manifest.csv").read_text(encoding="utf-8") == (
        made.exports / "manifest.csv"
    ).read_text(encoding="utf-8")
    for old, new in zip(rows_of(COMMITTED / "truth.csv"), rows_of(made.truth), strict=True):
        area = float(new.pop("true_area_mm2"))
        assert float(old.pop("true_area_mm2")) == pytest.approx(area, rel=1e-3)
        assert old == new


def test_fixtures_are_small():
    assert sum(path.stat().st_size for path in COMMITTED.rglob("*") if path.is_file()) < 1_500_000

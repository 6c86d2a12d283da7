"""What a run refuses, keeps, and reports when something is wrong around it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from small_study import killed_before_its_end

import scarmetrics as sm
from scarmetrics.errors import ExitCode, ManifestError, UsageError
from scarmetrics.runner import worker

SMALL = {"segmentation": {"min_diameter_mm": 1.2}, "study_id": "test"}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def study(**config: object) -> sm.Study:
    return sm.Study(sm.StudyConfig.model_validate({**SMALL, **config}))


@pytest.fixture
def exports(repository: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(repository / "fixtures/images/exports", tmp_path / "exports"))


def edit_manifest(exports: Path, old: str, new: str) -> None:
    manifest = exports / "manifest.csv"
    text = manifest.read_text(encoding="utf-8")
    assert old in text
    manifest.write_text(text.replace(old, new), encoding="utf-8")


def test_the_same_file_at_both_visits_is_not_measured(exports: Path, tmp_path: Path) -> None:
    shutil.copy(exports / "P01/baseline_frontal.jpg", exports / "P01/month3_frontal.jpg")
    summary = study().run(exports, out=tmp_path / "out")
    assert summary.exit_code == ExitCode.NOTHING_MEASURED
    assert {f.reason_code for f in summary.failures} == {"same_photograph"}


def test_a_photograph_of_two_subjects_is_flagged(exports: Path, tmp_path: Path) -> None:
    shutil.copytree(exports / "P01", exports / "P02")
    lines = (exports / "manifest.csv").read_text(encoding="utf-8").splitlines()
    lines += [line.replace("P01", "P02") for line in lines[1:]]
    (exports / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    study().run(exports, out=tmp_path / "out")
    for name in ("measurements", "changes"):
        rows = read(tmp_path / f"out/{name}.csv")
        assert rows
        for row in rows:
            assert "shared_photograph" in row["qc_flags"].split(";")
            assert row["qc_status"] == "review"


@pytest.mark.parametrize(
    ("mm_per_px", "reason"), [(2.9, "scale_implausible"), (0.029, "scale_implausible")]
)
def test_a_grossly_wrong_scale_is_a_failure_and_not_a_face_without_scars(
    exports: Path, tmp_path: Path, mm_per_px: float, reason: str
) -> None:
    edit_manifest(exports, "0.290774", str(mm_per_px))
    summary = study().run(exports, out=tmp_path / "out")
    assert summary.halves_measured == 0
    assert {(f.reason_code, f.visit, f.path_relative) for f in summary.failures} == {
        (reason, "month3", "P01/month3_frontal.jpg")
    }


def test_pixels_too_coarse_for_the_scars_asked_for_are_a_failure(
    exports: Path, tmp_path: Path
) -> None:
    summary = study(segmentation={"min_diameter_mm": 0.4}).run(exports, out=tmp_path / "out")
    assert {f.reason_code for f in summary.failures} == {"pixels_too_coarse"}


def test_a_view_that_the_head_contradicts_is_flagged(exports: Path, tmp_path: Path) -> None:
    edit_manifest(exports, "frontal,", "left,")
    summary = study().run(exports, out=tmp_path / "out")
    (row,) = summary.changes
    assert row["side"] == "left"
    assert "view_contradicted" in row["qc_flags"].split(";")


def test_pictures_that_cannot_be_written_cost_the_half(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = worker._write_png

    def full(path: Path, pixels: object) -> None:
        if path.name == "P01_left.png":
            raise OSError(28, "No space left on device")
        original(path, pixels)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "_write_png", full)
    summary = study().run(exports, out=tmp_path / "out")
    assert [row["side"] for row in summary.changes] == ["right"]
    (failure,) = summary.failures
    assert failure.reason_code == "output_unwritable"
    assert "No space left" in failure.reason
    assert not list((tmp_path / "out").glob("*/P01_left*"))  # no picture without a row


def test_a_manifest_error_leaves_earlier_results_alone(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    edit_manifest(exports, "0.290774", "nan")
    with pytest.raises(ManifestError):
        study().run(exports, out=out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_a_run_that_died_does_not_block_its_folder(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for folder in ("masks", "rois", "overlays"):
        (out / folder).mkdir(parents=True)
    (out / "masks/P01_left_baseline.png").write_bytes(b"half written")
    (out / "run.json").write_text(
        json.dumps({"tool": "scarmetrics", "state": "running"}), encoding="utf-8"
    )
    summary = study().run(exports, out=out)
    assert summary.exit_code == ExitCode.OK
    assert (out / "masks/P01_left_baseline.png").read_bytes()[:4] == b"\x89PNG"


def test_a_rerun_accounts_for_all_pictures_of_a_run_that_died(
    exports: Path, tmp_path: Path
) -> None:
    shutil.copytree(exports / "P01", exports / "P02")
    first = exports / "manifest.csv"
    lines = first.read_text(encoding="utf-8").splitlines()
    more = [line.replace("P01", "P02") for line in lines[1:]]
    first.write_text("\n".join([*lines, *more]) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    with killed_before_its_end():
        study().run(exports, out=out)
    assert list(out.glob("overlays/P02*"))
    first.write_text("\n".join(lines) + "\n", encoding="utf-8")
    study().run(exports, out=out)
    assert list(out.glob("overlays/P01*"))
    assert not list(out.glob("*/P02*"))


def test_files_of_others_in_the_result_folders_stay(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    (out / "masks/mine.png").write_bytes(b"mine")
    study().run(exports, out=out)
    assert (out / "masks/mine.png").read_bytes() == b"mine"


def test_run_json_cannot_be_used_to_remove_other_files(exports: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "precious.txt").write_text("stays", encoding="utf-8")
    (out / "run.json").write_text(
        json.dumps({"tool": "scarmetrics", "outputs": {"../precious.txt": "x"}}), encoding="utf-8"
    )
    study().run(exports, out=out)
    assert (tmp_path / "precious.txt").read_text(encoding="utf-8") == "stays"


def test_results_of_an_earlier_run_are_replaced_and_nothing_else(
    exports: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    study().run(exports, out=out)
    (out / "review.csv").write_text("kept\n", encoding="utf-8")
    (exports / "P01").rename(exports / "P09")
    manifest = exports / "manifest.csv"
    manifest.write_text(
        manifest.read_text(encoding="utf-8").replace("P01", "P09"), encoding="utf-8"
    )
    study().run(exports, out=out)
    assert (out / "review.csv").read_text(encoding="utf-8") == "kept\n"
    assert not list(out.glob("*/P01*"))
    assert {row["subject_id"] for row in read(out / "changes.csv")} == {"P09"}


def test_output_folders_that_cannot_be_used_are_refused(exports: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="inside one another"):
        study().run(exports, out=exports / "out")
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.docx").write_bytes(b"years of work")
    with pytest.raises(UsageError, match="holds other files"):
        study().run(exports, out=foreign)
    assert (foreign / "thesis.docx").read_bytes() == b"years of work"
    with pytest.raises(UsageError, match="is a file"):
        study().run(exports, out=foreign / "thesis.docx")
    with pytest.raises(UsageError, match="workers"):
        study().run(exports, out=tmp_path / "out", workers=0)

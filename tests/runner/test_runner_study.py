"""A whole run: outputs of the contract, determinism, isolation, refusals."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from skimage.io import imread

import scarmetrics as sm
from scarmetrics.errors import ExitCode, ManifestError
from scarmetrics.face import REGIONS
from scarmetrics.face.measurable import CAUSES
from scarmetrics.overlay import view_names
from scarmetrics.runner import Progress, pool
from scarmetrics.viewfile import HalfView

CONTRACT = {
    "measurements": (
        "study_id subject_id side visit area_mm2 area_sd_mm2 projected_area_mm2 roi_area_mm2 "
        "area_fraction scar_count mm_per_px mm_per_px_source mm_per_px_rel_sd qc_status qc_flags "
        "image_sha256"
    ),
    "changes": (
        "subject_id side area_baseline_mm2 area_month3_mm2 change_mm2 change_sd_mm2 change_pct "
        "change_fraction registration_residual_mm registered_fraction qc_status qc_flags"
    ),
    "scars": (
        "subject_id side visit scar_id matched_scar_id fate x_px y_px area_mm2 "
        "equivalent_diameter_mm contrast"
    ),
    "regions": (
        "study_id subject_id side visit region roi_area_mm2 area_mm2 area_fraction scar_count"
    ),
    "failures": "subject_id side visit path_relative reason_code reason remedy",
}
SMALL = {"segmentation": {"min_diameter_mm": 1.2}, "study_id": "test"}


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def study() -> sm.Study:
    return sm.Study(sm.StudyConfig.model_validate(SMALL))


@pytest.fixture
def exports(repository: Path, tmp_path: Path) -> Path:
    """A fresh copy of the committed example: one subject, both visits, both halves."""
    return Path(shutil.copytree(repository / "fixtures/images/exports", tmp_path / "exports"))


@pytest.fixture(scope="module")
def finished(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, sm.RunSummary]:
    out = tmp_path_factory.mktemp("run") / "out"
    return out, study().run(repository / "fixtures/images/exports", out=out)


def add_subject(exports: Path, subject: str) -> None:
    """Another subject with copies of the first one's photographs."""
    shutil.copytree(exports / "P01", exports / subject)
    manifest = exports / "manifest.csv"
    lines = manifest.read_text(encoding="utf-8").splitlines()
    lines += [line.replace("P01", subject) for line in lines if line.startswith("P01")]
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")


def contents(out: Path) -> dict[str, bytes]:
    """Bytes of every table and picture."""
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in ("run.json", "run.log", "audit.jsonl")
    }


def test_every_output_of_the_contract_is_there(finished: tuple[Path, sm.RunSummary]) -> None:
    out, summary = finished
    assert summary.exit_code == ExitCode.OK
    for name, columns in CONTRACT.items():
        with (out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file))
        assert set(columns.split()) <= set(header), name
        as_parquet = pd.read_parquet(out / f"{name}.parquet")
        assert list(as_parquet.columns) == header
        assert len(as_parquet) == len(read(out / f"{name}.csv"))
    for side in ("left", "right"):
        assert (out / f"overlays/P01_{side}.png").is_file()
        for visit in ("baseline", "month3"):
            for kind in ("masks", "rois", "overlays"):
                assert (out / f"{kind}/P01_{side}_{visit}.png").is_file()


@pytest.mark.parametrize("side", ["left", "right"])
def test_each_half_has_a_view_that_run_json_accounts_for(
    finished: tuple[Path, sm.RunSummary], side: str
) -> None:
    out, _ = finished
    names = view_names("P01", side)
    hashes = json.loads((out / "run.json").read_text(encoding="utf-8"))["outputs"]
    for name in names.values():
        assert hashes[name] == hashlib.sha256((out / name).read_bytes()).hexdigest()
    view = HalfView.model_validate_json((out / names["data"]).read_bytes())
    assert (view.subject_id, view.side, view.eyes_hidden) == ("P01", side, True)
    scars = read(out / "scars.csv")
    for which, visit in (("baseline", "baseline"), ("follow_up", "month3")):
        picture = imread(out / getattr(view, f"{which}_picture"))
        assert picture.shape == (view.height_px, view.width_px, 3)
        rows = [row for row in scars if (row["side"], row["visit"]) == (side, visit)]
        shown = [(scar.scar_id, scar.fate) for scar in view.scars if scar.visit == which]
        assert shown == [(int(row["scar_id"]), row["fate"]) for row in rows]
    for picture in (view.residual_picture, view.thumbnail):
        assert (out / picture).is_file()


def test_tables_agree_with_the_masks(
    finished: tuple[Path, sm.RunSummary], repository: Path
) -> None:
    out, _ = finished
    photograph = imread(repository / "fixtures/images/exports/P01/baseline_frontal.jpg")
    scars = read(out / "scars.csv")
    for row in read(out / "measurements.csv"):
        stem = f"{row['subject_id']}_{row['side']}_{row['visit']}.png"
        labels, roi = imread(out / "masks" / stem), imread(out / "rois" / stem)
        assert labels.dtype == np.uint16
        assert labels.shape == roi.shape == photograph.shape[:2]
        assert set(np.unique(roi)) == {0, 255}
        assert not labels[roi == 0].any()
        mm2 = float(row["mm_per_px"]) ** 2
        assert float(row["projected_area_mm2"]) == pytest.approx((labels > 0).sum() * mm2)
        assert 1 < float(row["area_mm2"]) / float(row["projected_area_mm2"]) < 2
        assert 1 < float(row["roi_area_mm2"]) / ((roi > 0).sum() * mm2) < 2
        assert int(row["scar_count"]) == labels.max()
        own = [s for s in scars if (s["side"], s["visit"]) == (row["side"], row["visit"])]
        assert [int(s["scar_id"]) for s in own] == list(range(1, labels.max() + 1))
        assert sum(float(s["area_mm2"]) for s in own) == pytest.approx(float(row["area_mm2"]))


def test_regions_add_up_to_the_measurements(finished: tuple[Path, sm.RunSummary]) -> None:
    regions = read(finished[0] / "regions.csv")
    rows = read(finished[0] / "measurements.csv")
    assert len(regions) == len(REGIONS) * len(rows) > 0
    for row in rows:
        own = [r for r in regions if (r["side"], r["visit"]) == (row["side"], row["visit"])]
        assert [r["region"] for r in own] == list(REGIONS)
        for column in ("area_mm2", "roi_area_mm2", "scar_count"):
            assert sum(float(r[column]) for r in own) == pytest.approx(float(row[column]))
        for part in own:
            if part["area_fraction"]:
                ratio = float(part["area_mm2"]) / float(part["roi_area_mm2"])
                assert float(part["area_fraction"]) == pytest.approx(ratio)


def test_what_was_not_measurable_is_told_by_cause(finished: tuple[Path, sm.RunSummary]) -> None:
    for row in read(finished[0] / "measurements.csv"):
        shares = [float(row[f"{cause}_fraction"]) for cause in CAUSES]
        assert all(0 <= share < 0.5 for share in shares)
        assert sum(shares) == pytest.approx(float(row["not_measurable_fraction"]))
        assert 0 < float(row["tilt_fraction"]) < 0.3


def test_changes_are_the_difference_of_the_measurements(
    finished: tuple[Path, sm.RunSummary],
) -> None:
    out, _ = finished
    measured = {
        (r["side"], r["visit"]): float(r["area_mm2"]) for r in read(out / "measurements.csv")
    }
    for row in read(out / "changes.csv"):
        before, after = measured[row["side"], "baseline"], measured[row["side"], "month3"]
        assert float(row["change_mm2"]) == pytest.approx(after - before)
        assert float(row["change_pct"]) == pytest.approx(100 * (after - before) / before)
        assert float(row["change_sd_mm2"]) > 0
        assert 0 < float(row["registered_fraction"]) <= 1


def test_matches_point_at_each_other(finished: tuple[Path, sm.RunSummary]) -> None:
    rows = read(finished[0] / "scars.csv")
    index = {(r["side"], r["visit"], r["scar_id"]): r for r in rows}
    other = {"baseline": "month3", "month3": "baseline"}
    for row in rows:
        if row["fate"] in ("healed", "new"):
            assert row["matched_scar_id"] == ""
            assert row["visit"] == ("baseline" if row["fate"] == "healed" else "month3")
        else:
            partner = index[row["side"], other[row["visit"]], row["matched_scar_id"]]
            assert partner["fate"] == row["fate"]
            assert partner["matched_scar_id"]  # of pieces, the partner's own is the largest


def test_scars_that_shrank_are_seen_to_shrink(
    finished: tuple[Path, sm.RunSummary], repository: Path
) -> None:
    truth: dict[str, dict[str, float]] = {}
    for row in read(repository / "fixtures/images/truth.csv"):
        truth.setdefault(row["side"], {})[row["visit"]] = float(row["true_area_mm2"])
    change = {row["side"]: row["change_pct"] for row in finished[1].changes}
    for side, area in truth.items():
        assert area["month3"] < area["baseline"]
        assert change[side] < 0
    # the side that shrank more is the one that is measured to shrink more
    true_change = {side: area["month3"] / area["baseline"] for side, area in truth.items()}
    assert min(true_change, key=true_change.__getitem__) == min(change, key=change.__getitem__)


def test_run_json_tells_what_was_done_and_nothing_about_the_machine(
    finished: tuple[Path, sm.RunSummary],
) -> None:
    out, _ = finished
    text = (out / "run.json").read_text(encoding="utf-8")
    run = json.loads(text)
    assert run["version"] == sm.__version__
    assert run["counts"]["halves_measured"] == 2
    assert sm.StudyConfig.model_validate(run["config"]).study_id == "test"
    assert yaml.safe_load((out / "config.yaml").read_text(encoding="utf-8")) == run["config"]
    assert set(run["inputs"]) == {"P01/baseline_frontal.jpg", "P01/month3_frontal.jpg"}
    assert "measurements.csv" in run["outputs"]
    assert "masks/P01_left_baseline.png" in run["outputs"]
    for path in out.rglob("*"):
        if path.suffix in (".csv", ".json", ".yaml"):
            written = path.read_text(encoding="utf-8")
            assert str(out.parent) not in written
            assert os.uname().nodename not in written.split()


def test_the_same_input_gives_the_same_bytes_with_one_and_two_workers(
    exports: Path, tmp_path: Path
) -> None:
    add_subject(exports, "P02")
    one, two = tmp_path / "one", tmp_path / "two"
    study().run(exports, out=one, workers=1)
    summary = study().run(exports, out=two, workers=2)
    assert summary.halves_measured == 4
    assert contents(one) == contents(two)


def test_a_bad_photograph_costs_its_own_halves_only(exports: Path, tmp_path: Path) -> None:
    add_subject(exports, "P02")
    damaged = exports / "P02/month3_frontal.jpg"
    damaged.write_bytes(damaged.read_bytes()[:20000])
    seen: list[tuple[int, int]] = []
    summary = study().run(
        exports, out=tmp_path / "out", progress=lambda step: seen.append((step.done, step.failed))
    )
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert {row["subject_id"] for row in summary.changes} == {"P01"}
    failures = read(tmp_path / "out/failures.csv")
    assert [(f["subject_id"], f["side"], f["visit"]) for f in failures] == [
        ("P02", "left", "month3"),
        ("P02", "right", "month3"),
    ]
    for failure in failures:
        assert failure["reason_code"] == "image_corrupt"
        assert failure["path_relative"] == "P02/month3_frontal.jpg"
        assert failure["remedy"]
    assert seen == [(0, 0), (2, 0), (4, 2)]


def test_an_unexpected_error_costs_one_half(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scarmetrics.runner import worker

    original = worker.measure_side

    def fails_on_the_left(pair: object, side: str, config: object) -> object:
        if side == "left":
            raise RuntimeError("/secret/place")
        return original(pair, side, config)  # type: ignore[arg-type]

    monkeypatch.setattr(worker, "measure_side", fails_on_the_left)
    summary = study().run(exports, out=tmp_path / "out")
    assert [row["side"] for row in summary.changes] == ["right"]
    (failure,) = summary.failures
    assert (failure.reason_code, failure.side) == ("internal_error", "left")
    assert "RuntimeError" in failure.reason
    assert "/secret" not in failure.reason


def die_on_p02(job: object, config: object, out: object) -> object:
    """Stands in for run_job in a worker process; must be importable there."""
    from scarmetrics.runner.worker import run_job

    if job.subject_id == "P02":  # type: ignore[attr-defined]
        os._exit(1)
    return run_job(job, config, out)  # type: ignore[arg-type]


def test_a_dead_process_costs_its_job_only(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_subject(exports, "P02")
    add_subject(exports, "P03")
    monkeypatch.setattr(pool, "run_job", die_on_p02)
    summary = study().run(exports, out=tmp_path / "out", workers=2)
    assert {row["subject_id"] for row in summary.changes} == {"P01", "P03"}
    assert {(f.subject_id, f.reason_code) for f in summary.failures} == {("P02", "worker_crashed")}
    assert summary.exit_code == ExitCode.SOME_FAILED


def test_an_interrupted_run_keeps_what_is_finished(exports: Path, tmp_path: Path) -> None:
    add_subject(exports, "P02")

    def stop_after_the_first(step: Progress) -> None:
        if step.done:
            raise KeyboardInterrupt

    summary = study().run(exports, out=tmp_path / "out", progress=stop_after_the_first)
    assert summary.exit_code == ExitCode.INTERRUPTED
    assert {row["subject_id"] for row in read(tmp_path / "out/changes.csv")} == {"P01"}
    run = json.loads((tmp_path / "out/run.json").read_text(encoding="utf-8"))
    assert run["state"] == "interrupted"
    assert run["counts"]["halves_not_tried"] == 2
    assert not list((tmp_path / "out").glob("*/P02*"))


def test_without_a_scale_mm2_stay_empty_and_are_flagged(exports: Path, tmp_path: Path) -> None:
    manifest = exports / "manifest.csv"
    manifest.write_text(
        "subject_id,visit,view,path\n"
        "P01,baseline,frontal,P01/baseline_frontal.jpg\n"
        "P01,month3,frontal,P01/month3_frontal.jpg\n",
        encoding="utf-8",
    )
    summary = study().run(exports, out=tmp_path / "out")
    assert summary.exit_code == ExitCode.OK
    for row in read(tmp_path / "out/measurements.csv"):
        for column in ("area_mm2", "area_sd_mm2", "projected_area_mm2", "roi_area_mm2",
                       "mm_per_px", "mm_per_px_source", "mm_per_px_rel_sd"):  # fmt: skip
            assert row[column] == ""
        assert float(row["area_fraction"]) > 0
        assert "no_scale" in row["qc_flags"].split(";")
        assert row["qc_status"] == "review"
    for row in read(tmp_path / "out/changes.csv"):
        assert row["change_mm2"] == ""
        assert float(row["change_fraction"]) < 0
    for row in read(tmp_path / "out/regions.csv"):
        assert row["area_mm2"] == row["roi_area_mm2"] == ""
    for row in read(tmp_path / "out/scars.csv"):
        assert row["area_mm2"] == ""
        assert float(row["area_px"]) > 0


def test_the_device_scale_serves_where_the_manifest_has_none(exports: Path, tmp_path: Path) -> None:
    lines = (exports / "manifest.csv").read_text(encoding="utf-8").splitlines()
    bare = [",".join(line.split(",")[:4]) for line in lines]
    (exports / "manifest.csv").write_text("\n".join(bare) + "\n", encoding="utf-8")
    config = sm.StudyConfig.model_validate({**SMALL, "scale": {"device_mm_per_px": 0.29}})
    summary = sm.Study(config).run(exports, out=tmp_path / "out")
    assert {row["mm_per_px_source"] for row in summary.measurements} == {"device"}
    assert {row["mm_per_px"] for row in summary.measurements} == {0.29}


def test_a_wrong_manifest_stops_before_any_photograph_is_read(
    exports: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scarmetrics.runner.worker.decode_photograph", None)
    manifest = exports / "manifest.csv"
    text = manifest.read_text(encoding="utf-8").replace("0.290774", "nan")
    manifest.write_text(text, encoding="utf-8")
    with pytest.raises(ManifestError, match="line 3, column mm_per_px"):
        study().run(exports, out=tmp_path / "out")
    (failure,) = read(tmp_path / "out/failures.csv")
    assert (failure["subject_id"], failure["visit"]) == ("P01", "month3")
    assert failure["remedy"]
    assert read(tmp_path / "out/measurements.csv") == []


def test_nothing_measured_has_its_own_exit_code(exports: Path, tmp_path: Path) -> None:
    for photograph in exports.glob("P01/*.jpg"):
        photograph.write_bytes(b"")
    summary = study().run(exports, out=tmp_path / "out")
    assert summary.exit_code == ExitCode.NOTHING_MEASURED
    assert {f.reason_code for f in summary.failures} == {"file_empty"}
    assert len(summary.failures) == 2

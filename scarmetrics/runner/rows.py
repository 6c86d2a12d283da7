"""Results as rows of the tables, and the tables as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from scarmetrics.cellguard import guarded_frame
from scarmetrics.flags import join_flags, qc_status
from scarmetrics.models import FailureRecord
from scarmetrics.provenance import atomic_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scarmetrics.measure import ScarMatch, ScarMeasurement
    from scarmetrics.models import Side
    from scarmetrics.pipeline import HalfResult
    from scarmetrics.runner.jobs import PairJob, Row

_TEXT, _NUMBER, _COUNT = "string", "Float64", "Int64"  # pandas types that know "missing"

MEASUREMENTS = {
    "study_id": _TEXT,
    "subject_id": _TEXT,
    "side": _TEXT,
    "visit": _TEXT,
    "area_mm2": _NUMBER,
    "area_sd_mm2": _NUMBER,
    "projected_area_mm2": _NUMBER,
    "roi_area_mm2": _NUMBER,
    "area_fraction": _NUMBER,
    "scar_count": _COUNT,
    "yaw_deg": _NUMBER,
    "pitch_deg": _NUMBER,
    "blur_mm": _NUMBER,
    "exposure": _NUMBER,
    "clipped_fraction": _NUMBER,
    "not_measurable_fraction": _NUMBER,
    "print_fraction": _NUMBER,
    "glasses_fraction": _NUMBER,
    "tilt_fraction": _NUMBER,
    "shadow_fraction": _NUMBER,
    "highlight_fraction": _NUMBER,
    "hair_fraction": _NUMBER,
    "beard_fraction": _NUMBER,
    "beard_texture": _NUMBER,
    "glasses_score": _NUMBER,
    "mm_per_px": _NUMBER,
    "mm_per_px_source": _TEXT,
    "mm_per_px_rel_sd": _NUMBER,
    "scales_found": _TEXT,
    "qc_status": _TEXT,
    "qc_flags": _TEXT,
    "captured_on": _TEXT,
    "view": _TEXT,
    "path_relative": _TEXT,
    "image_sha256": _TEXT,
}
CHANGES = {
    "study_id": _TEXT,
    "subject_id": _TEXT,
    "side": _TEXT,
    "baseline_visit": _TEXT,
    "follow_up_visit": _TEXT,
    "area_baseline_mm2": _NUMBER,
    "area_month3_mm2": _NUMBER,
    "change_mm2": _NUMBER,
    "change_sd_mm2": _NUMBER,
    "change_pct": _NUMBER,
    "change_fraction": _NUMBER,
    "registration_residual_mm": _NUMBER,
    "registered_fraction": _NUMBER,
    "pose_difference_deg": _NUMBER,
    "expression_difference": _NUMBER,
    "blur_difference_mm": _NUMBER,
    "qc_status": _TEXT,
    "qc_flags": _TEXT,
}
SCARS = {
    "study_id": _TEXT,
    "subject_id": _TEXT,
    "side": _TEXT,
    "visit": _TEXT,
    "scar_id": _COUNT,
    "matched_scar_id": _COUNT,
    "fate": _TEXT,
    "area_change_mm2": _NUMBER,
    "area_change_sd_mm2": _NUMBER,
    "x_px": _NUMBER,
    "y_px": _NUMBER,
    "area_px": _NUMBER,
    "area_mm2": _NUMBER,
    "equivalent_diameter_mm": _NUMBER,
    "contrast": _NUMBER,
    "detection_probability": _NUMBER,
}
REGION_AREAS = {
    "study_id": _TEXT,
    "subject_id": _TEXT,
    "side": _TEXT,
    "visit": _TEXT,
    "region": _TEXT,
    "roi_area_mm2": _NUMBER,
    "area_mm2": _NUMBER,
    "area_fraction": _NUMBER,
    "scar_count": _COUNT,
}
FAILURES = dict.fromkeys(FailureRecord.model_fields, _TEXT)


def measurement_rows(
    study_id: str, job: PairJob, result: HalfResult, hashes: tuple[str, str]
) -> list[Row]:
    """Rows of ``measurements.csv`` for one half: each visit's own flags and the half's common."""
    visits = zip(
        (job.baseline, job.follow_up), (result.baseline, result.follow_up), hashes, strict=True
    )
    shared = set(result.flags) - set(result.baseline.flags) - set(result.follow_up.flags)
    rows = []
    for record, visit, sha256 in visits:
        names = {*visit.flags, *shared}
        rows.append(
            {
                "study_id": study_id,
                "subject_id": job.subject_id,
                "side": result.side,
                "visit": record.visit,
                "area_mm2": visit.measurement.area_mm2,
                "area_sd_mm2": visit.measurement.area_sd_mm2,
                "projected_area_mm2": visit.measurement.projected_area_mm2,
                "roi_area_mm2": visit.measurement.roi_area_mm2,
                "area_fraction": visit.measurement.area_fraction,
                "scar_count": visit.measurement.scar_count,
                "yaw_deg": visit.quality.yaw_deg,
                "pitch_deg": visit.quality.pitch_deg,
                "blur_mm": visit.quality.blur_mm,
                "exposure": visit.quality.exposure,
                "clipped_fraction": visit.quality.clipped_fraction,
                "not_measurable_fraction": sum(visit.quality.excluded.values()),
                **{f"{cause}_fraction": share for cause, share in visit.quality.excluded.items()},
                "beard_texture": visit.quality.beard_texture,
                "glasses_score": visit.quality.glasses_score,
                "mm_per_px": visit.scale.mm_per_px if visit.scale else None,
                "mm_per_px_source": visit.scale.source if visit.scale else None,
                "mm_per_px_rel_sd": visit.scale.rel_sd if visit.scale else None,
                "scales_found": str(visit.scale_choice) or None,
                "qc_status": qc_status(names),
                "qc_flags": join_flags(names),
                "captured_on": record.captured_on.isoformat() if record.captured_on else None,
                "view": record.view,
                "path_relative": record.path_relative,
                "image_sha256": sha256,
            }
        )
    return rows


def change_row(study_id: str, job: PairJob, result: HalfResult) -> Row:
    """Row of ``changes.csv`` for one half."""
    blur_mm = result.quality.blur_difference_mm
    return {
        "study_id": study_id,
        "subject_id": job.subject_id,
        "side": result.side,
        "baseline_visit": job.baseline.visit,
        "follow_up_visit": job.follow_up.visit,
        "area_baseline_mm2": result.baseline.measurement.area_mm2,
        "area_month3_mm2": result.follow_up.measurement.area_mm2,
        "change_mm2": result.change.change_mm2,
        "change_sd_mm2": result.change.change_sd_mm2,
        "change_pct": result.change.change_pct,
        "change_fraction": result.change.change_fraction,
        "registration_residual_mm": result.residual_mm,
        "registered_fraction": result.registered_fraction,
        "pose_difference_deg": result.quality.pose_difference_deg,
        "expression_difference": result.quality.expression_difference,
        "blur_difference_mm": blur_mm if result.residual_mm is not None else None,
        "qc_status": result.qc_status,
        "qc_flags": join_flags(result.flags),
    }


def region_rows(study_id: str, job: PairJob, result: HalfResult) -> list[Row]:
    """Rows of ``regions.csv`` for one half: the baseline's regions, then the follow-up's."""
    visits = ((job.baseline.visit, result.baseline), (job.follow_up.visit, result.follow_up))
    return [
        {
            "study_id": study_id,
            "subject_id": job.subject_id,
            "side": result.side,
            "visit": visit,
            "region": part.region,
            "roi_area_mm2": part.roi_area_mm2,
            "area_mm2": part.area_mm2,
            "area_fraction": part.area_fraction,
            "scar_count": part.scar_count,
        }
        for visit, measured in visits
        for part in measured.regions
    ]


def add_flag(row: Row, name: str) -> None:
    """Flag a row afterwards, status included."""
    names = {*filter(None, row["qc_flags"].split(";")), name}
    row["qc_status"] = qc_status(names)
    row["qc_flags"] = join_flags(names)


def scar_rows(study_id: str, job: PairJob, result: HalfResult) -> list[Row]:
    """Rows of ``scars.csv`` for one half: the baseline's scars, then the follow-up's."""
    partner: dict[tuple[str, int | None], tuple[int | None, ScarMatch]] = {}
    before, after = job.baseline.visit, job.follow_up.visit
    for match in result.matches:
        partner.setdefault((before, match.baseline_id), (match.follow_up_id, match))
        known = partner.get((after, match.follow_up_id))
        if known is None or _area_px(result, match.baseline_id) > _area_px(result, known[0]):
            partner[after, match.follow_up_id] = (match.baseline_id, match)
    rows = []
    for visit, measured in ((before, result.baseline), (after, result.follow_up)):
        for scar in measured.measurement.scars:
            matched, match = partner[visit, scar.scar_id]
            followed = {
                "matched_scar_id": matched,
                "fate": match.fate,
                "area_change_mm2": match.area_change_mm2,
                "area_change_sd_mm2": match.area_change_sd_mm2,
            }
            row = _scar_row(job.subject_id, result.side, visit, scar)
            rows.append({"study_id": study_id, **row, **followed})
    return rows


def _area_px(result: HalfResult, baseline_id: int | None) -> float:
    scars = result.baseline.measurement.scars
    return scars[baseline_id - 1].area_px if baseline_id else 0.0


def _scar_row(subject_id: str, side: Side, visit: str, scar: ScarMeasurement) -> Row:
    return {
        "subject_id": subject_id,
        "side": side,
        "visit": visit,
        "scar_id": scar.scar_id,
        "x_px": scar.x_px,
        "y_px": scar.y_px,
        "area_px": scar.area_px,
        "area_mm2": scar.area_mm2,
        "equivalent_diameter_mm": scar.equivalent_diameter_mm,
        "contrast": scar.contrast,
        "detection_probability": scar.detection_probability,
    }


def write_table(folder: Path, name: str, rows: Sequence[Row], columns: dict[str, str]) -> list[str]:
    """Write a table as CSV and Parquet.

    Parameters
    ----------
    folder : pathlib.Path
        OUT.
    name : str
        File name without extension.
    rows : sequence of dict
        Missing cells are empty in the CSV and null in the Parquet. Text that a spreadsheet program
        would run as a formula has ``'`` in front in the CSV.
    columns : dict
        Column name to pandas type.

    Returns
    -------
    list of str
        Names of the files written.
    """
    frame = pd.DataFrame(
        {
            column: pd.Series([row.get(column) for row in rows], dtype=cast("Any", kind))
            for column, kind in columns.items()
        }
    )
    with atomic_path(folder / f"{name}.csv", durable=True) as part:
        guarded_frame(frame).to_csv(part, index=False, lineterminator="\n", encoding="utf-8")
    with atomic_path(folder / f"{name}.parquet", durable=True) as part:
        frame.to_parquet(part, index=False)
    return [f"{name}.csv", f"{name}.parquet"]

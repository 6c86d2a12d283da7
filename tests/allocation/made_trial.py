"""Measurements as a run leaves them, made without photographs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

import scarmetrics as sm
from scarmetrics.provenance import hash_outputs, write_json, write_text
from scarmetrics.runner.rows import CHANGES, FAILURES, MEASUREMENTS, SCARS, write_table

SIDES = ("left", "right")
VISITS = ("baseline", "month3")
BASELINE_DAY = dt.date(2024, 1, 8)
Rows = list[dict[str, Any]]


def area(subject: str, side: str, visit: str) -> float:
    """Areas that differ for every half and visit, in mm²."""
    number = int("".join(char for char in subject if char.isdigit()) or 0)
    shrunk = {"baseline": 1.0, "month3": 0.6 if side == "left" else 0.8}[visit]
    return (100 + 10 * number + (3 if side == "left" else 0)) * shrunk


def measured(subject: str, side: str, **changes: Any) -> tuple[Rows, Rows]:
    """Rows of measurements.csv and changes.csv for one half."""
    values = {visit: area(subject, side, visit) for visit in VISITS}
    status = {"qc_status": "pass", "qc_flags": "flat_surface"}
    visits = [
        {
            "study_id": "trial",
            "subject_id": subject,
            "side": side,
            "visit": visit,
            "area_mm2": values[visit],
            "area_sd_mm2": 5.0,
            "projected_area_mm2": values[visit],
            "roi_area_mm2": 5000.0,
            "area_fraction": values[visit] / 5000,
            "scar_count": 12,
            "mm_per_px": 0.2,
            "mm_per_px_source": "manifest",
            "mm_per_px_rel_sd": 0.01,
            "captured_on": (BASELINE_DAY + dt.timedelta(days=91 * at)).isoformat(),
            "view": "frontal",
            "path_relative": f"{subject}/{visit}.jpg",
            "image_sha256": "0" * 64,
            **status,
            **changes,
        }
        for at, visit in enumerate(VISITS)
    ]
    change = values["month3"] - values["baseline"]
    return visits, [
        {
            "study_id": "trial",
            "subject_id": subject,
            "side": side,
            "baseline_visit": "baseline",
            "follow_up_visit": "month3",
            "area_baseline_mm2": values["baseline"],
            "area_month3_mm2": values["month3"],
            "change_mm2": change,
            "change_sd_mm2": 4.0,
            "change_pct": 100 * change / values["baseline"],
            "change_fraction": change / 5000,
            "registration_residual_mm": 0.1,
            "registered_fraction": 0.95,
            **status,
        }
    ]


def failure(subject: str, side: str = "", code: str = "registration_disagrees", **more: str) -> Any:
    row = {"subject_id": subject, "side": side, "visit": "", "path_relative": f"{subject}.jpg"}
    return {**row, "reason_code": code, "reason": f"because of {code}", "remedy": "mend it", **more}


class Made:
    """A measurement that can be changed and written again."""

    def __init__(self, out: Path, subjects: tuple[str, ...] = ("P01", "P02")) -> None:
        self.out = out
        self.config = sm.StudyConfig(study_id="trial")
        self.measurements: Rows = []
        self.changes: Rows = []
        self.failures: Rows = []
        self.started = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
        for subject in subjects:
            for side in SIDES:
                self.add(subject, side)

    def add(self, subject: str, side: str, **changes: Any) -> None:
        visits, change = measured(subject, side, **changes)
        self.measurements += visits
        self.changes += change

    def lose(self, subject: str, side: str, code: str | None = None) -> None:
        """Take a half out of the tables; with a code it is a failure."""
        half = (subject, side)
        for name in ("measurements", "changes"):
            rows = getattr(self, name)
            setattr(self, name, [r for r in rows if (r["subject_id"], r["side"]) != half])
        if code:
            self.failures.append(failure(subject, side, code))

    def write(self, *, state: str = "finished") -> Path:
        """As a run does; each call is another run."""
        out = self.out
        self.started += dt.timedelta(minutes=1)
        files = []
        for name in ("masks", "rois", "overlays"):
            (out / name).mkdir(parents=True, exist_ok=True)
        for row in self.measurements:
            for name in ("masks", "rois"):
                file = f"{name}/{row['subject_id']}_{row['side']}_{row['visit']}.png"
                (out / file).write_bytes(f"{file} {row['area_mm2']}".encode())
                files.append(file)
        for name, rows, columns in (
            ("measurements", self.measurements, MEASUREMENTS),
            ("changes", self.changes, CHANGES),
            ("scars", [], SCARS),
            ("failures", self.failures, FAILURES),
        ):
            files += write_table(out, name, rows, columns)
        resolved = self.config.recorded()
        write_text(out / "config.yaml", yaml.safe_dump(resolved, sort_keys=False))
        started = self.started.isoformat(timespec="seconds")
        write_json(
            out / "run.json",
            {
                "tool": "scarmetrics",
                "state": state,
                "version": sm.__version__,
                "config": resolved,
                "started": started,
                "ended": started,
                "counts": {"halves_measured": len(self.changes)},
                "outputs": hash_outputs(out, [*files, "config.yaml"]),
            },
        )
        return out


def write_allocation(
    path: Path, *rows: str, header: str = "subject_id,procedure,treated_side"
) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def one(frame: pd.DataFrame, **where: object) -> pd.Series:
    for column, value in where.items():
        frame = frame[frame[column] == value]
    assert len(frame) == 1, where
    return frame.iloc[0]

"""What the tests of faults share: the good subject, and a run that is asked about its faults."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from broken import Fault
from PIL import Image

import scarmetrics as sm
from scarmetrics.errors import REASONS
from scarmetrics.runner import RunSummary

CONFIG = sm.StudyConfig.model_validate(
    {"study_id": "-faults", "segmentation": {"method": "classical", "min_diameter_mm": 1.2}}
)
HEADER = "subject_id,visit,view,path,captured_on,mm_per_px,mm_per_px_rel_sd,side\n"
BEFORE = "P01,baseline,frontal,P01/baseline_frontal.jpg,2024-01-08,0.291742,0.01,left\n"
AFTER = "P01,month3,frontal,P01/month3_frontal.jpg,2024-04-08,0.290774,0.01,left\n"
GOOD = BEFORE + AFTER
CAMERA = "FAULTY CAMERA 4711"


@dataclass(frozen=True)
class Measured:
    """A finished run.

    Attributes
    ----------
    exports, out : pathlib.Path
        Its folders.
    summary : RunSummary
        What it returned.
    planned : set of (str, str)
        Subject and side of all halves that had to be measured or explained.
    """

    exports: Path
    out: Path
    summary: RunSummary
    planned: set[tuple[str, str]]

    def rows(self, table: str) -> list[dict[str, str]]:
        with (self.out / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))


def put_good(exports: Path, repository: Path) -> None:
    """The good subject, whose photographs say where they were taken and with what."""
    for source in (repository / "fixtures/images/exports").rglob("*.jpg"):
        target = exports / "P01" / source.name
        target.parent.mkdir(parents=True, exist_ok=True)
        block = Image.Exif()
        block[0x010F] = CAMERA
        block.get_ifd(0x8825).update({1: "N", 2: (35.0, 41.0, 21.0), 3: "E", 4: (51.0, 23.0, 20.0)})
        data = source.read_bytes()
        app1 = b"Exif\0\0" + block.tobytes().removeprefix(b"Exif\0\0")
        segment = b"\xff\xe1" + (len(app1) + 2).to_bytes(2, "big") + app1
        target.write_bytes(data[:2] + segment + data[2:])


def subject_of(fault: Fault) -> str:
    return "".join(c if c.isalnum() else "-" for c in fault.name).strip("-")


def check(fault: Fault, measured: Measured) -> None:
    subject = subject_of(fault)
    rows = [row for row in measured.rows("failures") if row["subject_id"] == subject]
    mine = [row for row in rows if row["reason_code"] != "missing_visit"]
    (row,) = mine
    assert row["reason_code"] == fault.reason_code
    assert row["side"] == "left" or row["visit"] == "baseline"
    assert f"{subject}/baseline.jpg" in row["path_relative"].split(";")
    assert (f"{subject}/month3.jpg" in row["path_relative"]) == fault.both
    assert fault.says in row["reason"]
    assert row["remedy"] == REASONS[fault.reason_code].remedy
    assert {r["side"] for r in rows} >= {"left"}  # the half is accounted for, not the file alone
    assert subject not in {r["subject_id"] for r in measured.rows("changes")}

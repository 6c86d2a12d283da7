"""scarmetrics demo."""

from __future__ import annotations

import csv
import shutil
import statistics
from typing import TYPE_CHECKING, Literal, NamedTuple

from scarmetrics.cli.console import make_console, number, print_failures, print_table, run_progress
from scarmetrics.config import StudyConfig
from scarmetrics.errors import UsageError
from scarmetrics.phantom import make_demo_study
from scarmetrics.provenance import write_text
from scarmetrics.runner import Study

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from scarmetrics.runner import RunSummary

_STUDY_ID = "demo"
_MARKER = "made-by-scarmetrics-demo.txt"


class TruthRow(NamedTuple):
    """One half's true areas beside the measured ones, in mm²."""

    subject_id: str
    side: str
    true_baseline: float
    baseline: float
    true_follow_up: float
    follow_up: float

    @property
    def change_error_points(self) -> float:
        """Measured less true change, in percentage points of the baseline."""
        measured = 100 * (self.follow_up - self.baseline) / self.baseline
        true = 100 * (self.true_follow_up - self.true_baseline) / self.true_baseline
        return measured - true


def run_demo(out: Path, *, workers: int | Literal["auto"], subjects: int, seed: int) -> int:
    """Make the study, measure it, print truth beside measurement, return the exit code."""
    console = make_console()
    _clear_earlier_demo(out)
    console.print(f"Making a simulated study of {subjects} patients, both halves of each scarred")
    study = make_demo_study(
        out / "study",
        n_subjects=subjects,
        seed=seed,
        progress=lambda done, total: console.print(f"  photographs of patient {done} of {total}"),
    )
    with run_progress(console) as progress:
        summary = Study(StudyConfig(study_id=_STUDY_ID)).run(
            study.exports, out=out / "results", workers=workers, progress=progress
        )
    rows = join_truth(study.truth, summary)
    _print_truth(console, rows)
    print_failures(console, summary.failures)
    console.print(
        f"{summary.halves_measured} halves measured, {summary.halves_failed} failed.\n"
        f"Look at the overlays:  {summary.out / 'overlays'}\n"
        f"Tables:                {summary.out / 'measurements.csv'}, changes.csv, scars.csv,\n"
        f"                       regions.csv\n"
        f"Photographs:           {study.exports}\n"
        f"Truth:                 {study.truth}\n"
        f"To compare the halves:   scarmetrics lock {summary.out}\n"
        f"                         scarmetrics link {summary.out} -a {study.allocation} "
        f"--questionnaires {study.questionnaires}"
    )
    return int(summary.exit_code)


def _clear_earlier_demo(out: Path) -> None:
    """Remove an earlier demo's photographs; refuse a folder that holds anything else."""
    marker = out / "study" / _MARKER
    if marker.is_file():
        shutil.rmtree(out / "study")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out.name} holds other files", "name a new or an empty folder with --out"
        )
    write_text(marker, "Simulated photographs; the next demo in this folder replaces them.\n")


def join_truth(truth: Path, summary: RunSummary) -> list[TruthRow]:
    """Measured halves with the areas that were rendered into their photographs.

    Scars are rendered in the picture and not on a curved face, so the projected areas compare.
    """
    with truth.open(encoding="utf-8", newline="") as file:
        true = {
            (row["subject_id"], row["side"], row["visit"]): float(row["true_area_mm2"])
            for row in csv.DictReader(file)
        }
    measured = {
        (row["subject_id"], row["side"], row["visit"]): row["projected_area_mm2"]
        for row in summary.measurements
    }
    halves = [(row["subject_id"], row["side"]) for row in summary.changes]
    return [
        TruthRow(
            *half,
            true[*half, "baseline"],
            measured[*half, "baseline"],
            true[*half, "month3"],
            measured[*half, "month3"],
        )
        for half in halves
    ]


def _print_truth(console: Console, rows: list[TruthRow]) -> None:
    if not rows:
        return
    print_table(
        console,
        "Scar area in the picture in mm²: true (rendered) beside measured",
        ("subject", "side", "true", "baseline", "true", "month3", "true %", "change %"),
        [
            (
                row.subject_id,
                row.side,
                number(row.true_baseline),
                number(row.baseline),
                number(row.true_follow_up),
                number(row.follow_up),
                number(100 * (row.true_follow_up / row.true_baseline - 1), 0),
                number(100 * (row.follow_up / row.baseline - 1), 0),
            )
            for row in rows
        ],
    )
    errors = [100 * (row.baseline / row.true_baseline - 1) for row in rows]
    changes = [abs(row.change_error_points) for row in rows]
    console.print(
        f"Area error at baseline: median {statistics.median(errors):+.0f} %, "
        f"range {min(errors):+.0f} to {max(errors):+.0f} %. Error of the change: median "
        f"{statistics.median(changes):.0f}, largest {max(changes):.0f} percentage points."
    )

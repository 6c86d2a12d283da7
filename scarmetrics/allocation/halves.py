"""``linked/halves.csv``: every half at every visit and its change, with what it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scarmetrics.allocation.tables import COUNT, NUMBER, TEXT
from scarmetrics.flags import FLAGS
from scarmetrics.ingest.words import natural_key
from scarmetrics.models import SIDES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scarmetrics.allocation.randomisation import Allocation, Assignment
    from scarmetrics.allocation.results import Results
    from scarmetrics.allocation.tables import Record
    from scarmetrics.models import Side

BASELINE, CHANGE = "baseline", "change"
NO_IMAGES = "no_images"

HALVES = {
    "study_id": TEXT,
    "subject_id": TEXT,
    "side": TEXT,
    "visit": TEXT,
    "treatment": TEXT,
    "procedure": TEXT,
    "captured_on": TEXT,
    "area_mm2": NUMBER,
    "area_sd_mm2": NUMBER,
    "projected_area_mm2": NUMBER,
    "area_fraction": NUMBER,
    "roi_area_mm2": NUMBER,
    "scar_count": COUNT,
    "change_mm2": NUMBER,
    "change_sd_mm2": NUMBER,
    "change_pct": NUMBER,
    "change_fraction": NUMBER,
    "registration_residual_mm": NUMBER,
    "registered_fraction": NUMBER,
    "qc_status": TEXT,
    "qc_flags": TEXT,
    "reason_code": TEXT,
    "reason": TEXT,
}
_AT_A_VISIT = (
    "captured_on",
    "area_mm2",
    "area_sd_mm2",
    "projected_area_mm2",
    "area_fraction",
    "roi_area_mm2",
    "scar_count",
    "qc_status",
    "qc_flags",
)
_OF_A_CHANGE = (
    "change_mm2",
    "change_sd_mm2",
    "change_pct",
    "change_fraction",
    "registration_residual_mm",
    "registered_fraction",
    "qc_status",
    "qc_flags",
)
_MISSING = {
    NO_IMAGES: "no photograph of this half is in the measurement",
    "no_scale": FLAGS["no_scale"].description,
    "not_measured": "the half was not measured",
}


@dataclass(frozen=True)
class Half:
    """One randomised half with what was measured of it.

    Attributes
    ----------
    assignment : Assignment
        Its subject's row of the randomisation list.
    side : {'left', 'right'}
        Which half.
    visits : tuple of (dict or None)
        Rows of ``measurements.csv`` at baseline and follow-up.
    change : dict or None
        Row of ``changes.csv``.
    reason_code, reason : str
        Why it is missing; empty where it was measured.
    """

    assignment: Assignment
    side: Side
    visits: tuple[Record | None, Record | None]
    change: Record | None
    reason_code: str = ""
    reason: str = ""

    @property
    def measured(self) -> bool:
        """Both visits and the change are there; millimetres may still be missing."""
        return self.change is not None and None not in self.visits


def join_halves(allocation: Allocation, results: Results) -> list[Half]:
    """Every half of every allocated subject, in natural order, left before right."""
    pairing = results.config.pairing
    measured = {(r["subject_id"], r["side"], r["visit"]): r for r in results.measurements}
    changes = {(r["subject_id"], r["side"]): r for r in results.changes}
    known = results.known_sides()
    halves = []
    for assignment in sorted(allocation.assignments, key=lambda a: natural_key(a.subject_id)):
        for side in SIDES:
            key = (assignment.subject_id, side)
            visits = (
                measured.get((*key, pairing.baseline_visit)),
                measured.get((*key, pairing.follow_up_visit)),
            )
            half = Half(assignment, side, visits, changes.get(key))
            if not half.measured:
                why = _why(key, results, known)
                half = Half(assignment, side, visits, changes.get(key), *why)
            halves.append(half)
    return halves


def _why(key: tuple[str, str], results: Results, known: Mapping[str, set[str]]) -> tuple[str, str]:
    """Reason codes and reasons of a half that was not measured."""
    subject_id, side = key
    if side not in known.get(subject_id, ()):
        return NO_IMAGES, _MISSING[NO_IMAGES]
    of_subject = [row for row in results.failures if row["subject_id"] == subject_id]
    own = [row for row in of_subject if row["side"] == side]
    rows = own or [row for row in of_subject if not row["side"]]
    if not rows:
        return "not_measured", _MISSING["not_measured"]
    codes = dict.fromkeys(row["reason_code"] for row in rows)
    reasons = dict.fromkeys(row["reason"] for row in rows)
    return ";".join(codes), "; ".join(reasons)


def half_rows(halves: Sequence[Half], results: Results) -> list[Record]:
    """Rows of ``halves.csv``: two visits and the change of each half, missing ones too."""
    names = (BASELINE, results.config.pairing.follow_up_visit)
    rows: list[Record] = []
    for half in halves:
        common = {
            "study_id": results.config.study_id,
            "subject_id": half.assignment.subject_id,
            "side": half.side,
            "treatment": half.assignment.treatment(half.side),
            "procedure": half.assignment.procedure,
            "reason_code": half.reason_code,
            "reason": half.reason,
        }
        for name, measured in zip(names, half.visits, strict=True):
            row = {**common, "visit": name, **_picked(measured, _AT_A_VISIT)}
            rows.append(_explained(row, "area_mm2"))
        change = {**common, "visit": CHANGE, **_picked(half.change, _OF_A_CHANGE)}
        rows.append(_explained(change, "change_mm2"))
    return rows


def _picked(row: Record | None, columns: tuple[str, ...]) -> Record:
    return {} if row is None else {column: row[column] for column in columns}


def _explained(row: Record, value: str) -> Record:
    """Where a half was measured and has no mm² all the same, say why."""
    if not row["reason_code"] and row[value] is None:
        return {**row, "reason_code": "no_scale", "reason": _MISSING["no_scale"]}
    return row

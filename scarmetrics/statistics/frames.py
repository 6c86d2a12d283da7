"""The linked tables as the analysis needs them: checked, sorted, one row per half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from scarmetrics.errors import UsageError
from scarmetrics.statistics.words import ACTIVE, CONTROL, OUTCOMES, PROCEDURES, TREATMENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

BASELINE, MONTH3, CHANGE = "baseline", "month3", "change"
KEYS = ("subject_id", "side", "visit", "treatment", "procedure")
_AREAS = ("area_mm2", "area_fraction", "roi_area_mm2", "scar_count")
_CHANGES = (*OUTCOMES, "change_sd_mm2")
_TEXT = ("study_id", "qc_status", "qc_flags", "reason")
_SHOWN = 20


@dataclass(frozen=True)
class Halves:
    """Every half that was allocated, measured or not.

    Attributes
    ----------
    table : pandas.DataFrame
        One row per half in the order of subject and treatment: ``subject_id``, ``side``,
        ``treatment``, ``procedure``, ``area_mm2`` and the like at baseline, ``area_month3_mm2``,
        the changes, ``qc_status``, ``qc_flags``, ``usable`` (whether it has a change and did not
        fail quality control) and, where not, ``lacks`` and ``reason``.
    study_id : str
    """

    table: pd.DataFrame
    study_id: str

    def pairs(self, outcome: str, halves: str, procedure: str | None = None) -> pd.DataFrame:
        """Patients with an outcome in both halves.

        Parameters
        ----------
        outcome : str
            Column of the change.
        halves : {'measured', 'pass'}
            Which halves count.
        procedure : str, optional
            Only this procedure's patients.

        Returns
        -------
        pandas.DataFrame
            By ``subject_id``: ``adsc_cm``, ``saline`` and ``procedure``.
        """
        table = self.usable(outcome, halves)
        if procedure is not None:
            table = table[table["procedure"] == procedure]
        wide = table.pivot(index="subject_id", columns="treatment", values=outcome)
        wide = wide.reindex(columns=list(TREATMENTS)).dropna()
        procedures = table.drop_duplicates("subject_id").set_index("subject_id")["procedure"]
        # an empty frame would take on every row of a column that is set
        wide["procedure"] = procedures.reindex(wide.index)
        return wide

    def usable(self, outcome: str, halves: str) -> pd.DataFrame:
        """Rows of halves that have an outcome and belong to a set of halves."""
        table = self.table
        chosen = table["usable"] & table[outcome].notna()
        if halves == "pass":
            chosen &= table["qc_status"] == "pass"
        return table[chosen]


def tidy_halves(frame: pd.DataFrame) -> Halves:
    """Check the linked table of halves and bring it to one row per half.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per half and visit (``baseline`` and one other) and one per half's ``change``, with
        treatment and procedure.

    Returns
    -------
    Halves

    Raises
    ------
    UsageError
        With every contradiction at once.
    """
    frame = _typed(frame)
    problems = list(_problems(frame))
    if problems:
        more = f"\n  ... and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        lines = "".join(f"\n  {problem}" for problem in problems[:_SHOWN])
        raise UsageError(
            f"the table of halves cannot be analysed{lines}{more}\n  remedy",
            "correct the allocation and link again",
        )
    follow_up = dict.fromkeys(_follow_ups(frame), MONTH3)  # by whatever name it has
    frame["visit"] = frame["visit"].replace(follow_up)
    by_visit = {
        visit: frame[frame["visit"] == visit].set_index(["subject_id", "treatment"])
        for visit in (BASELINE, MONTH3, CHANGE)
    }
    table = _expected(frame)
    for name in _AREAS:
        table[name] = by_visit[BASELINE][name]
    table["area_month3_mm2"] = by_visit[MONTH3]["area_mm2"]
    table["fraction_month3"] = by_visit[MONTH3]["area_fraction"]
    for name in (*_CHANGES, "qc_status", "qc_flags"):
        table[name] = by_visit[CHANGE][name]
    table[["qc_status", "qc_flags"]] = table[["qc_status", "qc_flags"]].fillna("")
    failed = table["qc_status"] == "fail"
    table["usable"] = table["change_fraction"].notna() | table["change_mm2"].notna()
    table["usable"] &= ~failed
    table["lacks"], table["reason"] = _why(table, by_visit)
    studies = sorted({text for text in frame["study_id"] if text})
    return Halves(table.reset_index(), ", ".join(studies))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    missing = [name for name in KEYS if name not in frame.columns]
    if missing:
        raise UsageError(
            f"the table of halves lacks the columns {', '.join(missing)}", "link again"
        )
    typed = pd.DataFrame(index=range(len(frame)))
    for name in (*KEYS, *_TEXT):
        column = frame[name] if name in frame.columns else pd.Series([""] * len(frame))
        typed[name] = ["" if pd.isna(cell) else str(cell) for cell in column]
    for name in (*_AREAS, *_CHANGES):
        column = frame[name] if name in frame.columns else pd.Series([np.nan] * len(frame))
        numbers = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
        typed[name] = np.where(np.isfinite(numbers), numbers, np.nan)
    # one order whatever the order of the rows, so that sums are the same to the last bit
    return typed.sort_values(list(KEYS), kind="stable").reset_index(drop=True)


def _problems(frame: pd.DataFrame) -> Iterator[str]:
    if frame.empty:
        yield "it has no row"
    for column, known in (("treatment", TREATMENTS), ("procedure", PROCEDURES)):
        for word in sorted(set(frame[column]) - set(known)):
            yield f"{column} {word!r} is not one of {', '.join(known)}"
    for _, row in frame[frame.duplicated(["subject_id", "side", "visit"])].iterrows():
        yield f"subject {row['subject_id']}: {row['side']}, {row['visit']} is there twice"
    if len(_follow_ups(frame)) > 1:
        yield f"more than one follow-up visit: {', '.join(_follow_ups(frame))}"
    for subject, rows in frame.groupby("subject_id"):
        if rows["procedure"].nunique() > 1:
            yield f"subject {subject}: more than one procedure"
        if rows["side"].nunique() > 2:
            yield f"subject {subject}: more than two sides"
        halves = rows.drop_duplicates(["side", "treatment"])
        if halves["side"].duplicated().any():
            yield f"subject {subject}: a side with both treatments"
        elif halves["treatment"].duplicated().any():
            yield f"subject {subject}: both sides have the same treatment"


def _follow_ups(frame: pd.DataFrame) -> list[str]:
    return sorted(set(frame["visit"]) - {BASELINE, CHANGE})


def _expected(frame: pd.DataFrame) -> pd.DataFrame:
    """Both halves of every patient, also one that is in no row."""
    halves = frame.drop_duplicates(["subject_id", "treatment"])
    sides = halves.set_index(["subject_id", "treatment"])["side"]
    patients = frame.drop_duplicates("subject_id").set_index("subject_id")["procedure"]
    index = pd.MultiIndex.from_product(
        [sorted(patients.index), list(TREATMENTS)], names=["subject_id", "treatment"]
    )
    table = pd.DataFrame(index=index)
    table["side"] = sides.reindex(index).fillna("")
    table["procedure"] = patients.reindex(index.get_level_values(0)).to_numpy()
    other = {ACTIVE: CONTROL, CONTROL: ACTIVE}
    mirrored = {"left": "right", "right": "left"}
    table["side"] = [
        side or mirrored.get(str(sides.get((subject, other[treatment]), "")), "")
        for subject, treatment, side in zip(
            index.get_level_values(0), index.get_level_values(1), table["side"], strict=True
        )
    ]
    return table


def _why(table: pd.DataFrame, by_visit: dict[str, pd.DataFrame]) -> tuple[list[str], list[str]]:
    lacks, reasons = [], []
    for key, half in table.iterrows():
        if half["usable"] and not np.isnan(half["change_mm2"]):
            lacks.append("")
            reasons.append("")
            continue
        absent = [
            visit
            for visit, columns in (
                (BASELINE, ["area_mm2", "area_fraction"]),
                (MONTH3, ["area_month3_mm2", "fraction_month3"]),
            )
            if half[columns].isna().all()
        ]
        if half["usable"]:
            lacks.append("mm²")
        elif half["qc_status"] == "fail":
            lacks.append("quality")
        else:
            lacks.append(" and ".join(absent) or CHANGE)
        reasons.append(_reason(key, half, [CHANGE, *absent, BASELINE, MONTH3], by_visit))
    return lacks, reasons


def _reason(
    key: Any, half: pd.Series, visits: Sequence[str], by_visit: dict[str, pd.DataFrame]
) -> str:
    tables = [by_visit[visit] for visit in visits]
    rows = [table.loc[[key]].iloc[0] for table in tables if key in table.index]
    given = [str(row["reason"]) for row in rows if row["reason"]]
    if given:
        return given[0]
    if half["qc_status"] == "fail":
        return f"failed quality control: {half['qc_flags'] or 'no flag'}"
    flags = [str(row["qc_flags"]) for row in rows if row["qc_flags"]]
    return f"flags {flags[0]}" if flags else "not in the tables"

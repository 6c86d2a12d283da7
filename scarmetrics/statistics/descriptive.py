"""What the trial's halves are: flow, baseline, what is missing, flags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scarmetrics.flags import FLAGS
from scarmetrics.statistics.means import mcnemar
from scarmetrics.statistics.records import (
    FlagCount,
    FlowStep,
    Missing,
    MissingCount,
    MissingHalf,
    PatientPair,
    Summary,
)
from scarmetrics.statistics.words import (
    ACTIVE,
    CONTROL,
    OUTCOMES,
    POOLED,
    PRIMARY,
    PROCEDURES,
    TREATMENTS,
    UNITS,
)

if TYPE_CHECKING:
    import pandas as pd

    from scarmetrics.statistics.frames import Halves

_BASELINE = (
    ("area_mm2", "scar area", "mm²"),
    ("area_fraction", "share of the skin that is scar", "fraction of skin"),
    ("roi_area_mm2", "skin measured", "mm²"),
    ("scar_count", "scars", "count"),
)
_CHANGES = tuple(
    (outcome, f"change of {label}", UNITS[outcome])
    for outcome, label in zip(
        OUTCOMES, ("scar area", "scar area, percent", "share of the skin that is scar"), strict=True
    )
)


def flow_steps(halves: Halves) -> tuple[FlowStep, ...]:
    """Patients and halves left at each step, pooled and by procedure."""
    steps = []
    for procedure in (POOLED, *PROCEDURES):
        only = None if procedure == POOLED else procedure
        table = halves.table if only is None else halves.table[halves.table["procedure"] == only]
        changed = table[table["usable"] & table[PRIMARY].notna()]
        steps.append(
            FlowStep(
                procedure=procedure,
                patients=table["subject_id"].nunique(),
                halves=len(table),
                halves_baseline=_measured(table, "area_mm2", "area_fraction"),
                halves_month3=_measured(table, "area_month3_mm2", "fraction_month3"),
                halves_changed=len(changed),
                halves_pass=int((changed["qc_status"] == "pass").sum()),
                halves_review=int((changed["qc_status"] == "review").sum()),
                pairs=len(halves.pairs(PRIMARY, "measured", only)),
                pairs_pass=len(halves.pairs(PRIMARY, "pass", only)),
            )
        )
    return tuple(steps)


def _measured(table: pd.DataFrame, *columns: str) -> int:
    return int(table[list(columns)].notna().any(axis=1).sum())


def missing_halves(halves: Halves) -> Missing:
    """Halves without the primary outcome, with reasons, and whether a treatment lost more."""
    table = halves.table
    lost = table[table["lacks"] != ""]
    groups = ["treatment", "procedure", "reason"]
    counts = lost.groupby(groups, sort=True).size().reset_index(name="halves")
    absent = (table["lacks"] != "").to_numpy(bool)
    arms = table["treatment"].to_numpy()
    columns = ["subject_id", "side", "treatment", "procedure", "lacks", "reason"]
    return Missing(
        halves=tuple(
            MissingHalf.model_validate(row) for row in lost[columns].to_dict(orient="records")
        ),
        counts=tuple(MissingCount.model_validate(row) for row in counts.to_dict(orient="records")),
        # rows go by subject, so both arrays are in the same order
        by_treatment=mcnemar(absent[arms == ACTIVE], absent[arms == CONTROL]),
    )


def summaries(halves: Halves, *, changes: bool) -> tuple[Summary, ...]:
    """Baseline values, or changes, by procedure and treatment."""
    table = halves.table
    return tuple(
        _summary(table, variable, procedure, treatment, changes=changes)
        for variable in (_CHANGES if changes else _BASELINE)
        for procedure in (POOLED, *PROCEDURES)
        for treatment in TREATMENTS
    )


def _summary(
    table: pd.DataFrame,
    variable: tuple[str, str, str],
    procedure: str,
    treatment: str,
    *,
    changes: bool,
) -> Summary:
    name, label, unit = variable
    rows = table[table["treatment"] == treatment]
    if procedure != POOLED:
        rows = rows[rows["procedure"] == procedure]
    kept = rows[rows["usable"]] if changes else rows
    x = kept[name].dropna().to_numpy(float)
    quartiles = np.quantile(x, [0.25, 0.5, 0.75]) if len(x) else None
    return Summary(
        variable=name,
        label=label,
        unit=unit,
        procedure=procedure,
        treatment=treatment,
        n=len(x),
        n_missing=len(rows) - len(x),
        mean=float(x.mean()) if len(x) else None,
        sd=float(x.std(ddof=1)) if len(x) > 1 else None,
        median=None if quartiles is None else float(quartiles[1]),
        q1=None if quartiles is None else float(quartiles[0]),
        q3=None if quartiles is None else float(quartiles[2]),
        minimum=float(x.min()) if len(x) else None,
        maximum=float(x.max()) if len(x) else None,
    )


def flag_counts(halves: Halves) -> tuple[FlagCount, ...]:
    """How often each quality flag was set, by treatment."""
    table = halves.table
    names = {
        treatment: [
            name
            for cell in table.loc[table["treatment"] == treatment, "qc_flags"]
            for name in cell.split(";")
            if name
        ]
        for treatment in TREATMENTS
    }
    return tuple(
        FlagCount(
            flag=name,
            severity=FLAGS[name].severity if name in FLAGS else "unknown",
            description=FLAGS[name].description if name in FLAGS else "",
            adsc_cm=names[ACTIVE].count(name),
            saline=names[CONTROL].count(name),
        )
        for name in sorted({*names[ACTIVE], *names[CONTROL]})
    )


def patient_pairs(halves: Halves) -> tuple[PatientPair, ...]:
    """Both halves' changes of each patient."""
    patients = []
    for subject, rows in halves.table.groupby("subject_id", sort=True):
        arms = {str(row["treatment"]): row for _, row in rows.iterrows()}
        cells = {
            f"{arm}_{outcome.removeprefix('change_')}": _number(row, outcome)
            for arm, row in arms.items()
            for outcome in OUTCOMES
        }
        patients.append(
            PatientPair.model_validate(
                {
                    "subject_id": str(subject),
                    "procedure": arms[ACTIVE]["procedure"],
                    "adsc_cm_side": arms[ACTIVE]["side"],
                    "both_pass": all(row["qc_status"] == "pass" for row in arms.values()),
                    **cells,
                }
            )
        )
    return tuple(patients)


def _number(row: pd.Series, outcome: str) -> float | None:
    value = row[outcome]
    return float(value) if row["usable"] and not np.isnan(value) else None

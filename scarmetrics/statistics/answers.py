"""Questionnaires: side effects and satisfaction, compared within patients and never imputed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scarmetrics.errors import UsageError
from scarmetrics.statistics.means import mcnemar
from scarmetrics.statistics.records import Level, Satisfaction, SatisfactionContrast, SideEffect
from scarmetrics.statistics.relabel import relabel
from scarmetrics.statistics.signedrank import signed_rank
from scarmetrics.statistics.words import (
    ACTIVE,
    CONTROL,
    LABELS,
    POOLED,
    PROCEDURES,
    TREATMENTS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

COLUMNS = (
    "subject_id", "side", "treatment", "procedure", "kind", "event", "session", "month",
    "severity", "score",
)  # fmt: skip
ANY_SESSION = "any"
_GRADES = {"none": 0.0, "mild": 1.0, "moderate": 2.0, "severe": 3.0}
_KEYS = ["kind", "event", "session", "month", "subject_id", "side"]


def tidy_answers(frame: pd.DataFrame | None) -> pd.DataFrame:
    """Check the questionnaires and give their cells types.

    Parameters
    ----------
    frame : pandas.DataFrame or None
        One row per answer. A side effect has `event`, `session` and `severity` (a number, or none,
        mild, moderate, severe); 0 says that it was asked for and not there. Satisfaction has
        `month` and `score`. `side` is empty for answers about the whole face. No row, or an empty
        severity or score, is no answer.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    UsageError
        If the frame contradicts itself or holds what is no number.
    """
    if frame is None:
        return pd.DataFrame(columns=list(COLUMNS))
    tidy = pd.DataFrame(index=range(len(frame)))
    for name in COLUMNS:
        column = frame[name] if name in frame.columns else pd.Series([""] * len(frame))
        tidy[name] = [_text(cell) for cell in column]
    problems = list(_problems(tidy))
    if problems:
        raise UsageError(
            "the questionnaires cannot be analysed\n  " + "\n  ".join(problems) + "\n  remedy",
            "correct the questionnaires and link again",
        )
    for name in ("severity", "score"):
        tidy[name] = [_grade(cell) for cell in tidy[name]]
    return tidy.sort_values(_KEYS, kind="stable").reset_index(drop=True)


def _text(cell: object) -> str:
    if cell is None or pd.isna(cell):  # type: ignore[call-overload]
        return ""
    if isinstance(cell, float | np.floating) and float(cell).is_integer():
        return str(int(cell))
    return str(cell).strip()


def _grade(cell: str) -> float:
    return _GRADES[cell.lower()] if cell.lower() in _GRADES else float(cell or "nan")


def _problems(tidy: pd.DataFrame) -> Iterator[str]:
    for word in sorted(set(tidy["kind"]) - {"side_effect", "satisfaction"}):
        yield f"kind {word!r} is neither side_effect nor satisfaction"
    for word in sorted(set(tidy["procedure"]) - set(PROCEDURES)):
        yield f"procedure {word!r} is not one of {', '.join(PROCEDURES)}"
    for word in sorted(set(tidy["treatment"]) - {*TREATMENTS, ""}):
        yield f"treatment {word!r} is not one of {', '.join(TREATMENTS)}"
    if len(tidy[(tidy["side"] != "") & (tidy["treatment"] == "")]):
        yield "an answer about one side has no treatment"
    for name in ("severity", "score"):
        for cell in sorted({cell for cell in tidy[name] if not _is_grade(cell)}):
            yield f"{name} {cell!r} is not a number"
    for _, row in tidy[tidy.duplicated(_KEYS)].iterrows():
        where = " ".join(filter(None, (row[key] for key in _KEYS)))
        yield f"answered twice: {where}"


def _is_grade(cell: str) -> bool:
    try:
        return bool(np.isfinite(_grade(cell))) or cell == ""
    except ValueError:
        return False


def side_effects(answers: pd.DataFrame, level: float) -> tuple[SideEffect, ...]:
    """Each side effect after each session, and at any session, within patients.

    A half counts as *any* by its worst answer, and only where both halves answered the same
    sessions can their worst answers be compared; sessions that one half lacks are left out of both.
    """
    asked = answers[(answers["kind"] == "side_effect") & (answers["treatment"] != "")]
    asked = asked[asked["severity"].notna()]
    found = []
    for event in sorted(asked["event"].unique()):
        rows = asked[asked["event"] == event]
        for session in (ANY_SESSION, *sorted(rows["session"].unique())):
            of_session = rows if session == ANY_SESSION else rows[rows["session"] == session]
            for procedure in (POOLED, *PROCEDURES):
                chosen = of_session
                if procedure != POOLED:
                    chosen = chosen[chosen["procedure"] == procedure]
                if len(chosen):
                    found.append(_side_effect(chosen, event, session, procedure, level))
    return tuple(found)


def _side_effect(
    rows: pd.DataFrame, event: str, session: str, procedure: str, level: float
) -> SideEffect:
    arms = rows.groupby(["subject_id", "treatment"])["severity"].max().unstack("treatment")
    arms = arms.reindex(columns=list(TREATMENTS))
    both = rows.pivot(
        index=["subject_id", "session"], columns="treatment", values="severity"
    ).reindex(columns=list(TREATMENTS))
    worst = both.dropna().groupby("subject_id").max()
    return SideEffect(
        event=event,
        session=session,
        procedure=procedure,
        procedure_label=LABELS[procedure],
        adsc_cm_answers=int(arms[ACTIVE].notna().sum()),
        saline_answers=int(arms[CONTROL].notna().sum()),
        adsc_cm_events=int((arms[ACTIVE] > 0).sum()),
        saline_events=int((arms[CONTROL] > 0).sum()),
        mcnemar=mcnemar(worst[ACTIVE] > 0, worst[CONTROL] > 0),
        severity=signed_rank(worst[ACTIVE] - worst[CONTROL], level=level),
    )


def satisfaction(answers: pd.DataFrame, level: float) -> tuple[Satisfaction, ...]:
    """Satisfaction at each month, per half and per patient, pooled and by procedure."""
    rows = _scored(answers)
    found = []
    for month in sorted(rows["month"].unique(), key=lambda text: (len(text), text)):
        for procedure in (POOLED, *PROCEDURES):
            chosen = rows[rows["month"] == month]
            if procedure != POOLED:
                chosen = chosen[chosen["procedure"] == procedure]
            faces = chosen[chosen["treatment"] == ""]
            pairs = _pairs(chosen[chosen["treatment"] != ""])
            for unit, part in (("half", chosen[chosen["treatment"] != ""]), ("patient", faces)):
                if len(part):
                    n = len(pairs) if unit == "half" else len(faces)
                    d = pairs[ACTIVE] - pairs[CONTROL]
                    medians = {
                        treatment: _median(part.loc[part["treatment"] == treatment, "score"])
                        for treatment in (*TREATMENTS, "")
                    }
                    found.append(
                        Satisfaction(
                            month=month,
                            procedure=procedure,
                            procedure_label=LABELS[procedure],
                            unit=unit,
                            n=n,
                            levels=_levels(part),
                            adsc_cm_median=medians[ACTIVE],
                            saline_median=medians[CONTROL],
                            patient_median=medians[""],
                            signed_rank=signed_rank(d, level=level) if unit == "half" else None,
                        )
                    )
    return tuple(found)


def _scored(answers: pd.DataFrame) -> pd.DataFrame:
    rows = answers[answers["kind"] == "satisfaction"]
    return rows[rows["score"].notna()]


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    wide = rows.pivot(index="subject_id", columns="treatment", values="score")
    return wide.reindex(columns=list(TREATMENTS)).dropna()


def _median(scores: pd.Series) -> float | None:
    return float(scores.median()) if len(scores) else None


def _levels(rows: pd.DataFrame) -> tuple[Level, ...]:
    return tuple(
        Level(
            value=float(value),
            adsc_cm=int(((rows["score"] == value) & (rows["treatment"] == ACTIVE)).sum()),
            saline=int(((rows["score"] == value) & (rows["treatment"] == CONTROL)).sum()),
            patient=int(((rows["score"] == value) & (rows["treatment"] == "")).sum()),
        )
        for value in sorted(rows["score"].unique())
    )


def satisfaction_contrasts(answers: pd.DataFrame) -> tuple[SatisfactionContrast, ...]:
    """Satisfaction with the whole face, one procedure against the other."""
    rows = _scored(answers)
    rows = rows[rows["treatment"] == ""]
    found = []
    for month in sorted(rows["month"].unique(), key=lambda text: (len(text), text)):
        groups = [
            rows.loc[(rows["month"] == month) & (rows["procedure"] == name), "score"].to_numpy()
            for name in PROCEDURES
        ]
        found.append(
            SatisfactionContrast(
                month=month,
                n_co2_laser=len(groups[0]),
                n_microneedling=len(groups[1]),
                ranks=relabel(*groups, ranks=True),
            )
        )
    return tuple(found)
